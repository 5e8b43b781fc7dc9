"""CloudTrail."""

from __future__ import annotations

from typing import Final

from ..reading import Breach, Findings
from ..rule import HIGH, MEDIUM, Resource, StackFindings, rule
from ..stack import Stack

_TRAIL: Final = "aws.cloudtrail.Trail"
_RECORDING: Final = "10.2.1 10.2.1.1 10.2.1.2 10.2.1.5"


@rule(
    "cloudtrail-present",
    "A stack that makes a network has a trail",
    requirements=_RECORDING,
    controls="CloudTrail.3 CLOUD_TRAIL_ENABLED",
    severity=HIGH,
    remedy="add a cloudtrail.Trail, or record an exception that says which stack of the account has it",
)
def present(stack: Stack) -> StackFindings:
    if any(stack.of(_TRAIL)):
        return []
    return [(network, Breach("", "without a trail", "a trail of all Regions")) for network in stack.of("aws.ec2.Vpc")]


@rule(
    "cloudtrail-records-everything",
    "Trails record all Regions and the global services, and are on",
    on=_TRAIL,
    requirements=_RECORDING,
    controls="MULTI_REGION_CLOUD_TRAIL_ENABLED CLOUD_TRAIL_ENABLED",
    severity=HIGH,
    remedy="set isMultiRegionTrail to true and leave includeGlobalServiceEvents and enableLogging on",
)
def records_everything(trail: Resource) -> Findings:
    return (
        trail["isMultiRegionTrail"].must_be(True)
        + trail["includeGlobalServiceEvents"].must_be(True, default=True)  # provider default
        + trail["enableLogging"].must_be(True, default=True)  # provider default
    )


@rule(
    "cloudtrail-validated",
    "Trails sign their log files",
    on=_TRAIL,
    requirements="10.3.2 10.3.4",
    controls="CloudTrail.4 CLOUD_TRAIL_LOG_FILE_VALIDATION_ENABLED CLOUDTRAIL_SECURITY_TRAIL_ENABLED",
    severity=HIGH,
    remedy="set enableLogFileValidation to true",
)
def validated(trail: Resource) -> Findings:
    return trail["enableLogFileValidation"].must_be(True)


@rule(
    "cloudtrail-encrypted",
    "Trails encrypt their log files with a customer-managed key",
    on=_TRAIL,
    requirements="10.3.2 3.5.1",
    controls="CloudTrail.2 CLOUD_TRAIL_ENCRYPTION_ENABLED CLOUDTRAIL_SECURITY_TRAIL_ENABLED",
    severity=HIGH,
    remedy="set kmsKeyId to the ARN of a customer-managed key",
)
def encrypted(trail: Resource) -> Findings:
    return trail["kmsKeyId"].must_be_given("a customer-managed key")


@rule(
    "cloudtrail-to-cloudwatch",
    "Trails send their events to CloudWatch Logs, where alarms see them",
    on=_TRAIL,
    requirements="10.4.1.1 11.5.2 12.10.5",
    controls="CLOUD_TRAIL_CLOUD_WATCH_LOGS_ENABLED",
    severity=MEDIUM,
    remedy="set cloudWatchLogsGroupArn and cloudWatchLogsRoleArn",
)
def to_cloudwatch(trail: Resource) -> Findings:
    return trail["cloudWatchLogsGroupArn"].must_be_given("a log group") + trail["cloudWatchLogsRoleArn"].must_be_given(
        "a role"
    )


@rule(
    "cloudtrail-data-events",
    "Trails record each read and write of objects in S3",
    on=_TRAIL,
    requirements="10.2.1 10.2.1.1",
    controls="S3.22 S3.23 CLOUDTRAIL_S3_DATAEVENTS_ENABLED",
    severity=MEDIUM,
    remedy="select data events of AWS::S3::Object, reads and writes",
)
def data_events(trail: Resource) -> Findings:
    wanted = "with reads and writes of AWS::S3::Object"
    basic, advanced = trail["eventSelectors"], trail["advancedEventSelectors"]
    if basic.unknown or advanced.unknown:
        return (basic if basic.unknown else advanced).unjudged(wanted)
    for selector in basic:
        kinds = [resource["type"].text for resource in selector["dataResources"]]
        if "AWS::S3::Object" in kinds and selector["readWriteType"].value in (None, "All"):  # default: All
            return []
    for selector in advanced:
        fields = {
            field["field"].text: [value.text for value in field["equals"]] for field in selector["fieldSelectors"]
        }
        if "AWS::S3::Object" in fields.get("resources.type", []) and "readOnly" not in fields:
            return []
    return (basic if advanced.absent else advanced).breach(wanted)
