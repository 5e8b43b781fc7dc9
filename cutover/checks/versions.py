"""Preflight of what differs between the two servers' versions: words, modes, features, time-outs, GTIDs."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from typing import NamedTuple

from cutover.checks.preflight import WARN, Evening, Observation, Room, require
from cutover.errors import ToolError
from cutover.servers.catalogue import FLOATS
from cutover.servers.definitions import Definition, read_definitions
from cutover.servers.mysql import StatementError

room = Room("versions")
TIMEOUT_SECONDS = 300
"""Amazon Aurora MySQL migration handbook, troubleshooting: at least five minutes each."""
TIMEOUTS = ("net_read_timeout", "net_write_timeout", "wait_timeout", "interactive_timeout")


class Removed(NamedTuple):
    """Something that stored code may use and that a version no longer has."""

    pattern: str
    since: tuple[int, int, int]
    instead: str


REMOVED = (
    Removed(r"GROUP\s+BY\s+[^;()]*?\b(ASC|DESC)\b(?![^;]*ORDER\s+BY)", (8, 0, 13), "ORDER BY"),
    Removed(r"\b(ENCRYPT|DES_ENCRYPT|DES_DECRYPT|ENCODE|DECODE|OLD_PASSWORD)\s*\(", (8, 0, 3), "AES_ENCRYPT"),
    Removed(r"\bPASSWORD\s*\(", (8, 0, 11), "a hash made by the application"),
    Removed(r"\bJSON_APPEND\s*\(", (8, 0, 3), "JSON_ARRAY_APPEND"),
    Removed(r"\b(GLENGTH|AREA|X|Y|ASTEXT|ASBINARY|GEOMFROMTEXT|POINTFROMTEXT)\s*\(", (8, 0, 0), "the ST_ function"),
    Removed(r"\bSQL_CACHE\b", (8, 0, 3), "nothing: there is no query cache"),
    Removed(r"@@(GLOBAL\.|SESSION\.)?(tx_isolation|tx_read_only)\b", (8, 0, 3), "transaction_isolation"),
    Removed(r"\b(CHANGE|SHOW|START|STOP|RESET)\s+(MASTER|SLAVE)\b", (8, 4, 0), "the words REPLICA and SOURCE"),
    Removed(r"\bWAIT_UNTIL_SQL_THREAD_AFTER_GTIDS\s*\(", (8, 4, 0), "WAIT_FOR_EXECUTED_GTID_SET"),
)
"""MySQL's release notes, "Features removed", of 8.0 and 8.4; the same kinds as MySQL Shell's upgrade checker names."""


def _stored(evening: Evening) -> list[Definition]:
    migration = evening.migration
    return read_definitions(migration.source, evening.source_catalogue.stored, migration.stack.schemas)


@room.check("removed features")
def removed(evening: Evening) -> Iterator[Observation]:
    dialect = evening.migration.target.dialect
    if dialect.flavour == "mariadb":
        return
    found = [
        (one, match[0], feature)
        for one in _stored(evening)
        for feature in REMOVED
        if dialect.version >= feature.since and (match := re.search(feature.pattern, one.text, re.IGNORECASE))
    ]
    yield require(
        not found,
        "; ".join(f"{one.kind.lower()} {one.full_name} uses {' '.join(text.split())[:40]}" for one, text, _ in found)
        or "none in triggers, events, routines and views",
        " ".join(f"Write {one.full_name} with {feature.instead}." for one, _, feature in found),
    )
    if dialect.version >= (8, 4, 0):
        counting = [
            f"{table.full_name}.{column.name}"
            for table in evening.source_catalogue.tables
            for column in table.columns
            if column.counts and column.data_type in FLOATS
        ]
        yield require(
            not counting,
            ", ".join(counting) or "no AUTO_INCREMENT on FLOAT or DOUBLE",
            "MODIFY these columns to BIGINT: MySQL 8.4 has no AUTO_INCREMENT on FLOAT and DOUBLE.",
        )


@room.check("modes, character sets and time zones of stored objects")
def settings(evening: Evening) -> Iterator[Observation]:
    """Asks the target itself: each setting that an object carries is set once in this tool's own session there."""
    wanted: dict[tuple[str, str], str] = {}
    for one in _stored(evening):
        for name, value in one.session.items():
            wanted.setdefault((name, value), f"{one.kind.lower()} {one.full_name}")
    refused = []
    for (name, value), whose in wanted.items():
        try:
            evening.migration.target.try_session(name, value)
        except StatementError:
            refused.append((whose, name, value))
    yield require(
        not refused,
        "; ".join(f"{whose}: the target does not take {name} = {value}" for whose, name, value in refused)
        or f"the target takes all {len(wanted)}",
        "On the source, make these objects again in a session with settings that both servers know; a named time zone "
        "needs the target's time zone tables.",
    )


@room.check("reserved words of the target")
def reserved(evening: Evening) -> Iterator[Observation]:
    """The target's own list. A name that has become a word must be quoted wherever statements use it."""
    ask = "SELECT WORD AS word FROM information_schema.KEYWORDS WHERE RESERVED = 1"
    try:
        words = {str(row["word"]).upper() for row in evening.migration.target.rows(ask)}
    except ToolError:
        yield require(True, "the target tells none", "")
        return
    # A source before MySQL 8.0 has no such list: then all words of the target count.
    with contextlib.suppress(ToolError):
        words -= {str(row["word"]).upper() for row in evening.migration.source.rows(ask)}
    names = {table.full_name: table.name for table in evening.source_catalogue.tables}
    for table in evening.source_catalogue.tables:
        names |= {f"{table.full_name}.{column.name}": column.name for column in table.columns}
    names |= {one.full_name: one.name for one in evening.source_catalogue.stored}
    found = sorted(full for full, name in names.items() if name.upper() in words)
    yield require(
        not found,
        f"reserved on the target: {', '.join(found)}" if found else "no name has become one",
        "Quote these names in the application's statements (`name`), or rename them on the source.",
        otherwise=WARN,
    )


@room.check("time-outs")
def timeouts(evening: Evening) -> Iterator[Observation]:
    for role, variables in (("source", evening.source_variables), ("target", evening.target_variables)):
        short = {name: variables[name] for name in TIMEOUTS if int(variables.get(name, 10**6)) < TIMEOUT_SECONDS}
        told = ", ".join(f"{name} = {value}" for name, value in short.items())
        statements = " ".join(f"SET GLOBAL {name} = {TIMEOUT_SECONDS};" for name in short)
        yield require(
            not short,
            f"{role}: {told}, {TIMEOUT_SECONDS} s are wanted while DMS loads" if short else f"{role}: long enough",
            statements if role == "source" else f"{statements} On RDS in the parameter group.",
            otherwise=WARN,
        )


@room.check("GTID mode")
def gtid(evening: Evening) -> Iterator[Observation]:
    mine, theirs = (group.get("gtid_mode") for group in (evening.source_variables, evening.target_variables))
    changing = [
        f"{role} {mode}"
        for role, mode in (("source", mine), ("target", theirs))
        if mode and mode.endswith("PERMISSIVE")
    ]
    yield require(
        not changing,
        ", ".join(changing) or f"source {mine or '-'}, target {theirs or '-'}",
        "Finish the change of gtid_mode to ON or OFF first: positions move while it is under way.",
    )
    forced = evening.target_variables.get("enforce_gtid_consistency", "OFF") in ("ON", "1")
    free = evening.source_variables.get("enforce_gtid_consistency", "OFF") not in ("ON", "1")
    yield require(
        not (forced and free),
        "the target enforces GTID consistency, the source does not" if forced and free else "enforced alike",
        "SET GLOBAL enforce_gtid_consistency = WARN; on the source, and look for warnings in its log for a week.",
        otherwise=WARN,
    )
