"""Whatever a program gives, the pack answers: it neither fails nor takes long."""

from __future__ import annotations

import re
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as some

from policy import pack
from policy.judgement import Judgement
from policy.reading import UNKNOWN
from policy.rule import Resource, Rule
from policy.stack import Stack
from policy.wildcards import matches
from tests.policy.cases.platform import PLATFORM
from tests.policy.cases.resources import token, urn
from tests.policy.provider_schema import filled, resource_arguments
from tests.policy.test_rules import BASELINES
from tests.policy.timing import platforms

JUDGE = pack.judgement()

LEAVES = some.one_of(
    some.none(),
    some.booleans(),
    some.integers(-1, 70000),
    some.floats(allow_nan=False, allow_infinity=False),
    some.sampled_from(
        ["", "*", "0.0.0.0/0", "::/0", "not json", "{}", "[]", '{"Statement": 1}', "tcp", "-1", "1.36", "off"]
    ),
    some.text(max_size=8),
    some.just(UNKNOWN),
)
VALUES = some.recursive(
    LEAVES,
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(some.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


def failures(judge: Judgement, resource: Resource) -> list[str]:
    return [found.message for found in judge.of_resource(resource, {}) if "the rule failed" in found.message]


@settings(max_examples=150)
@given(kind=some.sampled_from(sorted(BASELINES)), data=some.data())
def test_no_rule_fails_on_any_value_of_any_property(kind: str, data: some.DataObject) -> None:
    properties = dict(BASELINES[kind])
    for name in data.draw(some.lists(some.sampled_from(sorted(properties)), max_size=3)):
        properties[name] = data.draw(VALUES)
    assert failures(JUDGE, Resource(token(kind), "it", urn(token(kind), "it"), properties)) == []


@settings(max_examples=40)
@given(kind=some.sampled_from(sorted(kind for kind in BASELINES if kind.startswith("aws."))), value=LEAVES)
def test_no_rule_fails_where_every_property_has_the_same_odd_value(kind: str, value: Any) -> None:
    arguments = resource_arguments(kind)
    assert arguments is not None
    assert failures(JUDGE, Resource(token(kind), "it", urn(token(kind), "it"), filled(arguments, value))) == []


@settings(max_examples=25)
@given(data=some.data())
def test_no_rule_over_the_stack_fails_on_any_value(data: some.DataObject) -> None:
    resources = []
    for name, made in PLATFORM.items():
        properties = {**made.properties, **dict.fromkeys(made.refers, f"{name}-id")}
        for key in properties:
            if data.draw(some.integers(0, 9)) == 0:
                properties[key] = data.draw(VALUES)
        resources.append(Resource(token(made.kind), name, urn(token(made.kind), name), properties))
    assert not [one.message for one in JUDGE.of_stack(Stack(resources), {}) if "the rule failed" in one.message]


def test_rule_that_fails_blocks_the_deployment_by_name() -> None:
    def broken(_resource: Resource) -> list[Any]:
        raise ZeroDivisionError

    first = JUDGE.rules[0]
    made = Rule(
        name="broken",
        claim="x",
        requirements=("1.2.1",),
        controls=(),
        severity=first.severity,
        remedy="x",
        judge=broken,
        on=("aws.ebs.Volume",),
        parameters={},
    )
    (found,) = JUDGE.by_rule(made, Resource("aws:ebs/volume:Volume", "it", "urn", {}), {})
    assert (
        found.message
        == "broken: it could not be judged, because the rule failed with ZeroDivisionError(); report this."
    )
    assert not found.undetermined


def test_rules_over_the_stack_look_at_each_resource_a_bounded_number_of_times() -> None:
    """Ten times the resources cost about ten times the reads, not a hundred times."""

    def reads(copies: int) -> int:
        count = 0
        original = Resource.__getitem__

        def counting(self: Resource, key: str) -> Any:
            nonlocal count
            count += 1
            return original(self, key)

        resources = platforms(copies * len(PLATFORM))
        Resource.__getitem__ = counting  # type: ignore[method-assign]
        try:
            list(JUDGE.of_stack(Stack(resources), {}))
        finally:
            Resource.__getitem__ = original  # type: ignore[method-assign]
        return count

    assert reads(30) < 12 * reads(3)


@settings(max_examples=300)
@given(pattern=some.text("ab*?:", max_size=7), text=some.text("ab:", max_size=8))
def test_wildcards_mean_what_iam_means(pattern: str, text: str) -> None:
    wanted = "".join({"*": ".*", "?": "."}.get(letter, letter) for letter in pattern)
    assert matches(pattern, text) == (re.fullmatch(wanted, text) is not None)


def test_pattern_of_many_stars_looks_for_each_piece_once() -> None:
    """An expression that tries every way to share the text among the stars would not end."""
    assert not matches("s3:" + "a*" * 400 + "b", "s3:" + "a" * 600)
