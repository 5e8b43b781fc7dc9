"""What may be destroyed without anybody looking: only what is an environment by name, by tag and by account."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from operations.environments.names import PREFIX, is_environment

LIFETIME_TAG = "softpos:lifetime"
TEMPORARY = "temporary"
AWS_PROVIDER = "pulumi:providers:aws"


def refusals(
    stack: str, tags: Mapping[str, str], resources: Sequence[Mapping[str, Any]], account: str, caller: str
) -> list[str]:
    """Why `stack` must not be destroyed as an environment, a sentence each; empty when it may be.

    Args:
        tags: the stack's tags.
        resources: the resources of its state, as `pulumi stack export` shows them.
        account: the account that environments live in.
        caller: the account that we are logged in to.
    """
    found = list(_by_name(stack))
    if tags.get(LIFETIME_TAG) != TEMPORARY:
        shown = tags.get(LIFETIME_TAG, "absent")
        found.append(f"{stack}: its tag {LIFETIME_TAG} is {shown}, wanted {TEMPORARY}; it is not an environment.")
    if caller != account:
        found.append(f"{stack}: you are logged in to account {caller}, wanted {account}; log in to that one.")
    return [*found, *_by_state(stack, resources, account)]


def _by_name(stack: str) -> Iterator[str]:
    if not is_environment(stack):
        yield f"{stack}: its name is not an environment's, wanted {PREFIX}NAME; use `pulumi destroy` if you mean it."


def _by_state(stack: str, resources: Sequence[Mapping[str, Any]], account: str) -> Iterator[str]:
    protected = [resource["urn"].rpartition("::")[2] for resource in resources if resource.get("protect")]
    if protected:
        shown = f"{protected[0]} and {len(protected) - 1} more" if protected[1:] else protected[0]
        yield f"{stack}: it holds protected resources ({shown}), which an environment never has."
    providers = [resource.get("inputs", {}) for resource in resources if resource.get("type") == AWS_PROVIDER]
    bound = [_decoded(inputs["allowedAccountIds"]) for inputs in providers if "allowedAccountIds" in inputs]
    if providers and not bound:
        yield f"{stack}: its state does not say which account it is in, wanted {account}."
    for accounts in bound:
        if accounts != [account]:
            yield f"{stack}: its resources are in account {', '.join(map(str, accounts))}, wanted {account}."
    for inputs in providers:
        owner = _decoded(inputs.get("defaultTags", "{}")).get("tags", {}).get("Stack", stack)
        if owner != stack:
            yield f"{stack}: its resources are tagged as those of the stack {owner}."


def _decoded(value: Any) -> Any:
    """Provider inputs hold structures as JSON text."""
    return json.loads(value) if isinstance(value, str) else value
