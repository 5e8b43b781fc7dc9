"""What is not an environment is never destroyed as one: each sign alone is enough to refuse."""

import json
from typing import Any

import pytest

from operations.environments.guard import refusals

ACCOUNT = "444455556666"
OTHER = "777788889999"


def provider(accounts: list[str] | None = None, stack: str = "env-ana") -> dict[str, Any]:
    """The AWS provider as a state holds it: structures as JSON text."""
    return {
        "urn": "urn:pulumi:env-ana::softpos::pulumi:providers:aws::aws",
        "type": "pulumi:providers:aws",
        "inputs": {
            "allowedAccountIds": json.dumps([ACCOUNT] if accounts is None else accounts),
            "defaultTags": json.dumps({"tags": {"Stack": stack}}),
        },
    }


def judged(
    stack: str = "env-ana",
    tag: str | None = "temporary",
    resources: list[dict[str, Any]] | None = None,
    caller: str = ACCOUNT,
) -> list[str]:
    tags = {} if tag is None else {"softpos:lifetime": tag}
    return refusals(stack, tags, [provider()] if resources is None else resources, ACCOUNT, caller)


def test_an_environment_may_be_destroyed() -> None:
    assert judged() == []
    assert judged(resources=[]) == []


@pytest.mark.parametrize("stack", ["prod", "dev", "env-prod", "env-dev", "staging", "organization/softpos/prod"])
def test_a_stack_that_is_not_called_as_an_environment_is_refused(stack: str) -> None:
    own = provider(stack=stack)
    [reason] = judged(stack=stack, resources=[own])
    assert "its name is not an environment's" in reason


@pytest.mark.parametrize("tag", [None, "", "permanent"])
def test_a_stack_without_the_tag_is_refused(tag: str | None) -> None:
    [reason] = judged(tag=tag)
    assert "softpos:lifetime" in reason


def test_another_account_is_refused_by_login_and_by_state() -> None:
    [login] = judged(caller=OTHER)
    assert f"logged in to account {OTHER}, wanted {ACCOUNT}" in login
    [state] = judged(resources=[provider([OTHER])])
    assert f"its resources are in account {OTHER}, wanted {ACCOUNT}" in state
    assert judged(resources=[provider([ACCOUNT, OTHER])])


def test_a_state_that_does_not_say_its_account_is_refused() -> None:
    silent = provider()
    del silent["inputs"]["allowedAccountIds"]
    [reason] = judged(resources=[silent])
    assert "does not say which account" in reason


def test_resources_tagged_as_another_stacks_are_refused() -> None:
    [reason] = judged(resources=[provider(stack="dev")])
    assert "tagged as those of the stack dev" in reason


def test_a_protected_resource_is_refused() -> None:
    guarded = {"urn": "urn:x::database", "type": "aws:rds/cluster:Cluster", "protect": True}
    [reason] = judged(resources=[provider(), guarded])
    assert "protected resources (database)" in reason
