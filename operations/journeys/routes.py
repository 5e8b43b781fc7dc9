"""Route tables of a recorded program: whether there is a way to a place, and which gateway it takes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network
from typing import Literal

from operations.journeys.places import Place
from operations.journeys.recorded import Recorded
from operations.journeys.spans import NOTHING, Spans

Leads = Literal["VPC", "internet", "NAT", "data centre"]


@dataclass(frozen=True)
class _Route:
    """One entry of a route table."""

    destination: Spans
    length: int
    """Length of the destination's prefix: the longest decides."""
    leads: Leads
    nat_subnet: str = ""
    """The NAT gateway's subnet, where the route leads to one."""


class Routes:
    """The routes of each subnet.

    Args:
        on_premises: what the data centre announces over the tunnels; with static routing only what is routed counts.
    """

    def __init__(self, program: Recorded, on_premises: Iterable[IPv4Network]) -> None:
        self._announced = Spans.addresses(_announced(program, on_premises))
        private = {gateway.id for gateway in program.of("aws:ec2/vpnGateway:VpnGateway")}
        tables: dict[str, list[_Route]] = {
            table.id: [_route(vpc.inputs["cidrBlock"], "VPC") for vpc in program.of("aws:ec2/vpc:Vpc")]
            for table in program.of("aws:ec2/routeTable:RouteTable")
        }
        for table, route in self._read(program, private):
            tables.setdefault(table, []).append(route)
        for propagation in program.of("aws:ec2/vpnGatewayRoutePropagation:VpnGatewayRoutePropagation"):
            if propagation.inputs["vpnGatewayId"] in private:
                learned = [_route(cidr, "data centre") for cidr in _announced(program, on_premises)]
                tables.setdefault(propagation.inputs["routeTableId"], []).extend(learned)
        self._of_subnet: Mapping[str, tuple[_Route, ...]] = {
            association.inputs["subnetId"]: tuple(
                sorted(tables[association.inputs["routeTableId"]], key=lambda route: -route.length)
            )
            for association in program.of("aws:ec2/routeTableAssociation:RouteTableAssociation")
        }

    def _read(self, program: Recorded, private: set[str]) -> Iterable[tuple[str, _Route]]:
        """Table and route of each route that is a resource and leads somewhere known."""
        internet = {gateway.id for gateway in program.of("aws:ec2/internetGateway:InternetGateway")}
        nat = {gateway.id: gateway.inputs["subnetId"] for gateway in program.of("aws:ec2/natGateway:NatGateway")}
        for route in program.of("aws:ec2/route:Route"):
            cidr, gateway = route.inputs.get("destinationCidrBlock"), route.inputs.get("gatewayId")
            table, through = route.inputs["routeTableId"], route.inputs.get("natGatewayId")
            if cidr and gateway in internet:
                yield table, _route(cidr, "internet")
            elif cidr and gateway in private and Spans.addresses([cidr]).within(self._announced):
                yield table, _route(cidr, "data centre")
            elif cidr and through in nat:
                yield table, _route(cidr, "NAT", nat[through])

    def lead(self, own: Place, peer: Place, *, surely: bool, answers: bool) -> bool:
        """Whether `own` has a way to `peer`: from each of its subnets to every address (surely), or from any to any.

        Outside the VPC, the way is the other side's: it answers where it was asked.

        Args:
            answers: whether `own` only answers, so that a NAT gateway is no way.
        """
        if own.side != "VPC" or peer.side == "node":
            return True
        tables = dict.fromkeys(self._of_subnet.get(subnet, ()) for subnet in own.subnets)
        found = [_reaches(routes, own, peer, surely=surely, answers=answers) for routes in tables]
        return all(found) if surely else any(found)

    def nat_subnets(self, client: Place, server: Place) -> set[str]:
        """The subnets of the NAT gateways through which `client` calls `server`."""
        if client.side != "VPC" or server.side != "internet":
            return set()
        return {
            route.nat_subnet
            for subnet in client.subnets
            for route in self._of_subnet.get(subnet, ())
            if route.leads == "NAT" and route.destination & server.addresses
        }


def _announced(program: Recorded, on_premises: Iterable[IPv4Network]) -> list[str]:
    """The ranges behind the tunnels: what static routes name, or what the device will announce."""
    connections = program.of("aws:ec2/vpnConnection:VpnConnection")
    if not connections:
        return []
    if all(connection.inputs.get("staticRoutesOnly") for connection in connections):
        static = program.of("aws:ec2/vpnConnectionRoute:VpnConnectionRoute")
        return [route.inputs["destinationCidrBlock"] for route in static]
    return list(map(str, on_premises))


def _route(cidr: str, leads: Leads, nat_subnet: str = "") -> _Route:
    return _Route(Spans.addresses([cidr]), IPv4Network(cidr).prefixlen, leads, nat_subnet)


def _reaches(routes: Iterable[_Route], own: Place, peer: Place, *, surely: bool, answers: bool) -> bool:
    left, arrived = peer.addresses, NOTHING
    for route in routes:
        through = left & route.destination
        left = left - route.destination
        if through and _arrives(route, own, peer, answers=answers):
            arrived = arrived | through
    return peer.addresses.within(arrived) if surely else bool(arrived)


def _arrives(route: _Route, own: Place, peer: Place, *, answers: bool) -> bool:
    match route.leads:
        case "internet":
            return peer.side == "internet" and own.public
        case "NAT":  # lets out what begins inside, and nothing else
            return peer.side == "internet" and not answers
        case leads:
            return peer.side == leads
