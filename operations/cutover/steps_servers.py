"""Steps on the two servers: freezing, markers, locks, triggers. Each looks at what is so before it says what to do."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from operations.cutover import marker, schema
from operations.cutover.actions import Change, Effect, Gate, Judgement, Look, Progress, Run, Statement, Wait
from operations.cutover.errors import ToolError
from operations.cutover.mysql import quoted, statement

STILL_SECONDS = 0.3
_SESSIONS = """SELECT p.ID AS id, p.USER AS account, p.COMMAND AS command FROM information_schema.PROCESSLIST p
WHERE p.ID <> CONNECTION_ID() AND p.USER {chosen}"""
_WRITERS = """SELECT DISTINCT t.trx_mysql_thread_id AS id FROM information_schema.INNODB_TRX t
JOIN information_schema.PROCESSLIST p ON p.ID = t.trx_mysql_thread_id
WHERE t.trx_mysql_thread_id <> CONNECTION_ID() AND p.USER NOT IN ({kept}) AND p.COMMAND <> 'Binlog Dump'
    AND (t.trx_rows_modified > 0 OR t.trx_rows_locked > 0)"""


def _is_on(run: Run, role: str, name: str) -> bool:
    row = run.migration.server(role).row("SHOW GLOBAL VARIABLES LIKE %s", (name,))
    return str(row.get("Value", "OFF")).upper() in ("ON", "1")


def _on_source(*texts: str | None) -> list[Effect]:
    return [Statement(role="source", text=text) for text in texts if text]


def _ours(run: Run) -> tuple[str, ...]:
    """Accounts whose sessions are never ended: this tool's, DMS's and the server's own threads."""
    migration = run.migration
    return (
        migration.source.account.username,
        migration.source_as_dms.account.username,
        migration.target.account.username,
        migration.target_as_dms.account.username,
        "system user",
        "event_scheduler",
    )


def writers(run: Run, role: str) -> list[int]:
    """Connections with a transaction that has written or locked rows, other people's only."""
    kept = _ours(run)
    text = statement(_WRITERS, kept=", ".join(["%s"] * len(kept)))
    return [int(row["id"]) for row in run.migration.server(role).rows(text, kept)]


# -- the source ------------------------------------------------------------------------------------------------------


def _grace(run: Run) -> Progress:
    left = writers(run, "source")
    began = float(run.facts.get("frozen_at", time.time()))
    over = time.time() - began >= run.limits.writer_grace_seconds
    said = f"{len(left)} transactions are open on the source"
    return Progress(done=not left or over or _is_on(run, "source", "read_only"), sentence=said)


def _kill_writers(run: Run) -> Sequence[Effect]:
    dialect = run.migration.source.dialect
    return [Statement(role="source", text=dialect.kill(number)) for number in writers(run, "source")]


def _refuse_clients(run: Run) -> Sequence[Effect]:
    if _is_on(run, "source", "read_only"):
        return []
    patience = max(1, int(run.limits.writer_grace_seconds))
    return _on_source(f"SET SESSION lock_wait_timeout = {patience}", run.migration.source.dialect.freeze_clients)


def _events_off(run: Run) -> Sequence[Effect]:
    return _on_source("SET GLOBAL event_scheduler = OFF") if _is_on(run, "source", "event_scheduler") else []


def _write_marker(run: Run) -> Sequence[Effect]:
    first = run.migration.stack.schemas[0]
    token = str(run.facts.get("forward_token", "TOKEN"))
    if marker.seen(run.migration.source, first, marker.FORWARD) == token:
        return []
    return _on_source(marker.write_statement(first, marker.FORWARD, token))


def _refuse_everybody(run: Run) -> Sequence[Effect]:
    dialect = run.migration.source.dialect
    if dialect.freeze_all is None or _is_on(run, "source", "super_read_only"):
        return []
    return _on_source(dialect.freeze_all)


def _still(run: Run, role: str) -> str:
    """The server's binary log position. Raises `ToolError` while it moves."""
    server = run.migration.server(role)
    first = server.binlog_position()
    time.sleep(STILL_SECONDS)
    second = server.binlog_position()
    if first != second:
        raise ToolError(f"The {role} is frozen and yet its binary log moves from {first} to {second}: who writes?")
    return str(second)


def _thaw(run: Run) -> Sequence[Effect]:
    dialect = run.migration.source.dialect
    effects: list[Effect] = []
    if _is_on(run, "source", "read_only") or _is_on(run, "source", "super_read_only"):
        effects += _on_source(dialect.admit_replication, dialect.thaw)
    if run.facts.get("events_were_on") and not _is_on(run, "source", "event_scheduler"):
        effects += _on_source("SET GLOBAL event_scheduler = ON")
    return effects


def _admit_replication(run: Run) -> Sequence[Effect]:
    """The reverse task writes as an ordinary client: super_read_only would stop it, and triggers would act twice."""
    dialect = run.migration.source.dialect
    effects: list[Effect] = []
    if dialect.admit_replication and _is_on(run, "source", "super_read_only"):
        effects += _on_source(dialect.admit_replication)
    return effects + _drop_triggers(run, "source")


def _drop_triggers(run: Run, role: str) -> list[Effect]:
    return [
        Statement(role=role, text=f"DROP TRIGGER {quoted(item.schema, item.name)}")
        for item in run.migration.catalogue(role).of_kind("TRIGGER")
    ]


def _make_triggers(run: Run, role: str) -> list[Effect]:
    there = {item.full_name for item in run.migration.catalogue(role).of_kind("TRIGGER")}
    known: Mapping[str, Sequence[str]] = run.facts.get("triggers", {})
    return [Statement(role=role, text=text) for name, texts in known.items() if name not in there for text in texts]


def _position_is(run: Run, role: str, fact: str) -> Judgement:
    now, then = str(run.migration.server(role).binlog_position()), str(run.facts.get(fact))
    if now == then:
        return Judgement(good=True, sentence=f"the {role}'s binary log still ends at {now}", evidence={"position": now})
    return Judgement(
        good=False, sentence=f"The {role} was written to while it was frozen: its binary log moved from {then} to {now}"
    )


LET_WRITERS_END = Wait(
    name="let open transactions end", why="they keep what they have written if they end in time", until=_grace
)
KILL_SLOW_WRITERS = Change(
    name="end slow writers", why="a long statement would hold the freeze up", effects=_kill_writers
)
REFUSE_CLIENTS = Change(
    name="refuse clients", why="read_only: no account of the application writes any more", effects=_refuse_clients
)
EVENTS_OFF = Change(
    name="stop events", why="scheduled events may run with rights that read_only lets pass", effects=_events_off
)
KILL_WRITERS = Change(
    name="end open writers", why="their commit would be refused; their locks would stay", effects=_kill_writers
)
WRITE_MARKER = Change(
    name="write the marker",
    why="the last write before the freeze: once on the target, all is there",
    effects=_write_marker,
)
REFUSE_EVERYBODY = Change(
    name="refuse everybody", why="super_read_only: this tool and DMS included", effects=_refuse_everybody
)
SOURCE_POSITION = Look(
    name="record the source's position",
    why="where the source stopped; twice the same, so nothing writes",
    read=lambda run: {"source_position": _still(run, "source")},
)
SOURCE_STAYED = Gate(
    name="check that the source stayed still",
    why="a write behind the freeze would be lost",
    judge=lambda run: _position_is(run, "source", "source_position"),
    forecast=lambda run: (
        f"would compare with the position recorded at the freeze; now {run.migration.source.binlog_position()}"
    ),
)
ADMIT_REPLICATION = Change(
    name="admit the reverse task on the source",
    why="read_only stays on: only accounts that may bypass it write; triggers would repeat what the target's did",
    effects=_admit_replication,
)
SOURCE_TRIGGERS = Change(
    name="make the source's triggers again",
    why="the application writes there again",
    effects=lambda run: _make_triggers(run, "source"),
)
THAW = Change(name="thaw the source", why="the application writes on the source again", effects=_thaw)


# -- the target ------------------------------------------------------------------------------------------------------


def _accounts(run: Run, role: str) -> list[tuple[str, bool]]:
    """The application's accounts on a server as quoted names, and whether each is locked."""
    server = run.migration.server(role)
    found = []
    for row in server.rows(
        "SELECT User AS account, Host AS host FROM mysql.user WHERE User = %s", (run.migration.application_account,)
    ):
        name = "'{}'@'{}'".format(str(row["account"]).replace("'", "''"), row["host"])
        told = str(next(iter(server.row(f"SHOW CREATE USER {name}").values())))
        found.append((name, "ACCOUNT LOCK" in told))
    return found


def _lock(run: Run) -> Sequence[Effect]:
    return [
        Statement(role="target", text=f"ALTER USER {name} ACCOUNT LOCK")
        for name, locked in _accounts(run, "target")
        if not locked
    ]


def _unlock(run: Run) -> Sequence[Effect]:
    return [
        Statement(role="target", text=f"ALTER USER {name} ACCOUNT UNLOCK")
        for name, locked in _accounts(run, "target")
        if locked
    ]


def _end_sessions(role: str) -> Change:
    def effects(run: Run) -> Sequence[Effect]:
        server = run.migration.server(role)
        rows = server.rows(statement(_SESSIONS, chosen="= %s"), (run.migration.application_account,))
        return [Statement(role=role, text=server.dialect.kill(int(row["id"]))) for row in rows]

    return Change(
        name=f"end the application's sessions on the {role}",
        why="its pools must connect anew, to where its secret points",
        effects=effects,
    )


def _sessions_gone(run: Run) -> Progress:
    rows = run.migration.target.rows(statement(_SESSIONS, chosen="= %s"), (run.migration.application_account,))
    return Progress(done=not rows, sentence=f"{len(rows)} sessions of the application are left on the target")


def _next_numbers(role: str) -> Change:
    """A table's AUTO_INCREMENT may be beyond its largest row: numbers once given are never given again."""
    other = "source" if role == "target" else "target"

    def effects(run: Run) -> Sequence[Effect]:
        given = {table.full_name: table.auto_increment or 0 for table in run.migration.catalogue(other).tables}
        return [
            Statement(role=role, text=f"ALTER TABLE {table.quoted} AUTO_INCREMENT = {given[table.full_name]}")
            for table in run.migration.catalogue(role).tables
            if table.auto_increment is not None and table.auto_increment < given.get(table.full_name, 0)
        ]

    return Change(name=f"carry AUTO_INCREMENT to the {role}", why="no number is given twice", effects=effects)


def _target_objects_on(run: Run) -> Sequence[Effect]:
    wanted: Mapping[str, str] = run.facts.get("events", {})
    effects = _make_triggers(run, "target")
    for row in run.migration.target.rows(
        "SELECT EVENT_SCHEMA AS s, EVENT_NAME AS name, STATUS AS status FROM information_schema.EVENTS"
    ):
        if wanted.get(f"{row['s']}.{row['name']}") == "ENABLED" and row["status"] != "ENABLED":
            effects.append(Statement(role="target", text=f"ALTER EVENT {quoted(row['s'], row['name'])} ENABLE"))
    return effects


def _target_objects_off(run: Run) -> Sequence[Effect]:
    effects = _drop_triggers(run, "target")
    for row in run.migration.target.rows(
        "SELECT EVENT_SCHEMA AS s, EVENT_NAME AS name, STATUS AS status FROM information_schema.EVENTS"
    ):
        if row["s"] in run.migration.stack.schemas and row["status"] == "ENABLED":
            effects.append(Statement(role="target", text=f"ALTER EVENT {quoted(row['s'], row['name'])} DISABLE"))
    return effects


def _target_marker(run: Run) -> Sequence[Effect]:
    first = run.migration.stack.schemas[0]
    token = str(run.facts.get("reverse_token", "TOKEN"))
    if marker.seen(run.migration.target, first, marker.REVERSE) == token:
        return []
    return [Statement(role="target", text=marker.write_statement(first, marker.REVERSE, token))]


def _arrived(run: Run, role: str, slot: int, fact: str) -> Progress:
    seen = marker.seen(run.migration.server(role), run.migration.stack.schemas[0], slot)
    there = seen == str(run.facts.get(fact))
    return Progress(
        done=there, sentence=f"the marker {'has arrived' if there else 'has not arrived yet'} on the {role}"
    )


def marker_arrives(role: str, slot: int, fact: str) -> Any:
    return lambda run: _arrived(run, role, slot, fact)


LOCK_TARGET = Change(
    name="lock the application's account on the target", why="nobody but DMS and this tool writes there", effects=_lock
)
OPEN_TARGET = Change(name="open the target", why="from here on the application may write there", effects=_unlock)
END_TARGET_SESSIONS = _end_sessions("target")
END_SOURCE_SESSIONS = _end_sessions("source")
TARGET_SESSIONS_GONE = Wait(
    name="see the target's sessions end", why="a killed session may still be rolling back", until=_sessions_gone
)
TARGET_NUMBERS = _next_numbers("target")
SOURCE_NUMBERS = _next_numbers("source")
TARGET_OBJECTS_ON = Change(
    name="make triggers and enable events on the target",
    why="the application needs them now",
    effects=_target_objects_on,
)
TARGET_OBJECTS_OFF = Change(
    name="drop triggers and disable events on the target", why="DMS would set them off", effects=_target_objects_off
)
TARGET_POSITION = Look(
    name="record the target's position",
    why="the reverse task starts here: before the application's first write, behind DMS's last",
    read=lambda run: {"target_position": _still(run, "target")},
)
TARGET_MARKER = Change(
    name="write the marker on the target",
    why="once on the source, every write of the target is there",
    effects=_target_marker,
)
FROZEN_TARGET_POSITION = Look(
    name="record where the target stopped",
    why="twice the same, so nothing writes",
    read=lambda run: {"frozen_target_position": _still(run, "target")},
)
TARGET_STAYED = Gate(
    name="check that the target stayed still",
    why="a write behind the lock would be lost",
    judge=lambda run: _position_is(run, "target", "frozen_target_position"),
)
SCHEMA = Change(
    name="create the schema on the target",
    why="DMS carries rows, not indexes, keys, defaults, routines or views",
    effects=lambda run: [
        Statement(role="target", text=text)
        for text in schema.statements(run.migration.source, run.migration.target, run.migration.stack.schemas)
    ],
)
