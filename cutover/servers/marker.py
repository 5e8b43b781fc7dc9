"""A row that proves what has been applied: written on one server, seen on the other.

DMS applies transactions in commit order. So once a marker is seen, everything committed before it has arrived: exact,
and within a fraction of a second, where DMS's own latency figure is a minute old. The table lies in the first schema
that moves, so that the task's mapping carries it.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable

from cutover.errors import RefusedError
from cutover.servers.catalogue import MARKER_TABLE
from cutover.servers.mysql import Server, quoted, statement

FORWARD, REVERSE, PROBE = 1, 2, 3
"""Rows of the table: the last write before the source froze, before the target froze, and the live measurement."""
_TABLE = (
    "CREATE TABLE IF NOT EXISTS {t} (id TINYINT UNSIGNED NOT NULL PRIMARY KEY, token CHAR(32) NOT NULL, "
    "written_at DATETIME(6) NOT NULL) ENGINE = InnoDB DEFAULT CHARSET = ascii"
)
_WRITE = (
    "INSERT INTO {t} (id, token, written_at) VALUES ({slot}, '{token}', NOW(6)) "
    "ON DUPLICATE KEY UPDATE token = '{token}', written_at = NOW(6)"
)
_READ = "SELECT token FROM {t} WHERE id = {slot}"
LOOK_SECONDS = 0.05


def new_token() -> str:
    return secrets.token_hex(16)


def table_statement(schema: str) -> str:
    return statement(_TABLE, t=quoted(schema, MARKER_TABLE))


def drop_statement(schema: str) -> str:
    return statement("DROP TABLE IF EXISTS {t}", t=quoted(schema, MARKER_TABLE))


def write_statement(schema: str, slot: int, token: str) -> str:
    return statement(_WRITE, t=quoted(schema, MARKER_TABLE), slot=str(slot), token=token)


def seen(server: Server, schema: str, slot: int) -> str:
    """The token that `server` holds; empty if none."""
    return str(server.value(statement(_READ, t=quoted(schema, MARKER_TABLE), slot=str(slot))) or "")


class LagMeter:
    """Measures the lag from source to target by markers of its own, while both serve as usual. Safe for threads.

    Its tokens grow, so that a marker that has overtaken an awaited one counts as its arrival too.
    """

    def __init__(self, source: Server, target: Server, schema: str) -> None:
        self._source = source
        self._target = target
        self._schema = schema
        self._lock = threading.Lock()
        self._token = ""
        self._written = 0.0
        self._last = 0.0

    def lag_seconds(self) -> float:
        """Age of the marker under way, or the travel time of the last one that arrived. Sends the next one."""
        with self._lock:
            token, written = self._token, self._written
        if token and not self._arrived(token):
            return max(self._last, time.monotonic() - written)
        if token:
            self._last = time.monotonic() - written
        self._send()
        return self._last

    def catch_up(self, longest_seconds: float, stopped: Callable[[], None]) -> float:
        """Returns, with the seconds that it took, once everything written before this call is on the target."""
        token = self._send()
        began = time.monotonic()
        while not self._arrived(token):
            stopped()
            waited = time.monotonic() - began
            if waited > longest_seconds:
                raise RefusedError(f"Replication stands still: a marker has not arrived for {waited:.0f} s.")
            time.sleep(LOOK_SECONDS)
        self._last = time.monotonic() - began
        return self._last

    def _arrived(self, token: str) -> bool:
        return seen(self._target, self._schema, PROBE) >= token

    def _send(self) -> str:
        with self._lock:
            self._token = f"{time.time_ns():032x}"
            self._source.rows(write_statement(self._schema, PROBE, self._token))
            self._written = time.monotonic()
            return self._token
