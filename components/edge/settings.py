"""What may be set of the load balancer, its name and its firewall."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from ..foundations.declared import Conflict, Declared
from ..foundations.values import Between, Matching, Optionally, certificate_name, domain


def host_in_zone(settings: EdgeSettings) -> Iterator[Conflict]:
    """The stack may write records in its own zone only."""
    if not settings.host_name.endswith(f".{settings.zone_name}"):
        yield Conflict("host_name", f"a name within the zone {settings.zone_name}", "correct the name or the zone")


@dataclass(frozen=True, kw_only=True)
class EdgeSettings(Declared):
    RULES = (host_in_zone,)
    IN_PRODUCTION: ClassVar = {"waf_mode": ("block", "block in production")}

    zone_name: Annotated[str, domain]
    zone_id: Annotated[
        str, Optionally(Matching(r"Z[A-Z0-9]{5,31}", "a Route 53 hosted zone id such as Z0123456789ABC"))
    ] = ""
    host_name: Annotated[str, certificate_name]
    idle_timeout_seconds: Annotated[int, Between(1, 4000, "seconds")] = 60
    stickiness_seconds: Annotated[int, Between(1, 604800, "seconds", "at most 7 days")] = 3600
    waf_rules: Literal["fortinet", "aws"] = "fortinet"
    waf_mode: Literal["block", "count"] = "block"
    waf_requests_per_five_minutes: Annotated[int, Between(100, 2_000_000, "requests")] = 2000
