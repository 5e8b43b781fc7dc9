"""What stands in the schemas that move: tables, columns, keys, and the objects that no replication carries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cutover.servers.mysql import Server, quoted, statement

INTEGERS = frozenset({"tinyint", "smallint", "mediumint", "int", "bigint"})
TEXTS = frozenset({"char", "varchar", "enum", "set"})
LONG_TEXTS = frozenset({"tinytext", "text", "mediumtext", "longtext", "json"})
BYTES = frozenset({"binary", "varbinary", "bit"})
LONG_BYTES = frozenset({"tinyblob", "blob", "mediumblob", "longblob"})
FLOATS = frozenset({"float", "double"})

MARKER_TABLE = "migration_marker"
"""This tool's own table in the first schema: see `marker.py`."""


@dataclass(frozen=True, kw_only=True)
class Column:
    name: str
    data_type: str
    """Base type in lower case, such as `varchar`."""
    column_type: str
    collation: str
    nullable: bool
    generated: bool
    invisible: bool = False
    """Not among the columns of `SELECT *`: MySQL's generated primary keys are so too."""
    counts: bool = False
    """AUTO_INCREMENT."""


@dataclass(frozen=True, kw_only=True)
class Table:
    schema: str
    name: str
    engine: str
    rows: int
    """The server's estimate."""
    size_bytes: int
    auto_increment: int | None
    collation: str
    columns: tuple[Column, ...]
    key: tuple[Column, ...]
    """The primary key's columns in order; empty where there is none."""
    unique: tuple[tuple[str, ...], ...] = ()
    """Names of the columns of each unique index without NULLs, without the primary key."""
    row_bytes: int = 0
    """The server's estimate of a row's average length."""

    @property
    def full_name(self) -> str:
        return f"{self.schema}.{self.name}"

    @property
    def quoted(self) -> str:
        return quoted(self.schema, self.name)

    @property
    def integer_key(self) -> bool:
        return len(self.key) == 1 and self.key[0].data_type in INTEGERS


@dataclass(frozen=True, kw_only=True)
class ForeignKey:
    schema: str
    table: str
    name: str
    on_update: str
    on_delete: str
    other_schema: str = ""
    """Schema of the table that it refers to."""


@dataclass(frozen=True, kw_only=True)
class StoredObject:
    """A trigger, event, routine or view: DMS carries none of them."""

    kind: str
    """`TRIGGER`, `EVENT`, `PROCEDURE`, `FUNCTION` or `VIEW`."""
    schema: str
    name: str
    definer: str

    @property
    def full_name(self) -> str:
        return f"{self.schema}.{self.name}"


@dataclass(frozen=True, kw_only=True)
class Catalogue:
    tables: tuple[Table, ...]
    foreign_keys: tuple[ForeignKey, ...]
    stored: tuple[StoredObject, ...]

    def of_kind(self, *kinds: str) -> tuple[StoredObject, ...]:
        return tuple(item for item in self.stored if item.kind in kinds)

    @property
    def size_bytes(self) -> int:
        return sum(table.size_bytes for table in self.tables)


_TABLES = """SELECT TABLE_SCHEMA AS s, TABLE_NAME AS t, COALESCE(ENGINE, '') AS engine, COALESCE(TABLE_ROWS, 0) AS n,
    COALESCE(DATA_LENGTH, 0) + COALESCE(INDEX_LENGTH, 0) AS size, AUTO_INCREMENT AS next,
    COALESCE(TABLE_COLLATION, '') AS collation_name, COALESCE(AVG_ROW_LENGTH, 0) AS row_bytes
FROM information_schema.TABLES WHERE TABLE_TYPE = 'BASE TABLE' AND TABLE_SCHEMA IN ({schemas})
ORDER BY TABLE_SCHEMA, TABLE_NAME"""
_COLUMNS = """SELECT TABLE_SCHEMA AS s, TABLE_NAME AS t, COLUMN_NAME AS c, LOWER(DATA_TYPE) AS type,
    COLUMN_TYPE AS full_type, COALESCE(COLLATION_NAME, '') AS collation_name, IS_NULLABLE AS nullable,
    UPPER(EXTRA) LIKE '%%INVISIBLE%%' AS invisible, UPPER(EXTRA) LIKE '%%AUTO_INCREMENT%%' AS counts,
    UPPER(EXTRA) LIKE '%% GENERATED%%' OR COALESCE(GENERATION_EXPRESSION, '') <> '' AS is_generated
FROM information_schema.COLUMNS WHERE TABLE_SCHEMA IN ({schemas}) ORDER BY TABLE_SCHEMA, TABLE_NAME, ORDINAL_POSITION"""
_KEYS = """SELECT TABLE_SCHEMA AS s, TABLE_NAME AS t, COLUMN_NAME AS c FROM information_schema.STATISTICS
WHERE INDEX_NAME = 'PRIMARY' AND TABLE_SCHEMA IN ({schemas}) ORDER BY TABLE_SCHEMA, TABLE_NAME, SEQ_IN_INDEX"""
_UNIQUE = """SELECT TABLE_SCHEMA AS s, TABLE_NAME AS t, INDEX_NAME AS i, COLUMN_NAME AS c, NULLABLE AS nullable,
    SUB_PART AS part FROM information_schema.STATISTICS
WHERE NON_UNIQUE = 0 AND INDEX_NAME <> 'PRIMARY' AND TABLE_SCHEMA IN ({schemas})
ORDER BY TABLE_SCHEMA, TABLE_NAME, INDEX_NAME, SEQ_IN_INDEX"""
_FOREIGN_KEYS = """SELECT CONSTRAINT_SCHEMA AS s, UNIQUE_CONSTRAINT_SCHEMA AS other_schema, TABLE_NAME AS t,
    CONSTRAINT_NAME AS name, UPDATE_RULE AS on_update, DELETE_RULE AS on_delete
FROM information_schema.REFERENTIAL_CONSTRAINTS WHERE CONSTRAINT_SCHEMA IN ({schemas})
ORDER BY CONSTRAINT_SCHEMA, TABLE_NAME, CONSTRAINT_NAME"""
_STORED = """SELECT 'TRIGGER' AS kind, TRIGGER_SCHEMA AS s, TRIGGER_NAME AS name, DEFINER AS definer
FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA IN ({schemas})
UNION ALL SELECT 'EVENT', EVENT_SCHEMA, EVENT_NAME, DEFINER FROM information_schema.EVENTS
WHERE EVENT_SCHEMA IN ({schemas})
UNION ALL SELECT ROUTINE_TYPE, ROUTINE_SCHEMA, ROUTINE_NAME, DEFINER FROM information_schema.ROUTINES
WHERE ROUTINE_SCHEMA IN ({schemas})
UNION ALL SELECT 'VIEW', TABLE_SCHEMA, TABLE_NAME, DEFINER FROM information_schema.VIEWS
WHERE TABLE_SCHEMA IN ({schemas})"""


def read_catalogue(server: Server, schemas: Sequence[str]) -> Catalogue:
    """The schemas' content on `server`, without this tool's own marker table."""

    def ask(text: str) -> list[dict[str, Any]]:
        wanted = ", ".join(["%s"] * len(schemas))
        return server.rows(statement(text, schemas=wanted), tuple(schemas) * text.count("{schemas}"))

    if server.dialect.caches_statistics:
        server.rows("SET SESSION information_schema_stats_expiry = 0")
    columns: dict[tuple[str, str], list[Column]] = defaultdict(list)
    for row in ask(_COLUMNS):
        columns[row["s"], row["t"]].append(
            Column(
                name=row["c"],
                data_type=row["type"],
                column_type=_text(row["full_type"]),
                collation=row["collation_name"],
                nullable=row["nullable"] == "YES",
                generated=bool(row["is_generated"]),
                invisible=bool(row["invisible"]),
                counts=bool(row["counts"]),
            )
        )
    keys: dict[tuple[str, str], list[str]] = defaultdict(list)
    for row in ask(_KEYS):
        keys[row["s"], row["t"]].append(row["c"])
    unique: dict[tuple[str, str], dict[str, list[str | None]]] = defaultdict(lambda: defaultdict(list))
    for row in ask(_UNIQUE):
        whole = row["c"] and not row["part"] and row["nullable"] != "YES"
        unique[row["s"], row["t"]][row["i"]].append(row["c"] if whole else None)
    tables = []
    for row in ask(_TABLES):
        place = (row["s"], row["t"])
        if row["t"] == MARKER_TABLE:
            continue
        by_name = {column.name: column for column in columns[place]}
        tables.append(
            Table(
                schema=row["s"],
                name=row["t"],
                engine=row["engine"],
                rows=int(row["n"]),
                size_bytes=int(row["size"]),
                auto_increment=None if row["next"] is None else int(row["next"]),
                collation=row["collation_name"],
                columns=tuple(columns[place]),
                key=tuple(by_name[name] for name in keys[place]),
                unique=tuple(
                    tuple(name for name in names if name) for names in unique[place].values() if None not in names
                ),
                row_bytes=int(row["row_bytes"]),
            )
        )
    return Catalogue(
        tables=tuple(tables),
        foreign_keys=tuple(
            ForeignKey(
                schema=row["s"],
                table=row["t"],
                name=row["name"],
                on_update=row["on_update"],
                on_delete=row["on_delete"],
                other_schema=row["other_schema"] or row["s"],
            )
            for row in ask(_FOREIGN_KEYS)
        ),
        stored=tuple(
            sorted(
                (
                    StoredObject(kind=row["kind"], schema=row["s"], name=row["name"], definer=row["definer"])
                    for row in ask(_STORED)
                ),
                key=lambda item: (item.kind, item.schema, item.name),
            )
        ),
    )


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
