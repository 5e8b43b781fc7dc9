"""A worker's two connections: both sides are asked at the same time, and a lost connection is opened again."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pymysql

from cutover.comparison import checksum
from cutover.comparison.checksum import Condition, Key, Plan
from cutover.errors import ToolError
from cutover.servers.mysql import CONNECTION_LOST, Server

LONGEST_CHUNK_SECONDS = 30.0
"""A checksum statement is ended by the server after this time; it is then tried with half the rows."""
TOO_LONG = frozenset({3024, 1969, 1317})
"""Errors of a statement that the server has ended: MySQL's limit, MariaDB's, and an interrupted query."""
CONNECTION_TRIES = 3


class ChunkTooLongError(ToolError):
    """The server ended a statement because of its time: fewer rows will do."""


class Pair:
    def __init__(self, source: Server, target: Server) -> None:
        self._servers = (source, target)
        self._connections: list[pymysql.Connection[pymysql.cursors.DictCursor] | None] = [None, None]
        self._companion = ThreadPoolExecutor(1, "target")

    def __enter__(self) -> Pair:
        for side in (0, 1):
            self._connection(side)
        return self

    def __exit__(self, *_: object) -> None:
        self._companion.shutdown(wait=True)
        for side in (0, 1):
            self._drop(side)

    def sums(self, plan: Plan, condition: Condition) -> tuple[tuple[int, str], tuple[int, str]]:
        """Number of rows and folded hash on the source and on the target."""
        theirs = self._companion.submit(self._sum, 1, plan, condition)
        try:
            ours = self._sum(0, plan, condition)
        except ToolError:
            theirs.exception()
            raise
        return ours, theirs.result()

    def key_at(self, side: int, plan: Plan, condition: Condition, offset: int) -> Key | None:
        """The key of the row at `offset` among those of the condition; None where there are fewer."""
        rows = self.ask(side, checksum.bound_query(plan.tables[side], condition, offset))
        return checksum.key_of(rows[0], plan.tables[side]) if rows else None

    def listed(self, side: int, plan: Plan, condition: Condition) -> dict[Key, str]:
        rows = self.ask(side, checksum.rows_query(plan, side, condition))
        return {checksum.key_of(row, plan.tables[side]): str(row["h"]) for row in rows}

    def ask(self, side: int, query: tuple[str, Sequence[Any]]) -> list[dict[str, Any]]:
        text, values = query
        for tried in range(1, CONNECTION_TRIES + 1):
            try:
                with self._connection(side).cursor() as cursor:
                    cursor.execute(text, tuple(values))
                    return [dict(row) for row in cursor.fetchall()]
            except (pymysql.Error, OSError) as error:
                number = error.args[0] if error.args else 0
                role = self._servers[side].role
                if number in TOO_LONG:
                    raise ChunkTooLongError(f"The {role} server ended a look at its rows (error {number}).") from error
                lost = not isinstance(error, pymysql.Error) or number in CONNECTION_LOST
                self._drop(side)
                if not lost or tried == CONNECTION_TRIES:
                    told = number if isinstance(number, int) else type(error).__name__
                    raise ToolError(
                        f"The {role} server broke off a comparison (error {told}); start the step again."
                    ) from error
        raise AssertionError("unreachable")

    def _sum(self, side: int, plan: Plan, condition: Condition) -> tuple[int, str]:
        row = self.ask(side, checksum.chunk_query(plan, side, condition))[0]
        return int(row["n"]), str(row["h"])

    def _connection(self, side: int) -> pymysql.Connection[pymysql.cursors.DictCursor]:
        held = self._connections[side]
        if held is None:
            server = self._servers[side]
            held = server.connect(LONGEST_CHUNK_SECONDS + 5, LONGEST_CHUNK_SECONDS)
            with held.cursor() as cursor:
                limit = server.dialect.statement_limit
                cursor.execute(limit.replace("{ms}", str(int(LONGEST_CHUNK_SECONDS * 1000))))
            self._connections[side] = held
        return held

    def _drop(self, side: int) -> None:
        held = self._connections[side]
        if held is not None:
            with contextlib.suppress(pymysql.Error, OSError):
                held.close()
        self._connections[side] = None
