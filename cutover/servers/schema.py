"""The schema that DMS does not carry: what to create on the target, and how the two servers differ now.

Statements come from the source's own `SHOW CREATE`. Triggers wait until the switch, because DMS applies rows as an
ordinary client and a trigger would do its work twice; events are created disabled for the same reason.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cutover.errors import ToolError
from cutover.servers.catalogue import MARKER_TABLE, Catalogue, StoredObject, read_catalogue
from cutover.servers.mysql import Server, quoted, statement

_DISPLAY_WIDTH = re.compile(r"\b(tinyint|smallint|mediumint|int|bigint|year)\(\d+\)")
_NEXT_NUMBER = re.compile(r" AUTO_INCREMENT=\d+")
SHOW_COLUMN = {
    "TRIGGER": "SQL Original Statement",
    "EVENT": "Create Event",
    "PROCEDURE": "Create Procedure",
    "FUNCTION": "Create Function",
    "VIEW": "Create View",
}
_COLUMNS = """SELECT TABLE_SCHEMA AS s, TABLE_NAME AS t, COLUMN_NAME AS c, ORDINAL_POSITION AS n, COLUMN_TYPE AS type,
    IS_NULLABLE AS nullable, COLUMN_DEFAULT AS preset, EXTRA AS extra,
    COLLATION_NAME AS sorting
FROM information_schema.COLUMNS WHERE TABLE_SCHEMA IN ({schemas})
    AND TABLE_NAME NOT IN (SELECT TABLE_NAME FROM information_schema.VIEWS WHERE TABLE_SCHEMA IN ({schemas}))"""
_INDEXES = """SELECT TABLE_SCHEMA AS s, TABLE_NAME AS t, INDEX_NAME AS i, NON_UNIQUE AS many,
    GROUP_CONCAT(CONCAT(COLUMN_NAME, COALESCE(CONCAT('(', SUB_PART, ')'), '')) ORDER BY SEQ_IN_INDEX) AS parts
FROM information_schema.STATISTICS WHERE TABLE_SCHEMA IN ({schemas}) GROUP BY 1, 2, 3, 4"""
_FOREIGN_KEYS = """SELECT k.TABLE_SCHEMA AS s, k.TABLE_NAME AS t, k.CONSTRAINT_NAME AS i,
    GROUP_CONCAT(k.COLUMN_NAME ORDER BY k.ORDINAL_POSITION) AS mine, MAX(k.REFERENCED_TABLE_NAME) AS other,
    GROUP_CONCAT(k.REFERENCED_COLUMN_NAME ORDER BY k.ORDINAL_POSITION) AS theirs,
    MAX(r.UPDATE_RULE) AS on_update, MAX(r.DELETE_RULE) AS on_delete
FROM information_schema.KEY_COLUMN_USAGE k JOIN information_schema.REFERENTIAL_CONSTRAINTS r
    ON r.CONSTRAINT_SCHEMA = k.CONSTRAINT_SCHEMA AND r.CONSTRAINT_NAME = k.CONSTRAINT_NAME
WHERE k.REFERENCED_TABLE_NAME IS NOT NULL AND k.TABLE_SCHEMA IN ({schemas}) GROUP BY 1, 2, 3"""


def shape(server: Server, schemas: Sequence[str]) -> dict[str, str]:
    """Everything that makes up the schemas: each thing's name and what it is, spelled alike on all flavours."""
    wanted = ", ".join(["%s"] * len(schemas))

    def ask(text: str) -> list[dict[str, object]]:
        return server.rows(statement(text, schemas=wanted), tuple(schemas) * text.count("{schemas}"))

    found: dict[str, str] = {}
    for row in ask(_COLUMNS):
        kind = _DISPLAY_WIDTH.sub(r"\1", _text(row["type"]))
        extra = str(row["extra"]).upper().replace("DEFAULT_GENERATED", "").replace("()", "").strip()
        preset = _preset(row["preset"])
        found[f"column {row['s']}.{row['t']}.{row['c']}"] = " ".join(
            part
            for part in (str(row["n"]), kind, str(row["sorting"] or ""), f"null {row['nullable']}", preset, extra)
            if part
        )
    for row in ask(_INDEXES):
        found[f"index {row['s']}.{row['t']}.{row['i']}"] = f"{'' if row['many'] else 'unique '}({_text(row['parts'])})"
    for row in ask(_FOREIGN_KEYS):
        found[f"foreign key {row['s']}.{row['t']}.{row['i']}"] = (
            f"({_text(row['mine'])}) to {row['other']} ({_text(row['theirs'])}) "
            f"on update {row['on_update']} on delete {row['on_delete']}"
        )
    found = {name: told for name, told in found.items() if f".{MARKER_TABLE}." not in name}
    for item in read_catalogue(server, schemas).stored:
        # A view is told with or without its schema's name, as the session's own schema happens to be.
        text = re.sub(r"\s+", " ", definition(server, item)).replace(quoted(item.schema) + ".", "")
        text = re.sub(r" (ENABLE|DISABLE)( ON SLAVE| ON REPLICA)? DO ", " DO ", text)
        found[f"{item.kind.lower()} {item.full_name}"] = hashlib.sha256(text.encode()).hexdigest()[:12]
    return found


@dataclass(frozen=True, kw_only=True)
class SchemaDifference:
    name: str
    source: str
    """Empty: only the target has it."""
    target: str


def compare(source: dict[str, str], target: dict[str, str]) -> list[SchemaDifference]:
    return [
        SchemaDifference(name=name, source=source.get(name, ""), target=target.get(name, ""))
        for name in sorted({*source, *target})
        if source.get(name) != target.get(name)
    ]


def definition(server: Server, item: StoredObject) -> str:
    """The statement that creates the object. Raises `ToolError` if the account may not see it."""
    row = server.row(statement("SHOW CREATE {kind} {name}", kind=item.kind, name=quoted(item.schema, item.name)))
    text = row.get(SHOW_COLUMN[item.kind])
    if not text:
        raise ToolError(
            f"The {server.role} account may not read {item.kind} {item.full_name}; grant SHOW_ROUTINE or SELECT."
        )
    return str(text)


def creating(server: Server, item: StoredObject) -> list[str]:
    """Statements that create the object in its own schema and with its own sql_mode."""
    row = server.row(statement("SHOW CREATE {kind} {name}", kind=item.kind, name=quoted(item.schema, item.name)))
    text = definition(server, item)
    if item.kind == "EVENT":
        text = re.sub(
            r" (ENABLE|DISABLE)( ON SLAVE| ON REPLICA)? (COMMENT '.*?' )?DO ", r" DISABLE \3DO ", text, count=1
        )
    mode = str(row.get("sql_mode") or "")
    return [f"USE {quoted(item.schema)}", f"SET SESSION sql_mode = '{mode}'", text, "SET SESSION sql_mode = ''"]


def statements(source: Server, target: Server, schemas: Sequence[str]) -> list[str]:
    """What is still to be created on the target. Empty when nothing is missing; triggers are never among it."""
    mine, theirs = read_catalogue(source, schemas), read_catalogue(target, schemas)
    there = {table.full_name for table in theirs.tables} | {(item.kind, item.full_name) for item in theirs.stored}
    made = [*_databases(source, target, schemas)]
    tables = [table for table in mine.tables if table.full_name not in there]
    if tables:
        made.append("SET SESSION foreign_key_checks = 0")
    for table in tables:
        text = str(source.row(statement("SHOW CREATE TABLE {t}", t=table.quoted))["Create Table"])
        text = _NEXT_NUMBER.sub("", text)
        made.append(text.replace("CREATE TABLE ", f"CREATE TABLE {quoted(table.schema)}.", 1))
    if tables:
        made.append("SET SESSION foreign_key_checks = 1")
    for item in _in_order(source, mine):
        if (item.kind, item.full_name) not in there:
            made += creating(source, item)
    return made


def trigger_statements(source: Server, catalogue: Catalogue) -> dict[str, list[str]]:
    """The triggers' creating statements by name: kept in the record, as they are dropped and made again."""
    return {item.full_name: creating(source, item) for item in catalogue.of_kind("TRIGGER")}


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
            yield f"CREATE DATABASE {quoted(schema)} CHARACTER SET {mine['letters']} COLLATE {mine['sorting']}"


def _in_order(source: Server, catalogue: Catalogue) -> list[StoredObject]:
    """Routines, then views behind the views that they read, then events."""
    views = list(catalogue.of_kind("VIEW"))
    texts = {view.full_name: definition(source, view) for view in views}
    ordered: list[StoredObject] = []
    while views:
        names = {view.full_name: quoted(view.schema, view.name) for view in views}
        free = [
            view
            for view in views
            if not any(name in texts[view.full_name] for other, name in names.items() if other != view.full_name)
        ] or views
        ordered += free
        views = [view for view in views if view not in free]
    return [*catalogue.of_kind("PROCEDURE", "FUNCTION"), *ordered, *catalogue.of_kind("EVENT")]


def _preset(value: object) -> str:
    """A default as both flavours mean it: MariaDB quotes texts and writes current_timestamp()."""
    text = "" if value is None else _text(value)
    if text.upper() == "NULL" or not text:
        return ""
    return "default " + text.strip("'").replace("()", "").lower()


def _text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
