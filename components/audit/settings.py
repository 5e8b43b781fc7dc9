"""What may be set of the audit trail and its alarms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from ..foundations.declared import Declared
from ..foundations.values import ListOf, Matching, OneOfNumbers, Optionally, email

Singleton = Literal["create", "adopt", "off"]
"""What to do about a thing that an account has once: make it here, use the one that exists, or leave it out."""
PCI_LOG_RETENTION_DAYS = 365
"""PCI DSS v4.0.1, requirement 10.5.1: audit logs are kept for at least 12 months."""


@dataclass(frozen=True, kw_only=True)
class AuditSettings(Declared):
    alarm_emails: Annotated[tuple[str, ...], ListOf(email, 1, 10)]
    paging_url: Annotated[
        str,
        Optionally(
            Matching(r"https://[a-z0-9.-]+/[\w./?=&%-]*", "https://HOST/PATH of a paging service", "copy it there")
        ),
    ] = ""
    """Where a paging service takes alarms from SNS, in addition to e-mail; empty for none."""
    log_retention_days: Annotated[
        int,
        OneOfNumbers(
            (365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653),
            "days",
            f"PCI DSS 10.5.1 asks for {PCI_LOG_RETENTION_DAYS} at least; CloudWatch Logs knows only these",
        ),
    ] = 400
    bucket_lock: Literal["governance", "compliance"] = "governance"
    trail: Singleton = "create"
    config: Singleton = "create"
    guardduty: Singleton = "create"
    security_hub: Singleton = "create"
    inspector: Singleton = "create"
    account_baseline: Singleton = "create"
