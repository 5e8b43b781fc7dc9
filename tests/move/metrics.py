"""CloudWatch for the tests: what the load balancer on loopback has answered, as AWS publishes it.

Moto keeps metrics and knows no percentile, so `GetMetricData` is answered from the front's own samples. Counts that are
zero are not published, as AWS does not publish them (User Guide of Application Load Balancers, CloudWatch metrics).
"""

from __future__ import annotations

import contextlib
import datetime
import http
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from unittest import mock

from moto.cloudwatch import models
from moto.core.exceptions import ServiceException

from tests.move.front import Front, Sample


class AwayError(ServiceException):
    """CloudWatch does not work."""

    code = "InternalServiceFault"


@dataclass
class Metrics:
    """What is told of the front; tests turn its knobs."""

    front: Front
    working: bool = True
    blocked_share: float = 0.0
    """Part of the requests that the firewall says it would block."""

    def get_metric_data(
        self, queries: list[dict[str, Any]], start_time: datetime.datetime, end_time: datetime.datetime, **_: Any
    ) -> list[dict[str, Any]]:
        if not self.working:
            raise AwayError("the service is away")
        return [self._result(query, start_time, end_time) for query in queries]

    def _result(self, query: dict[str, Any], start: datetime.datetime, end: datetime.datetime) -> dict[str, Any]:
        stat = query["MetricStat"]
        period, begin = int(stat["Period"]), start.timestamp()
        found: dict[float, list[Sample]] = {}
        offset = time.time() - time.monotonic()
        dimensions = {one["Name"]: one["Value"] for one in stat["Metric"]["Dimensions"]}
        for sample in list(self.front.samples):
            at, group = sample.at + offset, dimensions.get("TargetGroup", sample.group)
            if begin <= at < end.timestamp() and sample.group.endswith(group):
                found.setdefault(begin + (at - begin) // period * period, []).append(sample)
        points = {at: self._value(stat["Metric"]["MetricName"], stat["Stat"], some) for at, some in found.items()}
        told = {at: value for at, value in sorted(points.items()) if value}
        return {
            "Id": query["Id"],
            "Label": query["Id"],
            "Timestamps": [datetime.datetime.fromtimestamp(at, datetime.UTC) for at in told],
            "Values": list(told.values()),
            "StatusCode": "Complete",
        }

    def _value(self, name: str, statistic: str, samples: list[Sample]) -> float:
        if name == "TargetResponseTime":
            times = sorted(sample.seconds for sample in samples)
            return times[min(len(times) - 1, len(times) * int(statistic.removeprefix("p")) // 100)]
        server_error = http.HTTPStatus.INTERNAL_SERVER_ERROR
        counts = {
            "RequestCount": len(samples),
            "AllowedRequests": len(samples),
            "CountedRequests": int(len(samples) * self.blocked_share),
            "HTTPCode_Target_4XX_Count": sum(400 <= one.status < server_error for one in samples),
            "HTTPCode_Target_5XX_Count": sum(one.status == server_error for one in samples),
            "TargetConnectionErrorCount": sum(one.status == http.HTTPStatus.BAD_GATEWAY for one in samples),
        }
        return float(counts.get(name, 0))


@contextlib.contextmanager
def as_cloudwatch_tells(metrics: Metrics) -> Iterator[None]:
    """While this lasts, CloudWatch tells these metrics."""
    with mock.patch.object(
        models.CloudWatchBackend, "get_metric_data", lambda _backend, **given: metrics.get_metric_data(**given)
    ):
        yield
