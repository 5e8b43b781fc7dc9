"""What the engine is doing, in one line that a waiting person understands."""

from __future__ import annotations

import time
from collections.abc import Callable

from pulumi import automation
from rich.console import Console

QUIET_SECONDS = 20.0
"""Without a terminal a line a change would bury the log; one in this time shows that it lives."""
SHOWN = 3
CHANGES = {"create": "creating", "update": "updating", "delete": "deleting", "create-replacement": "replacing"}


class Progress:
    """Listens to an engine's events.

    Args:
        expected: how many resources the work is about, or 0 when nobody knows.
        forecast_seconds: how long it should take, or 0.
        clock: seconds that only go forward.
    """

    def __init__(
        self,
        say: Callable[[str], None],
        expected: int = 0,
        forecast_seconds: float = 0.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._say = say
        self._expected = expected
        self._forecast = forecast_seconds
        self._clock = clock
        self._start = clock()
        self._running: dict[str, str] = {}
        self.done = 0
        self.problems: list[str] = []
        """What failed and what the policy pack refused, one line each."""

    def hear(self, event: automation.EngineEvent) -> None:
        """Take one event in, and say where things stand."""
        if event.resource_pre_event:
            change = event.resource_pre_event.metadata
            if change.op.value in CHANGES:
                self._running[change.urn] = CHANGES[change.op.value]
        elif event.res_outputs_event:
            change = event.res_outputs_event.metadata
            if self._running.pop(change.urn, None):
                self.done += 1
        elif event.res_op_failed_event:
            urn = event.res_op_failed_event.metadata.urn
            self._running.pop(urn, None)
            self.problems.append(f"{_named(urn)}: it failed.")
        elif event.policy_event and event.policy_event.enforcement_level == "mandatory":
            where = _named(event.policy_event.resource_urn or "the stack")
            self.problems.append(f"{where}: {event.policy_event.policy_name}: {_one_line(event.policy_event.message)}")
        elif event.diagnostic_event and event.diagnostic_event.severity == "error":
            self.problems.append(_one_line(event.diagnostic_event.message))
        self._say(self.line())

    def line(self) -> str:
        """Where things stand."""
        of = f" of {self._expected}" if self._expected >= self.done > 0 else ""
        forecast = f", forecast {_minutes(self._forecast)}" if self._forecast else ""
        running = [f"{change} {_named(urn)}" for urn, change in self._running.items()]
        more = f" and {len(running) - SHOWN} more" if len(running) > SHOWN else ""
        doing = f"; {', '.join(running[:SHOWN])}{more}" if running else ""
        return f"{self.done}{of} done after {_minutes(self._clock() - self._start)}{forecast}{doing}"


def speaker(console: Console, update: Callable[[str], None]) -> Callable[[str], None]:
    """How to say where things stand: on a terminal in place, elsewhere as a line now and then."""
    if console.is_terminal:
        return update
    last = [0.0]

    def now_and_then(text: str) -> None:
        if time.monotonic() - last[0] >= QUIET_SECONDS:
            last[0] = time.monotonic()
            console.print(text, highlight=False, soft_wrap=True)

    return now_and_then


def _named(urn: str) -> str:
    return urn.rpartition("::")[2]


def _minutes(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"


def _one_line(text: str) -> str:
    return " ".join(text.split())
