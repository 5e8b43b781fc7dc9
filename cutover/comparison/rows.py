"""Compares source and target row by row without moving rows: counts and hashes in chunks, keys only where they differ.

Memory does not grow with the tables: at any time a worker holds one chunk's two sums, or the keys and hashes of
`LIST_ROWS` rows. Load is bounded: a chunk's size follows from the time that it may take, at most `parallel` statements
run on a server, and a live comparison pauses as `throttle.py` says.

Live or frozen. Frozen: a difference is a difference. Live: rows change between the two reads, so a differing chunk is
looked at again after a marker written later has arrived on the target, and a row counts as different only if the
source shows the same hash twice around a target that shows another.
"""

from __future__ import annotations

import hashlib
import hmac
import itertools
import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Protocol

import pymysql

from cutover.comparison import checksum
from cutover.comparison.checksum import Condition, Key
from cutover.errors import ToolError
from cutover.limits import CHUNK_ROWS_FIRST, CHUNK_ROWS_MOST, LIST_ROWS, SHOWN_KEYS, SPLIT_ROWS, Limits
from cutover.servers.catalogue import INTEGERS, Catalogue, Table
from cutover.servers.mysql import Server

LONGEST_CHUNK_SECONDS = 30.0
"""A checksum statement is ended by the server after this time; the run then fails rather than holds a snapshot open."""
MOST_SUSPECTS = 200
"""Differing chunks of one table after which looking at single rows tells nothing more."""
MOST_DIFFERENCES = 10_000
"""Differing rows that are counted in one chunk; beyond it the count says "at least", and memory stays bounded."""
SHOWN_KEY_DIGITS = 12
"""An integer key with more digits is shown as a reference: 13 digits and more could be a card number."""


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One row that is not the same on both sides. Never its values."""

    kind: str
    """`missing` on the target, `extra` on the target, or `different`."""
    key: str
    """The key itself if it is an integer too short for a card number, else a keyed reference to it."""


@dataclass(kw_only=True)
class TableResult:
    table: str
    source_rows: int = 0
    target_rows: int = 0
    chunks: int = 0
    missing: int = 0
    extra: int = 0
    different: int = 0
    hot: int = 0
    """Rows written so often during a live comparison that no two looks agreed."""
    shown: list[Difference] = field(default_factory=list)
    problem: str = ""
    """Why the table could not be compared; empty if it was."""

    @property
    def differences(self) -> int:
        return self.missing + self.extra + self.different

    @property
    def equal(self) -> bool:
        return not self.differences and not self.problem


@dataclass(frozen=True, kw_only=True)
class Verification:
    tables: tuple[TableResult, ...]
    seconds: float
    paused_seconds: float
    scan_seconds: float
    """Time that the chunks alone took, the workers side by side: without pauses and second looks."""

    @property
    def rows(self) -> int:
        return sum(table.source_rows for table in self.tables)

    @property
    def rows_per_second(self) -> float:
        return self.rows / self.seconds if self.seconds else 0.0

    @property
    def equal(self) -> bool:
        return all(table.equal for table in self.tables)

    def sentence(self) -> str:
        wrong = [table for table in self.tables if not table.equal]
        if not wrong:
            return f"{self.rows:,} rows in {len(self.tables)} tables are the same on both sides"
        first = wrong[0]
        more = f" and {len(wrong) - 1} more tables" if len(wrong) > 1 else ""
        if first.problem:
            return f"{first.problem}{more}"
        keys = ", ".join(f"{item.kind} {item.key}" for item in first.shown[:3])
        return f"table {first.table} differs in {first.differences} rows ({keys}){more}"

    def evidence(self) -> dict[str, Any]:
        return {
            "rows": self.rows,
            "tables": len(self.tables),
            "seconds": round(self.seconds, 3),
            "rows_per_second": round(self.rows_per_second),
            "paused_seconds": round(self.paused_seconds, 1),
            "rows_written_meanwhile": sum(table.hot for table in self.tables),
            "differences": sum(table.differences for table in self.tables),
            "wrong_tables": [table.table for table in self.tables if not table.equal][:SHOWN_KEYS],
        }


class Throttled(Protocol):
    """What a comparison asks before each chunk; `throttle.Throttle` is the real one."""

    paused_seconds: float

    def wait(self, stopped: Callable[[], None]) -> None: ...


@dataclass(frozen=True)
class Span:
    """Part of a table: keys behind `low` and not behind `high`."""

    pair: tuple[Table, Table]
    low: Key | None
    high: Key | None


class Comparison:
    """One comparison of all tables. `run` blocks until the end; `stopped` is asked often and raises to end it."""

    def __init__(
        self,
        source: Server,
        target: Server,
        limits: Limits,
        *,
        throttle: Throttled | None = None,
        stopped: Callable[[], None] = lambda: None,
        catch_up: Callable[[], None] | None = None,
        progress: Callable[[int], None] = lambda _: None,
    ) -> None:
        self._source = source
        self._target = target
        self._limits = limits
        self._throttle = throttle
        self._stopped = stopped
        self._catch_up = catch_up
        """Given for a live comparison: returns once everything written before the call is on the target."""
        self._progress = progress
        self._lock = threading.Lock()
        self._failed = threading.Event()
        self._busy = 0.0
        self._pepper = hashlib.sha256(b"key reference\0" + source.account.password.encode()).digest()

    def run(self, source: Catalogue, target: Catalogue) -> Verification:
        began = time.monotonic()
        theirs = {table.full_name: table for table in target.tables}
        results = {table.full_name: TableResult(table=table.full_name) for table in source.tables}
        spans: queue.SimpleQueue[Span] = queue.SimpleQueue()
        for table in sorted(source.tables, key=lambda table: -table.rows):
            other = theirs.get(table.full_name)
            if other is None:
                results[table.full_name].problem = f"table {table.full_name} is missing on the target"
                continue
            checksum.require_comparable(table, other)
            for span in self._spans(table, other):
                spans.put(span)
        with ThreadPoolExecutor(self._limits.parallel, "compare") as pool:
            workers = [pool.submit(self._work, spans, results) for _ in range(self._limits.parallel)]
            try:
                for worker in workers:
                    worker.result()
            except BaseException:
                self._failed.set()
                raise
        return Verification(
            tables=tuple(results.values()),
            seconds=time.monotonic() - began,
            paused_seconds=self._throttle.paused_seconds if self._throttle else 0.0,
            scan_seconds=self._busy / max(1, self._limits.parallel),
        )

    def _spans(self, table: Table, other: Table) -> Iterator[Span]:
        parts = self._limits.parallel if table.integer_key and table.rows > SPLIT_ROWS else 1
        bounds: list[Key | None] = [None, None]
        if parts > 1:
            ends = self._source.row(checksum.ends_query(table))
            low, high = int(ends["low"]), int(ends["high"])
            bounds[1:1] = [(low + (high - low) * part // parts,) for part in range(1, parts)]
        for lower, upper in itertools.pairwise(bounds):
            yield Span((table, other), lower, upper)

    def _work(self, spans: queue.SimpleQueue[Span], results: dict[str, TableResult]) -> None:
        try:
            with _Pair(self._source, self._target) as servers:
                while not self._failed.is_set():
                    try:
                        span = spans.get_nowait()
                    except queue.Empty:
                        return
                    self._compare(servers, span, results[span.pair[0].full_name])
        except BaseException:
            self._failed.set()
            raise

    def _compare(self, servers: _Pair, span: Span, result: TableResult) -> None:
        rows = CHUNK_ROWS_FIRST
        low = span.low
        suspects: list[tuple[Key | None, Key | None]] = []
        while True:
            self._pause()
            began = time.monotonic()
            mine, _ = span.pair
            rest = checksum.both(checksum.after(mine, low), checksum.up_to(mine, span.high))
            bound = servers.source_rows(checksum.bound_query(mine, rest, rows - 1))
            high = checksum.key_of(bound[0], mine) if bound else span.high
            ours, others = servers.sums(span.pair, checksum.both(checksum.after(mine, low), checksum.up_to(mine, high)))
            taken = time.monotonic() - began
            with self._lock:
                self._busy += taken
                result.chunks += 1
                result.source_rows += ours[0]
                result.target_rows += others[0]
            self._progress(ours[0])
            if ours != others:
                suspects.append((low, high))
                if len(suspects) > MOST_SUSPECTS:
                    result.problem = f"table {mine.full_name} differs in more than {MOST_SUSPECTS} chunks"
                    return
            if not bound:
                break
            low = high
            pace = self._limits.chunk_seconds / max(taken, 0.001)
            rows = int(min(max(rows * min(max(pace, 0.5), 2.0), 100), CHUNK_ROWS_MOST))
        for low, high in suspects:
            self._explain(servers, span.pair, (low, high), result)

    def _explain(
        self, servers: _Pair, pair: tuple[Table, Table], bounds: tuple[Key | None, Key | None], result: TableResult
    ) -> None:
        """Finds the rows behind a chunk that differs; live, only those that differ alike behind two markers."""
        confirmed: dict[Key, tuple[str, int | None]] = {}
        now: dict[Key, tuple[str, int | None]] = {}
        for _ in range(self._limits.recheck_rounds if self._catch_up else 1):
            if self._catch_up:
                self._catch_up()
            before = now
            found = itertools.islice(self._differing(servers, pair, bounds), MOST_DIFFERENCES)
            now = {key: (kind, row_hash) for kind, key, row_hash in found}
            confirmed = {key: seen for key, seen in now.items() if not self._catch_up or before.get(key) == seen}
            if len(confirmed) == len(now):
                break
        with self._lock:
            result.hot += len(now) - len(confirmed)
            for key, (kind, _) in confirmed.items():
                setattr(result, kind, getattr(result, kind) + 1)
                if len(result.shown) < SHOWN_KEYS:
                    result.shown.append(Difference(kind=kind, key=self._shown(pair[0], key)))

    def _differing(
        self, servers: _Pair, pair: tuple[Table, Table], bounds: tuple[Key | None, Key | None]
    ) -> Iterator[tuple[str, Key, int | None]]:
        """Kind, key and source hash of each row of the range that differs: halves the range until a list holds it."""
        self._stopped()
        mine = pair[0]
        condition = checksum.both(checksum.after(mine, bounds[0]), checksum.up_to(mine, bounds[1]))
        ours, others = servers.sums(pair, condition)
        if ours == others:
            return
        most = max(ours[0], others[0])
        if most > LIST_ROWS:
            side = 0 if ours[0] >= others[0] else 1
            middle = servers.key_at(side, pair, condition, most // 2)
            if middle is not None and middle != bounds[1]:
                yield from self._differing(servers, pair, (bounds[0], middle))
                yield from self._differing(servers, pair, (middle, bounds[1]))
                return
        here, there = (servers.listed(side, pair, condition) for side in (0, 1))
        for key in sorted({*here, *there}, key=repr):
            if here.get(key) != there.get(key):
                kind = "missing" if key not in there else "extra" if key not in here else "different"
                yield kind, key, here.get(key)

    def _pause(self) -> None:
        self._stopped()
        if self._failed.is_set():
            raise ToolError("The comparison was ended.")
        if self._throttle is not None:
            self._throttle.wait(self._stopped)

    def _shown(self, table: Table, key: Key) -> str:
        """Integer keys are shown; any other, and those as long as a card number, by a reference.

        The reference is an HMAC under the source account's password: whoever can resolve it may read the rows anyway.
        """
        integers = all(column.data_type in INTEGERS for column in table.key)
        if integers and all(len(str(abs(int(value)))) <= SHOWN_KEY_DIGITS for value in key):
            return "/".join(str(value) for value in key)
        text = "\0".join(str(value) for value in key)
        return "ref:" + hmac.new(self._pepper, text.encode(), hashlib.sha256).hexdigest()[:16]


class _Pair:
    """A worker's two connections; the two statements of a comparison run at the same time."""

    def __init__(self, source: Server, target: Server) -> None:
        self._servers = (source, target)
        self._companion = ThreadPoolExecutor(1, "target")

    def __enter__(self) -> _Pair:
        self._connections = [server.connect(LONGEST_CHUNK_SECONDS + 5) for server in self._servers]
        for connection, server in zip(self._connections, self._servers, strict=True):
            with connection.cursor() as cursor:
                limit = server.dialect.statement_limit
                cursor.execute(limit.replace("{ms}", str(int(LONGEST_CHUNK_SECONDS * 1000))))
        return self

    def __exit__(self, *_: object) -> None:
        self._companion.shutdown(wait=True)
        for connection in self._connections:
            connection.close()

    def sums(self, pair: tuple[Table, Table], condition: Condition) -> tuple[tuple[int, int], tuple[int, int]]:
        theirs = self._companion.submit(self._sum, 1, pair[1], condition)
        ours = self._sum(0, pair[0], condition)
        return ours, theirs.result()

    def source_rows(self, query: tuple[str, Sequence[Any]]) -> list[dict[str, Any]]:
        return self._ask(0, query)

    def key_at(self, side: int, pair: tuple[Table, Table], condition: Condition, offset: int) -> Key | None:
        rows = self._ask(side, checksum.bound_query(pair[side], condition, offset))
        return checksum.key_of(rows[0], pair[side]) if rows else None

    def listed(self, side: int, pair: tuple[Table, Table], condition: Condition) -> dict[Key, int]:
        rows = self._ask(side, checksum.rows_query(pair[side], condition))
        return {checksum.key_of(row, pair[side]): int(row["h"]) for row in rows}

    def _sum(self, side: int, table: Table, condition: Condition) -> tuple[int, int]:
        row = self._ask(side, checksum.chunk_query(table, condition))[0]
        return int(row["n"]), int(row["h"])

    def _ask(self, side: int, query: tuple[str, Sequence[Any]]) -> list[dict[str, Any]]:
        text, values = query
        try:
            with self._connections[side].cursor() as cursor:
                cursor.execute(text, tuple(values))
                return [dict(row) for row in cursor.fetchall()]
        except (pymysql.Error, OSError) as error:
            number = error.args[0] if error.args else type(error).__name__
            raise ToolError(
                f"The {self._servers[side].role} server broke off a comparison (error {number}); start the step again."
            ) from error
