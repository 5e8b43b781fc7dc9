"""Rules over the whole stack: a compliant platform breaks none, and each change to it is caught by one rule."""

from __future__ import annotations

import pytest
from pulumi_policy import PolicyResource, PolicyResourceOptions, StackValidationArgs, StackValidationPolicy
from pulumi_policy.policy import PolicyCustomTimeouts
from pulumi_policy.proxy import unknown_checking_proxy

from policy import pack
from policy.judgement import Judgement
from policy.reading import UNKNOWN as UNKNOWN_OBJECT
from policy.stack import Stack
from tests.policy.cases import UNKNOWN
from tests.policy.cases.platform import PLATFORM, ROWS, Change, Made, stack, with_, without

IDS = [f"{rule}-{number}" for number, (rule, *_) in enumerate(ROWS)]


@pytest.mark.parametrize("known", [True, False], ids=["deployment", "preview"])
def test_compliant_platform_breaks_no_rule(judge: Judgement, known: bool) -> None:
    assert [found.message for found in judge.of_stack(stack(PLATFORM, known=known), {})] == []


@pytest.mark.parametrize("known", [True, False], ids=["deployment", "preview"])
@pytest.mark.parametrize(("rule", "change", "named", "found"), ROWS, ids=IDS)
def test_change_to_the_platform_is_caught_by_exactly_one_rule(
    judge: Judgement, rule: str, change: Change, named: str, found: str, known: bool
) -> None:
    verdicts = list(judge.of_stack(stack(change(PLATFORM), known=known), {}))
    assert [(one.rule.name, one.urn.rpartition("::")[2], one.undetermined) for one in verdicts] == [
        (rule, named, False)
    ]
    made = verdicts[0].rule
    assert verdicts[0].message.startswith(f"{named} (" if named else "the stack: ")
    assert found in verdicts[0].message
    assert verdicts[0].message.endswith(f"(PCI DSS 4.0.1: {', '.join(made.requirements)}); {made.remedy}.")


def test_every_rule_over_the_stack_is_in_the_table(judge: Judgement) -> None:
    assert {made.name for made in judge.rules if made.over_stack} == {rule for rule, *_ in ROWS}


def test_dev_may_have_one_nat_gateway_and_one_database_instance(judge: Judgement) -> None:
    smaller = without("reader")(with_("private-subnet", availabilityZone="b")(PLATFORM))
    assert list(judge.of_stack(stack(smaller, known=True, name="dev"), {})) == []


def test_link_to_something_unknown_leaves_the_others_undetermined(judge: Judgement) -> None:
    """An association with an ARN that nobody can place may be the balancer's: neither a breach nor a pass."""
    change = with_("firewall-on", refers={"resourceArn": ()})
    blurred = stack(change(PLATFORM), known=False)
    for resource in blurred.resources:
        if resource.name == "firewall-on":
            resource.value = {**resource.value, "resourceArn": UNKNOWN_OBJECT}
    verdicts = list(judge.of_stack(Stack(blurred.resources), {}))
    assert [(one.rule.name, one.undetermined) for one in verdicts] == [("wafv2-attached-to-load-balancers", True)]


def test_cluster_that_is_still_to_be_made_leaves_its_namespaces_undetermined(judge: Judgement) -> None:
    """The engine previews the resources of a provider that it cannot configure yet without any property."""
    unseen = {name: Made(made.kind) if made.kind.startswith("kubernetes.") else made for name, made in PLATFORM.items()}
    verdicts = list(judge.of_stack(stack(unseen, known=False), {}))
    assert [(one.rule.name, one.undetermined) for one in verdicts] == [("kubernetes-default-deny", True)]


def through_the_sdk(judged: Stack) -> StackValidationArgs:
    """The stack as the SDK gives it to a policy of its own: proxies, and references as objects."""
    timeouts = PolicyCustomTimeouts(0, 0, 0)
    resources = {
        one.urn: PolicyResource(
            one.type,
            unknown_checking_proxy(
                {key: UNKNOWN if value is UNKNOWN_OBJECT else value for key, value in one.value.items()}
            ),
            one.urn,
            one.name,
            PolicyResourceOptions(False, [], None, [], timeouts, [], None),
            None,
            None,
            [],
            {},
        )
        for one in judged.resources
    }
    for one in judged.resources:
        made = resources[one.urn]
        made.dependencies = [resources[urn] for urn in one.dependencies]
        made.property_dependencies = {
            key: [resources[urn] for urn in urns] for key, urns in one.property_dependencies.items()
        }
    return StackValidationArgs(list(resources.values()))


@pytest.mark.parametrize(("rule", "change", "named", "found"), ROWS[::5], ids=IDS[::5])
def test_rule_says_the_same_as_a_policy_of_its_own(
    judge: Judgement, rule: str, change: Change, named: str, found: str
) -> None:
    """Without the single pass the SDK calls each policy apart: slower, with the same violations."""
    policies = {made.name: made for made in pack.policies(judge) if isinstance(made, StackValidationPolicy)}
    messages: list[tuple[str, str | None]] = []
    policies[rule].validate(
        through_the_sdk(stack(PLATFORM, known=False)), lambda message, urn=None: messages.append((message, urn))
    )
    assert messages == []
    policies[rule].validate(
        through_the_sdk(stack(change(PLATFORM), known=False)), lambda message, urn=None: messages.append((message, urn))
    )
    ((message, urn),) = messages
    assert found in message
    assert (urn or "").rpartition("::")[2] == named
