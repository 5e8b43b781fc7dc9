"""What may be set of the network, the bastion and the VPN."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from typing import Annotated, Literal

from ..foundations.declared import Conflict, Declared
from ..foundations.values import (
    Between,
    ListOf,
    Matching,
    Network,
    PrivateRange,
    is_private,
    named_administrator,
    network,
    public_address,
    ssh_public_key,
    trusted_range,
)

VpcRange = Annotated[IPv4Network, PrivateRange(16, 20)]
Zones = Annotated[tuple[str, ...], ListOf(Matching(r"[a-z]{2}(-[a-z]+)+-\d[a-z]", "a zone"), 3, 3)]
NatGateways = Literal["single", "per-zone"]
DataCentreRanges = ListOf(network, 0, 5)
"""At most five: a network ACL holds 20 entries in one direction, and each range takes up to two."""
PER_ZONE_IN_PRODUCTION = {"nat": ("per-zone", "per-zone in production, so that no zone depends on another")}


def zones_in_region(region: str, zones: tuple[str, ...]) -> Iterator[Conflict]:
    """A VPC has subnets in zones of its own Region only."""
    if not all(re.fullmatch(rf"{region}[a-z]", zone) for zone in zones):
        yield Conflict("availability_zones", f"zones of {region}", f"write {region}a and so on")


def private_data_centre(ranges: tuple[Network, ...]) -> Iterator[Conflict]:
    """A data centre is reached through a VPN, by addresses that the internet does not know."""
    for found in ranges:
        if not isinstance(found, IPv4Network) or not is_private(found):
            yield Conflict("on_premises_cidrs", f"private IPv4 ranges, which {found} is not", "correct it")


@dataclass(frozen=True, kw_only=True)
class NetworkSettings(Declared):
    IN_PRODUCTION = PER_ZONE_IN_PRODUCTION

    vpc_cidr: VpcRange
    availability_zones: Zones
    nat: NatGateways


@dataclass(frozen=True, kw_only=True)
class BastionSettings(Declared):
    instance_type: Annotated[str, Matching(r"[a-z0-9-]+\.[a-z0-9]+", "an EC2 instance type such as t3.micro")] = (
        "t3.micro"
    )
    image: Annotated[str, Matching(r"al2023|cis-level1|ami-[0-9a-f]{8,17}", "al2023, cis-level1 or an AMI id")] = (
        "al2023"
    )
    public_key: Annotated[str, ssh_public_key]
    administrators: Annotated[tuple[str, ...], ListOf(named_administrator, 0, 20)] = ()
    """Who logs in, each as ``NAME KEY`` with the public half of a FIDO2 security key; empty leaves the one account
    `ec2-user` with `public_key`."""
    trusted_cidrs: Annotated[tuple[IPv4Network, ...], ListOf(trusted_range, 1, 20)]


@dataclass(frozen=True, kw_only=True)
class VpnSettings(Declared):
    RULES = (lambda settings: private_data_centre(settings.on_premises_cidrs),)

    enabled: bool = True
    customer_gateway_ip: Annotated[IPv4Address, public_address]
    customer_gateway_asn: Annotated[int, Between(1, 4_294_967_294, "the BGP autonomous system number")] = 65000
    routing: Literal["bgp", "static"] = "bgp"
    on_premises_cidrs: Annotated[tuple[IPv4Network, ...], ListOf(network, 1, 5)]
    """At most five: a network ACL holds 20 entries in one direction, and each range takes up to two."""
