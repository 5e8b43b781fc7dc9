"""The public side of a stack, as its outputs tell it: where payments arrive while both sides serve."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cutover.errors import SettingsError

OUTPUT = "traffic"
"""Name of the stack output that the `traffic` command reads too; it is empty where the stack has no public name."""
SHIFTING = "shifting"
TEXTS = ("phase", "host_name", "load_balancer_dns_name", "load_balancer_arn_suffix")


@dataclass(frozen=True, kw_only=True)
class PublicSide:
    """What the gates before the freeze ask about."""

    phase: str
    """The migration's phase in which the stack is deployed."""
    host_name: str
    load_balancer_dns_name: str
    """The load balancer's own name, which leads to it wherever the public name leads."""
    load_balancer_arn_suffix: str
    rules: Mapping[str, str]
    """Target group on AWS by the listener rule that forwards to it; empty outside of `shifting`."""
    old_target_group_arn: str = ""
    """The data centre's router; empty outside of `shifting`."""


def read_public_side(stack: str, outputs: Mapping[str, Any]) -> PublicSide | None:
    """The public side; None where the stack has no public name.

    Raises:
        SettingsError: with one line for each field that is missing or wrong.
    """
    given = outputs.get(OUTPUT)
    if not given:
        return None
    if not isinstance(given, Mapping):
        raise SettingsError(
            f"Output {OUTPUT} of stack {stack} is {json.dumps(given)[:80]}; allowed: an object; run `pulumi up` on "
            "this program."
        )
    wanted = (*TEXTS, "old_target_group_arn") if given.get("phase") == SHIFTING else TEXTS
    problems = [
        f"Output {OUTPUT}.{name} of stack {stack} is {json.dumps(given.get(name))[:80]}; allowed: a text; run `pulumi "
        "up` on this program."
        for name in wanted
        if not isinstance(given.get(name), str) or not given[name]
    ]
    rules = given.get("rules", [])
    try:
        read = {str(rule["arn"]): str(rule["new_target_group_arn"]) for rule in rules}
    except (TypeError, KeyError):
        read = {}
    if given.get("phase") == SHIFTING and not read:
        problems.append(
            f"Output {OUTPUT}.rules of stack {stack} is {json.dumps(rules)[:80]}; allowed: a list of rules, each with "
            "arn and new_target_group_arn; run `pulumi up` on this program."
        )
    if problems:
        raise SettingsError(*problems)
    return PublicSide(
        **{name: given[name] for name in TEXTS}, rules=read, old_target_group_arn=given.get("old_target_group_arn", "")
    )
