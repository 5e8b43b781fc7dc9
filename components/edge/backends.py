"""What the load balancer leads to, and the fixed order of its rules. No resources."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

EVERYTHING = "/*"
LONGEST = 128
"""Characters of a path pattern (Elastic Load Balancing, quotas for rules)."""
SLOTS = 150
"""Priorities for patterns of equal length. A pattern draws its own, so that other patterns do not move it."""
FIRST_SHIFT, FIRST_ROUTE = 1_000, 25_000
"""The rules by which traffic shifts come before those that only choose the service; AWS has priorities to 50,000."""


@dataclass(frozen=True, kw_only=True)
class Backend:
    """One public service."""

    name: str
    """Empty for the one service of an application that has no more."""
    node_port: int
    """Its port on every node."""
    health_path: str
    """Path that answers 200 when the service is ready."""
    protocol: Literal["HTTPS", "HTTP"]
    """What the service speaks on its port."""
    patterns: tuple[str, ...]
    """Path patterns of the load balancer that lead to it."""
    drain_seconds: int = 60
    """How long requests may still finish when a node leaves."""

    @property
    def takes_the_rest(self) -> bool:
        """Whether it gets whatever no other service is named for."""
        return EVERYTHING in self.patterns

    def named(self, name: str) -> str:
        """A resource's name with the backend's own at its end."""
        return f"{name}-{self.name}" if self.name else name


def priority(pattern: str, first: int) -> int:
    """The priority of a pattern's rule: what is longer before its first wildcard is asked first."""
    exact = len(pattern.partition("*")[0].partition("?")[0])
    return first + (LONGEST - exact) * SLOTS + zlib.crc32(pattern.encode()) % SLOTS


def colliding(patterns: Iterable[str]) -> tuple[str, str] | None:
    """Two patterns that draw one priority, if there are any."""
    taken: dict[int, str] = {}
    for pattern in patterns:
        if (other := taken.setdefault(priority(pattern, FIRST_ROUTE), pattern)) != pattern:
            return other, pattern
    return None
