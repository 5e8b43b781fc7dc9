"""Steps on what is stored in addition to the rows: schema, triggers, events, AUTO_INCREMENT, the marker table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from cutover.servers import marker, shape
from cutover.servers.catalogue import MARKER_TABLE
from cutover.servers.definitions import Definition, from_json, read_definitions
from cutover.servers.mysql import quoted
from cutover.steps.actions import Change, Effect, Gate, Judgement, Run, Statement

SHOWN_DIFFERENCES = 5


def definitions(run: Run, role: str, *kinds: str) -> list[Definition]:
    """The stored objects of these kinds on a server now; triggers in the order in which they act."""
    migration = run.migration
    items = migration.catalogue(role).of_kind(*kinds)
    return read_definitions(migration.server(role), items, migration.stack.schemas)


def _drop(role: str, one: Definition) -> Statement:
    text = f"DROP TRIGGER {quoted(one.schema, one.name)}"
    return Statement(role=role, text=text, table=one.table, ends_holders=True)


def _create(role: str, one: Definition) -> Statement:
    return Statement(
        role=role, text=one.creating(), schema=one.schema, session=one.session, table=one.table, ends_holders=True
    )


def drop_triggers(run: Run, role: str) -> list[Effect]:
    return [_drop(role, one) for one in definitions(run, role, "TRIGGER")]


def make_triggers(run: Run, role: str) -> Iterator[Effect]:
    """Those of one table, time and event in their order: where some are there already, only what comes after them."""
    there = definitions(run, role, "TRIGGER")
    wanted = sorted(map(from_json, run.facts.triggers.values()), key=_group)
    for group, members in groupby(wanted, _group):
        ours = sorted(members, key=lambda one: one.place)
        theirs = [one for one in there if _group(one) == group]
        if [one.name for one in theirs] != [one.name for one in ours[: len(theirs)]]:
            yield from (_drop(role, one) for one in theirs)
            theirs = []
        yield from (_create(role, one) for one in ours[len(theirs) :])


def _group(one: Definition) -> tuple[str, str]:
    return one.schema, one.acts


def _next_numbers(role: str) -> Change:
    """A table's AUTO_INCREMENT may be beyond its largest row: numbers once given are never given again."""
    other = "source" if role == "target" else "target"

    def number(quoted_name: str, full_name: str, value: int) -> Statement:
        text = f"ALTER TABLE {quoted_name} AUTO_INCREMENT = {value}"
        return Statement(role=role, text=text, table=full_name, ends_holders=True)

    def effects(run: Run) -> Sequence[Effect]:
        given = {table.full_name: table.auto_increment or 0 for table in run.migration.catalogue(other).tables}
        return [
            number(table.quoted, table.full_name, given[table.full_name])
            for table in run.migration.catalogue(role).tables
            if table.auto_increment is not None and table.auto_increment < given.get(table.full_name, 0)
        ]

    def every(run: Run) -> Sequence[Effect]:
        tables = run.migration.catalogue("source").tables
        return [number(one.quoted, one.full_name, one.auto_increment) for one in tables if one.auto_increment]

    return Change(
        id=f"{role}-numbers",
        name=f"carry AUTO_INCREMENT to the {role}",
        why="no number is given twice",
        effects=effects,
        every=every,
    )


def _turn(one: Definition, word: str) -> Statement:
    """Names the definer and the session: ALTER EVENT would put this tool's own in their place."""
    definer = f"DEFINER = {one.definer} " if one.definer else ""
    text = f"ALTER {definer}EVENT {quoted(one.schema, one.name)} {word}"
    return Statement(role="target", text=text, schema=one.schema, session=one.session)


def _target_objects_on(run: Run) -> Sequence[Effect]:
    wanted = run.facts.events
    enabled = [
        _turn(one, "ENABLE")
        for one in definitions(run, "target", "EVENT")
        if wanted.get(one.full_name) == "ENABLED" and one.status != "ENABLED"
    ]
    return [*make_triggers(run, "target"), *enabled]


def _target_objects_off(run: Run) -> Sequence[Effect]:
    disabled = [_turn(one, "DISABLE") for one in definitions(run, "target", "EVENT") if one.status == "ENABLED"]
    return [*drop_triggers(run, "target"), *disabled]


def every_trigger(run: Run, role: str) -> list[Effect]:
    """All statements that make and drop the source's triggers on a server."""
    known = definitions(run, "source", "TRIGGER") or [from_json(told) for told in run.facts.triggers.values()]
    return [statement(role, one) for one in known for statement in (_create, _drop)]


def _every_target_object(run: Run) -> Sequence[Effect]:
    events = definitions(run, "source", "EVENT")
    return [*every_trigger(run, "target"), *(_turn(one, word) for one in events for word in ("ENABLE", "DISABLE"))]


def _marker_tables(run: Run) -> Sequence[Effect]:
    first = run.migration.stack.schemas[0]
    ask = "SELECT 1 FROM information_schema.TABLES WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s"
    return [
        one for one in _every_marker_table(run) if not run.migration.server(one.role).rows(ask, (first, MARKER_TABLE))
    ]


def _every_marker_table(run: Run) -> list[Statement]:
    text = marker.table_statement(run.migration.stack.schemas[0])
    return [Statement(role=role, text=text) for role in ("source", "target")]


def _schema(run: Run) -> Sequence[Effect]:
    migration = run.migration
    made = shape.creations(migration.source, migration.target, migration.stack.schemas)
    return [Statement(role="target", text=one.text, schema=one.schema, session=one.session) for one in made]


def _shapes(run: Run, serving: str) -> Judgement:
    migration = run.migration
    shapes = [shape.read_shape(migration.server(role), migration.stack.schemas) for role in ("source", "target")]
    return _judged(shape.compare(*shapes, serving=serving), "make the same change on the target, or undo it")


def _objects(run: Run) -> Judgement:
    """Only the stored objects: the tables' shapes were compared just before the freeze."""
    kinds = ("TRIGGER", "EVENT", "PROCEDURE", "FUNCTION", "VIEW")
    shapes = [
        shape.Shape(
            tables={}, stored={f"{one.kind.lower()} {one.full_name}": one for one in definitions(run, role, *kinds)}
        )
        for role in ("source", "target")
    ]
    return _judged(shape.compare(*shapes, serving="both"), "mend it on the target")


def _source_triggers(run: Run) -> Judgement:
    wanted = {f"trigger {name}": from_json(told) for name, told in run.facts.triggers.items()}
    there = {f"trigger {one.full_name}": one for one in definitions(run, "source", "TRIGGER")}
    found = shape.compare(shape.Shape(tables={}, stored=there), shape.Shape(tables={}, stored=wanted), serving="both")
    return _judged(found, "make the source's triggers as they were before the switch")


def _judged(found: Sequence[shape.SchemaDifference], remedy: str) -> Judgement:
    if not found:
        return Judgement(good=True, sentence="tables, triggers, events, routines and views are the same on both sides")
    told = "; ".join(map(str, found[:SHOWN_DIFFERENCES]))
    more = f", and {len(found) - SHOWN_DIFFERENCES} more" if len(found) > SHOWN_DIFFERENCES else ""
    return Judgement(
        good=False,
        sentence=f"The schemas differ in {len(found)} things: {told}{more}; {remedy}",
        evidence={"differences": [one.name for one in found]},
    )


MARKER_TABLES = Change(
    id="marker-tables",
    name="create the marker table",
    why="one small table on both servers that shows what has been applied",
    effects=_marker_tables,
    every=_every_marker_table,
)
TARGET_NUMBERS = _next_numbers("target")
SOURCE_NUMBERS = _next_numbers("source")
SOURCE_TRIGGERS = Change(
    id="source-triggers",
    name="make the source's triggers again",
    why="no account of the application writes there before they act again",
    effects=lambda run: list(make_triggers(run, "source")),
    every=lambda run: every_trigger(run, "source"),
)
TARGET_OBJECTS_ON = Change(
    id="target-objects-on",
    name="make triggers and enable events on the target",
    why="the application needs them now",
    effects=_target_objects_on,
    every=_every_target_object,
)
TARGET_OBJECTS_OFF = Change(
    id="target-objects-off",
    name="drop triggers and disable events on the target",
    why="DMS would set them off",
    effects=_target_objects_off,
    every=_every_target_object,
)
SCHEMA = Change(
    id="schema",
    name="create the schema on the target",
    why="DMS carries rows, not indexes, keys, defaults, routines or views",
    effects=_schema,
)
SHAPES_EQUAL = Gate(
    id="shapes-equal",
    name="compare the schemas",
    why="a change of the schema in the weeks of replication is on the source only",
    judge=lambda run: _shapes(run, "source"),
)
SHAPES_STAYED = Gate(
    id="shapes-stayed",
    name="compare the schemas again",
    why="the comparison of the rows took its time",
    judge=lambda run: _shapes(run, "source"),
)
OBJECTS_EQUAL = Gate(
    id="objects-equal",
    name="compare triggers, events, routines and views",
    why="each must act on the target as it did on the source: order, definer, time zone, modes",
    judge=_objects,
    forecast=lambda _: "would compare every stored object on both sides",
)
SOURCE_TRIGGERS_EQUAL = Gate(
    id="source-triggers-equal",
    name="compare the source's triggers with those from before the switch",
    why="each must act as it did",
    judge=_source_triggers,
    forecast=lambda _: "would compare every trigger with the one that the record holds",
)
