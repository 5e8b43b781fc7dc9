"""The statements that would make the target's rows as the source's: written to a file, never carried out by this tool.

They hold rows' values, as those of pt-table-sync do: the file is readable by its owner only, and nothing of it is
printed or recorded. Each names one row by its key and no other: rows that are too many go first, then those that
differ, then those that are missing.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cutover.comparison import checksum
from cutover.comparison.checksum import Key
from cutover.comparison.results import TableResult
from cutover.comparison.rows import Comparison
from cutover.comparison.throttle import Throttle
from cutover.errors import SettingsError
from cutover.migration import Migration
from cutover.servers.catalogue import FLOATS, INTEGERS, Column, Table
from cutover.servers.marker import LagMeter
from cutover.servers.mysql import Server, quoted, statement

NUMBERS = frozenset({*INTEGERS, *FLOATS, *checksum.NUMBERED, "decimal", "year"})
"""Types that a statement holds as a plain number."""
MOMENTS = frozenset({"date", "datetime", "timestamp", "time"})
HEAD = (
    "-- Mends the rows of the target that differ from the source. Holds rows' values: delete it afterwards.",
    "SET SESSION time_zone = '+00:00', foreign_key_checks = OFF, sql_mode = 'NO_AUTO_VALUE_ON_ZERO';",
    "START TRANSACTION;",
)
_DELETE = "DELETE FROM {t} WHERE {w} LIMIT 1;"
_UPDATE = "UPDATE {t} SET {s} WHERE {w} LIMIT 1;"
_INSERT = "INSERT INTO {t} ({n}) VALUES ({v});"
ORDER = ("extra", "different", "missing")


def write_repair(migration: Migration, file: Path, most: int) -> int:
    """Compares, and writes the statements for at most `most` rows per table; their number. No file if none differs.

    Live: a row is taken as different only when replication has caught up and it still is.
    """
    source, target = migration.source, migration.target
    meter = LagMeter(source, target, migration.stack.schemas[0])
    limits = migration.limits
    running = migration.aws.task(migration.stack.forward_task_arn)["Status"] == "running"

    def caught_up() -> None:
        meter.catch_up(limits.drain_seconds, lambda: None)

    result = Comparison(
        source,
        target,
        limits,
        throttle=Throttle({"source": source, "target": target}, limits),
        catch_up=caught_up if running else None,
        keep_keys=most,
    ).run(migration.catalogue("source"), migration.catalogue("target"))
    tables = {table.full_name: table for table in migration.catalogue("source").tables}
    lines = [line for one in result.tables if one.keys for line in repairing(source, tables[one.table], one)]
    if lines:
        _write(file, [*HEAD, *lines, "COMMIT;"])
    return len(lines)


def repairing(source: Server, table: Table, result: TableResult) -> Iterator[str]:
    """One statement per differing row, in an order in which no unique key is in the way of the next."""
    columns = [column for column in table.columns if not column.generated]
    for kind in ORDER:
        for key in (key for key, one in result.keys.items() if one == kind):
            row = {} if kind == "extra" else _row(source, table, columns, key)
            values = {quoted(column.name): literal(column, row.get(column.name)) for column in columns}
            where = _where(table, key)
            if kind == "extra":
                yield statement(_DELETE, t=table.quoted, w=where)
            elif row and kind == "different":
                told = ", ".join(f"{name} = {value}" for name, value in values.items())
                yield statement(_UPDATE, t=table.quoted, s=told, w=where)
            elif row:
                yield statement(_INSERT, t=table.quoted, n=", ".join(values), v=", ".join(values.values()))


def literal(column: Column, value: Any) -> str:
    """The value as SQL that means the same in any session. `value` is what `_fetched` answers."""
    if value is None:
        return "NULL"
    if column.data_type in FLOATS and "e" not in str(value):
        return f"{value}e0"  # -0 alone would be the integer 0
    if column.data_type in NUMBERS:
        return str(value)
    if column.data_type in MOMENTS:
        return f"'{value}'"
    told = f"X'{value}'"
    if column.data_type == "json":
        return f"CAST(CONVERT({told} USING utf8mb4) AS JSON)"
    # Told as a literal: the column's own collation then decides every comparison.
    return f"_utf8mb4 {told}" if column.collation else told


def _fetched(column: Column) -> str:
    """SQL that fetches a value as text: numbers and moments as they are, all others as hexadecimal bytes."""
    name = quoted(column.name)
    if column.data_type in FLOATS:
        return f"CAST({name} * 1e0 AS CHAR)"
    if column.data_type in checksum.NUMBERED:
        return f"CAST({name} + 0 AS UNSIGNED)"
    if column.data_type in NUMBERS or column.data_type in MOMENTS:
        return f"CAST({name} AS CHAR)"
    return f"HEX(CONVERT({name} USING utf8mb4))" if column.collation or column.data_type == "json" else f"HEX({name})"


def _row(source: Server, table: Table, columns: list[Column], key: Key) -> dict[str, Any]:
    """The source's row now, by column; empty if it is gone meanwhile."""
    text, values = checksum.at(table, key)
    told = ", ".join(f"{_fetched(column)} AS c{place}" for place, column in enumerate(columns)).replace("%", "%%")
    place = table.quoted.replace("%", "%%")
    row = source.row(statement("SELECT {c} FROM {t} WHERE {w}", c=told, t=place, w=text), values)
    return {column.name: row[f"c{number}"] for number, column in enumerate(columns)} if row else {}


def _where(table: Table, key: Key) -> str:
    return " AND ".join(
        f"{quoted(column.name)} = {_key_literal(value)}" for column, value in zip(table.key, key, strict=True)
    )


def _key_literal(value: Any) -> str:
    """A key's value as the driver has read it."""
    if isinstance(value, bytes):
        return f"X'{value.hex()}'"
    if isinstance(value, str):
        return f"_utf8mb4 X'{value.encode().hex()}'"
    return str(value) if isinstance(value, (int, float)) or hasattr(value, "as_tuple") else f"'{value}'"


def _write(file: Path, lines: list[str]) -> None:
    try:
        file.touch(mode=0o600, exist_ok=False)
        file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    except OSError as error:
        raise SettingsError(
            f"{file} cannot be written ({error.strerror}); choose a file that is not there yet."
        ) from error
