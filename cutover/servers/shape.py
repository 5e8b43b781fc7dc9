"""The schemas' shape on both servers: what `SHOW CREATE` tells of every table and stored object, and how it differs.

Expressions of generated columns, CHECK constraints, partitions, functional, descending, invisible and fulltext indexes
are all part of what the server tells of a table, so nothing of it has to be known here.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from cutover.errors import ToolError
from cutover.servers.catalogue import Catalogue, StoredObject, Table, read_catalogue
from cutover.servers.definitions import SEEN_AS, Definition, read_definitions
from cutover.servers.mysql import Server, quoted, statement

_DISPLAY_WIDTH = re.compile(r"\b(smallint|mediumint|int|bigint|year)\(\d+\)|\b(tinyint)\((?!1\))\d+\)")
_NEXT_NUMBER = re.compile(r" AUTO_INCREMENT=\d+")
_LETTERS = re.compile(r" (?:DEFAULT )?(?:CHARACTER SET|CHARSET|COLLATE)[ =]\w+")
"""Told apart by version where they are the default; the catalogue tells the collation itself."""
_OWN_LETTERS = re.compile(
    r"^(\s*`((?:[^`]|``)+)` \w+(?:\((?:[^()']|'(?:[^']|'')*')*\))? CHARACTER SET \w+)(?! COLLATE)\b", re.MULTILINE
)
_TABLE_LETTERS = re.compile(r"(\n\) [^'\n]*?DEFAULT CHARSET=\w+)(?! COLLATE)\b")
_INDEX = re.compile(r"(?:(\w+) )?KEY `((?:[^`]|``)+)`")
_CONSTRAINT = re.compile(r"CONSTRAINT `((?:[^`]|``)+)` (FOREIGN KEY|CHECK)")
_COLUMN = re.compile(r"`((?:[^`]|``)+)` (.*)", re.DOTALL)
SHOWN_LETTERS = 120


def table_parts(table: Table, text: str) -> dict[str, str]:
    """The parts of a `SHOW CREATE TABLE`: each thing's name, and what it is, spelled alike on all versions."""
    body, _, options = text.partition("(\n")[2].rpartition("\n)")
    collations = {column.name: column.collation for column in table.columns}
    found: dict[str, str] = {}
    number = 0
    for line in body.split(",\n"):
        part = line.strip()
        if column := _COLUMN.match(part):
            number += 1
            name = column[1].replace("``", "`")
            kind = _DISPLAY_WIDTH.sub(r"\1\2", column[2])
            kind = _LETTERS.sub("", kind, count=2)
            letters = f" ({collations[name]})" if collations.get(name) else ""
            found[f"column {table.full_name}.{name}"] = f"{number} {kind}{letters}"
        elif constraint := _CONSTRAINT.match(part):
            kind = "foreign key" if constraint[2] == "FOREIGN KEY" else "check"
            found[f"{kind} {table.full_name}.{constraint[1]}"] = part.partition("` ")[2]
        elif part.startswith("PRIMARY KEY"):
            found[f"index {table.full_name}.PRIMARY"] = part
        elif index := _INDEX.match(part):
            found[f"index {table.full_name}.{index[2]}"] = part
        else:
            found[f"clause {table.full_name}.{part.split(' ')[0]}"] = part
    options, _, partitions = options.partition("PARTITION BY")
    options = re.sub(r"/\*!\d+\s*$", "", _LETTERS.sub("", _NEXT_NUMBER.sub("", options)))
    found[f"options {table.full_name}"] = f"{' '.join(options.split())} ({table.collation})"
    if partitions:
        found[f"partitions {table.full_name}"] = " ".join(partitions.replace("*/", "").split())
    return found


@dataclass(frozen=True, kw_only=True)
class Shape:
    """The schemas on one server."""

    tables: Mapping[str, str]
    """Columns, indexes, constraints, options and partitions by name."""
    stored: Mapping[str, Definition]
    """Triggers, events, routines and views by kind and name."""


def read_shape(server: Server, schemas: Sequence[str]) -> Shape:
    catalogue = read_catalogue(server, schemas)
    tables: dict[str, str] = {}
    for table in catalogue.tables:
        tables |= table_parts(table, _creating(server, table))
    stored = read_definitions(server, catalogue.stored, schemas)
    return Shape(tables=tables, stored={f"{one.kind.lower()} {one.full_name}": one for one in stored})


@dataclass(frozen=True, kw_only=True)
class SchemaDifference:
    name: str
    source: str
    """Empty: only the target has it."""
    target: str

    def __str__(self) -> str:
        if not self.target:
            return f"{self.name} is missing on the target"
        if not self.source:
            return f"{self.name} is on the target only"
        return f"{self.name} differs: source {self.source}, target {self.target}"


WAITING = ("trigger", "event")
"""Kinds that are switched off on the side that does not serve: triggers are not there, events are disabled."""


def compare(source: Shape, target: Shape, *, serving: str = "source") -> list[SchemaDifference]:
    """How the shapes differ. `serving`: the side on which triggers are and events run; `both` compares them as well."""
    found = []
    for name in sorted({*source.tables, *target.tables}):
        mine, theirs = source.tables.get(name, ""), target.tables.get(name, "")
        if mine != theirs:
            found.append(SchemaDifference(name=name, source=mine[:SHOWN_LETTERS], target=theirs[:SHOWN_LETTERS]))
    for name in sorted({*source.stored, *target.stored}):
        one, other = source.stored.get(name), target.stored.get(name)
        kind = name.split(" ")[0]
        if kind == "trigger" and serving != "both" and other is None:
            continue
        parts = [] if one is None or other is None else one.differing(other)
        if kind == "event" and serving != "both":
            parts = [part for part in parts if part != SEEN_AS["status"]]
        if one is None or other is None or parts:
            found.append(SchemaDifference(name=name, source=_told(one, parts), target=_told(other, parts)))
    return found


def _told(one: Definition | None, parts: Sequence[str]) -> str:
    """An object by what differs; by a digest of its text where that is what differs."""
    if one is None:
        return ""
    digest = hashlib.sha256(one.text.encode()).hexdigest()[:12]
    values = {told: getattr(one, part) for part, told in SEEN_AS.items()} | {"statement": digest}
    return ", ".join(f"{part} {values[part]}" for part in parts) or digest


@dataclass(frozen=True, kw_only=True)
class Creation:
    """One statement that creates something on the target, and the session that it needs."""

    text: str
    schema: str = ""
    session: Mapping[str, str]


def creations(source: Server, target: Server, schemas: Sequence[str]) -> list[Creation]:
    """What is still to be created on the target. Empty when nothing is missing; triggers are never among it."""
    mine, theirs = read_catalogue(source, schemas), read_catalogue(target, schemas)
    there = {table.full_name for table in theirs.tables} | {(item.kind, item.full_name) for item in theirs.stored}
    made = [Creation(text=text, session={}) for text in _databases(source, target, schemas)]
    for table in mine.tables:
        if table.full_name not in there:
            text = _NEXT_NUMBER.sub("", with_collations(table, _creating(source, table)))
            made.append(Creation(text=text, schema=table.schema, session={"foreign_key_checks": "OFF"}))
    for one in _in_order(source, mine, schemas):
        if (one.kind, one.full_name) not in there:
            made.append(Creation(text=one.creating(), schema=one.schema, session=one.session))
    return made


def with_collations(table: Table, text: str) -> str:
    """A `SHOW CREATE TABLE` that names each collation: where it names none, a later version has another default.

    MySQL 5.7 means utf8mb4_general_ci, 8.0 and later mean utf8mb4_0900_ai_ci: other texts are then equal, and a unique
    key refuses rows that the source holds.
    """
    collations = {column.name: column.collation for column in table.columns}

    def named(found: re.Match[str]) -> str:
        return f"{found[1]} COLLATE {collations[found[2].replace('``', '`')]}"

    text = _OWN_LETTERS.sub(named, text)
    return _TABLE_LETTERS.sub(rf"\1 COLLATE={table.collation}", text, count=1) if table.collation else text


def _creating(server: Server, table: Table) -> str:
    return str(server.row(statement("SHOW CREATE TABLE {t}", t=table.quoted))["Create Table"])


def _databases(source: Server, target: Server, schemas: Sequence[str]) -> Iterator[str]:
    for schema in schemas:
        ask = (
            "SELECT DEFAULT_CHARACTER_SET_NAME AS letters, DEFAULT_COLLATION_NAME AS sorting "
            "FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = %s"
        )
        mine = source.row(ask, (schema,))
        if not mine:
            raise ToolError(f"The source has no schema {schema}; name the right schemas in the stack's settings.")
        if not target.row(ask, (schema,)):
            letters = f"CHARACTER SET {mine['letters']} COLLATE {mine['sorting']}"
            yield f"CREATE DATABASE IF NOT EXISTS {quoted(schema)} {letters}"


def _in_order(source: Server, catalogue: Catalogue, schemas: Sequence[str]) -> list[Definition]:
    """Routines, then views after the views that they read, then events."""
    views = read_definitions(source, catalogue.of_kind("VIEW"), schemas)
    ordered: list[Definition] = []
    while views:
        names = {view.full_name: quoted(view.name) for view in views}
        free = [
            view
            for view in views
            if not any(name in view.text for other, name in names.items() if other != view.full_name)
        ] or views
        ordered += free
        views = [view for view in views if view not in free]
    routines: tuple[StoredObject, ...] = catalogue.of_kind("PROCEDURE", "FUNCTION")
    return [
        *read_definitions(source, routines, schemas),
        *ordered,
        *read_definitions(source, catalogue.of_kind("EVENT"), schemas),
    ]
