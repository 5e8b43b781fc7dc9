"""Steps on what is stored beside the rows: schema, triggers, events, AUTO_INCREMENT, the marker table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cutover.servers import marker, schema
from cutover.servers.catalogue import MARKER_TABLE
from cutover.servers.mysql import Row, quoted
from cutover.steps.actions import Change, Effect, Run, Statement

_EVENTS = "SELECT EVENT_SCHEMA AS s, EVENT_NAME AS name, STATUS AS status FROM information_schema.EVENTS"


def events(run: Run, role: str) -> list[Row]:
    """The events of the schemas that move: `s`, `name`, `status`."""
    rows = run.migration.server(role).rows(_EVENTS)
    return [row for row in rows if row["s"] in run.migration.stack.schemas]


def drop_triggers(run: Run, role: str) -> list[Effect]:
    return [
        Statement(role=role, text=f"DROP TRIGGER {quoted(item.schema, item.name)}")
        for item in run.migration.catalogue(role).of_kind("TRIGGER")
    ]


def make_triggers(run: Run, role: str) -> list[Effect]:
    there = {item.full_name for item in run.migration.catalogue(role).of_kind("TRIGGER")}
    known: Mapping[str, Sequence[str]] = run.facts.triggers
    return [Statement(role=role, text=text) for name, texts in known.items() if name not in there for text in texts]


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

    return Change(
        id=f"{role}-numbers",
        name=f"carry AUTO_INCREMENT to the {role}",
        why="no number is given twice",
        effects=effects,
    )


def _target_objects_on(run: Run) -> Sequence[Effect]:
    wanted: Mapping[str, str] = run.facts.events
    enabled = [
        Statement(role="target", text=f"ALTER EVENT {quoted(row['s'], row['name'])} ENABLE")
        for row in events(run, "target")
        if wanted.get(f"{row['s']}.{row['name']}") == "ENABLED" and row["status"] != "ENABLED"
    ]
    return [*make_triggers(run, "target"), *enabled]


def _target_objects_off(run: Run) -> Sequence[Effect]:
    disabled = [
        Statement(role="target", text=f"ALTER EVENT {quoted(row['s'], row['name'])} DISABLE")
        for row in events(run, "target")
        if row["status"] == "ENABLED"
    ]
    return [*drop_triggers(run, "target"), *disabled]


def _marker_tables(run: Run) -> Sequence[Effect]:
    first = run.migration.stack.schemas[0]
    ask = "SELECT 1 FROM information_schema.TABLES WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s"
    return [
        Statement(role=role, text=marker.table_statement(first))
        for role in ("source", "target")
        if not run.migration.server(role).rows(ask, (first, MARKER_TABLE))
    ]


MARKER_TABLES = Change(
    id="marker-tables",
    name="create the marker table",
    why="one small table on both servers that shows what has been applied",
    effects=_marker_tables,
)
TARGET_NUMBERS = _next_numbers("target")
SOURCE_NUMBERS = _next_numbers("source")
SOURCE_TRIGGERS = Change(
    id="source-triggers",
    name="make the source's triggers again",
    why="the application writes there again",
    effects=lambda run: make_triggers(run, "source"),
)
TARGET_OBJECTS_ON = Change(
    id="target-objects-on",
    name="make triggers and enable events on the target",
    why="the application needs them now",
    effects=_target_objects_on,
)
TARGET_OBJECTS_OFF = Change(
    id="target-objects-off",
    name="drop triggers and disable events on the target",
    why="DMS would set them off",
    effects=_target_objects_off,
)
SCHEMA = Change(
    id="schema",
    name="create the schema on the target",
    why="DMS carries rows, not indexes, keys, defaults, routines or views",
    effects=lambda run: [
        Statement(role="target", text=text)
        for text in schema.statements(run.migration.source, run.migration.target, run.migration.stack.schemas)
    ],
)
