"""The whole move from OpenShift to AWS in small, under payments that never stop: none lost, none doubled."""

from __future__ import annotations

import pytest

from cutover.record import StateId
from tests.move.payers import Payers
from tests.move.stage import Stage, secret

Measured = list[tuple[str, object]]


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


def test_the_move_loses_and_doubles_no_payment(
    stage: Stage, payers: Payers, record_property: pytest.RecordProperty
) -> None:
    told = Told(payers)
    payers.more()
    assert told.end("beside") == 0
    stage.publish()
    payers.more()
    for percent in (10, 50):
        stage.shift(percent)
        payers.more()
    stage.back()
    payers.more()
    stage.shift(100)
    payers.more()
    assert told.end("shifting 10, 50, back, 100 per cent") == 0
    stage.stop_openshift()
    assert secret(stage)["auth"] == "password"
    stage.rig.advance(StateId.VALIDATE)
    told.begin()
    stage.rig.advance(StateId.WATCH)
    payers.more()
    told.end("cutover")
    assert "password" not in secret(stage)
    payers.stop()
    for name, line in [("moved", line) for line in told.lines]:
        record_property(name, line)
    lost, doubled = payers.against(stage.rig.target)
    record_property("moved", f"move: {len(payers.ledger)} payments, {len(lost)} lost, {len(doubled)} doubled")
    assert (lost, doubled) == ([], [])
    assert stage.aws.gates["database"].admitted > 0
