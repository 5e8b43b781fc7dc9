"""CloudTrail."""

from __future__ import annotations

from ..reading import Findings
from ..rule import HIGH, Resource, rule


@rule(
    "cloudtrail-validated",
    "Trails sign their log files",
    on="aws.cloudtrail.Trail",
    requirements="10.3.2 10.3.4",
    controls="CloudTrail.4 CLOUD_TRAIL_LOG_FILE_VALIDATION_ENABLED",
    severity=HIGH,
    remedy="set enableLogFileValidation to true",
)
def validated(trail: Resource) -> Findings:
    return trail["enableLogFileValidation"].must_be(True)


@rule(
    "cloudtrail-encrypted",
    "Trails encrypt their log files with a customer-managed key",
    on="aws.cloudtrail.Trail",
    requirements="10.3.2 3.5.1",
    controls="CloudTrail.2 CLOUD_TRAIL_ENCRYPTION_ENABLED",
    severity=HIGH,
    remedy="set kmsKeyId to the ARN of a customer-managed key",
)
def encrypted(trail: Resource) -> Findings:
    return trail["kmsKeyId"].must_be_given("a customer-managed key")
