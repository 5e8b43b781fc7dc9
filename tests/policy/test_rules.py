"""Each rule holds for what is compliant and is broken by the one change that breaks it, by no other name."""

from __future__ import annotations

from itertools import chain

import pytest

from policy import pack
from policy.analyzer import Answers
from policy.judgement import Judgement
from policy.rule import EVERY_KIND, Resource, kind_of
from tests.policy.asked import NAME, about, everything_on, resource
from tests.policy.cases import BROKEN, FINE, UNDETERMINED, UNKNOWN, Row, changed, compute, control, data, network, pods
from tests.policy.cases.resources import Properties, token, urn
from tests.policy.test_evasions import EVASIONS

ROOMS = (network, compute, data, control, pods)
BASELINES: dict[str, Properties] = dict(chain.from_iterable(room.BASELINES.items() for room in ROOMS))
ROWS: list[Row] = [row for room in ROOMS for row in room.ROWS]


@pytest.fixture(scope="session")
def answers(judge: Judgement) -> Answers:
    return everything_on(judge)


def before(row: Row) -> Properties:
    properties = BASELINES[row.kind]
    for path, value in row.setup:
        properties = changed(properties, path, value)
    return properties


def verdict(answers: Answers, rule: str, kind: str, properties: Properties) -> tuple[str, list[str]]:
    """What the pack says of a resource by one rule: broken, undetermined or nothing."""
    messages = [one.message for one in about(answers, kind, properties) if one.policyName == rule]
    unknown = [
        one.message
        for one in about(answers, kind, properties)
        if one.policyName == pack.UNDETERMINED and one.message.startswith(f"{rule}: ")
    ]
    return BROKEN if messages else UNDETERMINED if unknown else FINE, [*messages, *unknown]


@pytest.mark.parametrize("kind", BASELINES)
def test_compliant_resource_breaks_no_rule_and_leaves_none_undetermined(answers: Answers, kind: str) -> None:
    assert [found.message for found in about(answers, kind, BASELINES[kind])] == []


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_change_is_caught_by_exactly_this_rule(answers: Answers, row: Row) -> None:
    assert [found.message for found in about(answers, row.kind, before(row))] == []
    found = about(answers, row.kind, changed(before(row), row.path, row.value))
    assert {one.policyName for one in found} == {row.rule, *row.also}


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_message_says_resource_property_requirement_and_remedy(judge: Judgement, answers: Answers, row: Row) -> None:
    state, messages = verdict(answers, row.rule, row.kind, changed(before(row), row.path, row.value))
    assert state == BROKEN
    rule = next(made for made in judge.rules if made.name == row.rule)
    where = row.path.replace("~", ".") if row.property is None else row.property
    for message in messages:
        assert message.startswith(f"{NAME} ({token(row.kind)}): ")
        assert message.endswith(f"({rule.reference}); {rule.remedy}.")
        assert ", wanted " in message
        assert "\n" not in message
    assert any(
        message.startswith(f"{NAME} ({token(row.kind)}): {where} is " if where else f"{NAME}") for message in messages
    )


@pytest.mark.parametrize("row", [row for row in ROWS if row.absent != "skip"], ids=str)
def test_absent_property_is_judged(answers: Answers, row: Row) -> None:
    state, _ = verdict(answers, row.rule, row.kind, changed(before(row), row.path, None))
    assert state == row.absent


@pytest.mark.parametrize("row", [row for row in ROWS if row.unknown != "skip"], ids=str)
def test_unknown_property_is_named_and_never_passes_as_judged(answers: Answers, row: Row) -> None:
    state, messages = verdict(answers, row.rule, row.kind, changed(before(row), row.path, UNKNOWN))
    assert state == row.unknown
    if state == UNDETERMINED:
        assert messages[-1].startswith(f"{row.rule}: {NAME} ({token(row.kind)}) ")
        assert messages[-1].endswith(" was not judged.")


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_breach_next_to_an_unknown_is_never_passed_over(answers: Answers, row: Row) -> None:
    """Whatever else is unknown: what is wrong stays a breach, or is at least said to be undetermined."""
    broken = changed(before(row), row.path, row.value)
    touched = {path.partition(".")[0].partition("[")[0] for path in (row.path, *(path for path, _ in row.setup))}
    for name in set(broken) - touched:
        state, _ = verdict(answers, row.rule, row.kind, {**broken, name: UNKNOWN})
        assert state != FINE, name


def test_foreign_resource_is_not_judged(judge: Judgement, answers: Answers) -> None:
    for row in ROWS:
        rule = next(made for made in judge.rules if made.name == row.rule)
        if EVERY_KIND not in rule.on:
            properties = changed(before(row), row.path, row.value)
            assert verdict(answers, row.rule, "random.index.RandomPet", properties) == (FINE, []), row


def test_every_kind_of_every_rule_is_in_the_tables(judge: Judgement) -> None:
    judged = {(row.rule, row.kind) for row in ROWS}
    rules = {made.name for made in judge.rules if made.on}
    evaded = {case["rule"] for case in EVASIONS}
    assert rules - {rule for rule, _ in judged} - evaded == set(EXISTENCE_IS_THE_BREACH)


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
