"""A line on standard error for work that takes longer than two seconds."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType

from rich.console import Console
from rich.status import Status

QUIET_SECONDS = 2.0
"""Nobody needs to be told of less."""
LINE_SECONDS = 10.0
"""Between two lines where there is no terminal."""


class Progress:
    """Says how far the work is, after `QUIET_SECONDS`: a moving line on a terminal, else a line now and then."""

    def __init__(self, console: Console, clock: Callable[[], float] = time.monotonic) -> None:
        self._console = console
        self._clock = clock
        self._next = clock() + QUIET_SECONDS
        self._status: Status | None = None

    def of(self, does: str, total: int = 0) -> Callable[[int], None]:
        """A listener for one part of the work: it hears how many objects are done."""

        def hear(done: int) -> None:
            now = self._clock()
            if now < self._next:
                return
            line = f"{does} {done}{f' of {total}' if total else ''} objects"
            if not self._console.is_terminal:
                self._console.print(line)
                self._next = now + LINE_SECONDS
                return
            if self._status is None:
                self._status = self._console.status(line)
                self._status.start()
            self._status.update(line)
            self._next = now + 0.1

        return hear

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if self._status:
            self._status.stop()
