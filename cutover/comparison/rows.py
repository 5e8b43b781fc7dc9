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
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

from cutover.comparison import checksum
from cutover.comparison.checksum import Condition, Key, Plan
from cutover.comparison.pair import ChunkTooLongError, Pair
from cutover.comparison.results import SHOWN_KEYS, Difference, TableResult, Verification
from cutover.errors import ToolError
from cutover.limits import CHUNK_ROWS_MOST, FIRST_CHUNK_BYTES, LIST_ROWS, SPLIT_ROWS, Limits
from cutover.servers.catalogue import INTEGERS, Catalogue, Table
from cutover.servers.mysql import Server

MOST_SUSPECTS = 200
"""Chunks of one table that truly differ, after which looking at single rows tells nothing more."""
SUSPECTS_AT_ONCE = 50
"""Chunks that differed at the first look and are looked at again together, after one marker."""
MOST_DIFFERENCES = 10_000
"""Differing rows that are counted in one chunk; beyond it the count says "at least", and memory stays bounded."""
SHOWN_KEY_DIGITS = 12
"""An integer key with more digits is shown as a reference: 13 digits and more could be a card number."""
LEAST_ROWS = 1
DENSE = 0.5
"""Part of an integer key's numbers that must be in use for the next chunk's end to be counted."""
Bounds = tuple[Key | None, Key | None]
Seen = dict[Key, tuple[str, str | None]]
"""Differing rows by key: the kind, and the source's hash."""


class Throttled(Protocol):
    """What a comparison asks before each chunk; `throttle.Throttle` is the real one."""

    paused_seconds: float

    def wait(self, stopped: Callable[[], None]) -> None: ...


@dataclass(frozen=True)
class Span:
    """Part of a table: keys after `low` and up to `high`."""

    plan: Plan
    low: Key | None
    high: Key | None
    largest: int | None = None
    """The source's largest key, where the key is an integer and the table is large."""


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
        keep_keys: int = 0,
    ) -> None:
        self._source = source
        self._target = target
        self._limits = limits
        self._throttle = throttle
        self._stopped = stopped
        self._catch_up = catch_up
        """Given for a live comparison: returns once everything written before the call is on the target."""
        self._progress = progress
        self._keep_keys = keep_keys
        """Keys of differing rows that are kept per table, for a repair."""
        self._lock = threading.Lock()
        self._failed = threading.Event()
        self._busiest = 0.0
        self._pepper = hashlib.sha256(b"key reference\0" + source.account.password.encode()).digest()

    def run(self, source: Catalogue, target: Catalogue) -> Verification:
        began = time.monotonic()
        theirs = {table.full_name: table for table in target.tables}
        results = {table.full_name: TableResult(table=table.full_name) for table in source.tables}
        spans: queue.SimpleQueue[Span] = queue.SimpleQueue()
        dialects = (self._source.dialect, self._target.dialect)
        with Pair(self._source, self._target) as servers:
            for table in sorted(source.tables, key=lambda table: -table.rows):
                other = theirs.get(table.full_name)
                if other is None:
                    results[table.full_name].problem = f"table {table.full_name} is missing on the target"
                    continue
                checksum.require_comparable(table, other)
                for span in self._spans(servers, checksum.plan(table, other, dialects)):
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
            scan_seconds=self._busiest,
        )

    def _spans(self, servers: Pair, plan: Plan) -> Iterator[Span]:
        """Parts of about equally many rows. An integer key is split by its range, any other by rows of its index."""
        table, parts = plan.tables[0], self._limits.parallel
        bounds: list[Key | None] = [None]
        largest: int | None = None
        if table.rows > SPLIT_ROWS and table.integer_key:
            ends = self._source.row(checksum.ends_query(table))
            low, largest = int(ends["low"] or 0), int(ends["high"] or 0)
            bounds += [(low + (largest - low) * part // parts,) for part in range(1, parts)]
        elif table.rows > SPLIT_ROWS:
            for _ in range(1, parts):
                bound = servers.key_at(0, plan, checksum.after(table, bounds[-1]), table.rows // parts)
                if bound is None:
                    break
                bounds.append(bound)
        for lower, upper in itertools.pairwise([*bounds, None]):
            yield Span(plan, lower, upper, largest)

    def _work(self, spans: queue.SimpleQueue[Span], results: dict[str, TableResult]) -> None:
        busy = 0.0
        try:
            with Pair(self._source, self._target) as servers:
                while not self._failed.is_set():
                    try:
                        span = spans.get_nowait()
                    except queue.Empty:
                        return
                    busy += self._compare(servers, span, results[span.plan.tables[0].full_name])
                    with self._lock:
                        self._busiest = max(self._busiest, busy)
        except BaseException:
            self._failed.set()
            raise

    def _compare(self, servers: Pair, span: Span, result: TableResult) -> float:
        """Goes through the span chunk by chunk; the seconds that the chunks took."""
        mine = span.plan.tables[0]
        rows = first_rows(mine)
        low, busy, density = span.low, 0.0, 0.0
        suspects: list[Bounds] = []
        while True:
            self._pause()
            began = time.monotonic()
            try:
                high, last = self._chunk_end(servers, span, low, rows, density)
                condition = checksum.between(mine, low, high)
                ours, others = servers.sums(span.plan, condition)
            except ChunkTooLongError:
                if rows <= LEAST_ROWS:
                    raise
                rows = max(LEAST_ROWS, rows // 2)
                continue
            taken = time.monotonic() - began
            busy += taken
            with self._lock:
                result.chunks += 1
                result.source_rows += ours[0]
                result.target_rows += others[0]
            self._progress(ours[0])
            if ours != others:
                suspects.append((low, high))
            if suspects and (last or len(suspects) >= SUSPECTS_AT_ONCE):
                if not self._explain(servers, span.plan, suspects, result):
                    return busy
                suspects = []
            if last:
                return busy
            if span.largest is not None and low is not None and high is not None:
                density = ours[0] / max(1, high[0] - low[0])
            low = high
            pace = self._limits.chunk_seconds / max(taken, 0.001)
            rows = int(min(max(rows * min(max(pace, 0.5), 4.0), LEAST_ROWS), CHUNK_ROWS_MOST))

    @staticmethod
    def _chunk_end(servers: Pair, span: Span, low: Key | None, rows: int, density: float) -> tuple[Key | None, bool]:
        """The last key of the chunk after `low`, and whether it is the span's last chunk.

        Counted where integer keys are dense. Anywhere else the index is walked, which reads the source once more.
        """
        if low is not None and density >= DENSE and span.largest is not None:
            end = span.largest if span.high is None else span.high[0]
            return (span.high, True) if low[0] + rows >= end else ((low[0] + rows,), False)
        mine = span.plan.tables[0]
        rest = checksum.between(mine, low, span.high)
        found = servers.key_at(0, span.plan, rest, rows - 1)
        return (span.high, True) if found is None else (found, False)

    def _explain(self, servers: Pair, plan: Plan, suspects: list[Bounds], result: TableResult) -> bool:
        """Finds the rows of chunks that differ; live, only those that differ alike after two markers.

        False when so many chunks truly differ that single rows tell nothing more.
        """
        now: dict[Bounds, Seen] = {bounds: {} for bounds in suspects}
        confirmed: dict[Bounds, Seen] = {}
        for _ in range(self._limits.recheck_rounds if self._catch_up else 1):
            if self._catch_up:
                self._catch_up()
            before = now
            now = {}
            for bounds in before:
                found = itertools.islice(self._differing(servers, plan, bounds), MOST_DIFFERENCES)
                now[bounds] = {key: (kind, row_hash) for kind, key, row_hash in found}
                confirmed[bounds] = {
                    key: seen
                    for key, seen in now[bounds].items()
                    if not self._catch_up or before[bounds].get(key) == seen
                }
            # What differs no more, or differs alike twice, needs no third look.
            now = {bounds: seen for bounds, seen in now.items() if len(confirmed[bounds]) != len(seen)}
            if not now:
                break
        with self._lock:
            result.hot += sum(len(seen) - len(confirmed[bounds]) for bounds, seen in now.items())
            wrong = [seen for seen in confirmed.values() if seen]
            for key, (kind, _) in (item for seen in wrong for item in seen.items()):
                setattr(result, kind, getattr(result, kind) + 1)
                if len(result.keys) < self._keep_keys:
                    result.keys[key] = kind
                if len(result.shown) < SHOWN_KEYS:
                    result.shown.append(Difference(kind=kind, key=self._shown(plan.tables[0], key)))
            result.wrong_chunks += len(wrong)
            if result.wrong_chunks > MOST_SUSPECTS:
                result.problem = f"table {result.table} differs in more than {MOST_SUSPECTS} chunks"
        return not result.problem

    def _differing(self, servers: Pair, plan: Plan, bounds: Bounds) -> Iterator[tuple[str, Key, str | None]]:
        """Kind, key and source hash of each row of the range that differs: halves the range until a list holds it."""
        self._stopped()
        mine = plan.tables[0]
        condition: Condition = checksum.between(mine, *bounds)
        ours, others = servers.sums(plan, condition)
        if ours == others:
            return
        most = max(ours[0], others[0])
        if most > LIST_ROWS:
            side = 0 if ours[0] >= others[0] else 1
            middle = servers.key_at(side, plan, condition, most // 2)
            if middle is not None and middle != bounds[1]:
                yield from self._differing(servers, plan, (bounds[0], middle))
                yield from self._differing(servers, plan, (middle, bounds[1]))
                return
        here, there = (servers.listed(side, plan, condition) for side in (0, 1))
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


def first_rows(table: Table) -> int:
    """Rows of the first chunk: few where they are heavy."""
    return max(LEAST_ROWS, min(CHUNK_ROWS_MOST, FIRST_CHUNK_BYTES // max(table.row_bytes, 100)))
