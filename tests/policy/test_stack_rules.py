"""Rules over the whole stack: a compliant platform breaks none, and each change to it is caught by one rule."""

from __future__ import annotations

import pytest

from policy import pack
from policy.analyzer import Answers
from policy.judgement import Judgement, applies
from policy.reading import UNKNOWN as UNKNOWN_OBJECT
from tests.policy.asked import about_stack, everything_on
from tests.policy.cases.platform import PLATFORM, ROWS, Change, Made, stack, with_, without


@pytest.fixture(scope="session")
def answers(judge: Judgement) -> Answers:
    return everything_on(judge)


IDS = [f"{rule}-{number}" for number, (rule, *_) in enumerate(ROWS)]


@pytest.mark.parametrize("known", [True, False], ids=["deployment", "preview"])
def test_compliant_platform_breaks_no_rule(answers: Answers, known: bool) -> None:
    assert [found.message for found in about_stack(answers, stack(PLATFORM, known=known).resources)] == []


@pytest.mark.parametrize("known", [True, False], ids=["deployment", "preview"])
@pytest.mark.parametrize(("rule", "change", "named", "found"), ROWS, ids=IDS)
def test_change_to_the_platform_is_caught_by_exactly_one_rule(
    judge: Judgement, answers: Answers, rule: str, change: Change, named: str, found: str, known: bool
) -> None:
    verdicts = about_stack(answers, stack(change(PLATFORM), known=known).resources)
    assert [(one.policyName, one.urn.rpartition("::")[2]) for one in verdicts] == [(rule, named)]
    made = next(made for made in judge.rules if made.name == rule)
    assert verdicts[0].message.startswith(f"{named} (" if named else "the stack: ")
    assert found in verdicts[0].message
    assert verdicts[0].message.endswith(f"({made.reference}); {made.remedy}.")


def test_every_rule_over_the_stack_is_in_the_table(judge: Judgement) -> None:
    assert {made.name for made in judge.rules if made.over_stack} == {rule for rule, *_ in ROWS}


def test_dev_may_have_one_nat_gateway_and_one_database_instance(answers: Answers) -> None:
    smaller = without("reader")(with_("private-subnet", availabilityZone="b")(PLATFORM))
    assert about_stack(answers, stack(smaller, known=True, name="dev").resources) == []


def test_link_to_something_unknown_leaves_the_others_undetermined(answers: Answers) -> None:
    """An association with an ARN that nobody can place may be the balancer's: neither a breach nor a pass."""
    change = with_("firewall-on", refers={"resourceArn": ()})
    blurred = stack(change(PLATFORM), known=False)
    for resource in blurred.resources:
        if resource.name == "firewall-on":
            resource.value = {**resource.value, "resourceArn": UNKNOWN_OBJECT}
    (found,) = about_stack(answers, blurred.resources)
    assert found.policyName == pack.UNDETERMINED
    assert found.message.startswith("wafv2-attached-to-load-balancers: ")


def test_cluster_that_is_still_to_be_made_leaves_its_namespaces_undetermined(answers: Answers) -> None:
    """The engine previews the resources of a provider that it cannot configure yet without any property."""
    unseen = {name: Made(made.kind) if made.kind.startswith("kubernetes.") else made for name, made in PLATFORM.items()}
    (found,) = about_stack(answers, stack(unseen, known=False).resources)
    assert found.policyName == pack.UNDETERMINED
    assert found.message.startswith("kubernetes-default-deny: ")


def test_rule_with_nothing_to_judge_is_not_asked(judge: Judgement) -> None:
    """A stack without a cache, a database or a migration has not passed the rules about them."""
    bare = stack({"vpc": PLATFORM["vpc"]}, known=True)
    asked = {made.name for made in judge.rules if made.over_stack and applies(made, bare)}
    assert asked == {"cloudtrail-present", "ec2-default-security-group-managed", "ec2-vpc-flow-logs"}
