"""Who may talk to whom around the cluster: the security groups of the control plane and of the nodes, as one table.

Trust boundary: nothing outside the VPC and the named private ranges reaches a node or the private API endpoint. Between
pods, Kubernetes network policies decide; a security group cannot see pods. EKS puts a group of its own on the control
plane beside this one; no node is in it, so it opens nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network
from typing import Literal

import pulumi
import pulumi_aws as aws

from ..foundations.placement import Placement
from ..foundations.subnet_plan import Tier, plan_subnets

Group = Literal["control-plane", "nodes"]
Peer = Literal["control-plane", "nodes", "bastion", "administrators", "data-tier", "anywhere"]
KUBELET_PORT = 10250
METRICS_SERVER_PORT = 10251
"""Where the EKS add-on of metrics-server listens, so that it does not meet the kubelet."""
WEBHOOK_PORT = 9443
"""Where the admission webhook of the CloudWatch add-on listens."""


@dataclass(frozen=True)
class Opening:
    """One allowed kind of traffic of `group`; `peer` is where it comes from (ingress) or goes to (egress)."""

    name: str
    group: Group
    direction: Literal["ingress", "egress"]
    peer: Peer
    from_port: int
    to_port: int
    reason: str
    protocol: Literal["tcp", "udp"] = "tcp"


def _between(name: str, source: Group, target: Group, ports: tuple[int, int], reason: str) -> tuple[Opening, Opening]:
    """The two halves of one conversation: out of the source's group and into the target's."""
    return (
        Opening(f"to-{target}-{name}", source, "egress", target, *ports, reason),
        Opening(f"from-{source}-{name}", target, "ingress", source, *ports, reason),
    )


OPENINGS: tuple[Opening, ...] = (
    *_between("api", "nodes", "control-plane", (443, 443), "Kubelets and pods call the Kubernetes API"),
    *_between("kubelet", "control-plane", "nodes", (KUBELET_PORT,) * 2, "Logs, exec and probes by the kubelet"),
    *_between("metrics", "control-plane", "nodes", (METRICS_SERVER_PORT,) * 2, "The metrics API that scaling reads"),
    *_between("webhook", "control-plane", "nodes", (WEBHOOK_PORT,) * 2, "Admission webhooks of the CloudWatch add-on"),
    *_between("pods", "nodes", "nodes", (1025, 65535), "Pods on different nodes; network policies decide between them"),
    *_between("dns", "nodes", "nodes", (53, 53), "Pods ask the DNS of the cluster over TCP"),
    Opening("to-nodes-dns-udp", "nodes", "egress", "nodes", 53, 53, "Pods ask the DNS of the cluster", "udp"),
    Opening("from-nodes-dns-udp", "nodes", "ingress", "nodes", 53, 53, "Pods ask the DNS of the cluster", "udp"),
    Opening("from-bastion-api", "control-plane", "ingress", "bastion", 443, 443, "Administrators use kubectl there"),
    Opening(
        "from-administrators", "control-plane", "ingress", "administrators", 443, 443, "Runners behind the VPN"
    ),
    Opening("from-bastion-ssh", "nodes", "ingress", "bastion", 22, 22, "Administrators log in, from the bastion only"),
    Opening("to-data-tier-mysql", "nodes", "egress", "data-tier", 3306, 3306, "Pods query the payment database"),
    Opening("to-data-tier-redis", "nodes", "egress", "data-tier", 6379, 6379, "Pods use the session cache"),
    Opening(
        "to-anywhere-https", "nodes", "egress", "anywhere", 443, 443,
        "AWS, image registries and the Trend Micro tenant, which publish no fixed addresses",
    ),
)  # fmt: skip
"""Every rule of both groups. The load balancer's way to the nodes belongs to the load balancer's component. DNS of the
VPC, time and instance metadata need no rule: AWS does not filter them."""


@dataclass(frozen=True, kw_only=True)
class ClusterFirewallArgs:
    """Inputs of `ClusterFirewall`."""

    placement: Placement
    vpc_id: pulumi.Input[str]
    vpc_cidr: IPv4Network
    bastion_security_group_id: pulumi.Input[str]
    administrator_cidrs: Sequence[IPv4Network]
    """Private ranges behind the VPN that may reach the Kubernetes API."""


class ClusterFirewall(pulumi.ComponentResource):
    """The two security groups and their rules."""

    control_plane: aws.ec2.SecurityGroup
    nodes: aws.ec2.SecurityGroup
    rules: list[pulumi.Resource]
    """Every rule, for nodes to wait for: a node that starts without them cannot join."""

    def __init__(self, name: str, args: ClusterFirewallArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("softpos:cluster:ClusterFirewall", name, {}, opts)
        self._name = name
        self._args = args
        self.control_plane = self._create_group("control-plane", "API servers of the cluster, as the VPC sees them")
        self.nodes = self._create_group("nodes", "Nodes of the cluster and the pods on them")
        self.rules = [
            self._create_rule(opening, suffix, target)
            for opening in OPENINGS
            for suffix, target in self._targets(opening.peer).items()
        ]
        self.register_outputs({"controlPlane": self.control_plane.id, "nodes": self.nodes.id})

    def _create_group(self, role: Group, description: str) -> aws.ec2.SecurityGroup:
        name = f"{self._name}-{role}"
        return aws.ec2.SecurityGroup(
            name,
            description=description,
            vpc_id=self._args.vpc_id,
            tags=self._args.placement.tags(name),
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _targets(self, peer: Peer) -> Mapping[str, Mapping[str, pulumi.Input[str]]]:
        """The rule arguments that name a peer, by suffix of the rule's name: one rule a range."""

        def ranges(cidrs: Sequence[IPv4Network]) -> dict[str, dict[str, pulumi.Input[str]]]:
            return {f"-{cidr}".replace("/", "-"): {"cidr_ipv4": str(cidr)} for cidr in cidrs}

        match peer:
            case "control-plane":
                return {"": {"referenced_security_group_id": self.control_plane.id}}
            case "nodes":
                return {"": {"referenced_security_group_id": self.nodes.id}}
            case "bastion":
                return {"": {"referenced_security_group_id": self._args.bastion_security_group_id}}
            case "administrators":
                return ranges(self._args.administrator_cidrs)
            case "data-tier":
                return ranges(plan_subnets(self._args.vpc_cidr).of(Tier.DATA))
            case "anywhere":
                return {"": {"cidr_ipv4": "0.0.0.0/0"}}

    def _create_rule(
        self, opening: Opening, suffix: str, target: Mapping[str, pulumi.Input[str]]
    ) -> aws.vpc.SecurityGroupIngressRule | aws.vpc.SecurityGroupEgressRule:
        rule = aws.vpc.SecurityGroupIngressRule if opening.direction == "ingress" else aws.vpc.SecurityGroupEgressRule
        name = f"{self._name}-{opening.group}-{opening.name}{suffix}"
        group = self.control_plane if opening.group == "control-plane" else self.nodes
        return rule(
            name,
            security_group_id=group.id,
            description=opening.reason,
            ip_protocol=opening.protocol,
            from_port=opening.from_port,
            to_port=opening.to_port,
            tags=self._args.placement.tags(name),
            opts=pulumi.ResourceOptions(parent=self),
            **target,
        )
