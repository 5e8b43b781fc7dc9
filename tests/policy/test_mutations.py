"""Break the real program in one place, and exactly the rule for that place says so."""

from __future__ import annotations

import pytest

from policy.judgement import Judgement
from policy.reading import UNKNOWN
from policy.rule import Resource
from policy.stack import Stack
from recording import recorder as recording
from tests.policy import mutations
from tests.policy.mutations import Outcome


@pytest.fixture(scope="module")
def recorded() -> tuple[recording.Resource, ...]:
    return mutations.record()


@pytest.fixture(scope="module")
def program(recorded: tuple[recording.Resource, ...]) -> list[Resource]:
    return mutations.as_deployed(recorded)


@pytest.fixture(scope="module")
def outcomes(judge: Judgement, program: list[Resource]) -> list[Outcome]:
    return mutations.run(judge, program)


def test_program_as_it_stands_breaks_no_rule_and_leaves_none_undetermined(
    judge: Judgement, program: list[Resource]
) -> None:
    found = [verdict.message for resource in program for verdict in judge.of_resource(resource, {})]
    assert found + [verdict.message for verdict in judge.of_stack(Stack(program), {})] == []


def test_first_preview_of_the_program_breaks_no_rule(
    judge: Judgement, recorded: tuple[recording.Resource, ...]
) -> None:
    """What a preview does not know yet may be undetermined; it is never taken for missing."""
    previewed = mutations.as_previewed(recorded)
    assert sum(UNKNOWN in resource.value.values() for resource in previewed) > 100
    found = [verdict for resource in previewed for verdict in judge.of_resource(resource, {})]
    found += judge.of_stack(Stack(previewed), {})
    assert [verdict.message for verdict in found if not verdict.undetermined] == []


def test_every_mutation_of_the_program_is_caught_by_exactly_its_rule(outcomes: list[Outcome]) -> None:
    assert [line for outcome in outcomes for line in outcome.missed] == []
    assert sum(outcome.caught for outcome in outcomes) >= 250


def test_no_rule_with_a_resource_in_the_program_is_left_out(
    judge: Judgement, program: list[Resource], outcomes: list[Outcome]
) -> None:
    tried = {outcome.rule for outcome in outcomes if outcome.tried}
    left_out = {made.name for made in judge.rules if mutations.concerned(made, program)} - tried
    assert left_out <= EXCEPTED


# The program's only resources of these kinds are in policy-exceptions.yaml.
EXCEPTED = {"ec2-instance-without-key-pair", "wafv2-blocks-in-production"}
