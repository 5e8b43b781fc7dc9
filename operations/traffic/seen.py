"""What a look has seen: plain figures, each read by itself. A figure is there, is missing, or could not be measured."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any, Protocol

from command_line.exits import Stop


@dataclass(frozen=True, kw_only=True)
class Minute:
    """What one target group has answered in one minute."""

    requests: int
    failed: int = 0
    """5xx, and connections that a target refused."""
    refused: int = 0
    """4xx: a declined payment, a login that has ended, a wrong request."""
    p95_seconds: float | None = None
    p99_seconds: float | None = None


Series = Mapping[int, Minute]
"""One side's minutes, by when each began (seconds of the epoch)."""


@dataclass(frozen=True, kw_only=True)
class Answers:
    """What the target groups have answered, minute by minute."""

    old: Series = field(default_factory=dict)
    """The data centre."""
    new: Mapping[str, Series] = field(default_factory=dict)
    """AWS, by target group: one for each service."""


@dataclass(frozen=True, kw_only=True)
class Edge:
    """What the load balancer and the firewall have done themselves, over the whole time."""

    requests: int
    failed: int = 0
    """Requests that the load balancer has answered with 5xx itself."""
    handshakes_failed: int = 0
    """TLS handshakes that came to nothing: clients older than TLS 1.2, or that do not trust the certificate."""
    headers_dropped: int = 0
    """Requests of which a header was dropped for its name."""


@dataclass(frozen=True, kw_only=True)
class Firewall:
    allowed: int
    hit: int
    """Blocked, or counted where the firewall only counts."""


@dataclass(frozen=True, kw_only=True)
class Connections:
    used: int
    most: int


@dataclass(frozen=True, kw_only=True)
class Reading:
    """One figure. Without `value` there is no data; with `broken` nobody could look."""

    value: Any = None
    broken: str = ""


class Looks(Protocol):
    """Where figures come from. Each answers None when there is no data, and raises when it cannot look.

    `since` and `until` are seconds of the epoch.
    """

    def answers(self, since: float, until: float) -> Answers | None: ...
    def edge(self, since: float, until: float) -> Edge | None: ...
    def firewall(self, since: float, until: float) -> Firewall | None: ...
    def lag(self) -> float | None:
        """Seconds; 0 while no replication is meant to run."""

    def health(self) -> Mapping[str, Mapping[str, str]] | None:
        """State by target group and target."""

    def tunnels(self) -> Mapping[str, str] | None:
        """`UP` or `DOWN` by the tunnel's outside address."""

    def connections(self) -> Connections | None: ...
    def shares(self) -> Mapping[str, Fraction | None] | None:
        """Per cent at AWS by rule, read back."""


AT_ONCE = ("shares", "health", "tunnels", "lag", "connections")
"""Figures of this moment."""
OVER_TIME = ("answers", "edge", "firewall")
"""Figures of the time since the step is in force."""


def look(looks: Looks, since: float | None, until: float) -> dict[str, Reading]:
    """Every figure by its name; without `since` only those of this moment."""
    asked: dict[str, Callable[[], Any]] = {name: getattr(looks, name) for name in AT_ONCE}
    if since is not None:
        for name in OVER_TIME:
            asked[name] = _over(getattr(looks, name), since, until)
    return {name: _read(question) for name, question in asked.items()}


def _over(question: Callable[[float, float], Any], since: float, until: float) -> Callable[[], Any]:
    return lambda: question(since, until)


def _read(question: Callable[[], Any]) -> Reading:
    try:
        return Reading(value=question())
    except Stop as error:
        return Reading(broken=" ".join(error.lines))
    except Exception as error:  # noqa: BLE001  whatever breaks a measuring, it must neither pass nor move traffic
        return Reading(broken=f"{type(error).__name__}: {' '.join(str(error).split())[:200]}")


def together(series: Mapping[str, Series]) -> Series:
    """Several groups' minutes as one side's. Its times are the groups' own, weighed by their requests."""
    found: dict[int, Minute] = {}
    for one in series.values():
        for at, minute in one.items():
            other = found.get(at)
            found[at] = minute if other is None else _add(other, minute)
    return found


def _add(one: Minute, other: Minute) -> Minute:
    requests = one.requests + other.requests

    def mean(left: float | None, right: float | None) -> float | None:
        if left is None or right is None:
            return right if left is None else left
        return (left * one.requests + right * other.requests) / max(requests, 1)

    return replace(
        one,
        requests=requests,
        failed=one.failed + other.failed,
        refused=one.refused + other.refused,
        p95_seconds=mean(one.p95_seconds, other.p95_seconds),
        p99_seconds=mean(one.p99_seconds, other.p99_seconds),
    )
