"""Time as AWS would take it, played fast: the clock stands still while anybody works."""

from __future__ import annotations

import heapq
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

QUIET_SECONDS = 0.4
"""How long nobody may have spoken before everybody counts as waiting; the engine answers within a few milliseconds."""
START_QUIET_SECONDS = 2.5
"""The same before the clock first moves: a program that imports its modules says nothing for a while."""


class Clock:
    """Seconds of a played deployment.

    Whoever creates something waits on this clock. It jumps to the next moment at which somebody has waited enough, as
    soon as all that is under way is waiting and the engine has nothing more to say. So the engine's order and its
    parallelism are real, the engine's own work takes no time, and a slow machine changes nothing.
    """

    def __init__(self, *, scale: float = 0.0) -> None:
        """`scale`: real seconds that pass for each played one on top, 0 for as fast as possible."""
        self._scale = scale
        self._changed = threading.Condition()
        self._waiting: list[float] = []
        self._busy = 0
        self._last_word = time.monotonic()
        self._now = 0.0
        self._moved = False
        self._closed = False
        threading.Thread(target=self._tick, daemon=True).start()

    @property
    def now(self) -> float:
        """Played seconds since the clock was made."""
        return self._now

    def restart(self) -> None:
        """Expect a program to start: wait longer for its first words."""
        with self._changed:
            self._moved = False
            self._last_word = time.monotonic()

    def close(self) -> None:
        """Let everybody go at once, now and later."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """While inside, the clock stands still, except in `wait`."""
        self._speak(1)
        try:
            yield
        finally:
            self._speak(-1)

    def wait(self, seconds: float) -> None:
        """Return when `seconds` have been played; only from within `at_work`."""
        with self._changed:
            until = self._now + seconds
            heapq.heappush(self._waiting, until)
            self._busy -= 1
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._closed or self._now >= until)
            self._busy += 1
            self._last_word = time.monotonic()

    def _speak(self, change: int) -> None:
        with self._changed:
            self._busy += change
            self._last_word = time.monotonic()
            self._changed.notify_all()

    def _tick(self) -> None:
        with self._changed:
            while not self._closed:
                self._changed.wait_for(lambda: self._closed or bool(self._waiting and not self._busy))
                quiet = QUIET_SECONDS if self._moved else START_QUIET_SECONDS
                left = self._last_word + quiet - time.monotonic()
                if left > 0:
                    self._changed.wait(left)
                    continue
                if self._waiting and not self._busy:
                    self._jump(heapq.heappop(self._waiting))

    def _jump(self, until: float) -> None:
        time.sleep(max(0.0, until - self._now) * self._scale)
        self._now = max(self._now, until)
        self._moved = True
        while self._waiting and self._waiting[0] <= self._now:
            heapq.heappop(self._waiting)
        self._last_word = time.monotonic()
        self._changed.notify_all()


class NoTime(Clock):
    """Everything takes no time: for questions that are not about time."""

    def __init__(self) -> None:
        super().__init__()
        self.close()

    def wait(self, seconds: float) -> None:  # noqa: ARG002
        return
