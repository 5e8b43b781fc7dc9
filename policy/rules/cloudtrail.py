"""CloudTrail."""

from __future__ import annotations

from typing import Final

from ..reading import UNKNOWN, Breach, Findings, Property
from ..rule import HIGH, MEDIUM, Resource, StackFindings, rule
from ..stack import Stack

_EVERY_BUCKET: Final = {"arn:aws:s3", "arn:aws:s3:::", "arn:aws-us-gov:s3", "arn:aws-cn:s3"}
_TRAIL: Final = "aws.cloudtrail.Trail"
_RECORDING: Final = "10.2.1 10.2.1.1 10.2.1.2 10.2.1.5"


@rule(
    "cloudtrail-present",
    "A stack that makes a network has a trail",
    about="aws.ec2.Vpc",
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
    return trail["kmsKeyId"].must_name_own_key()


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
    wanted = "with reads and writes of AWS::S3::Object, in every bucket"
    basic, advanced = trail["eventSelectors"], trail["advancedEventSelectors"]
    if basic.unknown or advanced.unknown:
        return (basic if basic.unknown else advanced).unjudged(wanted)
    if any(_records_objects(selector) for selector in basic) or any(_selects_objects(one) for one in advanced):
        return []
    return (basic if advanced.absent else advanced).breach(wanted)


def _records_objects(selector: Property) -> bool:
    return selector["readWriteType"].value in (None, "All") and any(  # default: All
        resource["type"].value == "AWS::S3::Object"
        and _every_bucket([one.value for one in resource["values"] if not one.absent])
        for resource in selector["dataResources"]
    )


def _every_bucket(values: list[object]) -> bool:
    """All buckets, or several as a whole; a single one, or a prefix in one, leaves the rest out."""
    whole = {value for value in values if isinstance(value, str) and value.rstrip("/").count("/") == 0}
    return not values or UNKNOWN in values or len(whole) > 1 or bool(whole & _EVERY_BUCKET)


def _selects_objects(selector: Property) -> bool:
    fields = {field["field"].text: field for field in selector["fieldSelectors"]}
    kinds = fields.get("resources.type")
    return (
        kinds is not None
        and "AWS::S3::Object" in [one.text for one in kinds["equals"]]
        and ("readOnly" not in fields and "resources.ARN" not in fields)
    )


@rule(
    "cloudtrail-management-events",
    "Trails record every call that manages something, reads and writes",
    on=_TRAIL,
    requirements="10.2.1 10.2.1.2 10.2.1.5 10.2.1.7",
    severity=HIGH,
    remedy="leave includeManagementEvents on and exclude no source, or select the category Management",
)
def management_events(trail: Resource) -> Findings:
    findings: Findings = []
    selectors, advanced = list(trail["eventSelectors"]), list(trail["advancedEventSelectors"])
    for selector in selectors:
        findings += selector["excludeManagementEventSources"].must_not_be_given("no source left out")
    if selectors and not any(_manages(selector) for selector in selectors):
        findings += selectors[0]["includeManagementEvents"].must_be(True, default=True) or selectors[0][
            "readWriteType"
        ].must_be("All", default="All")
    categories = [
        (one.value, len(list(selector["fieldSelectors"])))
        for selector in advanced
        for field in selector["fieldSelectors"]
        if field["field"].value == "eventCategory"
        for one in field["equals"]
    ]
    known = advanced and not any(selector.unknown for selector in advanced)
    if known and ("Management", 1) not in categories:
        findings += trail["advancedEventSelectors"].breach("the category Management, without further conditions")
    return findings


def _manages(selector: Property) -> bool:
    return selector["includeManagementEvents"].value in (None, True, "true", UNKNOWN) and selector[
        "readWriteType"
    ].value in (None, "All", UNKNOWN)
