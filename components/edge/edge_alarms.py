"""What rings for the public load balancer: one table, minute by minute."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import pulumi

from ..foundations.alarms import Alarms, Comparison, Metric


@dataclass(frozen=True, kw_only=True)
class Watch:
    """One alarm on the load balancer, minute by minute."""

    name: str
    metric: str
    of_targets: bool
    """Whether the metric is the target group's rather than the load balancer's own."""
    statistic: Literal["Sum", "Average", "Maximum", "Minimum"]
    comparison: Comparison
    threshold: float
    minutes: int
    """Minutes in a row beyond the threshold."""
    says: str
    missing: Literal["breaching", "notBreaching"] = "notBreaching"
    """What no data means; ``breaching`` where a load balancer that says nothing is itself the fault."""


ALARMS = (
    Watch(
        name="refuses-requests",
        metric="HTTPCode_ELB_5XX_Count",
        of_targets=False,
        statistic="Sum",
        comparison="GreaterThanThreshold",
        threshold=10,
        minutes=3,
        says="The load balancer answers 5xx by itself: no healthy node, or connections refused. Look at the targets.",
    ),
    Watch(
        name="application-fails",
        metric="HTTPCode_Target_5XX_Count",
        of_targets=True,
        statistic="Sum",
        comparison="GreaterThanThreshold",
        threshold=10,
        minutes=3,
        says="The application answers 5xx. Look at its log and the last rollout.",
    ),
    Watch(
        name="application-slow",
        metric="TargetResponseTime",
        of_targets=True,
        statistic="Average",
        comparison="GreaterThanThreshold",
        threshold=1.0,
        minutes=5,
        says="Answers take more than a second on average: a terminal's user waits. Look at database and cache.",
    ),
    Watch(
        name="unhealthy-nodes",
        metric="UnHealthyHostCount",
        of_targets=True,
        statistic="Maximum",
        comparison="GreaterThanThreshold",
        threshold=0,
        minutes=5,
        says="A node fails its health check for five minutes. Look at the node and at the service's port on it.",
    ),
    Watch(
        name="no-healthy-node",
        metric="HealthyHostCount",
        of_targets=True,
        statistic="Minimum",
        comparison="LessThanThreshold",
        threshold=1,
        minutes=3,
        missing="breaching",
        says="No node answers its health check, or the load balancer is silent: payments fail now. Look at both.",
    ),
)
"""What rings, apart from the alarms of the firewall and of the certificate."""


def watch_load_balancer(
    name: str, load_balancer_arn_suffix: pulumi.Output[str], alarms: Alarms, parent: pulumi.Resource
) -> None:
    """Create the alarms of `ALARMS` on the load balancer itself."""
    _watch(name, {"LoadBalancer": load_balancer_arn_suffix}, alarms, parent, of_targets=False)


def watch_targets(
    name: str,
    load_balancer_arn_suffix: pulumi.Output[str],
    target_group_arn_suffix: pulumi.Output[str],
    alarms: Alarms,
    parent: pulumi.Resource,
) -> None:
    """Create the alarms of `ALARMS` on one service's targets."""
    dimensions = {"LoadBalancer": load_balancer_arn_suffix, "TargetGroup": target_group_arn_suffix}
    _watch(name, dimensions, alarms, parent, of_targets=True)


def _watch(
    name: str,
    dimensions: Mapping[str, pulumi.Output[str]],
    alarms: Alarms,
    parent: pulumi.Resource,
    *,
    of_targets: bool,
) -> None:
    for watch in ALARMS:
        if watch.of_targets == of_targets:
            alarms.when(
                f"{name}-{watch.name}",
                Metric(
                    namespace="AWS/ApplicationELB",
                    name=watch.metric,
                    dimensions=dimensions,
                    statistic=watch.statistic,
                ),
                watch.comparison,
                watch.threshold,
                says=watch.says,
                missing=watch.missing,
                periods=watch.minutes,
                parent=parent,
            )
