"""Time as AWS would take it, played fast: the clock stands still while anybody works."""

from __future__ import annotations

import heapq
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

LOOK_SECONDS = 0.02
"""How often the clock looks whether everybody waits."""
LOOKS = 4
"""How many looks in a row must find everybody waiting before time goes on."""
QUIET_LOOKS = 50
"""The same where only silence shows that the engine waits."""


class Clock:
    """Seconds of a played deployment.

    Whoever creates something waits on this clock. When all that is under way is waiting and the engine rests, it jumps
    to the next moment at which somebody has waited enough. So the engine's order and its parallelism are real, the
    engine's own work takes no time, and a slow machine changes nothing.
    """

    def __init__(self, *, scale: float = 0.0) -> None:
        """`scale`: real seconds that pass for each played one, 0 for as fast as possible."""
        self._scale = scale
        self._changed = threading.Condition()
        self._waiting: list[float] = []
        self._busy = 0
        self._words = 0
        self._resting: Callable[[], bool] | None = None
        self._now = 0.0
        self._closed = False
        threading.Thread(target=self._tick, daemon=True).start()

    @property
    def now(self) -> float:
        """Played seconds since the clock was made."""
        return self._now

    def follow(self, resting: Callable[[], bool] | None) -> None:
        """Stand still also while an engine works.

        Args:
            resting: tells whether it only waits; without it, a second of silence does.
        """
        self._resting = resting

    def close(self) -> None:
        """Let everybody go at once, now and later."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """While inside, the clock stands still, except in `wait`."""
        with self._changed:
            self._busy += 1
            self._words += 1
        try:
            yield
        finally:
            with self._changed:
                self._busy -= 1
                self._words += 1

    def wait(self, seconds: float) -> None:
        """Return when `seconds` have been played; only from within `at_work`."""
        with self._changed:
            until = self._now + seconds
            heapq.heappush(self._waiting, until)
            self._busy -= 1
            self._changed.wait_for(lambda: self._closed or self._now >= until)
            self._busy += 1
            self._words += 1

    def _tick(self) -> None:
        looks, words = 0, -1
        while not self._closed:
            time.sleep(LOOK_SECONDS)
            quiet = bool(self._waiting) and not self._busy and self._words == words
            looks = looks + 1 if quiet and (self._resting is None or self._resting()) else 0
            words = self._words
            if looks >= (QUIET_LOOKS if self._resting is None else LOOKS):
                self._jump()

    def _jump(self) -> None:
        with self._changed:
            until = heapq.heappop(self._waiting)
            time.sleep(max(0.0, until - self._now) * self._scale)
            self._now = max(self._now, until)
            while self._waiting and self._waiting[0] <= self._now:
                heapq.heappop(self._waiting)
            self._words += 1
            self._changed.notify_all()


class NoTime(Clock):
    """Everything takes no time: for questions that are not about time."""

    def __init__(self) -> None:
        super().__init__()
        self.close()

    def wait(self, seconds: float) -> None:  # noqa: ARG002
        return
