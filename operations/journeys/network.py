"""Every layer of a recorded network, asked the same: which ports does it let through from one place to another?

A layer is asked in two ways. *Surely* counts what is open to every address of both places: a journey needs that.
Otherwise it counts what is open to any of them: nothing beyond the journeys may be. Replies are asked for as well,
because network ACLs and routes keep no state.

Not modelled, because the program cannot show it: a host's own firewall, traffic between pods of one node (security
groups do not see it; network policies do), and what the data centre's own firewall lets through.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from ipaddress import IPv4Network

from operations.journeys.acls import NetworkAcls
from operations.journeys.groups import SecurityGroups
from operations.journeys.places import Place
from operations.journeys.policies import PodPolicies
from operations.journeys.recorded import Direction, Protocol, Recorded
from operations.journeys.routes import Routes
from operations.journeys.spans import EVERY_PORT, NOTHING, Spans
from recording.recorder import Resource


@dataclass(frozen=True)
class Way:
    """What a layer is asked about."""

    client: Place
    server: Place
    protocol: Protocol
    surely: bool


@dataclass(frozen=True)
class Layer:
    """One layer, by the name that a person knows it by."""

    name: str
    open_ports: Callable[[Way], Spans]


class Network:
    """The layers of one recorded program.

    Args:
        on_premises: the ranges that the data centre announces over the tunnels.
    """

    def __init__(self, resources: Iterable[Resource], on_premises: Iterable[IPv4Network]) -> None:
        self.program = Recorded(resources)
        self.groups = SecurityGroups(self.program)
        self._acls = NetworkAcls(self.program)
        self._routes = Routes(self.program, tuple(on_premises))
        self._policies = PodPolicies(self.program)
        self.layers = (
            Layer("the security group of {client}", self._group_out),
            Layer("the security group of {server}", self._group_in),
            Layer("the network policy of {client}", self._policy_out),
            Layer("the network policy of {server}", self._policy_in),
            Layer("the route of {client} to {server}", self._route_there),
            Layer("the route of {server} back to {client}", self._route_back),
            Layer("the network ACL of {client}, outwards", self._acl_out),
            Layer("the network ACL of {server}, inwards", self._acl_in),
            Layer("the network ACL of {server}, for replies", self._acl_reply_out),
            Layer("the network ACL of {client}, for replies", self._acl_reply_in),
            Layer("the network ACL of the NAT gateway", self._acl_of_nat),
        )

    def open_ports(self, client: Place, server: Place, protocol: Protocol, *, surely: bool) -> Spans:
        """The ports of `server` that `client` can reach through all layers."""
        way, found = Way(client, server, protocol, surely), server.listens
        for layer in self.layers:
            if not found:
                break
            found &= layer.open_ports(way)
        return found

    def obstacles(self, client: Place, server: Place, protocol: Protocol, ports: Spans) -> list[str]:
        """The layers that stop some of `ports`, in words; none when the whole way is open."""
        way = Way(client, server, protocol, surely=True)
        return [
            layer.name.format(client=client.name, server=server.name)
            for layer in self.layers
            if not ports.within(layer.open_ports(way))
        ]

    def _group_out(self, way: Way) -> Spans:
        return self.groups.open_ports("egress", way.client, way.server, way.protocol, surely=way.surely)

    def _group_in(self, way: Way) -> Spans:
        return self.groups.open_ports("ingress", way.server, way.client, way.protocol, surely=way.surely)

    def _policy_out(self, way: Way) -> Spans:
        return self._policies.open_ports("egress", way.client, way.server, way.protocol, surely=way.surely)

    def _policy_in(self, way: Way) -> Spans:
        return self._policies.open_ports("ingress", way.server, way.client, way.protocol, surely=way.surely)

    def _route_there(self, way: Way) -> Spans:
        leads = self._routes.lead(way.client, way.server, surely=way.surely, answers=False)
        return EVERY_PORT if leads else NOTHING

    def _route_back(self, way: Way) -> Spans:
        leads = self._routes.lead(way.server, way.client, surely=way.surely, answers=True)
        return EVERY_PORT if leads else NOTHING

    def _acl_out(self, way: Way) -> Spans:
        return self._through("egress", way.client, way.server, way)

    def _acl_in(self, way: Way) -> Spans:
        return self._through("ingress", way.server, way.client, way)

    def _acl_reply_out(self, way: Way) -> Spans:
        return self._replies("egress", way.server, way.client, way)

    def _acl_reply_in(self, way: Way) -> Spans:
        return self._replies("ingress", way.client, way.server, way)

    def _through(self, direction: Direction, own: Place, peer: Place, way: Way) -> Spans:
        if "node" in (own.side, peer.side):
            return EVERY_PORT
        return self._acls.open_ports(direction, own.subnets, peer, way.protocol, surely=way.surely)

    def _replies(self, direction: Direction, own: Place, peer: Place, way: Way) -> Spans:
        if "node" in (own.side, peer.side):
            return EVERY_PORT
        return self._acls.replies(direction, own.subnets, peer, way.protocol, client=way.client, surely=way.surely)

    def _acl_of_nat(self, way: Way) -> Spans:
        """Traffic through NAT crosses the gateway's subnet, in both directions."""
        found = EVERY_PORT
        if between := self._routes.nat_subnets(way.client, way.server):
            forth: tuple[tuple[Direction, Place], ...] = (("ingress", way.client), ("egress", way.server))
            back: tuple[tuple[Direction, Place], ...] = (("ingress", way.server), ("egress", way.client))
            for direction, peer in forth:
                found &= self._acls.open_ports(direction, between, peer, way.protocol, surely=way.surely)
            for direction, peer in back:
                found &= self._acls.replies(
                    direction, between, peer, way.protocol, client=way.client, surely=way.surely
                )
        return found
