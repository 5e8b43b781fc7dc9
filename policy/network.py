"""Who may reach which port: every form in which AWS takes it, read into one.

A security group says it inline, in `vpc.SecurityGroupIngressRule`, in `ec2.SecurityGroupRule`; ports count by
containment (0-65535 and protocol -1 contain them all), IPv4 and IPv6 alike.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, collapse_addresses, ip_network
from typing import Final, NamedTuple

from .reading import UNKNOWN, Findings, Property, normal, number, shown
from .rule import Resource

INGRESS: Final = (
    "aws.ec2.SecurityGroup",
    "aws.ec2.DefaultSecurityGroup",
    "aws.ec2.SecurityGroupRule",
    "aws.vpc.SecurityGroupIngressRule",
    "aws.lightsail.InstancePublicPorts",
)
EGRESS: Final = (
    "aws.ec2.SecurityGroup",
    "aws.ec2.SecurityGroupRule",
    "aws.vpc.SecurityGroupEgressRule",
)

Network = IPv4Network | IPv6Network

SSH: Final = 22
RDP: Final = 3389

# A range as wide as this, or wider, is as open as the world: hardly any organisation on the internet has a whole IPv4
# /8 or IPv6 /16, and the world split into halves, quarters … stays recognised.
_WORLD_PREFIX: Final = {4: 8, 6: 16}
_ALL_PORTS: Final = (0, 65535)
_EVERY_PROTOCOL: Final = ("-1", "all")
_NUMBERED: Final = {"6": "tcp", "17": "udp", "1": "icmp", "58": "icmpv6"}

# Ranges that the internet cannot route to (RFC 1918, RFC 6598, RFC 4193, loopback, link-local and multicast).
_INTERNAL: Final = tuple(
    ip_network(text)
    for text in (
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "fc00::/7",
        "fe80::/10",
        "::1/128",
        "224.0.0.0/4",
        "240.0.0.0/4",
        "ff00::/8",
    )
)


class Opening(NamedTuple):
    """One entry that lets traffic in or out: where it stands, its protocol and ports, and the CIDRs that it names."""

    place: Property
    protocol: Property
    first_port: Property
    last_port: Property
    ranges: tuple[Property, ...]

    def protocol_name(self) -> str:
        """`tcp`, `udp` … or `-1` for every protocol; numbers are given their names."""
        given = str(normal(self.protocol.value)).lower()
        return "-1" if given in _EVERY_PROTOCOL else _NUMBERED.get(given, given)

    def reaches(self, port: int) -> bool | None:
        """Whether the entry contains the TCP port; None while that is unknown."""
        name = self.protocol_name()
        if not self.protocol.unknown and name not in ("-1", "tcp"):
            return False
        if not self.ports_known:
            return None
        first, last = self.ports()
        return first <= port <= last

    @property
    def ports_known(self) -> bool:
        if self.protocol.unknown:
            return False
        return self.protocol_name() == "-1" or not (self.first_port.unknown or self.last_port.unknown)

    @property
    def every_port(self) -> bool | None:
        """Whether the entry contains all ports; None while that is unknown."""
        return self.ports() == _ALL_PORTS if self.ports_known else None

    def ports(self) -> tuple[float, float]:
        """First and last port; all of them where none is named, or for every protocol."""
        first, last = number(self.first_port.value), number(self.last_port.value)
        if self.protocol_name() == "-1" or first is None or first < 0 or (first <= 1 and last == _ALL_PORTS[1]):
            return _ALL_PORTS
        return (first, first if last is None or last < 0 else last)

    def shown_ports(self) -> str:
        if not self.ports_known:
            return "ports not known yet"
        first, last = self.ports()
        if (first, last) == _ALL_PORTS:
            return "all ports"
        return f"port {first:g}" if first == last else f"ports {first:g}-{last:g}"


def ingress(resource: Resource) -> Iterator[Opening]:
    """What a security group, or an entry of one, lets in."""
    return _openings(resource, "ingress")


def egress(resource: Resource) -> Iterator[Opening]:
    """What a security group, or an entry of one, lets out."""
    return _openings(resource, "egress")


def _openings(resource: Resource, direction: str) -> Iterator[Opening]:
    if resource.kind in ("aws.vpc.SecurityGroupIngressRule", "aws.vpc.SecurityGroupEgressRule"):
        yield _opening(resource, resource["ipProtocol"], resource["cidrIpv4"], resource["cidrIpv6"])
    elif resource.kind == "aws.ec2.SecurityGroupRule":
        if resource["type"].value in (direction, None, UNKNOWN):
            yield _opening(resource, resource["protocol"], *resource["cidrBlocks"], *resource["ipv6CidrBlocks"])
    elif resource.kind == "aws.lightsail.InstancePublicPorts":
        for entry in resource["portInfos"]:
            yield _opening(entry, entry["protocol"], *entry["cidrs"], *entry["ipv6Cidrs"])
    else:
        for entry in resource[direction]:
            yield _opening(entry, entry["protocol"], *entry["cidrBlocks"], *entry["ipv6CidrBlocks"])


def _opening(place: Property, protocol: Property, *ranges: Property) -> Opening:
    given = tuple(cidr for cidr in ranges if not cidr.absent)
    return Opening(place, protocol, place["fromPort"], place["toPort"], given)


@lru_cache(maxsize=1024)
def network(text: str) -> Network | None:
    try:
        return ip_network(text.strip(), strict=False)
    except ValueError:
        return None


def networks(ranges: Sequence[Property]) -> list[Network]:
    """The ranges that are known and are CIDRs."""
    read = (network(cidr.value) for cidr in ranges if isinstance(cidr.value, str))
    return [found for found in read if found is not None]


def internal(found: Network) -> bool:
    return any(found.version == inner.version and found.subnet_of(inner) for inner in _INTERNAL)  # type: ignore[arg-type]


def covers_the_world(found: Sequence[Network]) -> bool:
    """Whether the ranges together are as open as the world, be it given as a whole or in halves."""
    whole: list[Network] = [*collapse_addresses([part for part in found if isinstance(part, IPv4Network)])]
    whole += collapse_addresses([part for part in found if isinstance(part, IPv6Network)])
    return any(joined.prefixlen <= _WORLD_PREFIX[joined.version] and not internal(joined) for joined in whole)


def closed_to_the_world(opening: Opening, wanted: str, concerned: bool | None) -> Findings:
    """An entry that is concerned (None: perhaps) must not name the world; what is unknown is left unjudged."""
    if concerned is False or opening.place.unknown:
        return opening.place.unjudged(wanted) if opening.place.unknown else []
    if concerned is None:
        narrow = not any(cidr.unknown for cidr in opening.ranges) and not covers_the_world(networks(opening.ranges))
        return [] if narrow else opening.place.unjudged(wanted)
    if covers_the_world(networks(opening.ranges)):
        place = opening.ranges[0] if len(opening.ranges) == 1 else opening.place
        named = ", ".join(shown(cidr.value) for cidr in opening.ranges)
        return place.breach(wanted, f"{named} to {opening.shown_ports()}")
    return [finding for cidr in opening.ranges if cidr.unknown for finding in cidr.unjudged(wanted)]


def no_wider_than(opening: Opening, minimum_ipv4_prefix: float, minimum_ipv6_prefix: float) -> Findings:
    """Each public range must be named narrowly; internal ranges may be of any width."""
    wanted = f"a named range of /{minimum_ipv4_prefix:g} (IPv6 /{minimum_ipv6_prefix:g}) or narrower"
    findings: Findings = []
    for cidr in opening.ranges:
        if cidr.unknown:
            findings += cidr.unjudged(wanted)
            continue
        found = network(str(cidr.value))
        least = minimum_ipv4_prefix if found is None or found.version == 4 else minimum_ipv6_prefix
        if found is None or (found.prefixlen < least and not internal(found)):
            findings += cidr.breach(wanted, f"{shown(cidr.value)} to {opening.shown_ports()}")
    return findings


class AclEntry(NamedTuple):
    """An inbound entry of a network ACL: what it is about, and whether it allows or denies that."""

    number: float
    action: Property
    opening: Opening


def acl_entries(acl: Resource) -> list[AclEntry]:
    """The inbound entries of a network ACL, or the one that a rule resource is, in the order in which they count."""
    if acl.kind == "aws.ec2.NetworkAclRule":
        if acl["egress"].value is True:
            return []
        opening = _opening(acl, acl["protocol"], acl["cidrBlock"], acl["ipv6CidrBlock"])
        return [AclEntry(0, acl["ruleAction"], opening)]
    entries = [
        AclEntry(
            number(entry["ruleNo"].value) or 0,
            entry["action"],
            _opening(entry, entry["protocol"], entry["cidrBlock"], entry["ipv6CidrBlock"]),
        )
        for entry in acl["ingress"]
    ]
    return sorted(entries, key=lambda entry: entry.number)
