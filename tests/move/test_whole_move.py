"""The whole move from OpenShift to AWS in small, under payments that never stop: none lost, none doubled."""

from __future__ import annotations

import time

import pytest

from cutover.errors import RefusedError
from cutover.record import StateId
from tests.examples.application.phone import Phone
from tests.move.payers import Entry, Payers
from tests.move.stage import HOST, TEST_HOST, Stage, secret


class Told:
    """Figures of the move's parts, printed at the end."""

    def __init__(self, payers: Payers) -> None:
        self._payers = payers
        self.lines: list[str] = []
        self.begin()

    def begin(self) -> None:
        self._since = len(self._payers.acknowledged)
        self._failed = self._payers.failed_answers
        self._payers.longest_wait = 0

    def end(self, part: str) -> int:
        """Notes the part's figures; the answers that failed meanwhile."""
        failed = self._payers.failed_answers - self._failed
        changes = len(self._payers.acknowledged) - self._since
        gap = self._payers.longest_gap(max(self._since - 1, 0))
        self.lines.append(
            f"move, {part}: {changes} changes acknowledged, {failed} failed answers, longest gap {gap:.2f} s, "
            f"longest wait of a phone {self._payers.longest_wait:.2f} s"
        )
        self.begin()
        return failed


@pytest.fixture
def payers(stage: Stage) -> Payers:
    made = Payers(lambda: stage.record)
    made.start()
    return made


def held(stage: Stage, payers: Payers, told: Told, server: str, record_property: pytest.RecordProperty) -> None:
    """Stops the payments and holds every acknowledged one against the database that is the true one now."""
    payers.stop()
    lost, doubled = payers.against(stage.rig.server(server))
    for line in told.lines:
        record_property("moved", line)
    record_property(
        "moved",
        f"move: {len(payers.ledger)} payments, {len(lost)} lost, {len(doubled)} doubled, "
        f"{payers.logins} log-ins of {len(payers.phones)} phones",
    )
    assert (lost, doubled) == ([], [])


def test_the_move_loses_and_doubles_no_payment(
    stage: Stage, payers: Payers, record_property: pytest.RecordProperty
) -> None:
    told = Told(payers)
    payers.more()
    # Beside: the pods on AWS are seen working on the source by the test host's name, before any phone comes.
    seen = Phone("T0020", "127.0.0.1", stage.front.port, host=TEST_HOST)
    made = seen.pay(100)
    payers.ledger[made["reference"]] = Entry(100, "AUTHORISED")
    assert {sample.group for sample in stage.front.samples} == {stage.groups["aws"]}
    assert stage.record == (stage.old.address, stage.old.port)
    assert told.end("beside") == 0
    stage.publish()
    payers.more()
    # A phone that changes sides logs in once more, and finds its payment on the other side.
    changes = Phone("T0019", "127.0.0.1", stage.front.port, host=HOST)
    begun = changes.pay(200)
    for percent in (10, 50):
        stage.shift(percent)
        payers.more()
    stage.back()
    payers.more()
    stage.shift(100)
    assert changes.capture(begun["reference"])["captured"] == 200
    assert changes.logins == 2
    payers.ledger[begun["reference"]] = Entry(200, "CAPTURED")
    payers.more()
    assert told.end("shifting 10, 50, back, 100 per cent") == 0
    assert secret(stage)["auth"] == "password"
    with pytest.raises(RefusedError, match="DeploymentConfig/softpos has 1 pods"):
        stage.rig.advance(StateId.VALIDATE)
    stage.stop_openshift()
    stage.rig.advance(StateId.VALIDATE)
    told.begin()
    stage.rig.advance(StateId.WATCH)
    payers.more()
    told.end("cutover")
    assert "password" not in secret(stage)
    assert stage.aws.gates["database"].admitted > 0
    held(stage, payers, told, "target", record_property)


@pytest.mark.slow
def test_every_phase_has_a_way_back_and_the_move_goes_to_its_end(
    stage: Stage, payers: Payers, record_property: pytest.RecordProperty
) -> None:
    told = Told(payers)
    stage.publish()
    payers.more()
    for percent in (1, 10, 50):
        stage.shift(percent)
        payers.more()
        assert told.end(f"{percent} per cent on AWS") == 0
    stage.back()
    ordered = time.monotonic()
    payers.more()
    assert {sample.group for sample in stage.front.samples if sample.at > ordered} == {stage.groups["openshift"]}
    assert told.end("back to OpenShift") == 0
    stage.shift(100)
    payers.more()
    assert told.end("100 per cent on AWS") == 0
    stage.stop_openshift()
    stage.rig.advance(StateId.DRAIN)
    assert stage.rig.roll_back() == StateId.REPLICATE
    payers.more()
    told.end("way back from the freeze")
    stage.rig.advance(StateId.WATCH)
    payers.more()
    told.end("cutover")
    assert stage.rig.roll_back() == StateId.ROLLED_BACK
    payers.more()
    told.end("way back after the cutover")
    assert secret(stage)["auth"] == "password"
    stage.start_openshift()
    stage.back()
    payers.more()
    assert told.end("back to OpenShift after the way back") == 0
    stage.shift(100)
    payers.more()
    stage.stop_openshift()
    with stage.rig.driver() as driver:
        driver.new_attempt()
        driver.advance(StateId.WATCH)
    payers.more()
    told.end("second cutover")
    stage.rig.advance(StateId.COMMIT)
    stage.elb.deregister_targets(
        TargetGroupArn=stage.groups["openshift"], Targets=[{"Id": stage.old.address, "Port": stage.old.port}]
    )
    payers.more()
    assert told.end("after") == 0
    assert secret(stage)["auth"] == "iam"
    held(stage, payers, told, "target", record_property)
