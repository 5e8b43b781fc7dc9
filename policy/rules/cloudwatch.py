"""CloudWatch: log groups, alarms."""

from __future__ import annotations

from ..reading import Findings
from ..rule import MEDIUM, Resource, rule


@rule(
    "logs-retention",
    "Log groups keep their logs for twelve months",
    on="aws.cloudwatch.LogGroup",
    requirements="10.5.1",
    controls="CW_LOGGROUP_RETENTION_PERIOD_CHECK",
    severity=MEDIUM,
    remedy="set retentionInDays to 365 or more",
)
def retention(group: Resource, *, minimum_days: int = 365) -> Findings:
    # Not set, or 0, keeps logs for ever: long enough, but without the limit that 3.2.1 asks for.
    return group["retentionInDays"].must_be_at_least(minimum_days, "days")
