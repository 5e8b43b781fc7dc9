"""Whether this instance can work, seen by working: it writes to the database and asks Redis, again and again.

The health page answers from the last look, so it answers at once even when every connection hangs. A look that is
overdue is a failed one.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping

from sqlalchemy import text

from softpos.database import Database, DatabaseUnavailableError
from softpos.sessions import CacheUnavailableError, Sessions

LOG = logging.getLogger(__name__)
EVERY_SECONDS = 1.0
STALE_SECONDS = 4.0
FORGOTTEN_AFTER = "INTERVAL 1 DAY"
NOT_LOOKED = "not looked at yet"


class Health:
    """Looks every second, and at once when `look_soon` says that something has changed."""

    def __init__(self, database: Database, sessions: Sessions, instance: str) -> None:
        self._database = database
        self._sessions = sessions
        self._instance = instance
        self._found: Mapping[str, str] = {"database": NOT_LOOKED, "sessions": NOT_LOOKED}
        self._looked_at = 0.0
        self._soon = threading.Event()
        self._stopped = threading.Event()
        self.draining = False

    def start(self) -> None:
        threading.Thread(target=self._run, daemon=True, name="health").start()

    def stop(self) -> None:
        self._stopped.set()
        self._soon.set()

    def look_soon(self) -> None:
        self._soon.set()

    @property
    def problems(self) -> dict[str, str]:
        """What keeps this instance from working, by part; empty when it is ready."""
        if self.draining:
            return {"instance": "is leaving"}
        found = {part: wrong for part, wrong in self._found.items() if wrong}
        if not found and time.monotonic() - self._looked_at > STALE_SECONDS:
            return {"instance": "a look at database and sessions hangs"}
        return found

    def look(self) -> None:
        """Writes one row as every payment does, and asks Redis."""
        before, self._found = self._found, {"database": self._database_fails(), "sessions": self._sessions_fail()}
        self._looked_at = time.monotonic()
        if before != self._found:
            LOG.info("health: %s", {part: wrong or "works" for part, wrong in self._found.items()})

    def _database_fails(self) -> str:
        try:
            with self._database.pulsing() as transaction:
                transaction.execute(
                    text("REPLACE INTO heartbeats (instance, beaten_at) VALUES (:instance, NOW(6))"),
                    {"instance": self._instance},
                )
        except DatabaseUnavailableError as error:
            return f"cannot be written ({error})"
        return ""

    def _sessions_fail(self) -> str:
        try:
            self._sessions.ping()
        except CacheUnavailableError as error:
            return f"cannot be reached ({error})"
        return ""

    def _run(self) -> None:
        while not self._stopped.is_set():
            self._soon.clear()
            self.look()
            self._soon.wait(EVERY_SECONDS)
