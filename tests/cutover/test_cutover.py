"""The whole evening on two real servers, under payments that never stop."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable

import pytest

from cutover.errors import RefusedError
from cutover.record import StateId
from tests.cutover.rig import Rig


def validated(rig: Rig) -> None:
    rig.application.wait_for_commits()
    rig.advance("validate")


def test_not_one_acknowledged_payment_is_lost_or_doubled_by_a_cutover_and_a_way_back(
    rig: Rig, record_property: Callable[[str, object], None]
) -> None:
    validated(rig)
    rig.advance("watch")
    rig.application.wait_for_commits()
    felt = rig.application.longest_gap()
    facts = rig.record().facts
    record_property(
        "measured",
        f"cutover: downtime {facts.downtime_seconds} s by the record, {felt:.2f} s as the application felt it",
    )
    assert rig.serving() == "target"
    assert not rig.writable("source")
    assert rig.target.run("SHOW TRIGGERS FROM softpos")
    assert not rig.source.run("SHOW TRIGGERS FROM softpos")
    gaps = len(rig.application.commits)

    assert rig.roll_back() == "rolled back"
    rig.application.wait_for_commits()
    commits = rig.application.commits[gaps:]
    back = max(later - earlier for earlier, later in itertools.pairwise(commits))
    record_property("measured", f"way back: {back:.2f} s as the application felt it")
    rig.application.stop()
    assert rig.serving() == "source"
    assert not rig.writable("target")
    assert rig.writable("source")
    assert rig.source.run("SHOW TRIGGERS FROM softpos")
    assert rig.ledger_against("source") == ([], [])


LATER = pytest.mark.slow


@pytest.mark.parametrize(
    "state",
    [
        pytest.param("prepare", marks=LATER),
        pytest.param("replicate", marks=LATER),
        pytest.param("validate", marks=LATER),
        "freeze",
        pytest.param("drain", marks=LATER),
        pytest.param("switch", marks=LATER),
    ],
)
def test_a_rollback_from_every_state_leaves_the_application_on_the_source(rig: Rig, state: str) -> None:
    rig.application.wait_for_commits()
    rig.advance(state)
    end = rig.roll_back()
    rig.application.wait_for_commits()
    rig.application.stop()
    assert end == ("replicate" if state in ("freeze", "drain") else "rolled back")
    assert rig.serving() == "source"
    assert rig.writable("source")
    assert not rig.writable("target")
    assert rig.ledger_against("source") == ([], [])
    assert rig.source.run("SHOW TRIGGERS FROM softpos")


@pytest.mark.slow
def test_a_cutover_succeeds_after_a_rollback_from_the_freeze(rig: Rig) -> None:
    validated(rig)
    rig.advance("drain")
    assert rig.roll_back() == "replicate"
    rig.application.wait_for_commits()
    rig.advance("watch")
    rig.application.wait_for_commits()
    rig.application.stop()
    assert rig.serving() == "target"
    assert rig.ledger_against("target") == ([], [])


@pytest.mark.slow
def test_a_new_attempt_after_the_full_way_back_loads_again_and_succeeds(rig: Rig) -> None:
    validated(rig)
    rig.advance("watch")
    rig.application.wait_for_commits()
    rig.roll_back()
    with pytest.raises(RefusedError, match="start --reload"):
        rig.advance("replicate")
    with rig.driver() as driver:
        driver.new_attempt()
        driver.advance(StateId.WATCH)
    rig.application.wait_for_commits()
    rig.application.stop()
    assert rig.record().attempt == 2
    assert rig.serving() == "target"
    assert rig.ledger_against("target") == ([], [])


def test_a_tampered_row_stops_the_cutover_before_the_freeze_and_is_named_by_its_key(rig: Rig) -> None:
    rig.application.wait_for_commits()
    rig.advance("replicate")
    rig.target.run("UPDATE softpos.payments SET amount = amount + 0.01 WHERE id = 7")
    with pytest.raises(RefusedError, match=r"table softpos\.payments differs in 1 rows \(different 7\)"):
        rig.advance("watch")
    assert rig.record().state == "validate"
    assert rig.writable("source")


@pytest.mark.slow
def test_a_row_tampered_behind_the_freeze_rolls_back_by_itself(rig: Rig) -> None:
    validated(rig)
    rig.advance("freeze")
    rig.target.run("DELETE FROM softpos.settlements WHERE terminal_id = 3")
    with pytest.raises(
        RefusedError, match=r"softpos\.settlements differs in 1 rows \(missing ref:[0-9a-f]{16}\).*on the source"
    ):
        rig.advance("watch")
    assert rig.record().state == "replicate"
    assert rig.serving() == "source"
    assert rig.writable("source")


@pytest.mark.slow
def test_a_table_missing_on_the_target_stops_the_cutover_before_the_freeze(rig: Rig) -> None:
    rig.application.wait_for_commits()
    rig.advance("replicate")
    rig.target.run("DROP TABLE softpos.settlements")
    with pytest.raises(RefusedError, match=r"table softpos\.settlements is missing on the target"):
        rig.advance("watch")
    assert rig.record().state == "validate"


def test_a_stalled_replication_rolls_back_when_the_budget_is_spent(rig: Rig) -> None:
    validated(rig)
    rig.forward.stalled.set()
    rig.with_limits(max_downtime_seconds=2)
    rig.application.wait_for_commits(2)
    with pytest.raises(RefusedError, match="downtime budget of 2 s is spent"):
        advance_from_freeze(rig)
    rig.forward.stalled.clear()
    rig.application.wait_for_commits()
    assert rig.serving() == "source"
    assert rig.record().state == "replicate"


def advance_from_freeze(rig: Rig) -> None:
    """Goes on behind a validation that was made before the trouble began."""
    with rig.driver() as driver:
        driver._session.enter(StateId.FREEZE)
        driver.advance(StateId.WATCH)


def test_a_lost_vpn_rolls_back_at_once_and_says_so(rig: Rig) -> None:
    validated(rig)
    rig.forward.stalled.set()
    rig.dms.tunnels = dict.fromkeys(rig.dms.tunnels, "DOWN")
    rig.application.wait_for_commits(2)
    with pytest.raises(RefusedError, match="The VPN is lost: none of its 2 tunnels is up"):
        advance_from_freeze(rig)
    rig.forward.stalled.clear()
    assert rig.writable("source")
    assert rig.serving() == "source"


@pytest.mark.slow
def test_a_failed_task_rolls_back_with_the_reason_of_dms(rig: Rig) -> None:
    validated(rig)
    rig.forward.end()
    rig.forward.status, rig.forward.failure = "failed", "Last Error Task error notification"
    with pytest.raises(RefusedError, match="The forward DMS task is failed: Last Error Task error notification"):
        advance_from_freeze(rig)
    assert rig.writable("source")


def test_a_failing_health_check_in_the_watch_brings_every_write_back_to_the_source(rig: Rig) -> None:
    validated(rig)
    rig.with_limits(watch_seconds=600)

    def break_soon() -> None:
        while rig.reverse.status != "running":
            time.sleep(0.02)
        rig.application.wait_for_commits(10)
        rig.application.broken = True

    breaker = threading.Thread(target=break_soon, daemon=True)
    breaker.start()
    with pytest.raises(
        RefusedError, match=r"watch failed 3 times in a row: the application answered 503.*on the source"
    ):
        advance_from_freeze(rig)
    breaker.join()
    rig.application.wait_for_commits()
    rig.application.stop()
    assert rig.record().state == "rolled back"
    assert rig.serving() == "source"
    assert rig.ledger_against("source") == ([], [])


@pytest.mark.slow
def test_an_application_that_never_becomes_healthy_is_rolled_back_within_the_budget(rig: Rig) -> None:
    validated(rig)
    rig.application.broken = True
    rig.with_limits(max_downtime_seconds=12)
    with pytest.raises(RefusedError, match="downtime budget of 12 s is spent"):
        rig.advance("watch")
    rig.application.wait_for_commits()
    rig.application.stop()
    assert rig.serving() == "source"
    assert rig.ledger_against("source") == ([], [])


@pytest.mark.slow
def test_a_way_back_that_would_lose_writes_leaves_the_application_on_the_target(rig: Rig) -> None:
    validated(rig)
    rig.advance("watch")
    rig.application.wait_for_commits()
    rig.reverse.stalled.set()
    rig.with_limits(max_downtime_seconds=2)
    rig.application.wait_for_commits(5)
    with pytest.raises(RefusedError, match="would lose writes, so the application stays on the target"):
        rig.roll_back()
    rig.application.wait_for_commits()
    rig.reverse.stalled.clear()
    rig.application.stop()
    assert rig.serving() == "target"
    assert rig.ledger_against("target") == ([], [])


@pytest.mark.slow
def test_a_validation_that_dms_failed_refuses_the_cutover(rig: Rig) -> None:
    rig.application.wait_for_commits()
    rig.advance("replicate")
    rig.dms.failed_rows = 2
    with pytest.raises(RefusedError, match=r"2|failed"):
        rig.advance("watch")
    assert rig.record().state == "validate"
    assert rig.writable("source")
