"""The figures of a step, asked of AWS and of the source."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Any

from command_line.exits import FAILED, Stop
from operations.traffic.aws import Aws
from operations.traffic.balancer import Balancer
from operations.traffic.seen import Answers, Connections, Edge, Firewall, Minute, Series
from operations.traffic.source import connections
from operations.traffic.stack import Traffic

MINUTE = 60
BALANCER, FIREWALL, REPLICATION = "AWS/ApplicationELB", "AWS/WAFV2", "AWS/DMS"
RUNS = ("running", "starting")
LAG_MINUTES = 10
"""DMS publishes its latency once a minute, sometimes late."""
FAILED_COUNTS = ("HTTPCode_Target_5XX_Count", "TargetConnectionErrorCount", "TargetTLSNegotiationErrorCount")
"""AWS publishes these only when they are not zero: beside requests, a missing one is zero."""
COUNTS = ("RequestCount", "HTTPCode_Target_4XX_Count", *FAILED_COUNTS)
TIMES = ("p95", "p99")
Metric = tuple[str, str, tuple[tuple[str, str], ...], str]
"""Namespace, name, dimensions and statistic."""


class CloudLooks:
    """`seen.Looks` of a deployed stack."""

    def __init__(self, aws: Aws, traffic: Traffic) -> None:
        self._aws = aws
        self._traffic = traffic
        self._balancer = Balancer(aws, traffic)

    def answers(self, since: float, until: float) -> Answers | None:
        traffic = self._traffic
        groups = (traffic.old_target_group_arn, *traffic.new_target_group_arns)
        told = self._data([metric for group in groups for metric in self._of_group(group)], since, until)
        series = {group: self._series(group, told) for group in groups}
        old = series.pop(traffic.old_target_group_arn)
        new = {group: minutes for group, minutes in series.items() if minutes}
        return Answers(old=old, new=new) if old or new else None

    def edge(self, since: float, until: float) -> Edge | None:
        metrics = {
            "requests": "RequestCount",
            "failed": "HTTPCode_ELB_5XX_Count",
            "handshakes_failed": "ClientTLSNegotiationErrorCount",
            "headers_dropped": "DroppedInvalidHeaderRequestCount",
        }
        dimensions = (("LoadBalancer", self._traffic.load_balancer_arn_suffix),)
        asked = {field: (BALANCER, name, dimensions, "Sum") for field, name in metrics.items()}
        told = self._data(asked.values(), since, until)
        found = {field: int(sum(told[metric].values())) for field, metric in asked.items()}
        return Edge(**found) if found["requests"] else None

    def firewall(self, since: float, until: float) -> Firewall | None:
        dimensions = (("Region", self._aws.region), ("Rule", "ALL"), ("WebACL", self._traffic.firewall_metric_name))
        asked = {
            name: (FIREWALL, name, dimensions, "Sum")
            for name in ("AllowedRequests", "BlockedRequests", "CountedRequests")
        }
        told = self._data(asked.values(), since, until)
        counts = {name: int(sum(told[metric].values())) for name, metric in asked.items()}
        if not any(counts.values()):
            return None
        # A counted request is allowed as well, once a rule that ends the evaluation says so.
        hit = counts["BlockedRequests"] + counts["CountedRequests"]
        return Firewall(allowed=max(counts["AllowedRequests"] - counts["CountedRequests"], 0), hit=hit)

    def lag(self) -> float | None:
        task = self._one("describe_replication_tasks", "ReplicationTasks", "replication-task-arn", "forward_task_arn")
        if task["Status"] not in RUNS:
            if task["Status"] in ("ready", "stopped", "created"):
                return 0.0  # nothing replicates yet: the database's move begins when the traffic has moved
            raise Stop(FAILED, f"dms: the forward task is {task['Status']}; mend it, or stop it.")
        instance = self._one(
            "describe_replication_instances",
            "ReplicationInstances",
            "replication-instance-arn",
            "replication_instance_arn",
        )
        dimensions = (
            ("ReplicationInstanceIdentifier", str(instance["ReplicationInstanceIdentifier"])),
            ("ReplicationTaskIdentifier", self._traffic.forward_task_arn.rsplit(":", 1)[-1]),
        )
        metrics = [(REPLICATION, name, dimensions, "Maximum") for name in ("CDCLatencySource", "CDCLatencyTarget")]
        now = datetime.datetime.now(datetime.UTC).timestamp()
        told = self._data(metrics, now - LAG_MINUTES * MINUTE, now)
        latest = [points[max(points)] for points in told.values() if points]
        return max(latest) if len(latest) == len(metrics) else None

    def health(self) -> Mapping[str, Mapping[str, str]] | None:
        return self._balancer.health()

    def tunnels(self) -> Mapping[str, str] | None:
        told = self._aws.call("ec2", "describe_vpn_connections", VpnConnectionIds=[self._traffic.vpn_connection_id])[
            "VpnConnections"
        ]
        return {
            one["OutsideIpAddress"]: one["Status"] for connection in told for one in connection.get("VgwTelemetry", [])
        } or None

    def connections(self) -> Connections | None:
        used, most = connections(self._aws, self._traffic)
        return Connections(used=used, most=most)

    def shares(self) -> Mapping[str, Fraction | None] | None:
        return self._balancer.shares()

    def _of_group(self, group: str) -> list[Metric]:
        dimensions = (
            ("LoadBalancer", self._traffic.load_balancer_arn_suffix),
            ("TargetGroup", group.rsplit(":", 1)[-1]),
        )
        counts: list[Metric] = [(BALANCER, name, dimensions, "Sum") for name in COUNTS]
        return [*counts, *((BALANCER, "TargetResponseTime", dimensions, percentile) for percentile in TIMES)]

    def _series(self, group: str, told: Mapping[Metric, Mapping[int, float]]) -> Series:
        points = {(metric[1], metric[3]): told[metric] for metric in self._of_group(group)}
        requests = points["RequestCount", "Sum"]

        def minute(at: int) -> Minute:
            def count(name: str) -> int:
                return int(points[name, "Sum"].get(at, 0))

            p95, p99 = (points["TargetResponseTime", percentile].get(at) for percentile in TIMES)
            return Minute(
                requests=count("RequestCount"),
                failed=sum(map(count, FAILED_COUNTS)),
                refused=count("HTTPCode_Target_4XX_Count"),
                p95_seconds=p95,
                p99_seconds=p99,
            )

        # Connections that fail are counted even in a minute in which no request got through.
        minutes = {at for (name, _), values in points.items() for at in values if name in COUNTS}
        return {at: minute(at) for at in sorted(minutes | set(requests))}

    def _data(self, metrics: Iterable[Metric], since: float, until: float) -> dict[Metric, dict[int, float]]:
        """Whole minutes only. Raises `Stop` when CloudWatch does not tell all."""
        asked = {f"m{index}": metric for index, metric in enumerate(metrics)}
        found: dict[Metric, dict[int, float]] = {metric: {} for metric in asked.values()}
        begin, end = -(-int(since) // MINUTE) * MINUTE, int(until) // MINUTE * MINUTE
        if end <= begin:
            return found
        queries = [
            {
                "Id": name,
                "MetricStat": {
                    "Metric": {
                        "Namespace": space,
                        "MetricName": metric,
                        "Dimensions": [{"Name": key, "Value": value} for key, value in dimensions],
                    },
                    "Period": MINUTE,
                    "Stat": statistic,
                },
            }
            for name, (space, metric, dimensions, statistic) in asked.items()
        ]
        window: dict[str, Any] = {
            "StartTime": datetime.datetime.fromtimestamp(begin, datetime.UTC),
            "EndTime": datetime.datetime.fromtimestamp(end, datetime.UTC),
        }
        page: dict[str, str] = {}
        while True:
            answer = self._aws.call("cloudwatch", "get_metric_data", MetricDataQueries=queries, **window, **page)
            for result in answer["MetricDataResults"]:
                if result.get("StatusCode") in ("InternalError", "Forbidden"):
                    raise Stop(FAILED, f"cloudwatch: {result['StatusCode']} for {asked[result['Id']][1]}.")
                points = found[asked[result["Id"]]]
                for moment, value in zip(result["Timestamps"], result["Values"], strict=True):
                    points[int(moment.timestamp())] = float(value)
            if not answer.get("NextToken"):
                return found
            page = {"NextToken": answer["NextToken"]}

    def _one(self, operation: str, answer: str, name: str, output: str) -> dict[str, Any]:
        arn = getattr(self._traffic, output)
        found = self._aws.call("dms", operation, Filters=[{"Name": name, "Values": [arn]}]).get(answer, [])
        if not found:
            raise Stop(FAILED, f"dms: it knows no {name.removesuffix('-arn')} {arn}; run `pulumi up`.")
        return dict(found[0])
