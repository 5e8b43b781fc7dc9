"""Steps, the way back, and what a process that dies leaves behind."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from command_line.exits import FAILED, REFUSED, Stop
from operations.traffic.aws import Aws
from operations.traffic.mover import require_database_on_source
from operations.traffic.record import leased
from operations.traffic.seen import Answers, Minute
from operations.traffic.weights import action, at_once
from tests.operations.traffic.site import CLIENTS, OLD_ADDRESS, REGION, STACK, Dead, Mortal, Place, amazon, build

ALL_STEPS = (0, 1, 10, 50, 100)


def test_the_whole_way_there_and_back(place: Place) -> None:
    for percent in ALL_STEPS:
        place.advance(percent)
        assert place.shares == {Fraction(percent)}
        assert place.addresses == [place.traffic.load_balancer_dns_name]
    assert (place.record.percent, place.record.named, place.record.wanted) == (100, True, None)
    place.back()
    assert place.shares == {Fraction(0)}
    assert not place.site().balancer.binds()
    place.back(name=True)
    assert place.addresses == [OLD_ADDRESS]
    assert not place.record.named
    events = [(entry.step, entry.event) for entry in place.record.journal]
    assert events[:3] == [("name", "begun"), ("name", "set"), ("name", "passed")]


def test_a_name_that_is_a_cname_moves_and_returns_in_one_change(mocked: None) -> None:
    place = build("CNAME")
    place.advance(0)
    assert place.addresses == [place.traffic.load_balancer_dns_name]
    place.back(name=True)
    assert place.addresses == ["router.old.example.net"]


def test_a_name_with_ipv6_addresses_does_not_move(place: Place) -> None:
    record = {"Name": "pay.example.com", "Type": "AAAA", "TTL": 60, "ResourceRecords": [{"Value": "2001:db8::1"}]}
    amazon().client("route53").change_resource_record_sets(
        HostedZoneId=place.traffic.zone_id, ChangeBatch={"Changes": [{"Action": "CREATE", "ResourceRecordSet": record}]}
    )
    with pytest.raises(Stop) as stop:
        place.advance(0)
    assert stop.value.code == REFUSED
    assert "IPv6" in " ".join(stop.value.lines)
    assert OLD_ADDRESS in place.addresses


@pytest.mark.parametrize(
    ("done", "wanted", "says"),
    [
        ((), 1, "does not lead"),
        ((0,), 10, "next step is 1 %"),
        ((0, 1), 50, "skip"),
        ((0, 1, 10), 1, "no step forward"),
    ],
)
def test_a_skipped_step_is_refused_and_nothing_changes(
    place: Place, done: tuple[int, ...], wanted: int, says: str
) -> None:
    for percent in done:
        place.advance(percent)
    before = place.shares
    with pytest.raises(Stop, match=says) as stop:
        place.advance(wanted)
    assert stop.value.code == REFUSED
    assert place.shares == before


@pytest.mark.parametrize("percent", ALL_STEPS)
def test_a_failed_gate_takes_the_step_back_by_itself(place: Place, percent: int) -> None:
    for earlier in ALL_STEPS[: ALL_STEPS.index(percent)]:
        place.advance(earlier)
    side = {60: Minute(requests=500, failed=100, p95_seconds=0.1, p99_seconds=0.1)}
    place.shown["answers"] = Answers(old=side, new={"new": side} if percent else {})
    with pytest.raises(Stop, match="errors") as stop:
        place.advance(percent)
    assert stop.value.code == REFUSED
    assert place.shares == {Fraction(0)}
    assert not place.site().balancer.binds()
    assert place.addresses == [OLD_ADDRESS if percent == 0 else place.traffic.load_balancer_dns_name]
    assert (place.record.percent, place.record.wanted, place.record.going_back) == (0, None, "")


def test_no_data_until_the_window_ends_is_a_failure(place: Place) -> None:
    place.advance(0)
    place.shown["answers"] = None
    with pytest.raises(Stop, match="no data"):
        place.advance(1)
    assert place.shares == {Fraction(0)}


def test_broken_measuring_pauses_and_the_same_command_goes_on(place: Place) -> None:
    place.advance(0)
    place.shown["edge"] = RuntimeError("CloudWatch is away")
    with pytest.raises(Stop, match="CloudWatch is away") as stop:
        place.advance(1)
    assert stop.value.code == FAILED
    assert place.shares == {Fraction(1)}  # not a verdict: nothing moves
    del place.shown["edge"]
    place.advance(1)
    assert place.record.percent == 1


def test_a_gate_that_fails_before_the_step_changes_nothing(place: Place) -> None:
    place.advance(0)
    place.shown["tunnels"] = {"a": "UP", "b": "DOWN"}
    with pytest.raises(Stop, match="1 of 2 tunnels"):
        place.advance(1)
    assert place.record.wanted is None
    assert [entry.step for entry in place.record.journal if entry.step == "shift to 1 %"] == []


def test_weights_that_somebody_changes_by_hand_are_found(place: Place) -> None:
    place.advance(0)
    place.advance(1)
    rule = place.traffic.rules[0]
    by_hand = action(50, place.traffic.old_target_group_arn, rule.new_target_group_arn, 300)
    amazon().client("elbv2").modify_rule(RuleArn=rule.arn, Actions=by_hand)
    with pytest.raises(Stop, match="by hand"):
        place.advance(10)
    place.back()
    assert place.shares == {Fraction(0)}


def test_no_cookie_lives_longer_than_a_step_is_watched(place: Place) -> None:
    place.advance(0)
    place.advance(1)
    [told] = amazon().client("elbv2").describe_rules(RuleArns=[place.traffic.rules[0].arn])["Rules"]
    sticky = told["Actions"][0]["ForwardConfig"]["TargetGroupStickinessConfig"]
    assert sticky == {"Enabled": True, "DurationSeconds": 60}


def test_everything_at_once_is_one_group_alone() -> None:
    for percent, group in ((0, "old"), (100, "new")):
        assert at_once(action(percent, "old", "new", 300), group)
    weights_only = action(10, "old", "new", 300)
    weights_only[0]["ForwardConfig"]["TargetGroups"][1]["Weight"] = 0
    assert not at_once(weights_only, "old")


def test_one_operator_at_a_time_and_the_way_back_waits_for_nobody(place: Place) -> None:
    place.limits = replace(place.limits, lease_seconds=3)
    place.advance(0)
    with leased(place.store, STACK, "first", 3) as first:
        place.back()
        with pytest.raises(Stop, match="another operator"):
            first.beat()
    with leased(place.store, STACK, "first", 3) as first:
        held = first.record.lease
        assert held is not None
        beats = iter(range(100))
        second = place.store
        read = second.read

        def renewed(stack: str):
            if next(beats):
                first.beat()
            return read(stack)

        second.read = renewed  # type: ignore[method-assign]
        with pytest.raises(Stop, match="one operator at a time"), leased(second, STACK, "second", 3):
            pass


@pytest.mark.parametrize("state", ["freeze", "drain", "switch", "watch", "commit", "return", "hand-back"])
def test_nobody_is_sent_back_to_a_side_that_cannot_write(state: str) -> None:
    with pytest.raises(Stop, match="cutover rollback"):
        require_database_on_source(state, STACK)


@pytest.mark.parametrize("percent", [0, 1])
@pytest.mark.parametrize(
    "arrives",
    [pytest.param(False, id="before the call"), pytest.param(True, id="after the call", marks=pytest.mark.slow)],
)
def test_a_process_that_dies_at_any_call_is_resumed_or_taken_back(place: Place, percent: int, arrives: bool) -> None:
    def ready() -> None:
        """As before the step."""
        if place.record.percent or place.record.wanted is not None:
            place.back()
        if percent and not place.record.named:
            place.advance(0)
        if not percent and place.record.named:
            place.back(name=True)

    ready()
    whole = Mortal(REGION)
    place.advance(percent, whole)
    for call in range(1, whole.calls + 1):
        for goes_back in (False, True) if arrives else (False,):
            ready()
            aws = Mortal(REGION)
            aws.dies_at, aws.arrives = call, arrives
            with pytest.raises(Dead):
                place.advance(percent, aws)
            if goes_back and place.record.wanted is not None:
                place.back()
                assert place.shares == {Fraction(0)}
                assert place.record.wanted is None
                assert place.record.named == bool(percent)
            else:
                place.advance(percent)
                assert place.shares == {Fraction(percent)}
            named = place.addresses == [place.traffic.load_balancer_dns_name]
            assert named == place.record.named


def test_aws_that_refuses_a_weight_takes_the_step_back(place: Place) -> None:
    place.advance(0)

    class Refusing(Aws):
        _clients = CLIENTS

        def __init__(self) -> None:
            self.region = REGION

        def call(self, service, operation, **arguments):
            second = place.traffic.rules[1].arn
            weighted = len(arguments.get("Actions", [{}])[0].get("ForwardConfig", {}).get("TargetGroups", [])) > 1
            if operation == "modify_rule" and arguments["RuleArn"] == second and weighted:
                raise Stop(FAILED, "AWS elbv2 modify_rule was refused: AccessDenied.")
            return super().call(service, operation, **arguments)

    with pytest.raises(Stop, match="AccessDenied") as stop:
        place.advance(1, Refusing())
    assert stop.value.code == FAILED
    assert place.shares == {Fraction(0)}
    assert place.record.wanted is None
