"""Preflight of the tables' keys and of columns that DMS does not carry as they are."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import count

from cutover.checks.aws import removes
from cutover.checks.preflight import WARN, Evening, Observation, Room, require
from cutover.errors import ToolError
from cutover.servers.catalogue import FLOATS, Column, Table
from cutover.servers.mysql import quoted, statement

room = Room("schema")
FROM_SCHEMA = re.compile(r"(?:from|join)\s+\(*`((?:[^`]|``)+)`\.`", re.IGNORECASE)
"""The schema of a table that a view reads, as the server writes views."""
NEXT_NUMBER = "UPDATE {t} SET {c} = (SELECT n FROM (SELECT MAX({c}) + 1 AS n FROM {t}) AS x) WHERE {c} = 0;"
AS_DOUBLE = (
    "START TRANSACTION; UPDATE {t} SET {c} = JSON_OBJECT('in transit', {c}) "
    "WHERE CAST({c} AS CHAR) <> CAST(CAST(CAST({c} AS CHAR) AS JSON) AS CHAR); "
    "UPDATE {t} SET {c} = CAST(CAST(JSON_EXTRACT({c}, '$.\"in transit\"') AS CHAR) AS JSON) "
    "WHERE JSON_CONTAINS_PATH({c}, 'one', '$.\"in transit\"'); COMMIT;"
)
"""In two steps: MySQL takes 1.10 and 1.1 for the same value, and would not write it."""
LOOK_SECONDS = 5
"""Longest look at one column's values."""


def key_remedy(table: Table) -> str:
    """A statement that gives the table a primary key: from what is unique already, else from a new column."""
    counting = next((column.name for column in table.columns if column.counts), None)
    if counting:
        return f"ALTER TABLE {table.quoted} ADD PRIMARY KEY ({quoted(counting)});"
    if table.unique:
        names = ", ".join(quoted(name) for name in min(table.unique, key=len))
        return f"ALTER TABLE {table.quoted} ADD PRIMARY KEY ({names});"
    taken = {column.name.lower() for column in table.columns}
    name = next(name for n in count(1) if (name := "row_id" if n == 1 else f"row_id_{n}") not in taken)
    return f"ALTER TABLE {table.quoted} ADD COLUMN {quoted(name)} BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY;"


@room.check("primary keys")
def primary_keys(evening: Evening) -> Iterator[Observation]:
    bare = [table for table in evening.source_catalogue.tables if not table.key]
    yield require(
        not bare,
        f"{len(bare)} tables without: {', '.join(table.full_name for table in bare)}"
        if bare
        else "every table has one",
        " ".join(key_remedy(table) for table in bare),
    )
    inexact = [f"{table.full_name}.{column.name}" for table, column in _keys(evening) if column.data_type in FLOATS]
    if inexact:
        yield require(False, f"inexact keys: {', '.join(inexact)}", "Change the key columns to an exact type.")


def _keys(evening: Evening) -> list[tuple[Table, Column]]:
    return [(table, column) for table in evening.source_catalogue.tables for column in table.key]


def _columns(evening: Evening) -> list[tuple[Table, Column]]:
    return [(table, column) for table in evening.source_catalogue.tables for column in table.columns]


def visible_remedy(evening: Evening, table: Table, column: Column) -> str:
    if evening.migration.source.dialect.flavour != "mariadb":
        return f"ALTER TABLE {table.quoted} ALTER COLUMN {quoted(column.name)} SET VISIBLE;"
    # MariaDB takes the whole definition again, without the word.
    told = str(evening.migration.source.row(f"SHOW CREATE TABLE {table.quoted}")["Create Table"])
    line = next(line for line in told.splitlines() if line.strip().startswith(f"{quoted(column.name)} "))
    return f"ALTER TABLE {table.quoted} MODIFY COLUMN {line.strip().rstrip(',').replace(' INVISIBLE', '')};"


@room.check("hidden columns")
def hidden(evening: Evening) -> Iterator[Observation]:
    """DMS reads `SELECT *`: an invisible column, a generated primary key above all, would be filled again."""
    found = [(table, column) for table, column in _columns(evening) if column.invisible]
    yield require(
        not found,
        ", ".join(f"{table.full_name}.{column.name}" for table, column in found) or "none",
        " ".join(visible_remedy(evening, table, column) for table, column in found),
    )


@room.check("generated columns")
def generated(evening: Evening) -> Iterator[Observation]:
    """DMS would write into them, which MySQL refuses (error 3105): a rule of each task must leave them out."""
    stack, aws = evening.migration.stack, evening.migration.aws
    for role, arn in (("forward", stack.forward_task_arn), ("reverse", stack.reverse_task_arn)):
        rules = json.loads(aws.task(arn).get("TableMappings", "{}")).get("rules", [])
        lost = [
            (table, column)
            for table, column in _columns(evening)
            if column.generated and not removes(rules, table.schema, table.name, column.name)
        ]
        yield require(
            not lost,
            f"{role}: " + (", ".join(f"{table.full_name}.{one.name}" for table, one in lost) or "none is carried"),
            "Add to the task's table mapping: "
            + " ".join(json.dumps(removal(table, column, n)) for n, (table, column) in enumerate(lost, 1)),
        )


def removal(table: Table, column: Column, number: int) -> dict[str, object]:
    """The rule that leaves a column out (DMS user guide, transformation rules, `remove-column`)."""
    return {
        "rule-type": "transformation",
        "rule-id": str(900 + number),
        "rule-name": f"without-{table.name}-{column.name}",
        "rule-target": "column",
        "object-locator": {"schema-name": table.schema, "table-name": table.name, "column-name": column.name},
        "rule-action": "remove-column",
    }


@room.check("rows numbered 0")
def zero(evening: Evening) -> Iterator[Observation]:
    """An AUTO_INCREMENT of 0 becomes the next number on the target, unless DMS's session says otherwise."""
    migration = evening.migration
    endpoint = migration.aws.endpoint(migration.stack.target_endpoint_arn)
    settings = f"{endpoint.get('ExtraConnectionAttributes', '')} {endpoint.get('MySQLSettings', {})}".upper()
    found = []
    for table, column in _columns(evening) if "NO_AUTO_VALUE_ON_ZERO" not in settings else ():
        text = statement("SELECT 1 FROM {t} WHERE {c} = 0 LIMIT 1", t=table.quoted, c=quoted(column.name))
        if column.counts and migration.source.rows(text):
            found.append((table, column))
    yield require(
        not found,
        ", ".join(f"{table.full_name}.{column.name}" for table, column in found) or "none",
        " ".join(statement(NEXT_NUMBER, t=table.quoted, c=quoted(column.name)) for table, column in found)
        + " The target endpoint's AfterConnectScript may set the mode NO_AUTO_VALUE_ON_ZERO instead.",
    )


@room.check("decimals in JSON")
def json_decimals(evening: Evening) -> Iterator[Observation]:
    """DMS carries JSON as text. A DECIMAL in it, such as 1.10, comes back as the double 1.1."""
    if evening.migration.source.dialect.flavour == "mariadb":
        yield require(True, "MariaDB keeps JSON as text", "")
        return
    found = []
    with evening.migration.source.connect(LOOK_SECONDS + 5) as connection, connection.cursor() as cursor:
        cursor.execute(evening.migration.source.dialect.statement_limit.replace("{ms}", str(LOOK_SECONDS * 1000)))
        for table, column in _columns(evening):
            if column.data_type != "json":
                continue
            text = statement(
                "SELECT 1 FROM {t} WHERE CAST({c} AS CHAR) <> CAST(CAST(CAST({c} AS CHAR) AS JSON) AS CHAR) LIMIT 1",
                t=table.quoted,
                c=quoted(column.name),
            )
            name = f"{table.full_name}.{column.name}"
            try:
                if cursor.execute(text):
                    found.append((table, column))
            except Exception as error:  # noqa: BLE001  the driver raises many kinds; the observation says it
                yield Observation(
                    level=WARN,
                    found=f"{name} was not looked through within {LOOK_SECONDS} s ({type(error).__name__})",
                    remedy=f"Look on a replica: {text}",
                )
    yield require(
        not found,
        ", ".join(f"{table.full_name}.{column.name}" for table, column in found) or "none",
        " ".join(statement(AS_DOUBLE, t=table.quoted, c=quoted(column.name)) for table, column in found),
    )


@room.check("views that work")
def views(evening: Evening) -> Iterator[Observation]:
    broken = []
    for view in evening.source_catalogue.of_kind("VIEW"):
        try:
            name = quoted(view.schema, view.name)
            evening.migration.source.rows(statement("SELECT 1 FROM {v} LIMIT 0", v=name))
        except ToolError:
            broken.append(view)
    yield require(
        not broken,
        ", ".join(view.full_name for view in broken) + " cannot be read" if broken else "all can be read",
        " ".join(f"DROP VIEW {quoted(view.schema, view.name)};" for view in broken)
        + " Or make again what they read, and let their definers read it.",
    )


@room.check("references out of the schemas")
def references(evening: Evening) -> Iterator[Observation]:
    """What is not moved cannot be referred to on the target."""
    schemas = evening.migration.stack.schemas
    keys = [key for key in evening.source_catalogue.foreign_keys if key.other_schema not in schemas]
    yield require(
        not keys,
        ", ".join(f"{key.schema}.{key.table}.{key.name} refers to {key.other_schema}" for key in keys)
        or "no foreign key",
        " ".join(f"ALTER TABLE {quoted(key.schema, key.table)} DROP FOREIGN KEY {quoted(key.name)};" for key in keys)
        + " Or name that schema among softpos:migrationSchemas.",
    )
    found = []
    for view in evening.source_catalogue.of_kind("VIEW"):
        told = evening.migration.source.row(f"SHOW CREATE VIEW {quoted(view.schema, view.name)}")
        read = {name.replace("``", "`") for name in FROM_SCHEMA.findall(str(told.get("Create View")))}
        found += [(view, name) for name in sorted(read - {*schemas})]
    yield require(
        not found,
        ", ".join(f"view {view.full_name} reads {name}" for view, name in found) or "no view",
        " ".join(f"DROP VIEW {quoted(view.schema, view.name)};" for view, _ in found)
        + " Or name that schema among softpos:migrationSchemas.",
    )
