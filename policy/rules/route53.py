"""Route 53."""

from __future__ import annotations

from ..rule import MEDIUM, StackFindings, rule
from ..stack import Stack


@rule(
    "route53-query-logs",
    "Public hosted zones log the queries that they answer",
    about="aws.route53.Zone",
    requirements="10.4.2 10.2.1",
    controls="Route53.2 ROUTE53_QUERY_LOGGING_ENABLED",
    severity=MEDIUM,
    remedy="add a route53.QueryLog for the zone",
)
def query_logs(stack: Stack) -> StackFindings:
    lacking = stack.each_must_have(
        ("aws.route53.Zone",), ("aws.route53.QueryLog",), "zoneId", "a query log", "without a query log"
    )
    return [(zone, finding) for zone, finding in lacking if zone and zone["vpcs"].absent]
