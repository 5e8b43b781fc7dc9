"""The data-flow diagram (PCI DSS 1.2.4): what holds or carries card data, and every way on which card data travels."""

from __future__ import annotations

from dataclasses import replace

from operations.diagram.actors import NAT_GATEWAY
from operations.diagram.architecture import Architecture
from operations.diagram.outside import ADMINISTRATION
from operations.diagram.topology import Tier


def data_flow(architecture: Architecture) -> Architecture:
    """Only what stores, processes or transmits card data, the way out through NAT, and who is at the other end."""
    carrying = {key for key, scope in architecture.scope.items() if scope == "cardholder"}
    ways_out = {
        key for key, actor in architecture.actors.items() if any(one.type == NAT_GATEWAY for one in actor.resources)
    }
    outside = {
        key for key, actor in architecture.actors.items() if actor.tier is Tier.OUTSIDE and key not in ADMINISTRATION
    }
    ends = carrying | ways_out | outside
    paths = tuple(
        path
        for path in architecture.paths
        if {path.source, path.target} <= ends and {path.source, path.target} & (carrying | ways_out)
    )
    used = carrying | {end for path in paths for end in (path.source, path.target)}
    actors = {key: actor for key, actor in architecture.actors.items() if key in used}
    return replace(architecture, actors=actors, paths=paths, services={})
