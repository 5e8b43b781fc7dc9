"""KMS: keys."""

from __future__ import annotations

from typing import Final

from ..reading import Findings
from ..rule import MEDIUM, Resource, rule

_KEY: Final = "aws.kms.Key"
_KEY_MANAGEMENT: Final = "3.6.1 3.7.1 3.7.4"


@rule(
    "kms-rotation",
    "Keys are rotated each year",
    on=_KEY,
    requirements="3.7.4 3.7.5",
    controls="KMS.4 CMK_BACKING_KEY_ROTATION_ENABLED",
    severity=MEDIUM,
    remedy="set enableKeyRotation to true",
)
def rotation(key: Resource, *, maximum_days: int = 365) -> Findings:
    spec = key["customerMasterKeySpec"].value
    if spec not in (None, "SYMMETRIC_DEFAULT") or not key["customKeyStoreId"].absent:
        return []  # KMS rotates symmetric keys of its own store only
    # AWS default of the period: 365 days.
    return key["enableKeyRotation"].must_be(True) or key["rotationPeriodInDays"].must_be_at_most(
        maximum_days, "days", default=365
    )


@rule(
    "kms-key-kept",
    "Keys stay on, and a deletion can be stopped for weeks",
    on=(_KEY, "aws.kms.ReplicaKey", "aws.kms.ExternalKey"),
    requirements=_KEY_MANAGEMENT,
    controls="KMS_CMK_NOT_SCHEDULED_FOR_DELETION",
    severity=MEDIUM,
    remedy="leave isEnabled on and set deletionWindowInDays to 30",
)
def key_kept(key: Resource, *, minimum_days: int = 14) -> Findings:
    enabled = key["isEnabled"] if key.kind == _KEY else key["enabled"]
    return (
        enabled.must_be(True, default=True)  # provider default
        + key["deletionWindowInDays"].must_be_at_least(minimum_days, "days", default=30)  # AWS default
        + key["bypassPolicyLockoutSafetyCheck"].must_be(False, default=False)  # provider default
    )
