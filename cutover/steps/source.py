"""Steps on the on-premises server: freeze it, mark where it stopped, admit the reverse task, thaw it."""

from __future__ import annotations

import time
from collections.abc import Sequence

from cutover.servers import marker
from cutover.steps.actions import Change, Effect, Gate, Look, Progress, Run, Statement, Wait
from cutover.steps.objects import drop_triggers
from cutover.steps.sessions import end_sessions, is_on, kills, stayed, still, writers


def _on_source(*texts: str | None) -> list[Effect]:
    return [Statement(role="source", text=text) for text in texts if text]


def _seconds_frozen(run: Run) -> float:
    return time.time() - (run.facts.frozen_at or time.time())


def _grace(run: Run) -> Progress:
    """Asks for the transactions from before the freeze only: while clients may write there is always a young one."""
    left = writers(run, "source", _seconds_frozen(run))
    over = _seconds_frozen(run) >= run.limits.writer_grace_seconds
    said = f"{len(left)} transactions from before the freeze are open on the source"
    return Progress(done=not left or over or is_on(run, "source", "read_only"), sentence=said)


def _refuse_clients(run: Run) -> Sequence[Effect]:
    if is_on(run, "source", "read_only"):
        return []
    patience = max(1, int(run.limits.writer_grace_seconds))
    return _on_source(f"SET SESSION lock_wait_timeout = {patience}", run.migration.source.dialect.freeze_clients)


def _events_off(run: Run) -> Sequence[Effect]:
    return _on_source("SET GLOBAL event_scheduler = OFF") if is_on(run, "source", "event_scheduler") else []


def _write_marker(run: Run) -> Sequence[Effect]:
    first = run.migration.stack.schemas[0]
    token = run.facts.forward_token or "TOKEN"
    if marker.seen(run.migration.source, first, marker.FORWARD) == token:
        return []
    return _on_source(marker.write_statement(first, marker.FORWARD, token))


def _refuse_everybody(run: Run) -> Sequence[Effect]:
    dialect = run.migration.source.dialect
    if dialect.freeze_all is None or is_on(run, "source", "super_read_only"):
        return []
    return _on_source(dialect.freeze_all)


def _thaw(run: Run) -> Sequence[Effect]:
    dialect = run.migration.source.dialect
    effects: list[Effect] = []
    if is_on(run, "source", "read_only") or is_on(run, "source", "super_read_only"):
        effects += _on_source(dialect.admit_replication, dialect.thaw)
    if run.facts.events_were_on and not is_on(run, "source", "event_scheduler"):
        effects += _on_source("SET GLOBAL event_scheduler = ON")
    return effects


def _admit_replication(run: Run) -> Sequence[Effect]:
    """The reverse task writes as an ordinary client: super_read_only would stop it, and triggers would act twice."""
    dialect = run.migration.source.dialect
    effects: list[Effect] = []
    if dialect.admit_replication and is_on(run, "source", "super_read_only"):
        effects += _on_source(dialect.admit_replication)
    return effects + drop_triggers(run, "source")


LET_WRITERS_END = Wait(
    id="let-writers-end",
    name="let open transactions end",
    why="they keep what they have written if they end in time",
    until=_grace,
)
KILL_SLOW_WRITERS = Change(
    id="kill-slow-writers",
    name="end slow writers",
    why="a long statement would hold the freeze up",
    effects=lambda run: kills(run, "source", writers(run, "source", _seconds_frozen(run))),
)
REFUSE_CLIENTS = Change(
    id="refuse-clients",
    name="refuse clients",
    why="read_only: no account of the application writes any more",
    effects=_refuse_clients,
)
EVENTS_OFF = Change(
    id="events-off",
    name="stop events",
    why="scheduled events may run with rights that read_only lets pass",
    effects=_events_off,
)
KILL_WRITERS = Change(
    id="kill-writers",
    name="end open writers",
    why="their commit would be refused; their locks would stay",
    effects=lambda run: kills(run, "source", writers(run, "source")),
)
WRITE_MARKER = Change(
    id="write-marker",
    name="write the marker",
    why="the last write before the freeze: once on the target, all is there",
    effects=_write_marker,
)
REFUSE_EVERYBODY = Change(
    id="refuse-everybody",
    name="refuse everybody",
    why="super_read_only: this tool and DMS included",
    effects=_refuse_everybody,
)
SOURCE_POSITION = Look(
    id="source-position",
    name="record the source's position",
    why="where the source stopped; twice the same, so nothing writes",
    read=lambda run: {"source_position": still(run, "source")},
    forecast=lambda run: f"where the source's binary log ends; now {run.migration.source.binlog_position()}",
)
SOURCE_STAYED = Gate(
    id="source-stayed",
    name="check that the source stayed still",
    why="a write behind the freeze would be lost",
    judge=lambda run: stayed(run, "source", "source_position"),
    forecast=lambda run: (
        f"would compare with the position recorded at the freeze; now {run.migration.source.binlog_position()}"
    ),
)
ADMIT_REPLICATION = Change(
    id="admit-replication",
    name="admit the reverse task on the source",
    why="read_only stays on: only accounts that may bypass it write; triggers would repeat what the target's did",
    effects=_admit_replication,
)
THAW = Change(id="thaw", name="thaw the source", why="the application writes on the source again", effects=_thaw)


END_SOURCE_SESSIONS = end_sessions("source")
