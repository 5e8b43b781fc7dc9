"""The address plan: which part of the VPC's range each tier has in each zone. Arithmetic only, no resources.

The VPC's range is cut into eighths. The first three are the application tier, one a zone, because pods take addresses
there. The fourth is cut into eighths again: three for the public tier, three for the data tier. Half of the range stays
free, so that a zone or a tier can be added without moving anything.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Network

ZONES = 3
SMALLEST_VPC_PREFIX = 20
"""A /20 gives tiers of /26, 59 usable addresses: an application load balancer wants 8 free ones in a /27 or wider."""


class Tier(StrEnum):
    """Layers of the network, from the internet inwards."""

    PUBLIC = "public"
    APPLICATION = "application"
    DATA = "data"


@dataclass(frozen=True)
class SubnetPlan:
    """Ranges by tier, one a zone in the zones' order."""

    public: tuple[IPv4Network, ...]
    application: tuple[IPv4Network, ...]
    data: tuple[IPv4Network, ...]

    def of(self, tier: Tier) -> tuple[IPv4Network, ...]:
        return {Tier.PUBLIC: self.public, Tier.APPLICATION: self.application, Tier.DATA: self.data}[tier]


def plan_subnets(vpc_cidr: IPv4Network) -> SubnetPlan:
    """Cut `vpc_cidr` into nine subnets.

    Raises:
        ValueError: when the range is narrower than a /20, the smallest whose tiers hold a load balancer.
    """
    if vpc_cidr.prefixlen > SMALLEST_VPC_PREFIX:
        raise ValueError(
            f"VPC range {vpc_cidr} is too small for three tiers in three zones; "
            f"allowed: /16 to /{SMALLEST_VPC_PREFIX}; choose a wider range."
        )
    eighths = list(vpc_cidr.subnets(prefixlen_diff=3))
    small = list(eighths[ZONES].subnets(prefixlen_diff=3))
    return SubnetPlan(
        application=tuple(eighths[:ZONES]), public=tuple(small[:ZONES]), data=tuple(small[ZONES : 2 * ZONES])
    )
