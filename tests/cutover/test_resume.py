"""kill -9 of the real process at every boundary, a crash at any write, and two operators at once."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from cutover.errors import LeaseLostError, RefusedError
from cutover.record import DynamoStore, Facts, Record, StateId, leased
from cutover.states import STATES
from tests.cutover.rig import Rig

ROOT = Path(__file__).parents[2]
DYING_AT_THE_WORST = ["unfinished:refuse-everybody", "unfinished:open-target"]
DYING_EVERYWHERE = [
    "entered:validate",
    "unfinished:shapes-equal",
    "unfinished:compared-live",
    "unfinished:remember-again",
    "entered:freeze",
    "unfinished:start-clock",
    "unfinished:events-off",
    "unfinished:refuse-clients",
    "unfinished:lock-source",
    "unfinished:write-marker",
    "unfinished:refuse-everybody",
    "unfinished:source-position",
    "entered:drain",
    "unfinished:forward-marker-seen",
    "unfinished:compared-frozen",
    "entered:switch",
    "unfinished:stop-forward",
    "unfinished:target-objects-on",
    "unfinished:objects-equal",
    "unfinished:target-position",
    "unfinished:open-target",
    "unfinished:point-to-target",
    "unfinished:served",
    "entered:watch",
    "unfinished:admit-replication",
    "unfinished:start-reverse",
    "unfinished:watch",
]
DYING_ON_THE_WAY_BACK = [
    "unfinished:lock-target",
    "unfinished:target-marker",
    "unfinished:reverse-marker-seen",
    "unfinished:compared-back",
    "unfinished:stop-reverse",
    "unfinished:point-to-source",
    "unfinished:source-triggers",
    "unfinished:source-triggers-equal",
    "unfinished:unlock-source",
    "unfinished:thaw",
]


@pytest.fixture
def outputs(rig: Rig, tmp_path: Path) -> Path:
    file = tmp_path / "outputs.json"
    file.write_text(json.dumps(rig.outputs))
    return file


def run_tool(point: str, outputs: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.cutover.killed", point, "cutover", *words]
    return subprocess.run(
        [*command, "--stack", "test", "--outputs", str(outputs)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=300,
        check=False,
    )


def die(rig: Rig, point: str, outputs: Path, *words: str) -> None:
    """Lets the tool die at the point. The lease that it leaves behind is made short, for the next one to wait less."""
    died = run_tool(point, outputs, *words)
    assert died.returncode == -signal.SIGKILL, f"{point}: {died.stdout}{died.stderr}"
    record = rig.record()
    assert record.lease is not None, point
    left = replace(record.lease, seconds=0.3)
    rig.store().write(replace(record, version=record.version + 1, lease=left), record.version)


def cut_over_dying(rig: Rig, outputs: Path, points: list[str]) -> None:
    rig.application.wait_for_commits()
    rig.advance("replicate")
    for point in points:
        die(rig, point, outputs, "cutover", "--yes", "--max-downtime", "9m", "--watch-for", "1s")
    done = run_tool("never", outputs, "cutover", "--yes", "--max-downtime", "9m", "--watch-for", "1s")
    assert done.returncode == 0, done.stdout + done.stderr
    rig.application.wait_for_commits()


def came_through(rig: Rig, role: str) -> None:
    rig.application.stop()
    assert rig.serving() == role
    assert rig.ledger_against(role) == ([], [])


def test_kill_9_at_the_worst_moments_and_resume_ends_in_the_same_place(rig: Rig, outputs: Path) -> None:
    cut_over_dying(rig, outputs, DYING_AT_THE_WORST)
    assert rig.record().state == "watch"
    assert rig.reverse.status == "running"
    assert not rig.writable("source")
    came_through(rig, "target")


@pytest.mark.slow
def test_kill_9_at_every_state_boundary_and_resume_loses_nothing_on_either_way(rig: Rig, outputs: Path) -> None:
    cut_over_dying(rig, outputs, DYING_EVERYWHERE)
    for point in DYING_ON_THE_WAY_BACK:
        die(rig, point, outputs, "rollback", "--yes")
    done = run_tool("never", outputs, "rollback", "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    rig.application.wait_for_commits()
    assert rig.record().state == "rolled back"
    came_through(rig, "source")


class Crash(BaseException):
    """Not an Exception: nothing in the tool may catch it."""


@pytest.mark.slow
def test_a_crash_at_any_write_of_the_record_is_resumed(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    rig.application.wait_for_commits()
    write = DynamoStore.write
    runs = 0
    rig.with_limits(max_downtime_seconds=500)

    class Counted:
        left = 0

    def counted(self: DynamoStore, record: Record, expected: int) -> None:
        if Counted.left == 0:
            raise Crash
        Counted.left -= 1
        write(self, record, expected)

    while True:
        runs += 1
        Counted.left = 2 + 3 * runs
        monkeypatch.setattr(DynamoStore, "write", counted)
        try:
            rig.advance("watch")
        except Crash:
            monkeypatch.setattr(DynamoStore, "write", write)
            record = rig.record()
            rig.store().write(replace(record, version=record.version + 1, lease=None), record.version)
        else:
            break
    assert runs > 5
    rig.application.wait_for_commits()
    came_through(rig, "target")


def test_a_second_operator_is_refused_while_the_first_works(rig: Rig) -> None:
    rig.with_limits(lease_seconds=2)
    with (
        rig.driver("alice"),
        pytest.raises(RefusedError, match="alice is working on stack test now"),
        rig.driver("bob"),
    ):
        pass


def test_a_dead_operator_is_replaced_and_cannot_act_when_it_wakes(rig: Rig) -> None:
    store = rig.store()
    with leased(store, "test", "alice", 0.5) as alice:
        alice._ended.set()  # its renewing thread stops, as on a laptop that sleeps
        alice._thread.join()
        with leased(store, "test", "bob", 30.0) as bob:
            with pytest.raises(LeaseLostError):
                alice.begin("open-target")
            bob.begin("something")
        assert rig.record().begun == ("something",)


def test_a_record_changed_by_another_process_stops_this_one(rig: Rig) -> None:
    with leased(rig.store(), "test", "alice", 30.0) as alice:
        record = rig.record()
        rig.store().write(replace(record, version=record.version + 1), record.version)
        with pytest.raises(LeaseLostError, match="Another operator has taken this migration over"):
            alice.begin("freeze")


@pytest.mark.slow
def test_an_interrupt_behind_the_freeze_goes_back_to_the_source(rig: Rig) -> None:
    rig.application.wait_for_commits()
    rig.advance("validate")
    rig.application.wait_for_commits(2)
    rig.forward.stalled.set()
    errors: list[BaseException] = []

    def interrupted() -> None:
        try:
            with rig.driver() as driver:
                driver._session.enter(StateId.FREEZE)
                step = driver._step

                def stepping(one: object, run: object) -> None:
                    if getattr(one, "name", "") == "drain the replication":
                        raise KeyboardInterrupt  # noqa: TRY301  as Ctrl-C would
                    step(one, run)  # type: ignore[arg-type]

                driver._step = stepping  # type: ignore[method-assign]
                driver.advance(StateId.WATCH)
        except BaseException as error:  # noqa: BLE001  judged below
            errors.append(error)

    thread = threading.Thread(target=interrupted)
    thread.start()
    thread.join(60)
    rig.forward.stalled.clear()
    time.sleep(0.1)
    assert isinstance(errors[0], RefusedError), errors
    assert "Interrupted by the operator" in str(errors[0])
    assert rig.writable("source")


def test_each_step_is_known_to_the_record_by_an_id_of_its_own() -> None:
    steps = {step.id: step for state in STATES.values() for step in state.steps()}
    assert len({step.name for step in steps.values()}) == len(steps)
    assert all(step == steps[step.id] for state in STATES.values() for step in state.steps() if step.id != "watch")


def test_a_record_is_read_as_it_was_written() -> None:
    facts = Facts(frozen_at=1.5, triggers={"a.b": ["CREATE"]}, served_at=None)
    record = Record(stack="test", state=StateId.HAND_BACK, done=False, facts=facts, begun=("open-target",))
    assert Record.from_json(record.to_json()) == record
