"""Keeps a live comparison from hurting the payments: it pauses while a server is busy, and ends at a critical load.

It looks at source, target and the replicas that the operator names: busy threads, the history list that long reads let
grow, and lag. A command of the site's own can pause it too.
"""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence

from cutover.errors import RefusedError, ToolError
from cutover.limits import Limits
from cutover.servers.mysql import Server

LOOK_SECONDS = 0.5
COMMAND_SECONDS = 5
_HISTORY = "SELECT COUNT AS n FROM information_schema.INNODB_METRICS WHERE NAME = 'trx_rseg_history_len'"


class Throttle:
    """Workers ask `wait` before each chunk. One look at the load serves all of them for half a second."""

    def __init__(
        self,
        servers: Mapping[str, Server],
        limits: Limits,
        lag_seconds: Callable[[], float | None] | None = None,
        command: Sequence[str] = (),
    ) -> None:
        self._servers = servers
        """By the name that a reason shows. All but `source` and `target` are replicas, whose lag counts."""
        self._limits = limits
        self._lag_seconds = lag_seconds
        self._command = command
        self._lock = threading.Lock()
        self._looked = -LOOK_SECONDS
        self._reason = ""
        self.paused_seconds = 0.0

    def wait(self, stopped: Callable[[], None]) -> None:
        """Returns when the load is fine. `stopped` is called while waiting and raises to end the wait.

        Raises `RefusedError` at a critical load.
        """
        while self.reason():
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
        reasons = [self._load(name, server) for name, server in self._servers.items()]
        lag = self._lag_seconds() if self._lag_seconds is not None else None
        if lag is not None and lag > self._limits.max_lag_seconds:
            reasons.append(f"replication lags {lag:.1f} s, {self._limits.max_lag_seconds:.1f} s are allowed")
        reasons.append(self._asked())
        return "; ".join(filter(None, reasons))

    def _load(self, name: str, server: Server) -> str:
        limits = self._limits
        running = server.status("Threads_running")["threads_running"] - limits.parallel
        if running > limits.critical_threads_running:
            raise RefusedError(
                f"{running} threads run on the {name}, {limits.critical_threads_running} are critical: the comparison "
                f"ended; begin again at a quieter hour."
            )
        if running > limits.max_threads_running:
            return f"{running} threads run on the {name}, {limits.max_threads_running} are allowed"
        history = int(server.value(_HISTORY) or 0)
        if history > limits.max_history_length:
            return (
                f"the history list of the {name} holds {history:,} entries, {limits.max_history_length:,} are allowed"
            )
        return "" if name in ("source", "target") else self._replica(name, server)

    def _replica(self, name: str, server: Server) -> str:
        row = server.row(server.dialect.replica_status)
        behind = row.get("Seconds_Behind_Source", row.get("Seconds_Behind_Master"))
        if not row or behind is None:
            return f"{name} does not replicate"
        if float(behind) > self._limits.max_lag_seconds:
            return f"{name} lags {behind} s, {self._limits.max_lag_seconds:.0f} s are allowed"
        return ""

    def _asked(self) -> str:
        """The site's own signal: the command's exit code is not 0, and the last line that it printed says why."""
        if not self._command:
            return ""
        try:
            done = subprocess.run(self._command, capture_output=True, text=True, timeout=COMMAND_SECONDS, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise ToolError(
                f"The throttling command '{self._command[0]}' could not be carried out: {error}."
            ) from error
        if done.returncode == 0:
            return ""
        return (done.stdout.strip().splitlines() or [f"'{self._command[0]}' ended with {done.returncode}"])[-1]
