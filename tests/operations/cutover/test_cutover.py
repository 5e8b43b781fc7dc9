"""The whole evening on two real servers, under payments that never stop."""

from __future__ import annotations

from tests.operations.cutover.rig import Rig


def test_not_one_acknowledged_payment_is_lost_or_doubled_by_a_cutover(rig: Rig) -> None:
    rig.application.wait_for_commits()
    rig.advance("watch")
    rig.application.wait_for_commits()
    rig.application.stop()
    print("downtime", rig.record().facts["downtime_seconds"], "felt", round(rig.application.longest_gap(), 2))
    assert rig.serving() == "target"
    assert rig.ledger_against("target") == ([], [])
    assert not rig.writable("source")
