"""The command line: refusals are one sentence each, before anything is asked of AWS."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from command_line.exits import BAD_INPUT, REFUSED, Stop
from operations import commands
from operations.traffic.delegation import require_delegated
from operations.traffic.preflight import QUESTIONS, read_answers, require_preflight
from operations.traffic.stack import from_outputs
from tests.operations.traffic.site import STACK, Place


class Resolver:
    """What a resolver finds for any zone."""

    def __init__(self, *servers: str) -> None:
        self.found = set(servers)

    def servers(self, _zone: str) -> set[str]:
        return self.found


def outputs_file(directory: Path, **changes: Any) -> str:
    file = directory / "outputs.json"
    file.write_text(json.dumps(changes))
    return str(file)


@pytest.mark.parametrize("percent", ["0", "2", "-1", "101", "ten", "10.0", "010", ""])
def test_a_percentage_that_is_no_step_is_refused(percent: str, tmp_path: Path) -> None:
    given = ["traffic", "shift", "--to", "aws", f"--percent={percent}", "--stack", STACK]
    with pytest.raises(Stop, match="1, 10, 50, 100") as stop:
        commands.run([*given, "--outputs", outputs_file(tmp_path)])
    assert stop.value.code == BAD_INPUT


@pytest.mark.parametrize("phase", ["none", "beside", "after"])
@pytest.mark.parametrize("words", [["shift", "--to", "aws", "--percent", "1"], ["back"], ["name"], ["preflight"]])
def test_traffic_moves_only_while_the_live_stack_shifts(phase: str, words: list[str], tmp_path: Path) -> None:
    file = outputs_file(tmp_path, migrationPhase=phase, traffic={})
    with pytest.raises(Stop, match=f"in phase '{phase}'") as stop:
        commands.run(["traffic", *words, "--stack", STACK, "--outputs", file])
    assert stop.value.code == REFUSED


def test_the_status_tells_the_phase_in_which_nothing_moves(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = outputs_file(tmp_path, migrationPhase="beside", traffic={})
    assert commands.run(["traffic", "status", "--stack", STACK, "--outputs", file]) == 0
    assert "phase 'beside'" in capsys.readouterr().out


def test_each_output_that_is_missing_or_wrong_is_a_line(place: Place) -> None:
    outputs = copy.deepcopy(place.outputs)
    del outputs["traffic"]["zone_id"]
    outputs["traffic"]["rules"] = [{"arn": "x"}]
    outputs["traffic"]["cookie_seconds"] = "many"
    outputs["migration"]["state_table_name"] = ""
    with pytest.raises(Stop) as stop:
        from_outputs(STACK, outputs)
    assert stop.value.code == BAD_INPUT
    named = {line.partition(":")[0] for line in stop.value.lines}
    assert named == {"traffic.zone_id", "traffic.rules", "traffic.cookie_seconds", "migration.state_table_name"}


def test_a_zone_that_is_not_delegated_stops_the_move(place: Place) -> None:
    name = place.site().name
    _, right, _ = name.zone()
    require_delegated(name, Resolver(*right))  # type: ignore[arg-type]
    for found in ((), ("ns.elsewhere.example.net",), tuple(right)[:1]):
        with pytest.raises(Stop, match="not delegated") as stop:
            require_delegated(name, Resolver(*found))  # type: ignore[arg-type]
        assert stop.value.code == REFUSED


def test_the_name_waits_for_every_answer_of_a_person(place: Place) -> None:
    site = place.site()
    names: Any = Resolver(*site.name.zone()[1])
    answers = {one.id: "yes, by the lead" for one in QUESTIONS}
    require_preflight(site, names, answers)
    for one in QUESTIONS:
        with pytest.raises(Stop, match=one.id):
            require_preflight(site, names, {**answers, one.id: ""})


@pytest.mark.parametrize("given", ["pins", "pins=", "unknown=yes", "=yes"])
def test_an_answer_to_no_question_is_refused(given: str) -> None:
    with pytest.raises(Stop, match="ID=TEXT") as stop:
        read_answers([given])
    assert stop.value.code == BAD_INPUT
