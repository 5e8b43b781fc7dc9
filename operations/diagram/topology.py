"""Where things are in the network: the tier of each subnet, read from its routes, and its zone."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from ipaddress import IPv4Network, ip_network
from typing import Any

from operations.diagram.references import References
from recording.recorder import Resource

VPC = "aws:ec2/vpc:Vpc"
SUBNET = "aws:ec2/subnet:Subnet"
ROUTE = "aws:ec2/route:Route"
ASSOCIATION = "aws:ec2/routeTableAssociation:RouteTableAssociation"
EVERYWHERE = "0.0.0.0/0"


class Tier(IntEnum):
    """A band of the drawing, top to bottom. What puts a subnet in one is its default route, not its name."""

    OUTSIDE = 0
    PUBLIC = 1
    APPLICATION = 2
    DATA = 3

    @property
    def title(self) -> str:
        return self.name.capitalize()

    @property
    def meaning(self) -> str:
        """What the routes allow."""
        return {
            Tier.OUTSIDE: "not in this VPC",
            Tier.PUBLIC: "open to the internet",
            Tier.APPLICATION: "out through NAT only",
            Tier.DATA: "no route to the internet",
        }[self]


@dataclass(frozen=True)
class Subnet:
    """One subnet as drawn."""

    resource: Resource
    tier: Tier
    zone: str
    cidr: str


class Topology:
    """The subnets of a stack and the ranges of its VPC."""

    def __init__(self, references: References) -> None:
        self._references = references
        self.vpc = next(references.of(VPC), None)
        self.ranges = tuple(ip_network(str(vpc.inputs["cidrBlock"])) for vpc in references.of(VPC))
        default_routes = {
            str(route.inputs["routeTableId"]): route
            for route in references.of(ROUTE)
            if route.inputs.get("destinationCidrBlock") == EVERYWHERE
        }
        tables = {
            str(association.inputs.get("subnetId")): str(association.inputs["routeTableId"])
            for association in references.of(ASSOCIATION)
        }
        self.subnets = tuple(
            Subnet(
                subnet,
                _tier(default_routes.get(tables.get(subnet.id, ""))),
                str(subnet.inputs.get("availabilityZone", "")),
                str(subnet.inputs.get("cidrBlock", "")),
            )
            for subnet in references.of(SUBNET)
        )
        self._by_urn = {subnet.resource.urn: subnet for subnet in self.subnets}

    @property
    def zones(self) -> tuple[str, ...]:
        """The zones that have a subnet, sorted."""
        return tuple(sorted({subnet.zone for subnet in self.subnets}))

    def subnets_of(self, ids: Any) -> tuple[Subnet, ...]:
        """The subnets that a value, or a list of values, names."""
        return tuple(self._by_urn[found.urn] for found in self._references.find_all(ids, SUBNET))

    def contains(self, cidr: IPv4Network) -> bool:
        """Whether a range lies in the VPC."""
        return any(isinstance(own, IPv4Network) and cidr.subnet_of(own) for own in self.ranges)


def _tier(default_route: Resource | None) -> Tier:
    if default_route is None:
        return Tier.DATA
    return Tier.PUBLIC if default_route.inputs.get("gatewayId") else Tier.APPLICATION
