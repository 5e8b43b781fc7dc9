"""The load balancer's API for the tests: moto's, and the three things that it lacks and a shift of traffic meets.

Group stickiness is demanded where a group of the action is sticky itself; weights are 0 to 999; and a target's health
is what the load balancer has seen.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any
from unittest import mock

from moto.elbv2 import models
from moto.elbv2.exceptions import ELBClientError

LARGEST_WEIGHT = 999
Health = Callable[[str, str], str]
"""State of a target (`healthy`, `unhealthy`, `initial`) by its group's ARN and its address."""


@contextlib.contextmanager
def as_aws_answers(health: Health) -> Iterator[None]:
    """While this lasts, the API judges actions and tells health as AWS does."""
    judged = models.ELBv2Backend._validate_actions

    def judge(backend: Any, actions: list[Any]) -> None:
        judged(backend, actions)
        for action in actions:
            _judge_forward(backend, action.data.get("ForwardConfig") or {})

    def seen(group: Any, target: dict[str, Any], _backend: Any) -> models.FakeHealthStatus:
        state = health(group.arn, target["Id"])
        reason = None if state == "healthy" else "Target.FailedHealthChecks"
        return models.FakeHealthStatus(
            target["Id"], str(target.get("Port", group.port)), str(group.port), state, reason
        )

    with (
        mock.patch.object(models.ELBv2Backend, "_validate_actions", judge),
        mock.patch.object(models.FakeTargetGroup, "health_for", seen),
    ):
        yield


def _judge_forward(backend: Any, forward: dict[str, Any]) -> None:
    groups = forward.get("TargetGroups", [])
    for group in groups:
        if not 0 <= int(group.get("Weight", 1)) <= LARGEST_WEIGHT:
            raise ELBClientError("ValidationError", f"Target group weight must be between 0 and {LARGEST_WEIGHT}")
    sticky = str((forward.get("TargetGroupStickinessConfig") or {}).get("Enabled", "false")).lower() == "true"
    for group in groups if len(groups) > 1 and not sticky else []:
        if backend.target_groups[group["TargetGroupArn"]].attributes.get("stickiness.enabled") == "true":
            raise ELBClientError(
                "InvalidConfigurationRequest",
                "You must enable group stickiness on a rule if you enabled target stickiness on one of its groups",
            )
