"""The gates pass on evidence only: each figure missing, bad, good and not measurable."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import pytest

from operations.traffic.gates import GATES, Step, Verdict, judged
from operations.traffic.limits import Limits
from operations.traffic.seen import Answers, Connections, Edge, Firewall, Minute, Reading

LIMITS = Limits(least_requests=100)
OLD = {at: Minute(requests=900, failed=1, refused=20, p95_seconds=0.2, p99_seconds=0.4) for at in (60, 120)}


def new(**changes: Any) -> Answers:
    minute = {"requests": 100, "failed": 0, "refused": 2, "p95_seconds": 0.2, "p99_seconds": 0.4} | changes
    return Answers(old=OLD, new={"arn:x:targetgroup/aws/1": {at: Minute(**minute) for at in OLD}})


GOOD: Mapping[str, Any] = {
    "shares": {"rule": Fraction(10)},
    "health": {"old": {"10.0.0.1:443": "healthy"}, "new": {"i-1:30443": "healthy"}},
    "tunnels": {"198.51.100.1": "UP", "203.0.113.1": "UP"},
    "lag": 2.0,
    "connections": Connections(used=80, most=100),
    "answers": new(),
    "edge": Edge(requests=2000, failed=1, handshakes_failed=1, headers_dropped=0),
    "firewall": Firewall(allowed=2000, hit=3),
}
BAD: Mapping[str, tuple[str, Any]] = {
    "weights read back": ("shares", {"rule": Fraction(10), "other": None}),
    "target health": ("health", {"old": {"10.0.0.1:443": "healthy"}, "new": {"i-1:30443": "unhealthy"}}),
    "VPN tunnels": ("tunnels", {"198.51.100.1": "UP", "203.0.113.1": "DOWN"}),
    "replication lag": ("lag", 31.0),
    "source connections": ("connections", Connections(used=81, most=100)),
    "requests": ("answers", new(requests=10, refused=0)),
    "errors": ("answers", new(failed=2)),
    "p95": ("answers", new(p95_seconds=0.5)),
    "p99": ("answers", new(p99_seconds=0.9)),
    "approvals": ("answers", new(refused=10)),
    "load balancer": ("edge", Edge(requests=2000, failed=20)),
    "TLS handshakes": ("edge", Edge(requests=2000, handshakes_failed=20)),
    "dropped headers": ("edge", Edge(requests=2000, headers_dropped=20)),
    "firewall": ("firewall", Firewall(allowed=2000, hit=20)),
}


def verdicts(readings: Mapping[str, Reading], percent: int = 10, *, ended: bool = True) -> dict[str, Verdict]:
    return {one.gate: one.verdict for one in judged(readings, Step(percent=percent, limits=LIMITS, ended=ended))}


def readings(**changes: Any) -> dict[str, Reading]:
    return {name: Reading(value=value) for name, value in (GOOD | changes).items()}


def test_the_tables_know_every_gate() -> None:
    assert set(BAD) == {gate.name for gate in GATES}
    assert set(GOOD) == {gate.figure for gate in GATES}


def test_good_figures_pass_once_the_window_has_ended() -> None:
    assert set(verdicts(readings()).values()) == {Verdict.PASS}
    early = verdicts(readings(), ended=False)
    assert Verdict.WAIT in early.values()
    assert Verdict.FAIL not in early.values()


@pytest.mark.parametrize("gate", BAD)
def test_a_bad_figure_fails_its_gate_alone(gate: str) -> None:
    figure, value = BAD[gate]
    found = verdicts(readings(**{figure: value}))
    assert {name for name, verdict in found.items() if verdict != Verdict.PASS} == {gate}
    assert found[gate] == Verdict.FAIL


@pytest.mark.parametrize("gate", GATES, ids=lambda gate: gate.name)
def test_no_data_is_a_failure_and_broken_measuring_a_pause(gate: Any) -> None:
    missing = readings() | {gate.figure: Reading()}
    broken = readings() | {gate.figure: Reading(broken="AccessDenied")}
    assert verdicts(missing)[gate.name] == Verdict.FAIL
    assert verdicts(broken)[gate.name] == Verdict.PAUSE
    others = {name for name, verdict in verdicts(broken).items() if verdict == Verdict.PAUSE}
    assert others == {one.name for one in GATES if one.figure == gate.figure}


def test_times_that_are_missing_are_a_failure_even_beside_requests() -> None:
    found = verdicts(readings(answers=new(p95_seconds=None, p99_seconds=None)))
    assert (found["p95"], found["p99"], found["requests"]) == (Verdict.FAIL, Verdict.FAIL, Verdict.PASS)


def test_sides_are_compared_in_the_same_minutes_only() -> None:
    elsewhere = Answers(old=OLD, new={"new": {at + 600: minute for at, minute in OLD.items()}})
    found = verdicts(readings(answers=elsewhere))
    assert found["requests"] == found["p95"] == found["approvals"] == Verdict.FAIL
    # The data centre's slow minute in which AWS was not asked excuses nothing.
    slow = {**OLD, 180: Minute(requests=900, p95_seconds=9.0, p99_seconds=9.0)}
    late = Answers(old=slow, new=new(p95_seconds=0.5).new)
    assert verdicts(readings(answers=late))["p95"] == Verdict.FAIL


def test_what_both_sides_suffer_is_not_held_against_aws_beyond_the_absolute_limit() -> None:
    declined = {at: Minute(requests=900, refused=300, p95_seconds=0.2, p99_seconds=0.4) for at in OLD}
    both = Answers(old=declined, new=new(refused=33).new)
    assert verdicts(readings(answers=both))["approvals"] == Verdict.PASS
    failing = {at: Minute(requests=900, failed=90, p95_seconds=0.2, p99_seconds=0.4) for at in OLD}
    assert verdicts(readings(answers=Answers(old=failing, new=new(failed=9).new)))["errors"] == Verdict.FAIL


def test_a_small_service_that_fails_is_not_hidden_by_a_large_one() -> None:
    large = {at: Minute(requests=5000, p95_seconds=0.1, p99_seconds=0.2) for at in OLD}
    small = {at: Minute(requests=5, failed=5, p95_seconds=0.1, p99_seconds=0.2) for at in OLD}
    found = judged(
        readings(answers=Answers(old=OLD, new={"x:targetgroup/large/1": large, "x:targetgroup/settle/2": small})),
        Step(percent=10, limits=LIMITS),
    )
    [errors] = [one for one in found if one.gate == "errors"]
    assert errors.verdict == Verdict.FAIL
    assert "settle" in errors.says


def test_one_early_error_waits_and_as_many_as_the_window_may_have_fail_at_once() -> None:
    few = Answers(old=OLD, new={"new": {60: Minute(requests=5, failed=1, p95_seconds=0.1, p99_seconds=0.1)}})
    assert verdicts(readings(answers=few), ended=False)["errors"] == Verdict.FAIL  # 1 of at least 100, above 0.61 %
    old = {60: Minute(requests=900, failed=6, p95_seconds=0.1, p99_seconds=0.1)}
    borne = Answers(old=old, new=few.new)
    assert verdicts(readings(answers=borne), ended=False)["errors"] == Verdict.WAIT
    assert (
        verdicts(readings(answers=Answers(old=old, new={"new": {60: Minute(requests=5, failed=5)}})), ended=False)[
            "errors"
        ]
        == Verdict.FAIL
    )


@pytest.mark.parametrize(("percent", "only"), [(0, "old"), (100, "new")])
def test_where_one_side_serves_the_absolute_limits_count_and_it_must_have_answered(percent: int, only: str) -> None:
    alone = Answers(old=OLD) if only == "old" else Answers(new=new().new)
    shares = {"rule": Fraction(percent)}
    assert set(verdicts(readings(answers=alone, shares=shares), percent).values()) == {Verdict.PASS}
    other = Answers(old=OLD) if only == "new" else Answers(new=new().new)
    found = verdicts(readings(answers=other, shares=shares), percent)
    assert found["requests"] == found["p95"] == found["approvals"] == Verdict.FAIL


def test_a_group_without_targets_and_a_single_tunnel_fail() -> None:
    found = verdicts(readings(health={"old": {}, "new": {"i": "healthy"}}, tunnels={"198.51.100.1": "UP"}))
    assert found["target health"] == found["VPN tunnels"] == Verdict.FAIL
