"""What wakes somebody up about the database: a table of alarms, and the events that RDS announces.

Every alarm reads the cluster's own figures, so that readers added by autoscaling are covered.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pulumi
import pulumi_aws as aws

from ..foundations.alarms import Alarm, Alarms
from ..foundations.placement import DataClass, Placement
from .database_engine import ENGINES, EngineName

GIB = 1024**3
CPU_PERCENT = 80
CONNECTION_SHARE = 0.8
"""Part of the engine's own limit of connections above which the alarm rings."""
LOW_MEMORY_BYTES = 256 * 1024**2
LOW_LOCAL_STORAGE_BYTES = 2 * GIB
DEADLOCKS_PER_SECOND = 0.1
FAILED_LOGINS_PER_SECOND = 0.2
"""12 a minute: more than a person's mistakes, less than a guessing program."""

MAX_CONNECTIONS: Mapping[str, int] = {
    "medium": 90,
    "large": 1_000,
    "xlarge": 2_000,
    "2xlarge": 3_000,
    "4xlarge": 4_000,
    "8xlarge": 5_000,
}
"""Aurora MySQL's default limit by instance size (Aurora user guide, "Maximum connections"); 6,000 above these."""
MOST_CONNECTIONS = 6_000
BURSTABLE_LARGE_CONNECTIONS = 135

EVENTS: Mapping[str, tuple[str, ...]] = {
    "db-cluster": ("configuration change", "deletion", "failover", "failure", "maintenance", "notification"),
    "db-instance": ("availability", "configuration change", "deletion", "failure", "low storage", "maintenance"),
    "db-parameter-group": ("configuration change",),
    "db-security-group": ("configuration change", "failure"),
}
"""What RDS announces: AWS's controls RDS.19 to RDS.22 ask for these."""


def watch_database(
    name: str,
    engine: EngineName,
    instance_class: str,
    cluster_identifier: str,
    alarms: Alarms,
    parent: pulumi.Resource,
) -> None:
    """Create the alarms of one cluster, `name` being the database's logical name."""
    alarms.watch(
        name,
        _alarms(engine, instance_class),
        namespace="AWS/RDS",
        dimensions={"DBClusterIdentifier": cluster_identifier},
        parent=parent,
    )


def announce_events(name: str, placement: Placement, topic_arn: pulumi.Input[str], parent: pulumi.Resource) -> None:
    """Send RDS's events to the alarm topic. No source is named: readers of autoscaling are to be heard as well."""
    for source, categories in EVENTS.items():
        logical_name = f"{name}-events-{source.removeprefix('db-')}"
        aws.rds.EventSubscription(
            logical_name,
            name=placement.name(logical_name),
            sns_topic=topic_arn,
            source_type=source,
            event_categories=list(categories),
            tags=placement.tags(logical_name, DataClass.AUDIT),
            opts=pulumi.ResourceOptions(parent=parent),
        )


def connection_limit(instance_class: str) -> int:
    """Connections that an instance of this class takes at most: ``db.r7g.large`` gives 1,000."""
    _, family, size = instance_class.split(".")
    if family.startswith("t") and size == "large":
        return BURSTABLE_LARGE_CONNECTIONS
    return MAX_CONNECTIONS.get(size, MOST_CONNECTIONS)


def _alarms(engine: EngineName, instance_class: str) -> Iterator[Alarm]:
    traits = ENGINES[engine]
    yield Alarm(
        role="cpu",
        metric="CPUUtilization",
        limit=CPU_PERCENT,
        minutes=10,
        says=f"An instance of the database has used more than {CPU_PERCENT} % CPU for 10 minutes; "
        "find the statements in Database Insights.",
    )
    yield Alarm(
        role="silent",
        metric="CPUUtilization",
        statistic="Minimum",
        comparison="LessThanThreshold",
        limit=0,
        minutes=10,
        missing="breaching",
        says="The database has told nothing of itself for 10 minutes: no instance runs, or its figures are lost.",
    )
    yield Alarm(
        role="connections",
        metric="DatabaseConnections",
        limit=CONNECTION_SHARE * connection_limit(instance_class),
        minutes=5,
        says="The database is close to its limit of connections; look for a pool that grows or leaks.",
    )
    yield Alarm(
        role="memory",
        metric="FreeableMemory",
        statistic="Minimum",
        comparison="LessThanThreshold",
        limit=LOW_MEMORY_BYTES,
        minutes=5,
        says="An instance of the database is almost out of memory and may restart; choose a larger class.",
    )
    yield Alarm(
        role="local-storage",
        metric=traits.local_storage_metric,
        statistic="Minimum",
        comparison="LessThanThreshold",
        limit=LOW_LOCAL_STORAGE_BYTES,
        minutes=5,
        says="An instance of the database is almost out of storage; look for large temporary tables or binary logs.",
    )
    yield Alarm(
        role="replica-lag",
        metric=traits.replica_lag_metric,
        limit=traits.replica_lag_limit,
        minutes=5,
        says="Readers lag behind the writer; what the application reads there is out of date.",
    )
    yield Alarm(
        role="deadlocks",
        metric="Deadlocks",
        statistic="Average",
        limit=DEADLOCKS_PER_SECOND,
        minutes=5,
        says="Transactions keep deadlocking; payments may be failing.",
    )
    if traits.has_login_metric:
        yield Alarm(
            role="failed-logins",
            metric="LoginFailures",
            statistic="Average",
            limit=FAILED_LOGINS_PER_SECOND,
            minutes=5,
            says="Somebody keeps failing to log in to the database; find who in its audit log group.",
        )
