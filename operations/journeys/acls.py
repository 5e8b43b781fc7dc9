"""Network ACLs of a recorded program: entries in order, the first that matches decides, and replies need their own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, get_args

from operations.journeys.places import Place
from operations.journeys.recorded import Direction, Protocol, Recorded, is_for
from operations.journeys.spans import EVERY_PORT, NOTHING, Spans, over_each

ACL = "aws:ec2/networkAcl:NetworkAcl"
EPHEMERAL = Spans.of([(1024, 3388), (3390, 65535)])
"""Ports that a client may have taken for a connection (NAT gateways and load balancers use 1024 to 65535), without
3389, which every ACL here keeps closed: a client whose reply is lost tries again from another port."""
EPHEMERAL_OF_HOSTS = Spans.of([(32768, 65535)])
"""The same of hosts in the data centre: Linux takes 32768 to 60999, Windows 49152 to 65535."""


@dataclass(frozen=True)
class _Entry:
    number: int
    allows: bool
    protocol: str
    addresses: Spans
    ports: Spans


class NetworkAcls:
    """All ACLs of a program, by subnet. A subnet that none names has the default one, which is closed."""

    def __init__(self, program: Recorded) -> None:
        self._of_subnet = {subnet: acl.id for acl in program.of(ACL) for subnet in acl.inputs.get("subnetIds") or ()}
        self._entries = {
            (acl.id, direction): sorted(map(_entry, acl.inputs.get(direction) or ()), key=lambda one: one.number)
            for acl in program.of(ACL)
            for direction in get_args(Direction)
        }
        self._decided: dict[tuple[object, ...], Spans] = {}

    def open_ports(
        self, direction: Direction, subnets: Iterable[str], peer: Place, protocol: Protocol, *, surely: bool
    ) -> Spans:
        """What the ACLs of all `subnets` let through (surely), or that of any; everything for no subnet."""
        results = [
            self._decide(acl, direction, peer.addresses, protocol, surely=surely)
            for acl in dict.fromkeys(self._of_subnet.get(subnet, "") for subnet in subnets)
        ]
        if not results:
            return EVERY_PORT
        joined = results[0]
        for result in results[1:]:
            joined = joined & result if surely else joined | result
        return joined

    def replies(
        self,
        direction: Direction,
        subnets: Iterable[str],
        peer: Place,
        protocol: Protocol,
        *,
        client: Place,
        surely: bool,
    ) -> Spans:
        """Whether replies to `client` pass, as every port or none: any of the client's ports may be the one in use."""
        through = self.open_ports(direction, subnets, peer, protocol, surely=surely)
        if not surely:
            return EVERY_PORT if EPHEMERAL & through else NOTHING
        ports = EPHEMERAL_OF_HOSTS if client.side == "data centre" else EPHEMERAL
        return EVERY_PORT if ports.within(through) else NOTHING

    def _decide(self, acl: str, direction: Direction, addresses: Spans, protocol: Protocol, *, surely: bool) -> Spans:
        key = (acl, direction, addresses, protocol, surely)
        if key not in self._decided:
            asked = [one for one in self._entries.get((acl, direction), ()) if is_for(one.protocol, protocol)]
            ranges = {entry.addresses for entry in asked}
            self._decided[key] = over_each(addresses, ranges, lambda part: _first(asked, part), surely=surely)
        return self._decided[key]


def _first(entries: Iterable[_Entry], addresses: Spans) -> Spans:
    """What is allowed for addresses that every entry names as a whole or not at all."""
    allowed, decided = NOTHING, NOTHING
    for entry in entries:
        if addresses.within(entry.addresses):
            allowed = allowed | (entry.ports - decided) if entry.allows else allowed
            decided = decided | entry.ports
    return allowed


def _entry(entry: Mapping[str, Any]) -> _Entry:
    every = str(entry["protocol"]) == "-1"
    return _Entry(
        number=int(entry["ruleNo"]),
        allows=entry["action"] == "allow",
        protocol=str(entry["protocol"]),
        addresses=Spans.addresses(filter(None, [entry.get("cidrBlock")])),
        ports=EVERY_PORT if every else Spans.of([(int(entry["fromPort"]), int(entry["toPort"]))]),
    )
