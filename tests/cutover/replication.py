# ruff: noqa: S608 (names from the server's own catalogue)
"""A real change capture in the place of DMS: reads the binary log over TLS and applies it as an ordinary client.

Ordinary client is the point: read_only, super_read_only, triggers and locks meet it just as they meet DMS, which native
replication threads would pass by. The full load upserts what was changed meanwhile; change capture is strict: an insert
that exists or an update that finds nothing breaks the task, so that a wrong start position shows.
"""

from __future__ import annotations

import contextlib
import json
import threading
import time
from dataclasses import dataclass, field
from typing import Any

import pymysql
from pymysql.constants import CLIENT
from pymysqlreplication import BinLogStreamReader
from pymysqlreplication.event import HeartbeatLogEvent, XidEvent
from pymysqlreplication.row_event import DeleteRowsEvent, UpdateRowsEvent, WriteRowsEvent

from cutover.servers.mysql import quoted

POLL_SECONDS = 0.02
HEARTBEAT_SECONDS = 0.1
"""How often the stream wakes up to see whether it shall stop."""
_SERVER_IDS = iter(range(9000, 10000))


@dataclass
class Endpoint:
    port: int
    user: str
    password: str
    ca_file: str

    def settings(self) -> dict[str, Any]:
        return {
            "host": "127.0.0.1",
            "port": self.port,
            "user": self.user,
            "password": self.password,
            "ssl": {"ca": self.ca_file},
            "charset": "utf8mb4",
            "connect_timeout": 3,
        }

    def connect(self) -> pymysql.Connection[Any]:
        return pymysql.connect(
            **self.settings(),
            client_flag=CLIENT.FOUND_ROWS,
            read_timeout=10,
            write_timeout=10,
            init_command="SET SESSION time_zone = '+00:00', foreign_key_checks = 0, sql_mode = ''",
        )


@dataclass
class Task:
    """One task: `status` and the figures are what DMS would tell of it."""

    source: Endpoint
    target: Endpoint
    schemas: list[str]
    full_load: bool
    status: str = "ready"
    failure: str = ""
    start_position: str = ""
    percent: int = 0
    tables: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    rules: list[dict[str, Any]] = field(default_factory=list)
    """Transformation rules: `remove-column` is known."""
    stalled: threading.Event = field(default_factory=threading.Event)
    checkpoint: tuple[str, int] | None = None
    applied: int = 0
    _thread: threading.Thread | None = None
    _stop: threading.Event = field(default_factory=threading.Event)

    def start(self, kind: str, position: str) -> None:
        self.failure = ""
        if kind in ("start-replication", "reload-target"):
            self.checkpoint = None
            self.percent = 0
            self.tables = {}
            self.start_position = position
            if position:
                file, _, offset = position.partition(":")
                self.checkpoint = (file, int(offset))
        self._stop.clear()
        self.status = "starting"
        self._thread = threading.Thread(target=self._run, daemon=True, name="dms stand-in")
        self._thread.start()

    def stop(self) -> None:
        self.status = "stopping"
        self._stop.set()

    def end(self) -> None:
        self._stop.set()
        self.stalled.clear()
        if self._thread is not None:
            self._thread.join(timeout=20)

    def _run(self) -> None:
        try:
            self.status = "running"
            if self.full_load and self.checkpoint is None:
                self._load()
            while not self._stop.is_set():
                try:
                    self._capture()
                except (pymysql.err.OperationalError, pymysql.err.InterfaceError, OSError) as error:
                    # Read-only or gone: DMS tries again and again.
                    self.failure = str(error)
                    time.sleep(0.1)
            self.status = "stopped"
        except Exception as error:  # noqa: BLE001  a task that breaks says so and ends
            self.failure = f"{type(error).__name__}: {error}"
            self.status = "failed"

    def _load(self) -> None:
        with contextlib.closing(self.source.connect()) as source, contextlib.closing(self.target.connect()) as target:
            with source.cursor() as cursor:
                try:
                    cursor.execute("SHOW BINARY LOG STATUS")
                except pymysql.err.ProgrammingError:
                    cursor.execute("SHOW MASTER STATUS")
                row = cursor.fetchone()
                self.checkpoint = (str(row[0]), int(row[1]))
                for schema in self.schemas:
                    cursor.execute(
                        "SELECT TABLE_NAME FROM information_schema.TABLES "
                        "WHERE TABLE_SCHEMA = %s AND TABLE_TYPE = 'BASE TABLE'",
                        (schema,),
                    )
                    for (name,) in cursor.fetchall():
                        self.tables[schema, name] = {"TableState": "Before load", "FullLoadRows": 0}
            for (schema, name), told in self.tables.items():
                told["TableState"] = "Full load"
                with source.cursor(pymysql.cursors.SSCursor) as cursor, target.cursor() as into:
                    cursor.execute(f"SELECT {self._columns(source, schema, name)} FROM {quoted(schema, name)}")
                    names = ", ".join(escaped(column[0]) for column in cursor.description)
                    places = ", ".join(["%s"] * len(cursor.description))
                    while rows := cursor.fetchmany(2000):
                        into.executemany(f"REPLACE INTO {escaped(schema, name)} ({names}) VALUES ({places})", rows)
                        told["FullLoadRows"] += len(rows)
                    target.commit()
                told["TableState"] = "Table completed"
        self._load_end = self._position()
        self.percent = 100

    def _removed(self, schema: str, table: str) -> set[str]:
        places = [rule["object-locator"] for rule in self.rules if rule["rule-action"] == "remove-column"]
        return {one["column-name"] for one in places if (one["schema-name"], one["table-name"]) == (schema, table)}

    def _columns(self, source: pymysql.Connection[Any], schema: str, table: str) -> str:
        """`*`, as DMS reads, or what is left of it."""
        removed = self._removed(schema, table)
        if not removed:
            return "*"
        with source.cursor() as cursor:
            cursor.execute(f"SHOW COLUMNS FROM {quoted(schema, table)}")
            return ", ".join(quoted(row[0]) for row in cursor.fetchall() if row[0] not in removed)

    def _position(self) -> tuple[str, int]:
        with contextlib.closing(self.source.connect()) as source, source.cursor() as cursor:
            try:
                cursor.execute("SHOW BINARY LOG STATUS")
            except pymysql.err.ProgrammingError:
                cursor.execute("SHOW MASTER STATUS")
            row = cursor.fetchone()
            return str(row[0]), int(row[1])

    def _capture(self) -> None:
        assert self.checkpoint is not None
        stream = BinLogStreamReader(
            connection_settings=self.source.settings(),
            server_id=next(_SERVER_IDS),
            resume_stream=True,
            slave_heartbeat=HEARTBEAT_SECONDS,
            blocking=True,
            log_file=self.checkpoint[0],
            log_pos=self.checkpoint[1],
            only_schemas=self.schemas,
            only_events=[WriteRowsEvent, UpdateRowsEvent, DeleteRowsEvent, XidEvent, HeartbeatLogEvent],
        )
        target = self.target.connect()
        try:
            for event in stream:
                with target.cursor() as cursor:
                    if isinstance(event, XidEvent):
                        target.commit()
                        self.checkpoint = (stream.log_file, stream.log_pos)
                        self.applied += 1
                    elif not isinstance(event, HeartbeatLogEvent):
                        self._apply(cursor, event)
                        continue
                while self.stalled.is_set() and not self._stop.is_set():
                    time.sleep(POLL_SECONDS)
                if self._stop.is_set():
                    return
        finally:
            with contextlib.suppress(Exception):
                target.rollback()
                target.close()
            stream.close()

    def _lenient(self) -> bool:
        """Changes from before the end of the full load may have been loaded already."""
        return self.full_load and self.checkpoint is not None and self.checkpoint <= getattr(self, "_load_end", ("", 0))

    def _apply(self, cursor: Any, event: Any) -> None:
        place = escaped(event.schema, event.table)
        key = event.primary_key if isinstance(event.primary_key, (list, tuple)) else [event.primary_key]
        lenient = self._lenient()
        removed = self._removed(event.schema, event.table)
        for full in event.rows:
            row = {
                part: {k: v for k, v in values.items() if k not in removed}
                for part, values in full.items()
                if isinstance(values, dict)
            }
            if isinstance(event, WriteRowsEvent):
                values = row["values"]
                verb = "REPLACE" if lenient else "INSERT"
                columns = ", ".join(map(escaped, values))
                cursor.execute(
                    f"{verb} INTO {place} ({columns}) VALUES ({', '.join(['%s'] * len(values))})",
                    tuple(values.values()),
                )
                continue
            old = row["values"] if isinstance(event, DeleteRowsEvent) else row["before_values"]
            where = " AND ".join(f"{escaped(name)} = %s" for name in key)
            found = tuple(old[name] for name in key)
            if isinstance(event, DeleteRowsEvent):
                cursor.execute(f"DELETE FROM {place} WHERE {where}", found)
            else:
                new = row["after_values"]
                changed = ", ".join(f"{escaped(name)} = %s" for name in new)
                cursor.execute(f"UPDATE {place} SET {changed} WHERE {where}", (*new.values(), *found))
            if cursor.rowcount != 1 and not lenient:
                raise RuntimeError(f"{place}: {type(event).__name__} found {cursor.rowcount} rows")


def escaped(*parts: str) -> str:
    """A name in a statement that has arguments: the driver takes a % in it for a place."""
    return quoted(*parts).replace("%", "%%")


def mapping(schemas: list[str], more: list[dict[str, Any]]) -> str:
    rules = [
        {
            "rule-type": "selection",
            "rule-id": str(number),
            "rule-name": str(number),
            "rule-action": "include",
            "object-locator": {"schema-name": schema, "table-name": "%"},
        }
        for number, schema in enumerate(schemas, 1)
    ]
    return json.dumps({"rules": [*rules, *more]})
