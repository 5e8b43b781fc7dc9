"""The SQL that sums up rows on the server, so that rows never travel.

A row becomes one canonical text: every column in utf8mb4, NULLs told apart by a bit map, variable texts by their
lengths, so that two different rows never share a text. The text's SHA2-256 is cut to 64 bits and a chunk's rows are
folded by BIT_XOR, whatever their order.

Why not CRC32, as is usual: CRC32 is linear over XOR. Two payments that swap their amounts in the same chunk leave
BIT_XOR(CRC32(row)) as it was; a test shows it. Why not MD5 or SHA1: servers in FIPS mode refuse them, and MySQL 9.6
has dropped them. On servers with SHA instructions the difference is about half a microsecond a row.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cutover.errors import RefusedError
from cutover.servers.catalogue import FLOATS, INTEGERS, LONG_BYTES, LONG_TEXTS, TEXTS, Column, Table
from cutover.servers.mysql import quoted, statement

Key = tuple[Any, ...]
"""A primary key's values, in the key's order."""

_ROW_HASH = "CAST(CONV(LEFT(SHA2({row}, 256), 16), 16, 10) AS UNSIGNED)"
_CHUNK = "SELECT COUNT(*) AS n, COALESCE(BIT_XOR({hash}), 0) AS h FROM {table} FORCE INDEX (PRIMARY) WHERE {range}"
_ROWS = "SELECT {keys}, {hash} AS h FROM {table} FORCE INDEX (PRIMARY) WHERE {range}"
_BOUND = "SELECT {keys} FROM {table} FORCE INDEX (PRIMARY) WHERE {range} ORDER BY {order} LIMIT 1 OFFSET {offset}"
_ENDS = "SELECT MIN({key}) AS low, MAX({key}) AS high FROM {table}"
SEPARATOR = "'|'"
ALL = ("1 = 1", ())
Condition = tuple[str, tuple[Any, ...]]


def canonical(column: Column) -> str:
    """The column's value as text that both servers spell alike; NULL stays NULL."""
    name = quoted(column.name)
    kind = column.data_type
    if kind in TEXTS:
        return f"CONVERT({name} USING utf8mb4)"
    if kind in LONG_TEXTS:
        return f"SHA2(CONVERT({name} USING utf8mb4), 256)"
    if kind in LONG_BYTES:
        return f"SHA2({name}, 256)"
    if kind in FLOATS:
        return f"({name} + 0e0)"
    if kind in INTEGERS or kind in ("decimal", "date", "datetime", "timestamp", "time", "year"):
        return name
    return f"HEX({name})"


def row_hash(table: Table) -> str:
    """64 bits of the whole row. Generated columns are left out: each server computes its own."""
    columns = [column for column in table.columns if not column.generated]
    parts = [canonical(column) for column in columns]
    parts += [f"CHAR_LENGTH({quoted(column.name)})" for column in columns if column.data_type in ("char", "varchar")]
    nulls = [f"ISNULL({quoted(column.name)})" for column in columns if column.nullable]
    if nulls:
        parts.append("CONCAT(" + ", ".join(nulls) + ")")
    return statement(_ROW_HASH, row="CONCAT_WS(" + ", ".join([SEPARATOR, *parts]) + ")")


def key_terms(table: Table) -> tuple[str, ...]:
    """How the key's columns are compared and sorted. ENUM, SET and BIT sort by number but compare as text."""
    names = [_percent(quoted(column.name)) for column in table.key]
    numbered = [column.data_type in ("enum", "set", "bit") for column in table.key]
    return tuple(f"({name} + 0)" if by_number else name for name, by_number in zip(names, numbered, strict=True))


def after(table: Table, bound: Key | None) -> Condition:
    """Rows behind `bound` in key order."""
    return ALL if bound is None else _beyond(key_terms(table), bound, ">", ">")


def up_to(table: Table, bound: Key | None) -> Condition:
    """Rows not behind `bound` in key order."""
    return ALL if bound is None else _beyond(key_terms(table), bound, "<", "<=")


def both(*conditions: Condition) -> Condition:
    return " AND ".join(text for text, _ in conditions), tuple(value for _, values in conditions for value in values)


def _beyond(terms: Sequence[str], bound: Key, sign: str, last_sign: str) -> Condition:
    """(a, b) > (x, y) spelled out, as optimisers use no index for a comparison of rows."""
    if len(terms) == 1:
        return f"{terms[0]} {last_sign} %s", tuple(bound)
    choices, values = [], []
    for place, term in enumerate(terms):
        equal = [f"{earlier} = %s" for earlier in terms[:place]]
        final = last_sign if place == len(terms) - 1 else sign
        choices.append(" AND ".join([*equal, f"{term} {final} %s"]))
        values += [*bound[:place], bound[place]]
    outer = ">=" if sign == ">" else "<="
    text = f"{terms[0]} {outer} %s AND ((" + ") OR (".join(choices) + "))"
    return text, (bound[0], *values)


def chunk_query(table: Table, condition: Condition) -> tuple[str, tuple[Any, ...]]:
    """Number of rows `n` and their folded hash `h`."""
    text, values = condition
    return statement(_CHUNK, hash=_percent(row_hash(table)), table=_percent(table.quoted), range=text), values


def rows_query(table: Table, condition: Condition) -> tuple[str, tuple[Any, ...]]:
    """Keys `k0`, `k1`, ... and hash `h` of each row."""
    text, values = condition
    names = {"keys": _keys(table), "hash": _percent(row_hash(table)), "table": _percent(table.quoted), "range": text}
    return statement(_ROWS, **names), values


def bound_query(table: Table, condition: Condition, offset: int) -> tuple[str, tuple[Any, ...]]:
    """The key of the row at `offset` among those of the condition: read from the index alone."""
    text, values = condition
    names = {"keys": _keys(table), "table": _percent(table.quoted), "range": text, "offset": str(offset)}
    return statement(_BOUND, order=", ".join(key_terms(table)), **names), values


def ends_query(table: Table) -> str:
    return statement(_ENDS, key=quoted(table.key[0].name), table=table.quoted)


def key_of(row: dict[str, Any], table: Table) -> Key:
    return tuple(row[f"k{place}"] for place in range(len(table.key)))


def require_comparable(source: Table, target: Table) -> None:
    """Raises `RefusedError` where checksums could not tell the truth about the pair."""
    if not source.key:
        raise RefusedError(f"Table {source.full_name} has no primary key; add one, or its rows cannot be compared.")
    for mine, theirs in zip(source.key, target.key, strict=False):
        if mine.data_type in FLOATS:
            raise RefusedError(
                f"Key {source.full_name}.{mine.name} is a {mine.data_type}; give the table an exact key."
            )
        if mine.collation != theirs.collation:
            raise RefusedError(
                f"Key {source.full_name}.{mine.name} sorts by {mine.collation} on the source and by {theirs.collation} "
                f"on the target; give both the same collation."
            )
    names = [column.name for column in source.columns]
    if names != [column.name for column in target.columns] or [c.name for c in source.key] != [
        c.name for c in target.key
    ]:
        raise RefusedError(
            f"Table {source.full_name} has other columns or another key on the target; run `cutover schema`."
        )


def _keys(table: Table) -> str:
    return ", ".join(f"{term} AS k{place}" for place, term in enumerate(key_terms(table)))


def _percent(text: str) -> str:
    """A % in a name must survive the driver's own formatting."""
    return text.replace("%", "%%")
