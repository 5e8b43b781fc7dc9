"""Keeps a live comparison from hurting the payments: it pauses while the source is busy or replication lags."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from cutover.limits import Limits
from cutover.servers.mysql import Server

LOOK_SECONDS = 0.5


class Throttle:
    """Workers ask `wait` before each chunk. One look at the load serves all of them for half a second."""

    def __init__(self, source: Server, limits: Limits, lag_seconds: Callable[[], float | None] | None = None) -> None:
        self._source = source
        self._limits = limits
        self._lag_seconds = lag_seconds
        self._lock = threading.Lock()
        self._looked = -LOOK_SECONDS
        self._reason = ""
        self.paused_seconds = 0.0

    def wait(self, stopped: Callable[[], None]) -> None:
        """Returns when the load is fine. `stopped` is called while waiting and raises to end the wait."""
        while reason := self.reason():
            del reason
            stopped()
            time.sleep(LOOK_SECONDS / 2)
            with self._lock:
                self.paused_seconds += LOOK_SECONDS / 2

    def reason(self) -> str:
        """Why to pause now; empty: go on."""
        with self._lock:
            if time.monotonic() - self._looked >= LOOK_SECONDS:
                self._reason = self._look()
                self._looked = time.monotonic()
            return self._reason

    def _look(self) -> str:
        running = self._source.status("Threads_running")["threads_running"] - self._limits.parallel
        if running > self._limits.max_threads_running:
            return f"{running} threads run on the source, {self._limits.max_threads_running} are allowed"
        lag = self._lag_seconds() if self._lag_seconds is not None else None
        if lag is not None and lag > self._limits.max_lag_seconds:
            return f"replication lags {lag:.1f} s, {self._limits.max_lag_seconds:.1f} s are allowed"
        return ""
