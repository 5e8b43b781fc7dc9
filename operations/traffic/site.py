"""One stack's traffic at hand: AWS, the looks, the limits, the screen and the clock."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from operations.traffic.aws import Aws
from operations.traffic.balancer import Balancer, PublicName
from operations.traffic.gates import Finding, Step
from operations.traffic.limits import Limits
from operations.traffic.seen import Looks
from operations.traffic.stack import Traffic


class Screen(Protocol):
    """What the operator sees."""

    def tells(self, sentence: str) -> None: ...
    def waits(self, sentence: str) -> None: ...
    def finds(self, findings: Sequence[Finding]) -> None: ...


@dataclass(frozen=True, kw_only=True)
class Site:
    """One stack's traffic at hand."""

    traffic: Traffic
    aws: Aws
    looks: Looks
    limits: Limits
    screen: Screen
    clock: Callable[[], float] = time.time
    """Seconds of the epoch."""
    sleep: Callable[[float], None] = time.sleep

    @property
    def balancer(self) -> Balancer:
        return Balancer(self.aws, self.traffic)

    @property
    def name(self) -> PublicName:
        return PublicName(self.aws, self.traffic)

    @property
    def cookie_seconds(self) -> int:
        """No client is bound to a side for longer than a step is watched."""
        return max(1, min(self.traffic.cookie_seconds, int(self.limits.window_seconds)))

    def step(self, percent: int, *, ended: bool = True) -> Step:
        return Step(percent=percent, limits=self.limits, ended=ended)
