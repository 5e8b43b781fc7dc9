"""How somebody is told: every alarm goes to one encrypted topic."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

import pulumi
import pulumi_aws as aws

from .placement import DataClass, Placement

Comparison = Literal["GreaterThanThreshold", "GreaterThanOrEqualToThreshold", "LessThanThreshold"]
Statistic = Literal["Sum", "Average", "Maximum", "Minimum"]
Missing = Literal["breaching", "notBreaching", "missing"]


@dataclass(frozen=True, kw_only=True)
class Metric:
    """What an alarm watches: one CloudWatch metric and how it is read."""

    namespace: str
    name: str
    dimensions: Mapping[str, pulumi.Input[str]]
    statistic: Statistic
    period_seconds: int = 60


@dataclass(frozen=True, kw_only=True)
class Alarm:
    """One row of an area's table of alarms: a metric, its limit and what the person on call reads."""

    role: str
    """What the alarm is for; the last part of its name."""
    metric: str
    limit: float
    """In the metric's own unit."""
    minutes: int
    """Minutes in a row beyond the limit before it rings."""
    says: str
    """What has happened and what to do."""
    statistic: Statistic = "Maximum"
    comparison: Comparison = "GreaterThanThreshold"
    missing: Missing = "notBreaching"
    """What no data means; ``breaching`` where silence is itself the fault."""


@dataclass(frozen=True, kw_only=True)
class Alarms:
    """Makes alarms; components own theirs, this only keeps them alike."""

    placement: Placement
    topic_arn: pulumi.Input[str]
    """ARN of the SNS topic that alarms and recoveries go to."""

    def watch(
        self,
        name: str,
        rows: Iterable[Alarm],
        *,
        namespace: str,
        dimensions: Mapping[str, pulumi.Input[str]],
        parent: pulumi.Resource,
    ) -> None:
        """One alarm for each row of a table, on the metrics of one thing. Each is called ``<name>-<role>``."""
        for row in rows:
            self.when(
                f"{name}-{row.role}",
                Metric(namespace=namespace, name=row.metric, dimensions=dimensions, statistic=row.statistic),
                row.comparison,
                row.limit,
                says=row.says,
                parent=parent,
                periods=row.minutes,
                missing=row.missing,
            )

    def when(
        self,
        name: str,
        metric: Metric,
        comparison: Comparison,
        threshold: float,
        *,
        says: str,
        parent: pulumi.Resource,
        periods: int = 1,
        missing: Missing = "notBreaching",
    ) -> aws.cloudwatch.MetricAlarm:
        """An alarm with logical name `name` that rings after `periods` periods beyond `threshold`.

        Args:
            says: what has happened and what to do, as the person on call reads it.
            missing: what no data means; ``breaching`` where silence is itself the fault.
        """
        return aws.cloudwatch.MetricAlarm(
            name,
            name=self.placement.name(name),
            alarm_description=says,
            namespace=metric.namespace,
            metric_name=metric.name,
            dimensions=dict(metric.dimensions),
            statistic=metric.statistic,
            period=metric.period_seconds,
            comparison_operator=comparison,
            threshold=threshold,
            evaluation_periods=periods,
            treat_missing_data=missing,
            alarm_actions=[self.topic_arn],
            ok_actions=[self.topic_arn],
            tags=self.placement.tags(name, DataClass.AUDIT),
            opts=pulumi.ResourceOptions(parent=parent),
        )
