"""What may be set of the network, the bastion and the VPN."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from typing import Annotated, Literal

from ..foundations.values import (
    Between,
    ListOf,
    Matching,
    PrivateRange,
    network,
    public_address,
    ssh_public_key,
    trusted_range,
)


@dataclass(frozen=True, kw_only=True)
class NetworkSettings:
    vpc_cidr: Annotated[IPv4Network, PrivateRange(16, 20)]
    availability_zones: Annotated[tuple[str, ...], ListOf(Matching(r"[a-z]{2}(-[a-z]+)+-\d[a-z]", "a zone"), 3, 3)]
    nat: Literal["single", "per-zone"]


@dataclass(frozen=True, kw_only=True)
class BastionSettings:
    instance_type: Annotated[str, Matching(r"[a-z0-9-]+\.[a-z0-9]+", "an EC2 instance type such as t3.micro")]
    image: Annotated[str, Matching(r"al2023|cis-level1|ami-[0-9a-f]{8,17}", "al2023, cis-level1 or an AMI id")]
    public_key: Annotated[str, ssh_public_key]
    trusted_cidrs: Annotated[tuple[IPv4Network, ...], ListOf(trusted_range, 1, 20)]


@dataclass(frozen=True, kw_only=True)
class VpnSettings:
    enabled: bool
    customer_gateway_ip: Annotated[IPv4Address, public_address]
    customer_gateway_asn: Annotated[int, Between(1, 4_294_967_294, "the BGP autonomous system number")]
    routing: Literal["bgp", "static"]
    on_premises_cidrs: Annotated[tuple[IPv4Network, ...], ListOf(network, 1, 5)]
    """At most five: a network ACL holds 20 entries in one direction, and each range takes up to two."""
