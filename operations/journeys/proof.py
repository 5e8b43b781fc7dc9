"""The proof: every journey of the table is possible through all layers, and nothing else is possible."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import get_args

from operations.journeys import forwarding, names
from operations.journeys.network import Network
from operations.journeys.places import NODES, Place, places
from operations.journeys.recorded import Protocol
from operations.journeys.spans import Spans
from operations.journeys.table import Journey, journeys, named_ranges
from recording.recorder import Resource
from settings import Settings


@dataclass(frozen=True)
class Proof:
    """What was asked and what was found."""

    expected: tuple[Journey, ...]
    problems: tuple[str, ...]
    """One sentence for each journey that is not possible, and for each way that no journey needs."""
    blocked: int
    """How many of the expected journeys are not possible."""

    @property
    def possible(self) -> int:
        """How many of the expected journeys are possible."""
        return len(self.expected) - self.blocked


def prove_stack(resources: Iterable[Resource], settings: Settings) -> Proof:
    """The proof for a stack's own program, recorded with its `settings`."""
    network = Network(resources, settings.vpn.on_premises_cidrs)
    known = places(network.program, settings.vpn.on_premises_cidrs, named_ranges(settings))
    return prove(network, known, tuple(journeys(settings)))


def prove(network: Network, known: tuple[Place, ...], table: tuple[Journey, ...]) -> Proof:
    """Hold `table` against the ways between the places `known`."""
    expected = tuple(journey for journey in table if not journey.tolerated)
    blocked = [problem for journey in expected if (problem := _blocked(network, known, journey))]
    return Proof(expected, (*blocked, *_unknown_groups(network, known), *_beyond(network, known, table)), len(blocked))


def _blocked(network: Network, known: tuple[Place, ...], journey: Journey) -> str:
    clients, servers = _called(known, journey.who), _called(known, journey.whom)
    for name, found in ((journey.who, clients), (journey.whom, servers)):
        if not found:
            return f"{journey}: impossible, for nothing of the program is {name}"
    obstacles = dict.fromkeys(
        obstacle
        for client in clients
        for server in servers
        for obstacle in _obstacles(network, client, server, journey)
    )
    return f"{journey}: impossible, stopped by {'; '.join(obstacles)}" if obstacles else ""


def _obstacles(network: Network, client: Place, server: Place, journey: Journey) -> Iterator[str]:
    if journey.forwarded:
        found = [forwarding.obstacle(network.program, server, journey.ports)]
    else:
        found = network.obstacles(client, server, journey.protocol, journey.ports)
    if journey.host:
        found.append(names.obstacle(network.program, journey.host, server.addresses))
    return filter(None, found)


def _called(known: tuple[Place, ...], name: str) -> list[Place]:
    return [place for place in known if place.is_called(name)]


def _unknown_groups(network: Network, known: tuple[Place, ...]) -> Iterator[str]:
    """A security group in which no known place is cannot be judged, so it is a problem by itself."""
    judged = {group for place in known for group in place.groups}
    for identity, name in network.groups.names.items():
        if identity not in judged:
            yield f"security group {name}: nothing is known to be in it, so that its rules cannot be judged"


def _beyond(network: Network, known: tuple[Place, ...], table: tuple[Journey, ...]) -> Iterator[str]:
    """Each way that is possible and not in the table."""
    for client in known:
        for server in known:
            if "VPC" not in (client.side, server.side) or client.side == "node":
                continue  # between two others the program has no say
            if server.side == "node" and (client.pods is None or client.is_called(NODES)):
                continue  # every host reaches what is link-local; AWS filters nothing there
            for protocol in get_args(Protocol):
                extra = network.open_ports(client, server, protocol, surely=False)
                if extra := extra - _needed(table, client, server, protocol):
                    way = f"{client.name} -> {server.name} on {protocol} {extra.as_ports()}"
                    yield f"{way}: possible, and no journey needs it"


def _needed(table: tuple[Journey, ...], client: Place, server: Place, protocol: Protocol) -> Spans:
    ports = Spans()
    for journey in table:
        if (
            journey.protocol == protocol
            and not journey.forwarded
            and client.is_called(journey.who)
            and server.is_called(journey.whom)
        ):
            ports |= journey.ports
    return ports
