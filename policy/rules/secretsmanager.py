"""Secrets Manager."""

from __future__ import annotations

from typing import Final

from ..reading import Findings
from ..rule import MEDIUM, Resource, StackFindings, rule
from ..stack import Stack

_SECRET: Final = "aws.secretsmanager.Secret"  # noqa: S105 a kind of resource
_ROTATION: Final = "aws.secretsmanager.SecretRotation"


@rule(
    "secrets-own-key",
    "Secrets are encrypted with a customer-managed key",
    on=_SECRET,
    requirements="3.5.1 8.3.2",
    controls="SECRETSMANAGER_USING_CMK",
    severity=MEDIUM,
    remedy="set kmsKeyId to the ARN of a customer-managed key",
)
def own_key(secret: Resource) -> Findings:
    return secret["kmsKeyId"].must_name_own_key()


@rule(
    "secrets-rotated",
    "Every secret is rotated by itself",
    about=_SECRET,
    requirements="8.3.9 8.6.3",
    controls="SecretsManager.1 SECRETSMANAGER_ROTATION_ENABLED_CHECK",
    severity=MEDIUM,
    remedy="add a secretsmanager.SecretRotation, or record an exception that says who changes it and when",
)
def rotated(stack: Stack) -> StackFindings:
    return stack.each_must_have((_SECRET,), (_ROTATION,), "secretId", "a rotation", "without a rotation")


@rule(
    "secrets-rotation-period",
    "Rotation is at least every 90 days",
    on=_ROTATION,
    requirements="8.3.9 8.6.3",
    controls="SecretsManager.4 SECRETSMANAGER_SECRET_PERIODIC_ROTATION",
    severity=MEDIUM,
    remedy="set rotationRules with automaticallyAfterDays or a rate of at most 90 days, and leave rotation enabled",
)
def rotation_period(rotation: Resource, *, maximum_days: int = 90) -> Findings:
    rules = rotation["rotationRules"]
    enabled = rotation["rotationEnabled"].must_be(True, default=True)  # provider default
    schedule = rules["scheduleExpression"]
    if schedule.absent:
        return enabled + rules["automaticallyAfterDays"].must_be_at_most(maximum_days, "days")
    return enabled + schedule.must(lambda text: _days(str(text)) <= maximum_days, f"at most {maximum_days:g} days")


def _days(schedule: str) -> float:
    """The days between two rotations, from `rate(30 days)`; a cron line runs monthly unless it names months."""
    words = schedule.replace("(", " ").replace(")", " ").split()
    if words[:1] == ["rate"] and len(words) == 3 and words[1].isdigit():
        return float(words[1]) * {"hour": 1 / 24, "hours": 1 / 24}.get(words[2], 1)
    if words[:1] == ["cron"] and len(words) == 7:
        return 31 if words[4] in ("*", "1/1", "*/1") else 366
    return float("inf")
