"""The gates of a step, as a table: each judges one figure, and can only pass on evidence.

No data is a failure, a measuring that does not work is a pause, and both sides are compared in the same minutes.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from operations.traffic.limits import Limits
from operations.traffic.seen import Answers, Connections, Edge, Firewall, Minute, Reading, Series, together

HEALTHY, UP = "healthy", "UP"


class Verdict(StrEnum):
    PASS = "pass"  # noqa: S105
    WAIT = "wait"
    """Too early: the window has not ended."""
    PAUSE = "pause"
    """Nobody could look."""
    FAIL = "FAIL"


@dataclass(frozen=True, kw_only=True)
class Step:
    """What is judged: the share that AWS should have, and whether the window has ended."""

    percent: int
    limits: Limits
    ended: bool = True

    @property
    def compares(self) -> bool:
        """Whether both sides serve."""
        return 0 < self.percent < 100

    def least(self, requests: int) -> int:
        """What a share is a share of. Few requests weigh as the least that count: one early error is no verdict, and
        as many as the whole window may have are."""
        return max(requests, self.limits.least_requests, 1)


@dataclass(frozen=True, kw_only=True)
class Finding:
    gate: str
    verdict: Verdict
    says: str


Judgement = tuple[Verdict, str]


@dataclass(frozen=True, kw_only=True)
class Gate:
    """One gate: its name, the figure that it needs, and how it judges a figure that is there."""

    name: str
    figure: str
    judge: Callable[[Any, Step], Judgement]


def judged(readings: Mapping[str, Reading], step: Step) -> list[Finding]:
    """Every gate whose figure was asked for."""
    return [_judged(gate, readings[gate.figure], step) for gate in GATES if gate.figure in readings]


def _judged(gate: Gate, reading: Reading, step: Step) -> Finding:
    if reading.broken:
        return Finding(gate=gate.name, verdict=Verdict.PAUSE, says=f"it cannot be measured: {reading.broken}")
    if reading.value is None:
        waits = gate.figure in ("answers", "edge", "firewall") and not step.ended
        return Finding(gate=gate.name, verdict=Verdict.WAIT if waits else Verdict.FAIL, says="there is no data")
    verdict, says = gate.judge(reading.value, step)
    return Finding(gate=gate.name, verdict=verdict, says=says)


def _at_most(seen: float, most: float, says: str, step: Step, *, early: bool = True) -> Judgement:
    """Too much fails at once; little passes when the window has ended."""
    if seen > most:
        return (Verdict.FAIL if early or step.ended else Verdict.WAIT), says
    return (Verdict.PASS if step.ended else Verdict.WAIT), says


def _shares(rules: Mapping[str, Any], step: Step) -> Judgement:
    other = {arn: share for arn, share in rules.items() if share != step.percent}
    if not rules or other:
        told = ", ".join("another target" if share is None else f"{float(share):g} %" for share in other.values())
        return Verdict.FAIL, f"{len(other)} of {len(rules)} rules forward {told} to AWS instead of {step.percent} %"
    return Verdict.PASS, f"all {len(rules)} rules forward {step.percent} % to AWS"


def _health(groups: Mapping[str, Mapping[str, str]], _step: Step) -> Judgement:
    empty = [name for name, targets in groups.items() if not targets]
    ill = [f"{target} {state}" for targets in groups.values() for target, state in targets.items() if state != HEALTHY]
    if empty or ill or not groups:
        return Verdict.FAIL, "; ".join([*(f"{_group(name)} has no target" for name in empty), *ill]) or "no group"
    return Verdict.PASS, f"all {sum(map(len, groups.values()))} targets of {len(groups)} groups are healthy"


def _tunnels(tunnels: Mapping[str, str], _step: Step) -> Judgement:
    up = sum(state == UP for state in tunnels.values())
    return (Verdict.PASS if up == len(tunnels) >= 2 else Verdict.FAIL), f"{up} of {max(len(tunnels), 2)} tunnels are up"


def _lag(seconds: float, step: Step) -> Judgement:
    most = step.limits.lag_most_seconds
    verdict = Verdict.PASS if seconds <= most else Verdict.FAIL
    return verdict, f"the replication is {seconds:.0f} s late, allowed are {most:.0f} s"


def _connections(seen: Connections, step: Step) -> Judgement:
    most = step.limits.connections_most
    enough = seen.used <= seen.most * most
    says = f"the source has {seen.used} of {seen.most} connections in use, allowed are {most:.0%}"
    return (Verdict.PASS if enough else Verdict.FAIL), says


def _sides(answers: Answers, step: Step) -> tuple[Series, Series]:
    """The data centre's and AWS's minutes; where both serve, only those in which both have answered."""
    old, new = answers.old, together(answers.new)
    if not step.compares:
        return (old, {}) if step.percent == 0 else ({}, new)
    same = old.keys() & new.keys()
    return {at: old[at] for at in same}, {at: new[at] for at in same}


def _requests(answers: Answers, step: Step) -> Judgement:
    old, new = (sum(minute.requests for minute in side.values()) for side in _sides(answers, step))
    least = step.limits.least_requests
    serves = {"the data centre": step.percent < 100, "AWS": step.percent > 0}
    asked = {side: count for side, count in zip(serves, (old, new), strict=True) if serves[side]}
    few = [side for side, count in asked.items() if count < least]
    told = " and ".join(f"{side} {count:,} requests" for side, count in asked.items())
    share = f" ({new / (old + new):.1%} at AWS, asked {step.percent} %)" if step.compares and old + new else ""
    says = f"{told}{share}, at least {least:,} are needed of each side that serves"
    if not few:
        return Verdict.PASS, says
    return (Verdict.FAIL if step.ended else Verdict.WAIT), says


def _errors(answers: Answers, step: Step) -> Judgement:
    """Each service by itself: one that fails is not hidden by the others."""
    limits = step.limits
    old, _ = _sides(answers, step)
    there = _share(old.values(), step)
    if step.percent == 0:
        return _at_most(
            there, limits.errors_most, f"the data centre {there:.2%}, allowed {limits.errors_most:.2%}", step
        )
    most = min(limits.errors_most, there + limits.errors_more) if step.compares else limits.errors_most
    shares = {name: _service_share(series, answers, step) for name, series in answers.new.items()}
    worst = max(shares, key=lambda name: shares[name], default="")
    here = shares.get(worst, 0.0)
    told = f"{_group(worst)} {here:.2%}" if worst else "no service at AWS"
    beside = f", the data centre {there:.2%}" if step.compares else ""
    return _at_most(here, most, f"{told}{beside}, allowed {most:.2%}", step)


def _service_share(series: Series, answers: Answers, step: Step) -> float:
    minutes = [minute for at, minute in series.items() if not step.compares or at in answers.old]
    requests, failed = sum(one.requests for one in minutes), sum(one.failed for one in minutes)
    few = requests < step.limits.least_requests
    if not step.ended or (few and failed <= 1):  # one failed request of a few is no verdict
        return failed / step.least(requests)
    return failed / max(requests, 1)


def _share(minutes: Iterable[Minute], step: Step) -> float:
    counted = list(minutes)
    return sum(one.failed for one in counted) / step.least(sum(one.requests for one in counted))


def _percentile(name: str, most: str) -> Callable[[Answers, Step], Judgement]:
    """Of both sides the median of the minutes' percentiles: the same estimate, in the same minutes."""

    def judge(answers: Answers, step: Step) -> Judgement:
        there, here = (_median(getattr(one, name) for one in side.values()) for side in _sides(answers, step))
        served = there if step.percent == 0 else here
        if served is None or (step.compares and there is None):
            return (Verdict.FAIL if step.ended else Verdict.WAIT), "there is no data"
        limit = getattr(step.limits, most)
        if step.compares and there is not None:
            limit = min(limit, there * step.limits.slower_factor + step.limits.slower_seconds)
        other = f", the data centre {there:.3f} s" if step.compares else ""
        side = "AWS" if step.percent else "the data centre"
        counts = sum(one.requests for part in _sides(answers, step) for one in part.values())
        early = counts >= step.limits.least_requests
        return _at_most(served, limit, f"{side} {served:.3f} s{other}, allowed {limit:.3f} s", step, early=early)

    return judge


def _median(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return statistics.median(known) if known else None


def _approvals(answers: Answers, step: Step) -> Judgement:
    there, here = (_approved(side.values()) for side in _sides(answers, step))
    if not step.compares:
        served = here if step.percent else there
        told = "there is no data" if served is None else f"{served:.2%}; there is no other side to compare with"
        if served is None:
            return (Verdict.FAIL if step.ended else Verdict.WAIT), told
        return (Verdict.PASS if step.ended else Verdict.WAIT), told
    if there is None or here is None:
        return (Verdict.FAIL if step.ended else Verdict.WAIT), "there is no data"
    least = there - step.limits.approvals_less
    says = f"AWS {here:.2%}, the data centre {there:.2%}, allowed from {max(least, 0):.2%}"
    enough = sum(one.requests for one in _sides(answers, step)[1].values()) >= step.limits.least_requests
    return _at_most(least, here, says, step, early=enough)


def _approved(minutes: Iterable[Minute]) -> float | None:
    counted = list(minutes)
    requests = sum(one.requests for one in counted)
    return 1 - sum(one.failed + one.refused for one in counted) / requests if requests else None


def _edge(field: str, most: str, does: str) -> Callable[[Edge, Step], Judgement]:
    def judge(edge: Edge, step: Step) -> Judgement:
        share, limit = getattr(edge, field) / step.least(edge.requests), getattr(step.limits, most)
        return _at_most(share, limit, f"{does} {share:.2%}, allowed {limit:.2%}", step)

    return judge


def _firewall(seen: Firewall, step: Step) -> Judgement:
    share, limit = seen.hit / step.least(seen.hit + seen.allowed), step.limits.firewall_most
    return _at_most(share, limit, f"the firewall hits {share:.2%} of the requests, allowed {limit:.2%}", step)


def _group(arn: str) -> str:
    """A target group's name, of its ARN."""
    parts = arn.split("/")
    return parts[1] if len(parts) > 1 else arn


GATES: tuple[Gate, ...] = (
    Gate(name="weights read back", figure="shares", judge=_shares),
    Gate(name="target health", figure="health", judge=_health),
    Gate(name="VPN tunnels", figure="tunnels", judge=_tunnels),
    Gate(name="replication lag", figure="lag", judge=_lag),
    Gate(name="source connections", figure="connections", judge=_connections),
    Gate(name="requests", figure="answers", judge=_requests),
    Gate(name="errors", figure="answers", judge=_errors),
    Gate(name="p95", figure="answers", judge=_percentile("p95_seconds", "p95_most_seconds")),
    Gate(name="p99", figure="answers", judge=_percentile("p99_seconds", "p99_most_seconds")),
    Gate(name="approvals", figure="answers", judge=_approvals),
    Gate(name="load balancer", figure="edge", judge=_edge("failed", "balancer_errors_most", "its own 5xx are")),
    Gate(
        name="TLS handshakes",
        figure="edge",
        judge=_edge("handshakes_failed", "old_clients_most", "handshakes that fail are"),
    ),
    Gate(
        name="dropped headers",
        figure="edge",
        judge=_edge("headers_dropped", "old_clients_most", "requests that lose a header are"),
    ),
    Gate(name="firewall", figure="firewall", judge=_firewall),
)
