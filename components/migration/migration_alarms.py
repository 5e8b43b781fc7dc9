"""What wakes somebody up about the migration: the host, each task, errors in the log, and what DMS announces."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pulumi
import pulumi_aws as aws

from ..foundations.alarms import Alarm, Alarms, Metric
from ..foundations.placement import DataClass, Placement

NAMESPACE = "AWS/DMS"
GIB = 1024**3
LATENCY_SECONDS = 60
"""Changes older than this have not arrived; the cutover tool refuses to begin above 10."""
LOW_STORAGE_SHARE = 0.2
LOW_MEMORY_BYTES = 512 * 1024**2
CPU_PERCENT = 85
ERROR_LINES = '"]E:"'
"""How DMS marks an error in its log, after the component's name."""
EVENTS: Mapping[str, tuple[str, ...]] = {
    "replication-instance": ("configuration change", "deletion", "failover", "failure", "low storage", "maintenance"),
    "replication-task": ("configuration change", "deletion", "failure", "state change"),
}
"""A task that stops or fails is a state change or a failure: there is no metric for it."""


TASK_ALARMS = (
    Alarm(
        role="source-latency",
        metric="CDCLatencySource",
        limit=LATENCY_SECONDS,
        minutes=5,
        says="The migration reads the source's changes too late; look at the tunnels and at the source's load.",
    ),
    Alarm(
        role="target-latency",
        metric="CDCLatencyTarget",
        limit=LATENCY_SECONDS,
        minutes=5,
        says="The migration writes changes too late; look at the target's load and at locks.",
    ),
    Alarm(
        role="validation-failed",
        metric="ValidationFailedOverallCount",
        limit=0,
        minutes=1,
        says="Rows differ between source and target; do not cut over. They are listed in "
        "awsdms_control.awsdms_validation_failures_v1 on the target.",
    ),
    Alarm(
        role="validation-suspended",
        metric="ValidationSuspendedOverallCount",
        limit=0,
        minutes=5,
        says="Rows could not be compared, most often because they change all the time; compare them by the cutover "
        "tool before you cut over.",
    ),
)


def instance_alarms(storage_gib: int) -> Sequence[Alarm]:
    """The alarms of a replication instance with this much storage."""
    return (
        Alarm(
            role="storage",
            metric="FreeStorageSpace",
            statistic="Minimum",
            comparison="LessThanThreshold",
            limit=LOW_STORAGE_SHARE * storage_gib * GIB,
            minutes=5,
            says="The replication instance is running out of storage; its tasks will fail. Raise migrationStorageGib.",
        ),
        Alarm(
            role="memory",
            metric="FreeableMemory",
            statistic="Minimum",
            comparison="LessThanThreshold",
            limit=LOW_MEMORY_BYTES,
            minutes=5,
            says="The replication instance is running out of memory and will swap to disk; choose a larger class.",
        ),
        Alarm(
            role="cpu",
            metric="CPUUtilization",
            statistic="Average",
            limit=CPU_PERCENT,
            minutes=10,
            says="The replication instance is close to its limit; the migration will fall behind.",
        ),
    )


def watch_instance(name: str, instance_id: str, storage_gib: int, alarms: Alarms, parent: pulumi.Resource) -> None:
    """Create the alarms of the replication instance, `name` being its logical name."""
    dimensions = {"ReplicationInstanceIdentifier": instance_id}
    alarms.watch(name, instance_alarms(storage_gib), namespace=NAMESPACE, dimensions=dimensions, parent=parent)


def watch_task(
    name: str, instance_id: str, task: aws.dms.ReplicationTask, alarms: Alarms, parent: pulumi.Resource
) -> None:
    """Create the alarms of one task. CloudWatch knows a task by the last part of its ARN, not by its name."""
    dimensions: dict[str, pulumi.Input[str]] = {
        "ReplicationInstanceIdentifier": instance_id,
        "ReplicationTaskIdentifier": task.replication_task_arn.apply(lambda arn: arn.rpartition(":")[2]),
    }
    alarms.watch(name, TASK_ALARMS, namespace=NAMESPACE, dimensions=dimensions, parent=parent)


def watch_log(
    name: str, log_group: aws.cloudwatch.LogGroup, log_group_name: str, alarms: Alarms, parent: pulumi.Resource
) -> None:
    """Count the errors in the tasks' log and ring at the first."""
    metric_name = f"{alarms.placement.name(name)}-errors"
    aws.cloudwatch.LogMetricFilter(
        f"{name}-errors",
        name=metric_name,
        log_group_name=log_group_name,
        pattern=ERROR_LINES,
        metric_transformation=aws.cloudwatch.LogMetricFilterMetricTransformationArgs(
            name=metric_name, namespace="SoftPOS/Migration", value="1", default_value="0"
        ),
        opts=pulumi.ResourceOptions(parent=parent, depends_on=[log_group]),
    )
    alarms.when(
        f"{name}-errors",
        Metric(namespace="SoftPOS/Migration", name=metric_name, dimensions={}, statistic="Sum"),
        "GreaterThanThreshold",
        0,
        says=f"A migration task wrote an error; read the log group {log_group_name}.",
        parent=parent,
    )


def announce_events(
    name: str,
    placement: Placement,
    sources: Mapping[str, Sequence[pulumi.Input[str]]],
    topic_arn: pulumi.Input[str],
    parent: pulumi.Resource,
) -> None:
    """Send what DMS announces about `sources` (ids by the kinds in `EVENTS`) to the alarm topic."""
    for kind, categories in EVENTS.items():
        logical_name = f"{name}-events-{kind.removeprefix('replication-')}"
        aws.dms.EventSubscription(
            logical_name,
            name=placement.name(logical_name),
            enabled=True,
            source_type=kind,
            source_ids=list(sources[kind]),
            event_categories=list(categories),
            sns_topic_arn=topic_arn,
            tags=placement.tags(logical_name, DataClass.AUDIT),
            opts=pulumi.ResourceOptions(parent=parent),
        )
