"""CloudWatch: log groups and alarms."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ..reading import NOT_SET, Breach, Findings, normal
from ..rule import LOW, MEDIUM, Resource, StackFindings, rule
from ..stack import Stack

_COMPOSITE: Final = "aws.cloudwatch.CompositeAlarm"


@rule(
    "logs-retention",
    "Log groups keep their logs for twelve months",
    on="aws.cloudwatch.LogGroup",
    requirements="10.5.1",
    controls="CW_LOGGROUP_RETENTION_PERIOD_CHECK",
    severity=MEDIUM,
    remedy="set retentionInDays",
)
def retention(group: Resource, *, minimum_days: int = 365) -> Findings:
    days = group["retentionInDays"]
    if (
        days.absent or normal(days.value) == "0"
    ):  # kept for ever; a class for delivery keeps logs two days whatever it says
        return group["logGroupClass"].must_not_be("DELIVERY", wanted="STANDARD", default="STANDARD")
    return days.must_be_at_least(minimum_days, "days")


@rule(
    "logs-encrypted",
    "Log groups are encrypted with a customer-managed key",
    on="aws.cloudwatch.LogGroup",
    requirements="3.5.1 8.3.2 10.3.2",
    controls="CLOUDWATCH_LOG_GROUP_ENCRYPTED",
    severity=MEDIUM,
    remedy="set kmsKeyId to the ARN of a customer-managed key",
)
def encrypted(group: Resource) -> Findings:
    return group["kmsKeyId"].must_name_own_key()


@rule(
    "logs-group-before-service",
    "Log groups that a service would make without retention are made by the stack",
    about=("aws.eks.Cluster", "aws.rds.Cluster", "aws.rds.Instance", "aws.lambda.Function"),
    requirements="10.5.1 3.2.1",
    controls="CW_LOGGROUP_RETENTION_PERIOD_CHECK",
    severity=LOW,
    remedy="add a cloudwatch.LogGroup of that name with a retention and a key",
)
def group_before_service(stack: Stack) -> StackFindings:
    made = {group["name"].text for group in stack.of("aws.cloudwatch.LogGroup")}
    return [
        (writer, Breach(path, f"writing to {name}, which the stack does not make", "a log group made by the stack"))
        for writer, path, name in _written(stack)
        if name not in made
    ]


def _written(stack: Stack) -> Iterator[tuple[Resource, str, str]]:
    """Who writes to which log group by itself: the resource, the property that says so, the group's name."""
    for cluster in stack.of("aws.eks.Cluster"):
        if cluster["enabledClusterLogTypes"].known and cluster["name"].known:
            yield cluster, "enabledClusterLogTypes", f"/aws/eks/{cluster['name'].value}/cluster"
    for kind, path, prefix in (
        ("aws.rds.Cluster", "clusterIdentifier", "cluster"),
        ("aws.rds.Instance", "identifier", "instance"),
    ):
        for database in stack.of(kind):
            exports = database["enabledCloudwatchLogsExports"]
            if database[path].known:
                for log in exports:
                    if log.known:
                        yield database, exports.path, f"/aws/rds/{prefix}/{database[path].value}/{log.value}"
    for function in stack.of("aws.lambda.Function"):
        if function["name"].known and function["loggingConfig"]["logGroup"].absent:
            yield function, "loggingConfig", f"/aws/lambda/{function['name'].value}"


@rule(
    "cloudwatch-alarm-acts",
    "Alarms tell somebody",
    on=("aws.cloudwatch.MetricAlarm", "aws.cloudwatch.CompositeAlarm"),
    requirements="10.4.2 10.7.2 11.5.2",
    controls="CLOUDWATCH_ALARM_ACTION_CHECK",
    severity=MEDIUM,
    remedy="set alarmActions to a topic that people read, and leave actionsEnabled on",
)
def alarm_acts(alarm: Resource) -> Findings:
    # Provider default of actionsEnabled: true. An alarm without a word about actions may be part of another one:
    # cloudwatch-alarm-is-heard judges both together.
    actions = alarm["alarmActions"]
    silenced = actions.value == [] or (alarm.kind == _COMPOSITE and actions.absent)
    return (actions.breach("an action") if silenced else []) + (
        [] if actions.absent else alarm["actionsEnabled"].must_be(True, default=True)
    )


@rule(
    "cloudwatch-alarm-is-heard",
    "Alarms tell somebody, by an action of their own or by the composite alarm that they are part of",
    about="aws.cloudwatch.MetricAlarm",
    requirements="10.4.2 10.7.2 11.5.2",
    controls="CLOUDWATCH_ALARM_ACTION_CHECK",
    severity=MEDIUM,
    remedy="set alarmActions to a topic that people read, or name the alarm in a composite alarm",
)
def alarm_is_heard(stack: Stack) -> StackFindings:
    composites = list(stack.of(_COMPOSITE))
    rules = " ".join(str(composite["alarmRule"].value) for composite in composites)
    parts = {urn for composite in composites for urn in composite.property_dependencies.get("alarmRule", ())}
    return [
        (alarm, Breach("alarmActions", NOT_SET, "an action, or a composite alarm that names it"))
        for alarm in stack.of("aws.cloudwatch.MetricAlarm")
        if alarm["alarmActions"].value is None
        and alarm.urn not in parts
        and not (alarm["name"].text and alarm["name"].text in rules)
    ]
