"""Who may talk to whom, read from the security groups of a recorded program.

A path needs both ends: the caller's group must let it out, the called group must let it in. Addresses outside the VPC
have no group; they stand in a path as their CIDR range.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_network
from typing import Any, Literal

from recording.recorder import Resource

GROUP = "aws:ec2/securityGroup:SecurityGroup"
INGRESS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
EGRESS = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"
ALL_PORTS = (0, 65535)

Direction = Literal["ingress", "egress"]


@dataclass(frozen=True, order=True)
class Opening:
    """One rule: `group` lets `peer` in (ingress) or is let out to `peer` (egress)."""

    direction: Direction
    group: str
    """Logical name of the security group that has the rule."""
    peer: str
    """Logical name of the other group, a CIDR range, or the id of a prefix list."""
    protocol: str
    """``tcp``, ``udp``, ``icmp`` or ``-1`` for all."""
    ports: tuple[int, int]
    """First and last port."""
    why: str = field(default="", compare=False)
    """The rule's own description."""

    @property
    def from_outside(self) -> bool:
        """Whether the peer is a range of addresses and not a group."""
        return "/" in self.peer

    def covers(self, other: Opening) -> bool:
        """Whether traffic that `other` names is within this opening's protocol and ports."""
        protocols = self.protocol in ("-1", other.protocol)
        return protocols and self.ports[0] <= other.ports[0] and other.ports[1] <= self.ports[1]


def openings(resources: Iterable[Resource]) -> tuple[Opening, ...]:
    """Every security-group rule of the program, with groups by their logical names, sorted."""
    known = list(resources)
    names = {resource.id: resource.name for resource in known if resource.type == GROUP}
    return tuple(sorted(_read(known, names)))


def _read(resources: Iterable[Resource], names: Mapping[str, str]) -> Iterator[Opening]:
    directions: Mapping[str, Direction] = {INGRESS: "ingress", EGRESS: "egress"}
    for resource in resources:
        if resource.type in directions:
            inputs = resource.inputs
            peer = inputs.get("referencedSecurityGroupId") or inputs.get("prefixListId") or _range(inputs)
            protocol = str(inputs["ipProtocol"])
            ports = ALL_PORTS if protocol == "-1" else (int(inputs["fromPort"]), int(inputs["toPort"]))
            group = inputs["securityGroupId"]
            yield Opening(
                directions[resource.type],
                names.get(group, group),
                names.get(peer, str(peer)),
                protocol,
                ports,
                str(inputs.get("description") or ""),
            )


def _range(inputs: Mapping[str, Any]) -> str:
    return str(ip_network(inputs.get("cidrIpv4") or inputs["cidrIpv6"]))
