"""The architecture as the program declares it: who is where, who may talk to whom, where cardholder data is.

Nothing here is drawn by hand. A thing of the drawing is whatever security groups or subnets say is in the network;
an arrow is an entry of a security group; the boundary of the cardholder data environment follows the `DataClass` tags.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from operations.diagram.actors import NAT_GATEWAY, Actor, Service, find_actors, regional_services
from operations.diagram.outside import INTERNET, OUTSIDE, WHOLE_VPC, External, named_outside
from operations.diagram.paths import Path, shown_ports
from operations.diagram.references import References
from operations.diagram.topology import Tier, Topology
from operations.plan.segmentation import Opening, openings
from recording.recorder import Resource


@dataclass(frozen=True)
class Architecture:
    """Actors by key, in drawing order, and the paths between them."""

    stack: str
    topology: Topology
    actors: Mapping[str, Actor]
    paths: tuple[Path, ...]
    services: Mapping[str, Service]
    """What is in the Region or account rather than in the network, by service."""
    scope: Mapping[str, str] = field(default_factory=dict)
    """By actor: ``cardholder`` (tagged so), ``connected`` (has a path to one), or ``other``."""


def read_architecture(stack: str, resources: Iterable[Resource]) -> Architecture:
    """The architecture of one stack."""
    references = References(resources)
    topology = Topology(references)
    actors, members = find_actors(references, topology)
    external = External(topology)
    found: dict[tuple[str, str], list[Opening]] = defaultdict(list)
    for opening in openings(references.resources):
        peers = [external.key_of(opening)] if opening.from_outside else members.get(opening.peer, [])
        for own in members.get(opening.group, []):
            for peer in peers:
                pair = (peer, own) if opening.direction == "ingress" else (own, peer)
                found[pair].append(opening)
    paths = tuple(
        path for (source, target), allowed in found.items() if (path := _path(source, target, allowed, found))
    )
    paths = _through_nat(paths, actors)
    paths = (*paths, *named_outside(references, topology, actors, paths))
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
        return Path(source, target, shown_ports(leaving), tuple(leaving), whole=True)
    if not arriving or target == WHOLE_VPC:
        return None
    if source in {*OUTSIDE, WHOLE_VPC}:
        return Path(source, target, shown_ports(arriving), tuple(arriving), whole=True)
    leaving += [opening for wide in (WHOLE_VPC, INTERNET) for opening in found.get((source, wide), ())]
    usable = [opening for opening in arriving if any(_meet(opening, other) for other in leaving)]
    used = [other for other in leaving if any(_meet(opening, other) for opening in usable)]
    return Path(source, target, shown_ports(usable or arriving), (*arriving, *used), whole=bool(usable))


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
        Path(gateways, INTERNET, shown_ports(together), together, whole=True),
    )


def _meet(arriving: Opening, leaving: Opening) -> bool:
    return leaving.direction == "egress" and (leaving.covers(arriving) or arriving.covers(leaving))


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
