"""The SQL that sums up rows on the server, so that rows never travel.

A row becomes one string of bytes: every column as the server prints or stores it, the byte FE for NULL, and after each
column the byte FF. No number, no hexadecimal text and no text in UTF-8 holds either byte: so two different rows never
share a string. Its SHA2-256 is folded by BIT_XOR over a chunk's rows, whatever their order: all 256 bits where both
servers fold bytes (MySQL 8.0 and later), else 64 of them.

Why not CRC32, as is usual: CRC32 is linear over XOR. Two payments that swap their amounts in the same chunk leave
BIT_XOR(CRC32(row)) as it was; a test shows it. Why not MD5 or SHA1: servers in FIPS mode refuse them, and MySQL 9.6
has dropped them. Measured on MySQL 9.7, a million times over 120 bytes: SHA2 0.24 s, with UNHEX 0.27 s, cut to 64 bits
by CONV 0.65 s, CRC32 0.27 s.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from cutover.errors import RefusedError
from cutover.servers.catalogue import FLOATS, INTEGERS, LONG_BYTES, LONG_TEXTS, Column, Table
from cutover.servers.mysql import Dialect, quoted, statement

Key = tuple[Any, ...]
"""A primary key's values, in the key's order."""

_WIDE = "UNHEX(SHA2({row}, 256))"
_NARROW = "CAST(CONV(LEFT(SHA2({row}, 256), 16), 16, 10) AS UNSIGNED)"
_CHUNK = "SELECT COUNT(*) AS n, COALESCE({shown}, '') AS h FROM {table} FORCE INDEX (PRIMARY) WHERE {range}"
_ROWS = "SELECT {keys}, {hash} AS h FROM {table} FORCE INDEX (PRIMARY) WHERE {range}"
_BOUND = "SELECT {keys} FROM {table} FORCE INDEX (PRIMARY) WHERE {range} ORDER BY {order} LIMIT 1 OFFSET {offset}"
_ENDS = "SELECT MIN({key}) AS low, MAX({key}) AS high FROM {table}"
BYTES = "CAST('' AS BINARY)"
"""An argument of CONCAT that makes all the others bytes: neither the texts nor the separators are converted."""
SEPARATOR = "_binary X'FF'"
NULL = "CAST(X'FE' AS BINARY)"
ALL = ("1 = 1", ())
Condition = tuple[str, tuple[Any, ...]]
NUMBERED = frozenset({"enum", "set", "bit"})
"""Types that are kept, sorted and compared as numbers."""
MOST_SET_MEMBERS = 8
_MEMBER = re.compile(r"'(?:[^']|'')*'")
_SIGNS: dict[str, Callable[[int, int], bool]] = {
    "=": operator.eq,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
UTF8 = frozenset({"ascii", "utf8", "utf8mb4"})
"""Character sets whose texts never hold the byte FF."""
UNICODE_OF_TWO = frozenset({"ucs2", "utf16", "utf16le", "utf32"})
"""Character sets that can hold half of a pair, which no conversion keeps."""


def letters(column: Column) -> str:
    """The column's character set, by its collation; empty where it has none."""
    return column.collation.partition("_")[0].replace("utf8mb3", "utf8")


def canonical(column: Column, other: Column) -> str:
    """The column's value as bytes that both servers spell alike; NULL stays NULL."""
    name = quoted(column.name)
    kind = column.data_type
    if kind in NUMBERED:
        return f"({name} + 0)"
    if kind in FLOATS:
        # A product keeps the sign of -0.0, and prints a FLOAT with all of its digits.
        return f"({name} * 1e0)"
    text = f"CONVERT({name} USING utf8mb4)" if letters(column) != letters(other) or kind == "json" else name
    if kind in ("char", "varchar") and text == name and letters(column) not in UTF8:
        return f"HEX({name})"
    if kind in LONG_TEXTS or kind in LONG_BYTES:
        return f"SHA2({text}, 256)"
    if kind in INTEGERS or kind in ("decimal", "date", "datetime", "timestamp", "time", "year", "char", "varchar"):
        return text
    return f"HEX({name})"


@dataclass(frozen=True)
class Plan:
    """How one table is summed up on its two servers."""

    tables: tuple[Table, Table]
    hashes: tuple[str, str]
    """SQL of one row's hash, on the source and on the target."""
    wide: bool


def plan(source: Table, target: Table, dialects: tuple[Dialect, Dialect]) -> Plan:
    wide = all(one.flavour != "mariadb" and one.version >= (8, 0, 0) for one in dialects)
    form = _WIDE if wide else _NARROW
    return Plan(
        tables=(source, target),
        hashes=(row_hash(source, target, form), row_hash(target, source, form)),
        wide=wide,
    )


def row_hash(table: Table, other: Table, form: str) -> str:
    """The whole row, generated columns too: each server computes its own, and a wrong expression shows."""
    terms = [BYTES]
    for mine, theirs in zip(table.columns, other.columns, strict=True):
        value = canonical(mine, theirs)
        terms += [f"IFNULL({value}, {NULL})" if mine.nullable or theirs.nullable else value, SEPARATOR]
    return statement(form, row=f"CONCAT({', '.join(terms)})")


def key_terms(table: Table) -> tuple[str, ...]:
    """How the key's columns are sorted: by themselves, so that the index serves."""
    return tuple(_percent(quoted(column.name)) for column in table.key)


def numbers(column: Column) -> range | None:
    """Every number that an ENUM or a small SET can be; None for any other column.

    Servers use an index for `a IN (3, 4)` on such a column, and for `a > 2` they read the whole table.
    """
    members = len(_MEMBER.findall(column.column_type))
    if column.data_type == "enum":
        return range(members + 1)
    if column.data_type == "set" and members <= MOST_SET_MEMBERS:
        return range(2**members)
    return None


def _compared(column: Column, sign: str, value: Any) -> Condition:
    """The column against a value of its key, by `=`, `<`, `<=`, `>` or `>=`."""
    name = _percent(quoted(column.name))
    possible = numbers(column)
    if possible is None:
        term = f"({name} + 0)" if column.data_type == "set" else name
        return f"{term} {sign} %s", (value,)
    chosen = [str(number) for number in possible if _SIGNS[sign](number, int(value))]
    return (f"{name} IN ({', '.join(chosen)})" if chosen else "1 = 0"), ()


def after(table: Table, bound: Key | None) -> Condition:
    """Rows after `bound` in key order."""
    return ALL if bound is None else _beyond(table, bound, ">", ">")


def up_to(table: Table, bound: Key | None) -> Condition:
    """Rows up to `bound` in key order."""
    return ALL if bound is None else _beyond(table, bound, "<", "<=")


def between(table: Table, low: Key | None, high: Key | None) -> Condition:
    """Rows after `low` and up to `high`, in ranges that do not overlap: servers read each row of them once."""
    if low is None or high is None:
        return up_to(table, high) if low is None else after(table, low)
    same = next((place for place, pair in enumerate(zip(low, high, strict=True)) if pair[0] != pair[1]), len(low))
    if same == len(low):
        return "1 = 0", ()
    first = table.key[same]
    equal = [_compared(column, "=", value) for column, value in zip(table.key[:same], low, strict=False)]
    if same == len(low) - 1:
        return both(*equal, _compared(first, ">", low[same]), _compared(first, "<=", high[same]))
    if first.collation and numbers(first) is None:
        # Two texts that differ may be equal for the index.
        return both(after(table, low), up_to(table, high))
    rest = replace(table, key=table.key[same + 1 :])
    ranges = (
        both(_compared(first, "=", low[same]), after(rest, low[same + 1 :])),
        both(_compared(first, ">", low[same]), _compared(first, "<", high[same])),
        both(_compared(first, "=", high[same]), up_to(rest, high[same + 1 :])),
    )
    either = ") OR (".join(text for text, _ in ranges)
    return both(*equal, (f"(({either}))", tuple(value for _, values in ranges for value in values)))


def at(table: Table, key: Key) -> Condition:
    """The row with that key."""
    return both(*(_compared(column, "=", value) for column, value in zip(table.key, key, strict=True)))


def both(*conditions: Condition) -> Condition:
    return " AND ".join(text for text, _ in conditions), tuple(value for _, values in conditions for value in values)


def _beyond(table: Table, bound: Key, sign: str, last_sign: str) -> Condition:
    """(a, b) > (x, y) spelled out, as optimisers use no index for a comparison of rows."""
    pairs = list(zip(table.key, bound, strict=True))
    if len(pairs) == 1:
        return _compared(*_ordered(pairs[0], last_sign))
    choices = []
    for place, pair in enumerate(pairs):
        equal = [_compared(column, "=", value) for column, value in pairs[:place]]
        final = last_sign if place == len(pairs) - 1 else sign
        choices.append(both(*equal, _compared(*_ordered(pair, final))))
    outer = _compared(*_ordered(pairs[0], ">=" if sign == ">" else "<="))
    either = ") OR (".join(text for text, _ in choices)
    return f"{outer[0]} AND (({either}))", (*outer[1], *(value for _, values in choices for value in values))


def _ordered(pair: tuple[Column, Any], sign: str) -> tuple[Column, str, Any]:
    return pair[0], sign, pair[1]


def chunk_query(plan: Plan, side: int, condition: Condition) -> tuple[str, tuple[Any, ...]]:
    """Number of rows `n` and their folded hash `h`."""
    text, values = condition
    folded = f"BIT_XOR({plan.hashes[side]})"
    shown = f"HEX({folded})" if plan.wide else folded
    return statement(_CHUNK, shown=_percent(shown), table=_percent(plan.tables[side].quoted), range=text), values


def rows_query(plan: Plan, side: int, condition: Condition) -> tuple[str, tuple[Any, ...]]:
    """Keys `k0`, `k1`, ... and hash `h` of each row."""
    text, values = condition
    table = plan.tables[side]
    shown = f"HEX({plan.hashes[side]})" if plan.wide else plan.hashes[side]
    names = {"keys": _keys(table), "hash": _percent(shown), "table": _percent(table.quoted), "range": text}
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
    for mine, theirs in zip(source.columns, target.columns, strict=True):
        place = f"{source.full_name}.{mine.name}"
        if mine.data_type in ("enum", "set") and mine.column_type != theirs.column_type:
            raise RefusedError(
                f"Column {place} has other members on the target ({mine.column_type} and {theirs.column_type}); "
                f"give both the same."
            )
        if letters(mine) != letters(theirs) and {letters(mine), letters(theirs)} & UNICODE_OF_TWO:
            raise RefusedError(
                f"Column {place} is {letters(mine)} on the source and {letters(theirs)} on the target, and not every "
                f"text of it can be converted; give both the same character set."
            )


def _keys(table: Table) -> str:
    """What sorts by number is fetched as a number, to be compared with the index again."""
    terms = zip(table.key, key_terms(table), strict=True)
    return ", ".join(
        f"({term} + 0) AS k{place}" if column.data_type in NUMBERED else f"{term} AS k{place}"
        for place, (column, term) in enumerate(terms)
    )


def _percent(text: str) -> str:
    """A % in a name must survive the driver's own formatting."""
    return text.replace("%", "%%")
