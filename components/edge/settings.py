"""What may be set of the load balancer, its name and its firewall."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from ..foundations.values import Between, Matching, Optionally, certificate_name, domain


@dataclass(frozen=True, kw_only=True)
class EdgeSettings:
    zone_name: Annotated[str, domain]
    zone_id: Annotated[
        str, Optionally(Matching(r"Z[A-Z0-9]{5,31}", "a Route 53 hosted zone id such as Z0123456789ABC"))
    ]
    host_name: Annotated[str, certificate_name]
    idle_timeout_seconds: Annotated[int, Between(1, 4000, "seconds")]
    stickiness_seconds: Annotated[int, Between(1, 604800, "seconds", "at most 7 days")]
    waf_rules: Literal["fortinet", "aws"]
    waf_mode: Literal["block", "count"]
    waf_requests_per_five_minutes: Annotated[int, Between(100, 2_000_000, "requests")]
