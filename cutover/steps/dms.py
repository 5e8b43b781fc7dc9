"""Steps on the replication: the forward task, the reverse task, and what DMS says of its own validation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cutover.errors import RefusedError
from cutover.servers.catalogue import Table
from cutover.servers.marker import LagMeter
from cutover.servers.mysql import statement
from cutover.steps.actions import ApiCall, Change, Effect, Gate, Judgement, Progress, Run, Statement, Wait

MOVING = ("starting", "stopping", "modifying", "moving", "testing", "creating")
"""States of a task that end by themselves; nothing can be asked of it until then."""
BROKEN = ("failed", "failed-move", "deleting")
LOADED = ("Table completed",)
TABLE_BROKEN = ("Table error", "Table cancelled", "Table does not exist")
VALIDATION_BROKEN = ("Mismatched records", "Suspended records", "No primary key", "Table error", "Error")


def task(run: Run, which: str) -> Mapping[str, Any]:
    """The forward or the reverse task. Raises `RefusedError` with DMS's own reason if it has failed."""
    stack = run.migration.stack
    found = run.migration.aws.task(stack.forward_task_arn if which == "forward" else stack.reverse_task_arn)
    if found["Status"] in BROKEN:
        reason = found.get("LastFailureMessage") or found.get("StopReason") or "no reason given"
        raise RefusedError(f"The {which} DMS task is {found['Status']}: {reason}")
    return found


def _status(run: Run, which: str) -> str:
    stack = run.migration.stack
    arn = stack.forward_task_arn if which == "forward" else stack.reverse_task_arn
    return str(run.migration.aws.task(arn)["Status"])


def require_tunnel(run: Run) -> None:
    """Raises `RefusedError` when no VPN tunnel is up: nothing can arrive, so waiting would only cost downtime."""
    states = run.migration.aws.tunnels(run.migration.stack.vpn_connection_id)
    if "UP" not in states.values():
        raise RefusedError(f"The VPN is lost: none of its {len(states)} tunnels is up; replication cannot go on.")


def with_connection(until: Any, which: str) -> Any:
    """The wait `until`, ended at once when the task fails or the VPN is lost."""

    def watched(run: Run) -> Progress:
        progress: Progress = until(run)
        if not progress.done:
            task(run, which)
            require_tunnel(run)
        return progress

    return watched


def _is(which: str, *wanted: str) -> Any:
    def until(run: Run) -> Progress:
        status = str(task(run, which)["Status"])
        return Progress(done=status in wanted, sentence=f"the {which} task is {status}")

    return until


def _stopped(which: str) -> Any:
    """A task that has failed moves nothing either."""

    def until(run: Run) -> Progress:
        status = _status(run, which)
        return Progress(done=status in ("stopped", "ready", "failed"), sentence=f"the {which} task is {status}")

    return until


def _rest(which: str) -> Any:
    def until(run: Run) -> Progress:
        status = _status(run, which)
        return Progress(done=status not in MOVING, sentence=f"the {which} task is {status}")

    return until


def _start_forward(run: Run) -> Sequence[Effect]:
    status = _status(run, "forward")
    if status in ("running", "starting"):
        return []
    kind = "start-replication" if status == "ready" else "resume-processing"
    if run.facts.reload:
        kind = "reload-target"
    arguments = {"ReplicationTaskArn": run.migration.stack.forward_task_arn, "StartReplicationTaskType": kind}
    return [ApiCall(service="dms", operation="start_replication_task", arguments=arguments)]


def _resume_forward(run: Run) -> Sequence[Effect]:
    if _status(run, "forward") in ("running", "starting"):
        return []
    arguments = {
        "ReplicationTaskArn": run.migration.stack.forward_task_arn,
        "StartReplicationTaskType": "resume-processing",
    }
    return [ApiCall(service="dms", operation="start_replication_task", arguments=arguments)]


def _start_reverse(run: Run) -> Sequence[Effect]:
    found = run.migration.aws.task(run.migration.stack.reverse_task_arn)
    if found["Status"] in ("running", "starting"):
        return []
    position = run.facts.target_position or "POSITION"
    # Started before from this very position: go on after what it has applied, or rows would be applied twice.
    again = found["Status"] in ("stopped", "failed") and found.get("CdcStartPosition") == position
    arguments = {"ReplicationTaskArn": run.migration.stack.reverse_task_arn}
    if again:
        arguments |= {"StartReplicationTaskType": "resume-processing"}
    else:
        arguments |= {"StartReplicationTaskType": "start-replication", "CdcStartPosition": position}
    return [ApiCall(service="dms", operation="start_replication_task", arguments=arguments)]


def _stop(which: str) -> Any:
    def effects(run: Run) -> Sequence[Effect]:
        stack = run.migration.stack
        arn = stack.forward_task_arn if which == "forward" else stack.reverse_task_arn
        if _status(run, which) not in ("running", "starting"):
            return []
        return [ApiCall(service="dms", operation="stop_replication_task", arguments={"ReplicationTaskArn": arn})]

    return effects


def _loaded(run: Run) -> Progress:
    found = task(run, "forward")
    statistics = run.migration.aws.table_statistics(run.migration.stack.forward_task_arn)
    broken = [
        f"{item['SchemaName']}.{item['TableName']} ({item['TableState']})"
        for item in statistics
        if item.get("TableState") in TABLE_BROKEN
    ]
    if broken:
        raise RefusedError(
            f"DMS could not load {', '.join(broken)}; read the task's log, mend it and reload the table."
        )
    if found["Status"] not in ("running", "starting"):
        raise RefusedError(
            f"The forward task is {found['Status']} before the full load has ended; run `cutover start`."
        )
    percent = int(found.get("ReplicationTaskStats", {}).get("FullLoadProgressPercent", 0))
    wanted = {table.full_name for table in run.migration.catalogue("source").tables}
    loaded = {
        f"{item['SchemaName']}.{item['TableName']}" for item in statistics if item.get("TableState") in LOADED
    } & wanted
    return Progress(
        done=percent >= 100 and loaded == wanted,
        sentence=f"full load {percent} %, {len(loaded)} of {len(wanted)} tables",
        evidence={"tables": len(loaded), "rows": sum(int(item.get("FullLoadRows", 0)) for item in statistics)},
    )


def _validation(run: Run) -> Judgement:
    statistics = run.migration.aws.table_statistics(run.migration.stack.forward_task_arn)
    failed = sum(int(item.get("ValidationFailedRecords", 0)) for item in statistics)
    suspended = sum(int(item.get("ValidationSuspendedRecords", 0)) for item in statistics)
    wrong = [
        f"{item['SchemaName']}.{item['TableName']} ({item['ValidationState']})"
        for item in statistics
        if item.get("ValidationState") in VALIDATION_BROKEN
    ]
    said = f"DMS validation: {failed} failed, {suspended} suspended rows in {len(statistics)} tables"
    if wrong:
        said += f", the first of {len(wrong)} wrong tables: {wrong[0]}"
    return Judgement(
        good=not (failed or suspended or wrong), sentence=said, evidence={"failed": failed, "suspended": suspended}
    )


def _lag(run: Run) -> Judgement:
    migration = run.migration
    published = migration.aws.latency_seconds(
        migration.stack.forward_task_arn, migration.stack.replication_instance_arn
    )
    meter = LagMeter(migration.source, migration.target, migration.stack.schemas[0])
    measured = meter.catch_up(2 * run.limits.max_lag_seconds, run.still_allowed)
    most = run.limits.max_lag_seconds
    said = f"a marker took {measured:.2f} s; DMS says {'nothing yet' if published is None else f'{published:.0f} s'}"
    return Judgement(
        good=measured <= most and (published or 0) <= most,
        sentence=f"Replication lag: {said}; {most:.0f} s are allowed",
        evidence={"marker_seconds": round(measured, 3), "dms_seconds": published},
    )


def _lag_today(run: Run) -> str:
    """A dry run writes no marker: DMS's published figure serves."""
    stack = run.migration.stack
    published = run.migration.aws.latency_seconds(stack.forward_task_arn, stack.replication_instance_arn)
    told = "nothing yet" if published is None else f"{published:.0f} s"
    return f"would write a marker and time it; DMS says {told}, {run.limits.max_lag_seconds:.0f} s are allowed"


def _empty_target(run: Run) -> Sequence[Effect]:
    """Only for a reload: nothing but the application's locked-out copy is thrown away."""
    if not run.facts.reload:
        return []
    return [
        one
        for one, table in _every_truncation(run)
        if run.migration.target.rows(statement("SELECT 1 FROM {t} LIMIT 1", t=table.quoted))
    ]


def _every_truncation(run: Run) -> list[tuple[Statement, Table]]:
    return [
        (
            Statement(
                role="target",
                text=f"TRUNCATE TABLE {table.quoted}",
                session={"foreign_key_checks": "OFF"},
                table=table.full_name,
                ends_holders=True,
            ),
            table,
        )
        for table in run.migration.catalogue("target").tables
    ]


EMPTY_TARGET = Change(
    id="empty-target",
    name="empty the target",
    why="a reload begins with empty tables",
    effects=_empty_target,
    every=lambda run: [one for one, _ in _every_truncation(run)],
)
START_FORWARD = Change(
    id="start-forward", name="start the forward task", why="full load, then change capture", effects=_start_forward
)
RESUME_FORWARD = Change(
    id="resume-forward",
    name="resume the forward task",
    why="it goes on where it stopped; nothing is loaded again",
    effects=_resume_forward,
)
FORWARD_RESTS = Wait(
    id="forward-rests",
    name="let the forward task settle",
    why="a task on its way takes no order",
    until=_rest("forward"),
)
FORWARD_RUNS = Wait(
    id="forward-runs", name="see the forward task run", why="changes flow again", until=_is("forward", "running")
)
FULL_LOAD = Wait(
    id="full-load",
    name="wait for the full load",
    why="every table has arrived once",
    until=_loaded,
    longest_seconds=lambda _: 14 * 86_400,
    every_seconds=lambda limits: max(limits.poll_seconds, limits.poll_seconds * 4),
)
VALIDATION_CLEAN = Gate(
    id="validation-clean", name="ask DMS's validation", why="no failed or suspended row may be left", judge=_validation
)
LAG_SMALL = Gate(
    id="lag-small", name="measure the lag", why="the drain takes about this long", judge=_lag, forecast=_lag_today
)
STOP_FORWARD = Change(
    id="stop-forward",
    name="stop the forward task",
    why="two directions at once would chase each other",
    effects=_stop("forward"),
)
FORWARD_STOPPED = Wait(
    id="forward-stopped",
    name="see the forward task stopped",
    why="only then may the reverse task start",
    until=_stopped("forward"),
)
START_REVERSE = Change(
    id="start-reverse",
    name="start the reverse task",
    why="every write of the target goes back to the source",
    effects=_start_reverse,
)
REVERSE_RESTS = Wait(
    id="reverse-rests",
    name="let the reverse task settle",
    why="a task on its way takes no order",
    until=_rest("reverse"),
)
REVERSE_RUNS = Wait(
    id="reverse-runs", name="see the reverse task run", why="the way back is open", until=_is("reverse", "running")
)
STOP_REVERSE = Change(
    id="stop-reverse", name="stop the reverse task", why="nothing is left to carry", effects=_stop("reverse")
)
REVERSE_STOPPED = Wait(
    id="reverse-stopped",
    name="see the reverse task stopped",
    why="it must not write on a source that serves",
    until=_stopped("reverse"),
)
