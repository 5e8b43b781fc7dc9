"""Steps on the on-premises server: freeze it, mark where it stopped, admit the reverse task, thaw it."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence

from cutover.servers import marker
from cutover.servers.mysql import LOCK_SECONDS
from cutover.steps import accounts
from cutover.steps.actions import Change, Effect, Gate, Look, Progress, Run, Statement, Wait
from cutover.steps.objects import drop_triggers, every_trigger
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
    return [] if is_on(run, "source", "read_only") else _every_refusal(run)


def _every_refusal(run: Run) -> list[Effect]:
    """Waits for statements that write and for LOCK TABLES. It ends none of them: the freeze can be tried again."""
    return [
        Statement(
            role="source",
            text=run.migration.source.dialect.freeze_clients,
            tries=math.ceil(run.limits.writer_grace_seconds / LOCK_SECONDS),
            advice="or give it more time by --grace",
        )
    ]


def _events_off(run: Run) -> Sequence[Effect]:
    return _every_event_off(run) if is_on(run, "source", "event_scheduler") else []


def _every_event_off(_run: Run) -> list[Effect]:
    return _on_source("SET GLOBAL event_scheduler = OFF")


def _write_marker(run: Run) -> Sequence[Effect]:
    first = run.migration.stack.schemas[0]
    token = run.facts.forward_token or "TOKEN"
    if marker.seen(run.migration.source, first, marker.FORWARD) == token:
        return []
    return _every_marker(run)


def _every_marker(run: Run) -> list[Effect]:
    token = run.facts.forward_token or "TOKEN"
    return _on_source(marker.write_statement(run.migration.stack.schemas[0], marker.FORWARD, token))


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
    effects += _on_source(*persisted(run))
    if run.facts.events_were_on and not is_on(run, "source", "event_scheduler"):
        effects += _on_source("SET GLOBAL event_scheduler = ON")
    return effects


def persisted(run: Run) -> list[str]:
    """Statements that take back what the freeze made outlive a restart: nothing of it is left on an open source."""
    server = run.migration.source
    if not server.dialect.survives_restart:
        return []
    rows = server.rows("SELECT VARIABLE_NAME AS name FROM performance_schema.persisted_variables")
    kept = {str(row["name"]) for row in rows}
    return [f"RESET PERSIST IF EXISTS {name}" for name in FROZEN_BY if name in kept]


def _every_thaw(run: Run) -> list[Effect]:
    dialect = run.migration.source.dialect
    resets = [f"RESET PERSIST IF EXISTS {name}" for name in FROZEN_BY] if dialect.survives_restart else []
    return _on_source(dialect.admit_replication, dialect.thaw, *resets, "SET GLOBAL event_scheduler = ON")


def _unlock(run: Run) -> Sequence[Effect]:
    """Only those that were open before the freeze. super_read_only would refuse ALTER USER; read_only stays on."""
    if not run.facts.source_accounts:
        return []
    locked = accounts.unlock(run, "source", *run.facts.source_accounts)
    frozen = locked and is_on(run, "source", "super_read_only")
    return [*_on_source(run.migration.source.dialect.admit_replication if frozen else None), *locked]


def _admit_replication(run: Run) -> Sequence[Effect]:
    """The reverse task writes as an ordinary client: super_read_only would stop it, and triggers would act twice."""
    dialect = run.migration.source.dialect
    effects: list[Effect] = []
    if dialect.admit_replication and is_on(run, "source", "super_read_only"):
        effects += _on_source(dialect.admit_replication)
    return effects + drop_triggers(run, "source")


FROZEN_BY = ("read_only", "super_read_only")

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
    every=lambda _: [],
)
REFUSE_CLIENTS = Change(
    id="refuse-clients",
    name="refuse clients",
    why="read_only: no account of the application writes any more",
    effects=_refuse_clients,
    every=_every_refusal,
)
EVENTS_OFF = Change(
    id="events-off",
    name="stop events",
    why="scheduled events may run with rights that read_only lets pass",
    effects=_events_off,
    every=_every_event_off,
)
KILL_WRITERS = Change(
    id="kill-writers",
    name="end open writers",
    why="their commit would be refused; their locks would stay",
    effects=lambda run: kills(run, "source", writers(run, "source")),
    every=lambda _: [],
)
WRITE_MARKER = Change(
    id="write-marker",
    name="write the marker",
    why="the last write before the freeze: once on the target, all is there",
    effects=_write_marker,
    every=_every_marker,
)
REFUSE_EVERYBODY = Change(
    id="refuse-everybody",
    name="refuse everybody",
    why="super_read_only: this tool and DMS included",
    effects=_refuse_everybody,
    every=lambda run: _on_source(run.migration.source.dialect.freeze_all),
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
    why="a write after the freeze would be lost",
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
    every=lambda run: [
        *_on_source(run.migration.source.dialect.admit_replication),
        *every_trigger(run, "source"),
    ],
)
THAW = Change(
    id="thaw",
    name="thaw the source",
    why="the application writes on the source again",
    effects=_thaw,
    every=_every_thaw,
)


LOCK_SOURCE = Change(
    id="lock-source",
    name="lock the application's account on the source",
    why="an account that may write through read_only, by itself or by a role, begins no new session",
    effects=lambda run: accounts.lock(run, "source"),
    every=lambda run: accounts.every(run, "source"),
)
UNLOCK_SOURCE = Change(
    id="unlock-source",
    name="unlock the application's account on the source",
    why="it may connect again, and writes once read_only is off",
    effects=_unlock,
    every=lambda run: accounts.every(run, "source"),
)
END_SOURCE_SESSIONS = end_sessions("source")
