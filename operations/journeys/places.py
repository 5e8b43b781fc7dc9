"""The places between which traffic can flow, read from a recorded program and from the ranges that its settings name.

A place inside the VPC is all that is in the same security groups and subnets. Places outside are ranges of addresses
that do not overlap: what is named, and the rest of the internet and of the data centre.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Network
from typing import Any, Literal

from operations.journeys.recorded import Recorded
from operations.journeys.spans import EVERY_ADDRESS, EVERY_PORT, Spans
from recording.recorder import Resource

Side = Literal["VPC", "node", "data centre", "internet"]
"""Where a place is; ``node`` is a link-local address that every host answers, which AWS does not filter."""

PRIVATE = Spans.addresses(("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16"))
INTERNET, DATA_CENTRE = "internet", "data centre"
NODES, CLUSTER_DNS = "nodes", "cluster DNS"
SYSTEM = "kube-system"
"""Namespace of the cluster's own pods, which no network policy selects: they may do what their node may."""
LINK_LOCAL = {
    "VPC's resolver": ("169.254.169.253/32", 53),
    "Pod Identity agent": ("169.254.170.23/32", 80),
    "instance metadata": ("169.254.169.254/32", 80),
}
"""What answers on every host, and its port (VPC user guide, Amazon DNS server; EKS user guide, Pod Identity)."""


@dataclass(frozen=True)
class Pods:
    """Which pods a place consists of, as network policies select them."""

    namespace: str
    labels: Mapping[str, str] = field(hash=False)


@dataclass(frozen=True)
class Place:
    """One end of a way."""

    name: str
    side: Side
    addresses: Spans
    groups: frozenset[str] = frozenset()
    """Ids of its security groups; none outside the VPC."""
    subnets: tuple[str, ...] = ()
    """Ids of its subnets; none outside the VPC."""
    public: bool = False
    """Whether it has an address that the internet can reach."""
    pods: Pods | None = None
    listens: Spans = EVERY_PORT
    """Ports on which anything can answer there, as far as it is known."""
    kinds: frozenset[str] = frozenset()
    """Other names by which journeys mean it: its name is one of several that overlap, or it is one of a kind."""

    def is_called(self, name: str) -> bool:
        """Whether a journey that names `name` means this place."""
        return name == self.name or name in self.kinds


def places(
    program: Recorded, on_premises: Iterable[IPv4Network], named: Mapping[str, Iterable[IPv4Network]]
) -> tuple[Place, ...]:
    """Every place that the program makes or that the settings name.

    Args:
        on_premises: the ranges of the data centre.
        named: ranges outside the VPC that have a name of their own; what two of them share is a place too.
    """
    return (*_inside(program), *_outside(on_premises, named))


def _outside(on_premises: Iterable[IPv4Network], named: Mapping[str, Iterable[IPv4Network]]) -> Iterator[Place]:
    data_centre = Spans.addresses(on_premises)
    pieces: dict[frozenset[str], Spans] = {
        frozenset([DATA_CENTRE]): data_centre,
        frozenset([INTERNET]): EVERY_ADDRESS - PRIVATE - data_centre,
    }
    for name, ranges in named.items():
        addresses = Spans.addresses(ranges)
        split = {names | {name}: found & addresses for names, found in pieces.items()}
        pieces = {names: found - addresses for names, found in pieces.items()} | split
    for names, found in pieces.items():
        if found:
            side: Side = "data centre" if DATA_CENTRE in names else "internet"
            yield Place(" and ".join(sorted(names - {side})) or side, side, found, kinds=names)
    for name, (address, port) in LINK_LOCAL.items():
        yield Place(name, "node", Spans.addresses([address]), listens=Spans.of([(port, port)]))


@dataclass(frozen=True)
class _Found:
    """Where the members of a place stand."""

    groups: Iterable[str]
    subnets: Iterable[str]
    public: bool = False


def _subnets_of_group(program: Recorded, type_: str, key: str, name: str) -> list[str]:
    """The subnets of a subnet group, found by the property `key` that has its name."""
    found = [one for one in program.of(type_) if name in (one.id, one.inputs.get(key), one.outputs.get(key))]
    return [subnet for one in found for subnet in one.inputs["subnetIds"]]


Reader = Callable[[Mapping[str, Any], Recorded], _Found]
MEMBERS: Mapping[str, tuple[str, Reader]] = {
    "aws:lb/loadBalancer:LoadBalancer": (
        "load balancer",
        lambda found, _: _Found(found["securityGroups"], found["subnets"], not found.get("internal")),
    ),
    "aws:ec2/instance:Instance": (
        "bastion",
        lambda found, _: _Found(found["vpcSecurityGroupIds"], [found["subnetId"]], public=True),
    ),
    "aws:eks/cluster:Cluster": (
        "Kubernetes API",
        lambda found, _: _Found(found["vpcConfig"].get("securityGroupIds", ()), found["vpcConfig"]["subnetIds"]),
    ),
    "aws:eks/nodeGroup:NodeGroup": (
        NODES,
        lambda found, program: _Found(
            [
                group
                for template in program.of("aws:ec2/launchTemplate:LaunchTemplate")
                if template.id == found["launchTemplate"]["id"]
                for group in template.inputs["vpcSecurityGroupIds"]
            ],
            found["subnetIds"],
        ),
    ),
    "aws:rds/cluster:Cluster": (
        "database",
        lambda found, program: _Found(
            found["vpcSecurityGroupIds"],
            _subnets_of_group(program, "aws:rds/subnetGroup:SubnetGroup", "name", found["dbSubnetGroupName"]),
        ),
    ),
    "aws:elasticache/replicationGroup:ReplicationGroup": (
        "cache",
        lambda found, program: _Found(
            found["securityGroupIds"],
            _subnets_of_group(program, "aws:elasticache/subnetGroup:SubnetGroup", "name", found["subnetGroupName"]),
        ),
    ),
    "aws:dms/replicationInstance:ReplicationInstance": (
        "replication instance",
        lambda found, program: _Found(
            found["vpcSecurityGroupIds"],
            _subnets_of_group(
                program,
                "aws:dms/replicationSubnetGroup:ReplicationSubnetGroup",
                "replicationSubnetGroupId",
                found["replicationSubnetGroupId"],
            ),
        ),
    ),
    "aws:ec2/vpcEndpoint:VpcEndpoint": (
        "AWS endpoints",
        lambda found, _: _Found(found.get("securityGroupIds", ()), found.get("subnetIds", ())),
    ),
}
"""What stands in security groups: the place's name by resource type, and where its properties say so."""
WORKLOADS = (
    "kubernetes:apps/v1:Deployment",
    "kubernetes:batch/v1:Job",
    "kubernetes:batch/v1:CronJob",
)


def _inside(program: Recorded) -> Iterator[Place]:
    ranges = {subnet.id: subnet.inputs["cidrBlock"] for subnet in program.of("aws:ec2/subnet:Subnet")}

    def place(name: str, found: _Found, pods: Pods | None = None) -> Place:
        subnets = tuple(dict.fromkeys(found.subnets))
        addresses = Spans.addresses(ranges[subnet] for subnet in subnets)
        return Place(name, "VPC", addresses, frozenset(found.groups), subnets, found.public, pods)

    nodes = None
    for type_, (name, read) in MEMBERS.items():
        members = [read(one.inputs, program) for one in program.of(type_)]
        merged = {
            frozenset(one.groups): _Found(
                one.groups, [subnet for other in members if other.groups == one.groups for subnet in other.subnets],
                one.public,
            )
            for one in members
            if tuple(one.groups)
        }  # fmt: skip
        for number, found in enumerate(merged.values(), start=1):
            made = place(name if number == 1 else f"{name} {number}", found)
            nodes = found if made.name == NODES else nodes
            yield made
    if nodes is not None:
        if any(one.inputs["addonName"] == "coredns" for one in program.of("aws:eks/addon:Addon")):
            dns = place(CLUSTER_DNS, nodes, Pods(SYSTEM, {"k8s-app": "kube-dns"}))
            yield replace(dns, kinds=frozenset([NODES]))
        for type_ in WORKLOADS:
            for workload in program.of(type_):
                made = place(pods_of(workload.inputs["metadata"]["name"]), nodes, pods := _pods(workload))
                yield replace(made, kinds=frozenset([NODES])) if pods.namespace == SYSTEM else made


def pods_of(workload: str) -> str:
    """The name of the place that a workload's pods are."""
    return f"pods of {workload}"


def _pods(workload: Resource) -> Pods:
    inputs = workload.inputs
    spec = inputs["spec"]["jobTemplate"]["spec"] if workload.type.endswith("CronJob") else inputs["spec"]
    return Pods(inputs["metadata"].get("namespace", "default"), dict(spec["template"]["metadata"].get("labels") or {}))
