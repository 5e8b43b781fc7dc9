"""The table of journeys: who must reach whom, on which port, in which phase of the migration, and why.

What is not in the table must be impossible. A few ways are open though nobody needs them; they are in the table with
the reason, so that no other can hide among them. Names of places are those of `places`; ``source``, ``router`` and
``router health`` among the ports are the ports of the data centre's database and router.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from typing import Literal, get_args

from components.service.declaration import Service
from operations.journeys.places import CLUSTER_DNS, INTERNET, NODES, pods_of
from operations.journeys.recorded import Protocol
from operations.journeys.spans import Spans
from settings import Settings

SOURCE, ROUTER, RUNNERS, ADMINISTRATORS = "source", "data centre's router", "runners", "administrators"
BASTION, BALANCER, REPLICATION = "bastion", "load balancer", "replication instance"
HTTPS = 443
DATABASE, CACHE, ENDPOINTS, API = "database", "cache", "AWS endpoints", "Kubernetes API"


@dataclass(frozen=True)
class Journey:
    """One way that must be open, in words and as ports."""

    who: str
    whom: str
    ports: Spans
    why: str
    protocol: Protocol = "tcp"
    host: str = ""
    """Name by which `who` looks `whom` up in the data centre, where it does."""
    forwarded: bool = False
    """Whether the load balancer reaches `whom` through a node port rather than directly."""
    tolerated: bool = False
    """Whether nobody needs it: it is open because no layer can close it without closing what is needed."""

    def __str__(self) -> str:
        return f"{self.who} -> {self.whom} on {self.protocol} {self.ports.as_ports()} ({self.why})"


@dataclass(frozen=True)
class _Row:
    who: str
    whom: str
    ports: str
    why: str
    phase: Literal["", "moves_data", "forwards_to_data_centre"] = ""
    """What must be true in the phase for the way to be needed; empty: always needed."""
    protocol: Protocol = "tcp"
    tolerated: bool = False


ROWS: tuple[_Row, ...] = (
    _Row(INTERNET, BALANCER, "443", "phones pay"),
    _Row(NODES, BALANCER, "443", "it is as open to them as to the internet", tolerated=True),
    _Row(BASTION, BALANCER, "443", "it is as open to it as to the internet", tolerated=True),
    _Row(
        SOURCE,
        BALANCER,
        "443",
        "it is open to the internet; replies to one port get back",
        "moves_data",
        tolerated=True,
    ),
    _Row(
        ROUTER,
        BALANCER,
        "443",
        "it is open to the internet; replies to a few ports get back",
        "forwards_to_data_centre",
        tolerated=True,
    ),
    _Row(ADMINISTRATORS, BASTION, "22", "administrators log in"),
    _Row(BASTION, NODES, "22", "administrators log in to nodes"),
    _Row(BASTION, DATABASE, "3306", "the DBA and the cutover tool"),
    _Row(BASTION, CACHE, "6379", "the DBA"),
    _Row(BASTION, API, "443", "administrators use kubectl"),
    _Row(BASTION, ENDPOINTS, "443", "AWS's APIs"),
    _Row(BASTION, INTERNET, "443", "updates"),
    _Row(BASTION, SOURCE, "source", "the cutover tool", "moves_data"),
    _Row(NODES, API, "443", "kubelets and pods of the system"),
    _Row(API, NODES, "9443, 10250-10251", "logs, metrics and webhooks"),
    _Row(NODES, NODES, "53, 1025-65535", "pods of different nodes; network policies decide between them"),
    _Row(NODES, NODES, "53", "name look-ups of pods", protocol="udp"),
    _Row(NODES, ENDPOINTS, "443", "images, credentials, logs"),
    _Row(NODES, INTERNET, "443", "the Trend Micro tenant, public images"),
    _Row(NODES, DATABASE, "3306", "pods share the security group of their nodes", tolerated=True),
    _Row(NODES, CACHE, "6379", "pods share the security group of their nodes", tolerated=True),
    _Row(NODES, SOURCE, "source", "pods share the security group of their nodes", "moves_data", tolerated=True),
    _Row(REPLICATION, DATABASE, "3306", "DMS writes the copy", "moves_data"),
    _Row(REPLICATION, SOURCE, "source", "DMS reads the source", "moves_data"),
    _Row(REPLICATION, ENDPOINTS, "443", "DMS reads its secrets", "moves_data"),
    _Row(BALANCER, ROUTER, "router", "payments that the data centre still serves", "forwards_to_data_centre"),
    _Row(BALANCER, ROUTER, "router health", "the router's own health page", "forwards_to_data_centre"),
    _Row(BASTION, ROUTER, "router", "the traffic command compares both sides", "forwards_to_data_centre"),
)


def journeys(settings: Settings) -> Iterator[Journey]:
    """The table for a stack: the rows of its phase, then those of its services."""
    migration = settings.migration
    ports = {name: str(port) for name, port in migration.ports.items()}
    for row in ROWS:
        if row.phase == "" or getattr(migration.facts, row.phase):
            host = migration.source_host if row.whom == SOURCE else ""
            span = _ports(ports.get(row.ports, row.ports))
            yield Journey(row.who, row.whom, span, row.why, row.protocol, host, tolerated=row.tolerated)
    if settings.cluster.api_private_cidrs and settings.vpn.enabled:
        yield Journey(RUNNERS, API, _ports("443"), "deployments from behind the VPN")
    yield from _of_services(settings)


def _of_services(settings: Settings) -> Iterator[Journey]:
    """The ways of each service's pods: who is named, and nobody else."""
    for service in settings.application:
        pods, port = pods_of(workload_of(service)), _ports(str(service.port))
        if service.public:
            yield Journey(BALANCER, NODES, _ports(str(service.node_port)), f"phones pay by {service.name}")
            yield Journey(NODES, pods, port, "a node hands on what the load balancer sends")
            yield Journey(BALANCER, pods, port, f"phones pay by {service.name}", forwarded=True)
        for caller in service.callers:
            yield Journey(pods_of(caller), pods, port, f"{caller} calls {service.name}")
        for one in service.outside:
            for number in one.ports:
                yield Journey(pods, _outside(service.name, one.name), _ports(str(number)), one.because)
                if number != HTTPS:
                    yield Journey(
                        NODES, _outside(service.name, one.name), _ports(str(number)),
                        "pods share the security group of their nodes", tolerated=True,
                    )  # fmt: skip
        for protocol in get_args(Protocol):
            yield Journey(pods, CLUSTER_DNS, _ports("53"), "name look-ups", protocol)
        yield Journey(pods, "Pod Identity agent", _ports("80"), "AWS credentials")
        yield Journey(pods, ENDPOINTS, _ports("443"), "secrets, logs")
        yield Journey(
            pods, API, _ports("443"), "it is in the subnets of AWS's endpoints; a pod has no token for it",
            tolerated=True,
        )  # fmt: skip
        yield from _of_data(settings, service, pods)


def _of_data(settings: Settings, service: Service, pods: str) -> Iterator[Journey]:
    migration = settings.migration
    if "database" in service.uses:
        yield Journey(pods, DATABASE, _ports("3306"), "payments")
        if migration.facts.moves_data:
            span = _ports(str(migration.source_port))
            yield Journey(pods, SOURCE, span, "payments until the cutover", host=migration.source_host)
    if "cache" in service.uses:
        yield Journey(pods, CACHE, _ports("6379"), "sessions")


def workload_of(service: Service) -> str:
    """The name of the Kubernetes object that a service's pods come from."""
    if service.kind == "once":
        return f"{service.name}-{service.image.rpartition(':')[2][:12]}"
    return service.name


def _outside(service: str, name: str) -> str:
    return f"{name} of {service}"


def named_ranges(settings: Settings) -> Mapping[str, tuple[IPv4Network, ...]]:
    """The ranges outside the VPC that journeys name, by name."""
    migration = settings.migration
    return {
        ADMINISTRATORS: settings.bastion.trusted_cidrs,
        RUNNERS: settings.cluster.api_private_cidrs,
        SOURCE: _single(migration.source_addresses),
        ROUTER: _single(migration.router_addresses),
        **{_outside(service.name, one.name): one.cidrs for service in settings.application for one in service.outside},
    }


def _single(addresses: tuple[IPv4Address, ...]) -> tuple[IPv4Network, ...]:
    return tuple(map(IPv4Network, addresses))


def _ports(text: str) -> Spans:
    """``53, 1025-65535`` as numbers."""
    pairs = (part.partition("-") for part in text.split(", "))
    return Spans.of((int(first), int(last or first)) for first, _, last in pairs)
