"""The actions of the listener's rules: what an action means, and the action for a share. No calls.

A client that the load balancer has bound to a group (cookie AWSALBTG) stays there as long as the action names that
group, whatever its weight is (User Guide of Application Load Balancers, sticky sessions). So everything at once is
always one group alone, without group stickiness; a weight of 0 would leave the bound clients where they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from operations.traffic.limits import LEVELS

ALL = LEVELS[-1]
LONGEST_COOKIE = 604_800
"""Seconds; AWS allows seven days."""


def action(percent: int, old: str, new: str, cookie_seconds: int) -> list[dict[str, Any]]:
    """The rule's actions with which AWS gets so many per cent: 0 and 100 bind nobody."""
    if percent in (0, ALL):
        groups = [{"TargetGroupArn": new if percent else old, "Weight": 1}]
        return [{"Type": "forward", "ForwardConfig": {"TargetGroups": groups}}]
    groups = [{"TargetGroupArn": old, "Weight": ALL - percent}, {"TargetGroupArn": new, "Weight": percent}]
    sticky = {"Enabled": True, "DurationSeconds": min(cookie_seconds, LONGEST_COOKIE)}
    return [
        {"Type": "forward", "ForwardConfig": {"TargetGroups": groups, "TargetGroupStickinessConfig": sticky}},
    ]


def share(actions: Sequence[dict[str, Any]], old: str, new: str) -> Fraction | None:
    """The part of new clients, in per cent, that these actions send to AWS; None when they do something else."""
    weights = _weights(actions)
    total = sum(weights.values())
    if not total or not set(weights) <= {old, new}:
        return None
    return Fraction(ALL * weights.get(new, 0), total)


def at_once(actions: Sequence[dict[str, Any]], group: str) -> bool:
    """Whether these actions send everybody to `group`, whatever cookie a client brings."""
    return set(_weights(actions)) == {group}


def _weights(actions: Sequence[dict[str, Any]]) -> dict[str, int]:
    if len(actions) != 1 or actions[0].get("Type") != "forward":
        return {}
    config = actions[0].get("ForwardConfig")
    if not config:
        return {actions[0]["TargetGroupArn"]: 1} if "TargetGroupArn" in actions[0] else {}
    return {one["TargetGroupArn"]: int(one.get("Weight", 1)) for one in config["TargetGroups"]}
