"""What wakes somebody up about the cache: a table of alarms, each for every node.

ElastiCache's own notifications are not used: it cannot publish to an encrypted topic (ElastiCache user guide, "Event
Notifications and Amazon SNS"). A node that fails is seen by its silence.
"""

from __future__ import annotations

import pulumi
import pulumi_aws as aws

from ..foundations.alarms import Alarm, Alarms

ENGINE_CPU_PERCENT = 80
"""Percent of the one core that Redis runs on, whatever the size of the node."""
MEMORY_PERCENT = 80
REPLICATION_LAG_SECONDS = 5
CONNECTIONS = 50_000
"""The engine takes 65,000 (``maxclients``)."""


ALARMS = (
    Alarm(
        role="silent",
        metric="CPUUtilization",
        comparison="LessThanThreshold",
        limit=0,
        missing="breaching",
        minutes=3,
        says="A node of the cache is silent: it has failed or is being replaced. Look at the cache's events.",
    ),
    Alarm(
        role="cpu",
        metric="EngineCPUUtilization",
        statistic="Average",
        limit=ENGINE_CPU_PERCENT,
        minutes=5,
        says="Redis is close to what its core can do; find slow commands in the slow log, or choose a larger node.",
    ),
    Alarm(
        role="memory",
        metric="DatabaseMemoryUsagePercentage",
        limit=MEMORY_PERCENT,
        minutes=5,
        says="The cache is almost full; sessions will be dropped before they expire. Choose a larger node.",
    ),
    Alarm(
        role="evictions",
        metric="Evictions",
        statistic="Sum",
        limit=0,
        minutes=5,
        says="The cache is full and drops sessions; terminals are being logged out.",
    ),
    Alarm(
        role="replication-lag",
        metric="ReplicationLag",
        limit=REPLICATION_LAG_SECONDS,
        minutes=5,
        says="A replica of the cache lags behind; a failover now would lose sessions.",
    ),
    Alarm(
        role="connections",
        metric="CurrConnections",
        limit=CONNECTIONS,
        minutes=5,
        says="The cache is close to its limit of connections; look for a pool that grows or leaks.",
    ),
    Alarm(
        role="failed-logins",
        metric="AuthenticationFailures",
        statistic="Sum",
        limit=0,
        minutes=1,
        says="Somebody failed to log in to the cache; nobody but the application should try.",
    ),
    Alarm(
        role="denied-commands",
        metric="CommandAuthorizationFailures",
        statistic="Sum",
        limit=0,
        minutes=1,
        says="A user of the cache tried a command that it may not use.",
    ),
)


def watch_cache(
    name: str, group: aws.elasticache.ReplicationGroup, nodes: int, alarms: Alarms, parent: pulumi.Resource
) -> None:
    """Create the alarms for each of the group's `nodes`, once they exist; `name` is the cache's logical name."""
    for number in range(1, nodes + 1):
        # AWS's own name for a node without sharding.
        node = pulumi.Output.concat(group.id, f"-{number:03}")
        alarms.watch(
            f"{name}-{number}", ALARMS, namespace="AWS/ElastiCache", dimensions={"CacheClusterId": node}, parent=parent
        )
