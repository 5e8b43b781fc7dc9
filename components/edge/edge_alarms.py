"""What rings for the public load balancer and for its targets, minute by minute."""

from __future__ import annotations

import pulumi

from ..foundations.alarms import Alarm, Alarms

NAMESPACE = "AWS/ApplicationELB"
OF_LOAD_BALANCER = (
    Alarm(
        role="refuses-requests",
        metric="HTTPCode_ELB_5XX_Count",
        statistic="Sum",
        limit=10,
        minutes=3,
        says="The load balancer answers 5xx by itself: no healthy node, or connections refused. Look at the targets.",
    ),
)
"""On the load balancer itself, in addition to the alarms of the firewall and of the certificate."""
OF_TARGETS = (
    Alarm(
        role="application-fails",
        metric="HTTPCode_Target_5XX_Count",
        statistic="Sum",
        limit=10,
        minutes=3,
        says="The application answers 5xx. Look at its log and the last rollout.",
    ),
    Alarm(
        role="application-slow",
        metric="TargetResponseTime",
        statistic="Average",
        limit=1.0,
        minutes=5,
        says="Answers take more than a second on average: a terminal's user waits. Look at database and cache.",
    ),
    Alarm(
        role="unhealthy-nodes",
        metric="UnHealthyHostCount",
        limit=0,
        minutes=5,
        says="A node fails its health check for five minutes. Look at the node and at the service's port on it.",
    ),
    Alarm(
        role="no-healthy-node",
        metric="HealthyHostCount",
        statistic="Minimum",
        comparison="LessThanThreshold",
        limit=1,
        minutes=3,
        missing="breaching",
        says="No node answers its health check, or the load balancer is silent: payments fail now. Look at both.",
    ),
)
"""On the targets of each public service."""


def watch_load_balancer(
    name: str, load_balancer_arn_suffix: pulumi.Output[str], alarms: Alarms, parent: pulumi.Resource
) -> None:
    """Create the alarms on the load balancer itself."""
    dimensions = {"LoadBalancer": load_balancer_arn_suffix}
    alarms.watch(name, OF_LOAD_BALANCER, namespace=NAMESPACE, dimensions=dimensions, parent=parent)


def watch_targets(
    name: str,
    load_balancer_arn_suffix: pulumi.Output[str],
    target_group_arn_suffix: pulumi.Output[str],
    alarms: Alarms,
    parent: pulumi.Resource,
) -> None:
    """Create the alarms on one service's targets."""
    dimensions = {"LoadBalancer": load_balancer_arn_suffix, "TargetGroup": target_group_arn_suffix}
    alarms.watch(name, OF_TARGETS, namespace=NAMESPACE, dimensions=dimensions, parent=parent)
