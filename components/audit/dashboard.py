"""One page for whoever is on call: from the firewall to the tunnels, in the order in which a request meets them.

Creates a CloudWatch dashboard from the table `CHARTS`. It only reads; nothing waits for it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import pulumi
import pulumi_aws as aws

from ..foundations.placement import Placement

WIDTH, HEIGHT, PER_ROW = 8, 6, 3
"""Grid units of one chart; the page is 24 units wide."""
PERIOD_SECONDS = 60

Subject = Literal["balancer", "targets", "firewall", "nodes", "writer", "readers", "cache", "tunnels", "migration"]
Statistic = Literal["Sum", "Average", "Maximum", "Minimum", "p99"]


class Line(NamedTuple):
    """One metric of one subject."""

    subject: Subject
    metric: str
    statistic: Statistic


class Chart(NamedTuple):
    """One chart of the page."""

    title: str
    lines: tuple[Line, ...]


CHARTS: tuple[Chart, ...] = (
    Chart("Firewall", (Line("firewall", "AllowedRequests", "Sum"), Line("firewall", "BlockedRequests", "Sum"))),
    Chart(
        "Requests",
        (
            Line("balancer", "RequestCount", "Sum"),
            Line("balancer", "HTTPCode_ELB_5XX_Count", "Sum"),
            Line("targets", "HTTPCode_Target_5XX_Count", "Sum"),
        ),
    ),
    Chart("Answer time", (Line("targets", "TargetResponseTime", "p99"),)),
    Chart("Healthy targets", (Line("targets", "HealthyHostCount", "Minimum"),)),
    Chart("Processors of the nodes", (Line("nodes", "CPUUtilization", "Average"),)),
    Chart("Writer", (Line("writer", "CPUUtilization", "Average"), Line("writer", "DatabaseConnections", "Maximum"))),
    Chart("Readers", (Line("readers", "CPUUtilization", "Average"), Line("readers", "AuroraReplicaLag", "Maximum"))),
    Chart("Cache", (Line("cache", "EngineCPUUtilization", "Average"),)),
    Chart("Tunnels up", (Line("tunnels", "TunnelState", "Minimum"),)),
    Chart("Migration, seconds behind", (Line("migration", "CDCLatencyTarget", "Maximum"),)),
)


@dataclass(frozen=True, kw_only=True)
class DashboardArgs:
    """Inputs of `Dashboard`: what it plots, by the names that CloudWatch knows."""

    placement: Placement
    load_balancer_arn_suffix: pulumi.Input[str]
    target_group_arn_suffix: pulumi.Input[str]
    firewall_metric_name: str
    autoscaling_group_names: Sequence[pulumi.Input[str]]
    database_cluster_identifier: pulumi.Input[str]
    replication_group_id: pulumi.Input[str]
    vpn_connection_id: pulumi.Input[str]
    replication_instance_id: pulumi.Input[str] | None = None
    """The migration's replication instance; None, and without its chart, once the migration is over."""


class Dashboard(pulumi.ComponentResource):
    """The page, and where it is."""

    url: str

    def __init__(self, name: str, args: DashboardArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("softpos:audit:Dashboard", name, {}, opts)
        placement = args.placement
        physical_name = placement.name(name)
        region = placement.region
        subjects = _subjects(args)
        charts = [chart for chart in CHARTS if all(line.subject in subjects for line in chart.lines)]
        aws.cloudwatch.Dashboard(
            name,
            dashboard_name=physical_name,
            dashboard_body=pulumi.Output.json_dumps(
                {"widgets": [_widget(index, chart, subjects, region) for index, chart in enumerate(charts)]}
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )
        console = f"https://{region}.console.aws.amazon.com/cloudwatch/home?region={region}"
        self.url = f"{console}#dashboards/dashboard/{physical_name}"
        self.register_outputs({"url": self.url})


class _Plotted(NamedTuple):
    """A subject as CloudWatch knows it: by dimensions, or by words to search for where names come and go."""

    namespace: str
    dimensions: tuple[Mapping[str, pulumi.Input[str]], ...] = ()
    searched: tuple[str, pulumi.Input[str]] | None = None
    """Names of the dimensions, and a word in their values."""


def _subjects(args: DashboardArgs) -> dict[Subject, _Plotted]:
    balancer = {"LoadBalancer": args.load_balancer_arn_suffix}
    cluster = {"DBClusterIdentifier": args.database_cluster_identifier}
    firewall = {"WebACL": args.firewall_metric_name, "Region": args.placement.region, "Rule": "ALL"}
    subjects: dict[Subject, _Plotted] = {
        "balancer": _Plotted("AWS/ApplicationELB", (balancer,)),
        "targets": _Plotted("AWS/ApplicationELB", ({**balancer, "TargetGroup": args.target_group_arn_suffix},)),
        "firewall": _Plotted("AWS/WAFV2", (firewall,)),
        "nodes": _Plotted("AWS/EC2", tuple({"AutoScalingGroupName": group} for group in args.autoscaling_group_names)),
        "writer": _Plotted("AWS/RDS", ({**cluster, "Role": "WRITER"},)),
        "readers": _Plotted("AWS/RDS", ({**cluster, "Role": "READER"},)),
        "cache": _Plotted("AWS/ElastiCache", searched=("CacheClusterId,CacheNodeId", args.replication_group_id)),
        "tunnels": _Plotted("AWS/VPN", ({"VpnId": args.vpn_connection_id},)),
    }
    if args.replication_instance_id is not None:
        dimensions = "ReplicationInstanceIdentifier,ReplicationTaskIdentifier"
        subjects["migration"] = _Plotted("AWS/DMS", searched=(dimensions, args.replication_instance_id))
    return subjects


def _widget(index: int, chart: Chart, subjects: Mapping[Subject, _Plotted], region: str) -> dict[str, Any]:
    return {
        "type": "metric",
        "x": index % PER_ROW * WIDTH,
        "y": index // PER_ROW * HEIGHT,
        "width": WIDTH,
        "height": HEIGHT,
        "properties": {
            "title": chart.title,
            "region": region,
            "view": "timeSeries",
            "period": PERIOD_SECONDS,
            "metrics": [metric for line in chart.lines for metric in _metrics(line, subjects[line.subject])],
        },
    }


def _metrics(line: Line, plotted: _Plotted) -> list[list[Any]]:
    if plotted.searched is not None:
        dimensions, word = plotted.searched
        query = pulumi.Output.format(
            "SEARCH('{{{0},{1}}} MetricName=\"{2}\" {3}', '{4}')",
            plotted.namespace,
            dimensions,
            line.metric,
            word,
            line.statistic,
        )
        return [[{"expression": query}]]
    return [
        [
            plotted.namespace,
            line.metric,
            *(part for pair in dimensions.items() for part in pair),
            {"stat": line.statistic},
        ]
        for dimensions in plotted.dimensions
    ]
