"""The `traffic` command from its command line to where requests arrive: API, load balancer, metrics and both sides."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from command_line.exits import FAILED, REFUSED, Stop
from operations.traffic import command, watching
from operations.traffic.preflight import QUESTIONS
from tests.cutover import amazon, rig
from tests.cutover.servers import TestServer
from tests.move.chain import Chain, build
from tests.move.elb_api import as_aws_answers
from tests.move.metrics import as_cloudwatch_tells
from tests.move.quick_traffic import QUICK

pytestmark = pytest.mark.slow
STEPS = (1, 10, 50, 100)


@pytest.fixture
def chain(
    servers: tuple[TestServer, TestServer],
    aws: tuple[amazon.Dms, str],
    environment: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Chain]:
    monkeypatch.setattr(watching, "MINUTE", 1)
    monkeypatch.setattr(command, "Limits", lambda: QUICK)
    evening = rig.build(servers[0], servers[1], aws[0])
    evening.application.stop()
    with build(evening, tmp_path) as made, as_aws_answers(made.front.health), as_cloudwatch_tells(made.metrics):
        yield made


def answered(chain: Chain) -> None:
    """Every question of the preflight has its answer."""
    given = [word for one in QUESTIONS for word in ("--answer", f"{one.id}=yes, by the lead")]
    assert chain.run("preflight", *given) == 0


def shift(chain: Chain, percent: int) -> int:
    return chain.run("shift", "--to", "aws", "--percent", str(percent), "--yes")


def at(chain: Chain, percent: int) -> None:
    """The steps up to so many per cent."""
    answered(chain)
    assert chain.run("name", "--yes") == 0
    for step in STEPS[: STEPS.index(percent) + 1] if percent else ():
        assert shift(chain, step) == 0


def test_the_whole_way_and_back_by_the_command_moves_the_requests(
    chain: Chain, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(Stop, match="questions are open"):
        chain.run("preflight")
    with pytest.raises(Stop, match="does not lead"):
        shift(chain, 1)
    answered(chain)
    before = chain.journal()
    assert chain.run("name", "--dry-run") == 0
    assert chain.journal() == before
    assert not chain.front.samples, "a dry run moved the name"
    assert chain.run("name", "--yes") == 0
    assert set(chain.clients.next()) == {"openshift"}
    assert chain.front.samples
    for percent in STEPS:
        capsys.readouterr()
        assert chain.run("shift", "--to", "aws", "--percent", str(percent), "--dry-run") == 0
        assert "elbv2.modify_rule" in capsys.readouterr().out
        version = chain.front.version
        assert shift(chain, percent) == 0
        assert chain.front.version > version
        capsys.readouterr()
        assert chain.run("status", "--json") == 0
        told = json.loads(capsys.readouterr().out)
        assert (told["percent"], told["phase"], told["step"]) == (percent, "shifting", None)
        assert {gate["verdict"] for gate in told["gates"]} == {"pass"}, told["gates"]
    assert set(chain.clients.next()) == {"aws"}
    assert chain.run("back", "--yes") == 0
    assert chain.weights() == {"openshift": 1}
    chain.front.settle()
    assert set(chain.clients.next()) == {"openshift"}
    assert chain.run("name", "--back", "--yes") == 0
    seen = len(chain.front.samples)
    chain.clients.next()
    chain.until(lambda: _quiet(chain), "the front is asked no more")
    assert seen
    assert chain.clients.failed == 0


def _quiet(chain: Chain) -> bool:
    seen = len(chain.front.samples)
    chain.clients.next(50)
    return len(chain.front.samples) == seen


def test_a_phone_with_a_cookie_comes_back_with_everybody(chain: Chain) -> None:
    at(chain, 50)
    chain.until(lambda: "aws" in chain.clients.next(50), "a request reaches AWS")
    assert chain.run("back", "--yes") == 0
    chain.front.settle()
    assert set(chain.clients.next(400)) == {"openshift"}


def test_a_side_that_fails_is_left_by_the_command_itself(chain: Chain) -> None:
    at(chain, 1)
    chain.sides["aws"].status = 500
    with pytest.raises(Stop, match=r"errors: .*The data centre serves everything again") as stop:
        shift(chain, 10)
    assert stop.value.code == REFUSED
    assert chain.weights() == {"openshift": 1}
    chain.front.settle()
    assert set(chain.clients.next()) == {"openshift"}
    assert chain.journal()[-3:] == [("shift to 10 %", "failed"), ("back", "begun"), ("back", "passed")]


def test_a_firewall_that_would_block_and_silence_and_broken_measuring(chain: Chain) -> None:
    at(chain, 0)
    chain.metrics.working = False
    with pytest.raises(Stop, match="pauses with its weights as they are") as stop:
        shift(chain, 1)
    assert stop.value.code == FAILED
    assert chain.weights() == {"openshift": 99, "aws": 1}
    chain.metrics.working = True
    assert shift(chain, 1) == 0
    chain.metrics.blocked_share = 0.5
    with pytest.raises(Stop, match="firewall"):
        shift(chain, 10)
    assert chain.weights() == {"openshift": 1}
    chain.metrics.blocked_share = 0.0
    chain.clients.stop()
    with pytest.raises(Stop, match="no data") as silent:
        shift(chain, 1)
    assert silent.value.code == REFUSED
    assert chain.weights() == {"openshift": 1}


def test_a_killed_step_is_resumed_and_a_living_one_is_left_to_its_operator(chain: Chain) -> None:
    at(chain, 0)
    words = ("shift", "--to", "aws", "--percent", "1", "--yes")
    killed = chain.start(*words)
    chain.until(lambda: "aws" in chain.weights(), "the weights change")
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    assert chain.weights() == {"openshift": 99, "aws": 1}
    assert chain.run(*words) == 0
    events = [event for step, event in chain.journal() if step == "shift to 1 %"]
    assert events.count("begun") == 1
    assert events[-1] == "passed"
    ten = ("shift", "--to", "aws", "--percent", "10", "--yes")
    living = chain.start(*ten)
    chain.until(lambda: chain.weights().get("aws") == 10, "the weights change")
    with pytest.raises(Stop, match="one operator at a time"):
        chain.run(*ten)
    assert chain.run("back", "--yes") == 0
    output = living.communicate(timeout=120)[0]
    assert living.returncode == REFUSED
    assert "another operator has taken this over" in output
    assert chain.weights() == {"openshift": 1}
