"""The public services as the load balancer sees them."""

from __future__ import annotations

from collections.abc import Iterable

from ..edge.backends import Backend
from .declaration import SIMPLE, Service


def public_backends(services: Iterable[Service]) -> tuple[Backend, ...]:
    """A backend for each service that has public paths, in the order of their names."""
    return tuple(
        Backend(
            name="" if one.name == SIMPLE else one.name,
            node_port=one.node_port,
            health_path=one.health_path,
            protocol="HTTP" if one.plain_http_because else "HTTPS",
            patterns=one.patterns,
            drain_seconds=one.drain_seconds,
        )
        for one in services
        if one.public
    )
