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
    return prove(*_asked(resources, settings))


def ways_of_stack(resources: Iterable[Resource], settings: Settings) -> tuple[Tested, ...]:
    """Every pair of places of a stack's own program, tested."""
    return tuple(ways_between(*_asked(resources, settings)))


def _asked(resources: Iterable[Resource], settings: Settings) -> tuple[Network, tuple[Place, ...], tuple[Journey, ...]]:
    network = Network(resources, settings.vpn.on_premises_cidrs)
    known = places(network.program, settings.vpn.on_premises_cidrs, named_ranges(settings))
    return network, known, tuple(journeys(settings))


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


@dataclass(frozen=True)
class Tested:
    """One pair of places and one protocol, as asked of every layer."""

    client: Place
    server: Place
    protocol: Protocol
    open: Spans
    """The ports that let anything through from one to the other."""
    journeys: tuple[Journey, ...]
    """The rows of the table that are about this pair."""

    @property
    def extra(self) -> Spans:
        """The open ports that no journey needs."""
        needed = Spans()
        for journey in self.journeys:
            needed |= journey.ports
        return self.open - needed


def ways_between(network: Network, known: tuple[Place, ...], table: tuple[Journey, ...]) -> Iterator[Tested]:
    """Every pair of places of which the program has a say, in both protocols."""
    for client in known:
        for server in known:
            if "VPC" not in (client.side, server.side) or client.side == "node":
                continue  # between two others the program has no say
            if server.side == "node" and (client.pods is None or client.is_called(NODES)):
                continue  # every host reaches what is link-local; AWS filters nothing there
            for protocol in get_args(Protocol):
                found = network.open_ports(client, server, protocol, surely=False)
                yield Tested(client, server, protocol, found, tuple(_about(table, client, server, protocol)))


def _beyond(network: Network, known: tuple[Place, ...], table: tuple[Journey, ...]) -> Iterator[str]:
    """Each way that is possible and not in the table."""
    for tested in ways_between(network, known, table):
        if tested.extra:
            way = f"{tested.client.name} -> {tested.server.name} on {tested.protocol} {tested.extra.as_ports()}"
            yield f"{way}: possible, and no journey needs it"


def _about(table: tuple[Journey, ...], client: Place, server: Place, protocol: Protocol) -> Iterator[Journey]:
    for journey in table:
        if (
            journey.protocol == protocol
            and not journey.forwarded
            and client.is_called(journey.who)
            and server.is_called(journey.whom)
        ):
            yield journey
