"""Whom the pods of a service may talk to: nobody, but for the few ways of a table.

Trust boundary: nothing enters a pod but the load balancer's requests, which arrive from a node because the node port
hides their source. Nothing leaves a pod but name look-ups, the database, the cache, AWS by the VPC's own endpoints, and
the node's Pod Identity agent; during a migration also the data centre's database, at its very addresses. A pod has no
way to the internet but to the addresses that its service names, and none to another namespace.

The network add-on enforces in its standard mode: a pod that starts is open until the node's agent has read its
policies, which takes seconds; security groups and network ACLs hold in that time as always. Its strict mode closes
every pod without a policy of its own, CoreDNS and AWS's add-ons among them, so that it is not used (Amazon EKS user
guide, "Limit Pod traffic with Kubernetes network policies").
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from typing import Literal

from pulumi_kubernetes.meta.v1 import LabelSelectorArgs
from pulumi_kubernetes.networking import v1

from ..foundations.subnet_plan import Tier, plan_subnets
from .declaration import Service, labels_of

POD_IDENTITY_AGENT = IPv4Network("169.254.170.23/32")
"""Link-local address at which the node's agent hands out credentials, on port 80."""
KUBERNETES_DNS = v1.NetworkPolicyPeerArgs(
    namespace_selector=LabelSelectorArgs(match_labels={"kubernetes.io/metadata.name": "kube-system"}),
    pod_selector=LabelSelectorArgs(match_labels={"k8s-app": "kube-dns"}),
)


@dataclass(frozen=True)
class Way:
    """One allowed kind of traffic, in Kubernetes' words."""

    name: str
    direction: Literal["Ingress", "Egress"]
    peers: tuple[v1.NetworkPolicyPeerArgs, ...]
    ports: tuple[tuple[Literal["TCP", "UDP"], int], ...]


def ways(
    service: Service,
    callees: Sequence[Service],
    vpc_cidr: IPv4Network,
    database_port: int,
    cache_port: int,
    source: tuple[tuple[IPv4Address, ...], int],
) -> tuple[Way, ...]:
    """The table of one service: who is named, and nobody else.

    Args:
        callees: the services that name this one among their callers.
        source: addresses and port of the data centre's database; no addresses in the phases that do not use it.
    """
    plan = plan_subnets(vpc_cidr)
    application = _blocks(plan.of(Tier.APPLICATION))
    data = _blocks(plan.of(Tier.DATA))
    database, cache = ("database" in service.uses), ("cache" in service.uses)
    listed: tuple[tuple[bool, Way], ...] = (
        (service.public, Way("from-load-balancer", "Ingress", application, (("TCP", service.port),))),
        (True, Way("to-dns", "Egress", (KUBERNETES_DNS,), (("UDP", 53), ("TCP", 53)))),
        (database, Way("to-database", "Egress", data, (("TCP", database_port),))),
        (cache, Way("to-cache", "Egress", data, (("TCP", cache_port),))),
        (True, Way("to-aws-endpoints", "Egress", application, (("TCP", 443),))),
        (True, Way("to-pod-identity", "Egress", _blocks((POD_IDENTITY_AGENT,)), (("TCP", 80),))),
        (
            database and bool(source[0]),
            Way("to-source", "Egress", _blocks(tuple(map(IPv4Network, source[0]))), (("TCP", source[1]),)),
        ),
    )
    return (
        *(way for wanted, way in listed if wanted),
        *(Way(f"from-{name}", "Ingress", (_pods(name),), (("TCP", service.port),)) for name in service.callers),
        *(Way(f"to-{one.name}", "Egress", (_pods(one.name),), (("TCP", one.port),)) for one in callees),
        *(
            Way(f"to-outside-{one.name}", "Egress", _blocks(one.cidrs), tuple(("TCP", port) for port in one.ports))
            for one in service.outside
        ),
    )


def _pods(service: str) -> v1.NetworkPolicyPeerArgs:
    return v1.NetworkPolicyPeerArgs(pod_selector=LabelSelectorArgs(match_labels=labels_of(service)))


DENY_ALL = v1.NetworkPolicySpecArgs(pod_selector=LabelSelectorArgs(), policy_types=["Ingress", "Egress"])
"""Nothing for any pod of the namespace; the ways of each service are the exceptions."""


def policy_specs(table: tuple[Way, ...], pods: Mapping[str, str]) -> Iterator[tuple[str, v1.NetworkPolicySpecArgs]]:
    """Name and spec of a network policy for each way of `pods`."""
    selected = LabelSelectorArgs(match_labels=dict(pods))
    for way in table:
        ports = [v1.NetworkPolicyPortArgs(protocol=protocol, port=port) for protocol, port in way.ports]
        incoming = way.direction == "Ingress"
        yield (
            way.name,
            v1.NetworkPolicySpecArgs(
                pod_selector=selected,
                policy_types=[way.direction],
                ingress=[v1.NetworkPolicyIngressRuleArgs(from_=list(way.peers), ports=ports)] if incoming else None,
                egress=None if incoming else [v1.NetworkPolicyEgressRuleArgs(to=list(way.peers), ports=ports)],
            ),
        )


def _blocks(ranges: tuple[IPv4Network, ...]) -> tuple[v1.NetworkPolicyPeerArgs, ...]:
    return tuple(v1.NetworkPolicyPeerArgs(ip_block=v1.IPBlockArgs(cidr=str(cidr))) for cidr in ranges)
