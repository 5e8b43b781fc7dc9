"""Steps that compare: live before the freeze, frozen after it, and back again."""

from __future__ import annotations

from collections.abc import Sequence

from cutover.comparison.results import Verification
from cutover.comparison.rows import Comparison
from cutover.comparison.throttle import Throttle
from cutover.record import Facts
from cutover.servers.marker import LagMeter
from cutover.steps import dms
from cutover.steps.actions import Gate, Judgement, Run

PART_OF_BUDGET = 0.6
"""Part of the downtime budget that the comparison on frozen servers may be forecast to take."""
FROZEN_MARGIN = 1.2
"""The forecast of the frozen comparison over the time that the live one's statements took."""


def _compare(run: Run, *, live: bool) -> Verification:
    migration = run.migration
    meter = LagMeter(migration.source, migration.target, migration.stack.schemas[0])
    done = 0

    def progress(rows: int) -> None:
        nonlocal done
        done += rows
        run.waiting(f"compare source and target: {done:,} rows")

    comparison = Comparison(
        migration.source,
        migration.target,
        run.limits,
        throttle=_throttle(run, meter) if live else None,
        stopped=run.still_allowed,
        catch_up=(lambda: _caught_up(meter, run)) if live else None,
        progress=progress,
    )
    return comparison.run(migration.catalogue("source"), migration.catalogue("target"))


def _throttle(run: Run, meter: LagMeter) -> Throttle:
    migration = run.migration
    servers = {"source": migration.source, "target": migration.target, **migration.replicas}
    return Throttle(servers, run.limits, meter.lag_seconds, migration.throttle_command)


def _caught_up(meter: LagMeter, run: Run) -> None:
    meter.catch_up(run.limits.drain_seconds, run.still_allowed)


def _live(run: Run) -> Judgement:
    result = _compare(run, live=True)
    return Judgement(
        good=result.equal,
        sentence=_sentence(result),
        evidence=result.evidence(),
        facts={"verified_rows": result.rows, "scan_seconds": round(result.scan_seconds, 2)},
    )


def _frozen(run: Run) -> Judgement:
    result = _compare(run, live=False)
    return Judgement(
        good=result.equal,
        sentence=_sentence(result),
        evidence=result.evidence(),
        facts={"frozen_verification": result.evidence()},
    )


def _sentence(result: Verification) -> str:
    return f"Comparison: {result.sentence()}, {result.rows_per_second:,.0f} rows/s"


def forecast_seconds(run: Run) -> float | None:
    """How long the comparison on frozen servers will take, by the speed of the live one; None before there was one."""
    seconds = run.facts.scan_seconds
    return None if seconds is None else seconds * FROZEN_MARGIN


def _fits(run: Run) -> Judgement:
    seconds = forecast_seconds(run) or 0.0
    allowed = run.limits.max_downtime_seconds * PART_OF_BUDGET
    return Judgement(
        good=seconds <= allowed,
        sentence=f"The comparison on frozen servers is forecast to take {seconds:.1f} s, and {allowed:.0f} s of the "
        f"{run.limits.max_downtime_seconds:.0f} s of downtime are meant for it; if it is more, raise --max-downtime",
        evidence={"forecast_seconds": round(seconds, 1)},
    )


def _forecast(run: Run) -> str:
    seconds = forecast_seconds(run)
    if seconds is None:
        return "would compare every row of both sides; no live comparison has been made yet to forecast the time"
    return f"would compare {run.facts.verified_rows:,} rows of both sides in about {seconds:.1f} s"


def has_rows(begun: Sequence[str], facts: Facts) -> bool:
    """Whether the target may hold rows: replication has begun, or a reload will empty it."""
    return dms.START_FORWARD.id in begun or facts.reload


def _preflight(run: Run) -> Judgement:
    # Imported here: the checks prove every statement of the table of states, which this step is a part of.
    from cutover.checks import ROOMS
    from cutover.checks.preflight import run_preflight

    result = run_preflight(run.migration, ROOMS, started=has_rows(run.begun, run.facts))
    return Judgement(good=not result.failed, sentence=f"Preflight: {result.sentence()}", evidence=result.evidence())


PREFLIGHT_CLEAN = Gate(
    id="preflight-clean", name="preflight", why="what would fail at three in the morning is found now", judge=_preflight
)
COMPARED_LIVE = Gate(
    id="compared-live",
    name="compare live",
    why="every row, throttled, while the payments go on",
    judge=_live,
    forecast=_forecast,
)
COMPARISON_FITS = Gate(
    id="comparison-fits",
    name="forecast the downtime",
    why="a budget that cannot hold is refused before anything stops",
    judge=_fits,
    forecast=_forecast,
)
COMPARED_FROZEN = Gate(
    id="compared-frozen",
    name="compare frozen",
    why="every row, counts and checksums, nothing moves",
    judge=_frozen,
    forecast=_forecast,
)
COMPARED_BACK = Gate(
    id="compared-back",
    name="compare before going back",
    why="every write of the target is on the source",
    judge=_frozen,
    forecast=_forecast,
)
