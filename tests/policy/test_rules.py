"""Each rule holds for what is compliant and is broken by the one change that breaks it, by no other name."""

from __future__ import annotations

from itertools import chain
from typing import Any

import pytest
from pulumi_policy import ResourceValidationArgs, ResourceValidationPolicy
from pulumi_policy.proxy import UnknownValueError, unknown_checking_proxy

from policy import pack
from policy.judgement import Judgement
from policy.reading import plain_from_sdk
from policy.rule import EVERY_KIND, Resource, kind_of
from tests.policy.cases import BROKEN, FINE, UNDETERMINED, UNKNOWN, Row, changed, compute, control, data, network, pods
from tests.policy.cases.resources import Properties, token, urn

ROOMS = (network, compute, data, control, pods)
BASELINES: dict[str, Properties] = dict(chain.from_iterable(room.BASELINES.items() for room in ROOMS))
ROWS: list[Row] = [row for room in ROOMS for row in room.ROWS]
NAME = "the-resource"


@pytest.fixture(scope="session")
def policies(judge: Judgement) -> dict[str, ResourceValidationPolicy]:
    return {made.name: made for made in pack.policies(judge) if isinstance(made, ResourceValidationPolicy)}


def resource(kind: str, properties: Properties) -> Resource:
    return Resource(token(kind), NAME, urn(token(kind), NAME), plain_from_sdk(unknown_checking_proxy(properties)))


def before(row: Row) -> Properties:
    properties = BASELINES[row.kind]
    for path, value in row.setup:
        properties = changed(properties, path, value)
    return properties


def verdict(made: ResourceValidationPolicy, kind: str, properties: Properties) -> tuple[str, list[str]]:
    """What a rule says through the SDK, with its proxies that raise an error on every unknown value."""
    messages: list[str] = []
    args = ResourceValidationArgs(
        token(kind), unknown_checking_proxy(properties), urn(token(kind), NAME), NAME, *_UNUSED
    )
    try:
        made.validate(args, lambda message, _urn=None: messages.append(message))
    except UnknownValueError as error:
        return BROKEN if messages else UNDETERMINED, [*messages, error.message]
    return BROKEN if messages else FINE, messages


_UNUSED: tuple[Any, ...] = (None, None, {}, {})


@pytest.mark.parametrize("kind", BASELINES)
def test_compliant_resource_breaks_no_rule_and_leaves_none_undetermined(judge: Judgement, kind: str) -> None:
    assert [found.message for found in judge.of_resource(resource(kind, BASELINES[kind]), {})] == []


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_change_is_caught_by_exactly_this_rule(judge: Judgement, row: Row) -> None:
    assert [found.message for found in judge.of_resource(resource(row.kind, before(row)), {})] == []
    broken = resource(row.kind, changed(before(row), row.path, row.value))
    found = list(judge.of_resource(broken, {}))
    assert {one.rule.name for one in found} == {row.rule, *row.also}
    assert not any(one.undetermined for one in found)


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_message_says_resource_property_requirement_and_remedy(
    judge: Judgement, policies: dict[str, ResourceValidationPolicy], row: Row
) -> None:
    state, messages = verdict(policies[row.rule], row.kind, changed(before(row), row.path, row.value))
    assert state == BROKEN
    rule = next(made for made in judge.rules if made.name == row.rule)
    where = row.path.replace("~", ".") if row.property is None else row.property
    for message in messages:
        assert message.startswith(f"{NAME} ({token(row.kind)}): ")
        assert message.endswith(f"(PCI DSS 4.0.1: {', '.join(rule.requirements)}); {rule.remedy}.")
        assert ", wanted " in message
        assert "\n" not in message
    assert any(
        message.startswith(f"{NAME} ({token(row.kind)}): {where} is " if where else f"{NAME}") for message in messages
    )


@pytest.mark.parametrize("row", [row for row in ROWS if row.absent != "skip"], ids=str)
def test_absent_property_is_judged(policies: dict[str, ResourceValidationPolicy], row: Row) -> None:
    state, _ = verdict(policies[row.rule], row.kind, changed(before(row), row.path, None))
    assert state == row.absent


@pytest.mark.parametrize("row", [row for row in ROWS if row.unknown != "skip"], ids=str)
def test_unknown_property_is_named_and_never_passes_as_judged(
    policies: dict[str, ResourceValidationPolicy], row: Row
) -> None:
    state, messages = verdict(policies[row.rule], row.kind, changed(before(row), row.path, UNKNOWN))
    assert state == row.unknown
    if state == UNDETERMINED:
        assert messages[-1].startswith(f"{row.rule}: {NAME} ({token(row.kind)}) ")
        assert messages[-1].endswith(" was not judged.")


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_breach_beside_an_unknown_is_never_passed_over(policies: dict[str, ResourceValidationPolicy], row: Row) -> None:
    """Whatever else is unknown: what is wrong stays a breach, or is at least said to be undetermined."""
    broken = changed(before(row), row.path, row.value)
    touched = {path.partition(".")[0].partition("[")[0] for path in (row.path, *(path for path, _ in row.setup))}
    for name in set(broken) - touched:
        state, _ = verdict(policies[row.rule], row.kind, {**broken, name: UNKNOWN})
        assert state != FINE, name


def test_foreign_resource_is_not_judged(judge: Judgement, policies: dict[str, ResourceValidationPolicy]) -> None:
    for row in ROWS:
        rule = next(made for made in judge.rules if made.name == row.rule)
        if EVERY_KIND not in rule.on:
            foreign = verdict(policies[row.rule], "random.index.RandomPet", changed(before(row), row.path, row.value))
            assert foreign == (FINE, []), row


def test_every_kind_of_every_rule_is_in_the_tables(judge: Judgement) -> None:
    judged = {(row.rule, row.kind) for row in ROWS}
    rules = [made for made in judge.rules if made.on]
    assert {made.name for made in rules} - {rule for rule, _ in judged} == set(EXISTENCE_IS_THE_BREACH)


# Rules that every resource of their kind breaks: there is nothing compliant to change.
EXISTENCE_IS_THE_BREACH = {
    "iam-no-access-keys": ("aws.iam.AccessKey", {"user": "alice"}),
    "ec2-no-default-vpc": ("aws.ec2.DefaultVpc", {}),
}


@pytest.mark.parametrize(("rule", "case"), EXISTENCE_IS_THE_BREACH.items())
def test_existence_is_the_breach(judge: Judgement, rule: str, case: tuple[str, Properties]) -> None:
    found = list(judge.of_resource(resource(*case), {}))
    assert [one.rule.name for one in found] == [rule]


@pytest.mark.parametrize(
    "alias",
    [
        "aws:alb/listener:Listener",
        "aws:applicationloadbalancing/listener:Listener",
        "aws:elasticloadbalancingv2/listener:Listener",
    ],
)
def test_every_type_token_of_a_listener_is_judged(judge: Judgement, alias: str) -> None:
    listener = Resource(alias, NAME, urn(alias, NAME), {"port": 80, "protocol": "HTTP"})
    assert [one.rule.name for one in judge.of_resource(listener, {})] == ["lb-listener-https"]


def test_kinds_unite_versions_of_the_same_thing() -> None:
    assert kind_of("aws:s3/bucketV2:BucketV2") == kind_of("aws:s3/bucket:Bucket") == "aws.s3.Bucket"
    assert kind_of("kubernetes:extensions/v1beta1:Deployment") == "kubernetes.Deployment"
