"""The architecture as the program declares it: who stands where, who may talk to whom, where cardholder data is.

Nothing here is drawn by hand. A thing of the drawing is whatever security groups or subnets say stands in the network;
an arrow is an entry of a security group; the boundary of the cardholder data environment follows the `DataClass` tags.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Network, ip_network

from operations.diagram.actors import NAT_GATEWAY, Actor, find_actors, regional_services
from operations.diagram.references import References
from operations.diagram.topology import Tier, Topology
from operations.plan.segmentation import ALL_PORTS, Opening, openings
from recording.recorder import Resource

INTERNET, TRUSTED, DATA_CENTRE, WHOLE_VPC = "internet", "trusted", "data-centre", "vpc"
OUTSIDE = frozenset((INTERNET, TRUSTED, DATA_CENTRE))
WORLD_PREFIX = {4: 8, 6: 16}
"""A range as wide as this, or wider, is the internet."""


@dataclass(frozen=True)
class Path:
    """One kind of traffic that security groups let through, from one actor to another."""

    source: str
    target: str
    ports: tuple[str, ...]
    openings: tuple[Opening, ...]
    """The rules that allow it: the target's, and the source's where the source limits what goes out."""
    whole: bool
    """Whether both ends allow it; with one end only, nothing passes."""

    @property
    def label(self) -> str:
        return ", ".join(self.ports)


@dataclass(frozen=True)
class Architecture:
    """Actors by key, in drawing order, and the paths between them."""

    stack: str
    topology: Topology
    actors: Mapping[str, Actor]
    paths: tuple[Path, ...]
    services: Mapping[str, tuple[Resource, ...]]
    """What stands in the Region or account rather than in the network, by service."""
    scope: Mapping[str, str] = field(default_factory=dict)
    """By actor: ``cardholder`` (tagged so), ``connected`` (has a path to one), or ``other``."""


def read_architecture(stack: str, resources: Iterable[Resource]) -> Architecture:
    """The architecture of one stack."""
    references = References(resources)
    topology = Topology(references)
    actors, members = find_actors(references, topology)
    external = _External(topology)
    found: dict[tuple[str, str], list[Opening]] = defaultdict(list)
    for opening in openings(references.resources):
        peers = [external.key_of(opening.peer)] if opening.from_outside else members.get(opening.peer, [])
        for own in members.get(opening.group, []):
            for peer in peers:
                pair = (peer, own) if opening.direction == "ingress" else (own, peer)
                found[pair].append(opening)
    paths = tuple(
        path for (source, target), allowed in found.items() if (path := _path(source, target, allowed, found))
    )
    paths = _through_nat(paths, actors)
    actors = {**external.actors(paths, references), **actors}
    paths = tuple(path for path in paths if {path.source, path.target} <= {*actors, WHOLE_VPC})
    return Architecture(
        stack=stack,
        topology=topology,
        actors=actors,
        paths=paths,
        services=regional_services(references),
        scope=_scope(actors, paths),
    )


def _path(
    source: str, target: str, found_here: list[Opening], found: Mapping[tuple[str, str], list[Opening]]
) -> Path | None:
    """Traffic needs leave on both sides; outside the VPC nobody of ours gives any."""
    arriving = [opening for opening in found_here if opening.direction == "ingress"]
    leaving = [opening for opening in found_here if opening.direction == "egress"]
    if source == target:
        return None
    if target in OUTSIDE:
        return Path(source, target, _ports(leaving), tuple(leaving), whole=True)
    if not arriving or target == WHOLE_VPC:
        return None
    if source in {*OUTSIDE, WHOLE_VPC}:
        return Path(source, target, _ports(arriving), tuple(arriving), whole=True)
    leaving += [opening for wide in (WHOLE_VPC, INTERNET) for opening in found.get((source, wide), ())]
    usable = [opening for opening in arriving if any(_meet(opening, other) for other in leaving)]
    used = [other for other in leaving if any(_meet(opening, other) for opening in usable)]
    return Path(source, target, _ports(usable or arriving), (*arriving, *used), whole=bool(usable))


def _through_nat(paths: tuple[Path, ...], actors: Mapping[str, Actor]) -> tuple[Path, ...]:
    """What leaves the application tier for the internet is routed to the NAT gateways, and leaves by them."""
    gateways = next((key for key, actor in actors.items() if actor.resources[0].type == NAT_GATEWAY), "")
    leaving = [
        path for path in paths if path.target == INTERNET and actors[path.source].tier is Tier.APPLICATION and gateways
    ]
    if not leaving:
        return paths
    together = tuple(dict.fromkeys(opening for path in leaving for opening in path.openings))
    return (
        *(path for path in paths if path not in leaving),
        *(replace(path, target=gateways) for path in leaving),
        Path(gateways, INTERNET, _ports(together), together, whole=True),
    )


def _meet(arriving: Opening, leaving: Opening) -> bool:
    return leaving.direction == "egress" and (leaving.covers(arriving) or arriving.covers(leaving))


def _ports(allowed: Iterable[Opening]) -> tuple[str, ...]:
    """As people say them: ``443``, ``1024-65535``, ``53/udp``, ``all``; TCP first."""
    ordered = sorted({(opening.protocol != "tcp", opening.ports, opening.protocol) for opening in allowed})
    return tuple(_shown(ports, protocol) for _, ports, protocol in ordered)


def _shown(ports: tuple[int, int], protocol: str) -> str:
    first, last = ports
    text = "all" if ports == ALL_PORTS else f"{first}" if first == last else f"{first}-{last}"
    return text if protocol in ("tcp", "-1") else f"{text}/{protocol}"


def _scope(actors: Mapping[str, Actor], paths: Iterable[Path]) -> dict[str, str]:
    """PCI DSS scoping: what holds or carries cardholder data, and what has a way to it."""
    tagged = {key for key, actor in actors.items() if actor.cardholder}
    connected = {
        end
        for path in paths
        for end, other in ((path.source, path.target), (path.target, path.source))
        if (other in tagged or other == WHOLE_VPC) and end in actors and actors[end].tier is not Tier.OUTSIDE
    }
    return {key: "cardholder" if key in tagged else "connected" if key in connected else "other" for key in actors}


class _External:
    """Peers that are ranges of addresses: what each range is to this VPC."""

    def __init__(self, topology: Topology) -> None:
        self._topology = topology
        self.ranges: dict[str, set[str]] = defaultdict(set)

    def key_of(self, cidr: str) -> str:
        """The actor behind a range."""
        network = ip_network(cidr)
        if network.prefixlen < WORLD_PREFIX[network.version]:
            key = INTERNET
        elif isinstance(network, IPv4Network) and self._topology.contains(network):
            return WHOLE_VPC
        else:
            key = DATA_CENTRE if network.is_private and not _documentation(network) else TRUSTED
        self.ranges[key].add(cidr)
        return key

    def actors(self, paths: Iterable[Path], references: References) -> dict[str, Actor]:
        """The actors outside that some path needs."""
        needed = {end for path in paths for end in (path.source, path.target)}
        gateways = tuple(references.of("aws:ec2/vpnConnection:VpnConnection", "aws:ec2/vpnGateway:VpnGateway"))
        gateways += tuple(references.of("aws:ec2/customerGateway:CustomerGateway"))
        of_key = {
            INTERNET: ("Internet", "any address", ()),
            TRUSTED: ("Administrators", "", ()),
            DATA_CENTRE: ("Data centre", "", gateways),
        }
        return {
            key: Actor(
                key=key,
                title=title,
                detail=detail or ", ".join(sorted(self.ranges[key])),
                tier=Tier.OUTSIDE,
                zones=(),
                cardholder=False,
                resources=resources,
            )
            for key, (title, detail, resources) in of_key.items()
            if key in needed or resources
        }


def _documentation(network: object) -> bool:
    """Python counts the documentation ranges, which example settings use for public addresses, as private."""
    return any(
        isinstance(network, IPv4Network) and network.subnet_of(IPv4Network(cidr))
        for cidr in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24")
    )
