"""What may be set of the cluster and of the agent on its nodes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Network
from typing import Annotated, Literal

from ..foundations.declared import Conflict, Declared, ordered
from ..foundations.values import (
    Between,
    ListOf,
    Matching,
    OneOf,
    Optionally,
    PrivateRange,
    administrator_arn,
    moment,
    trusted_range,
)

SERVICE_RANGE = IPv4Network("172.20.0.0/16")


KUBERNETES_VERSIONS = ("1.35", "1.36")
"""In standard support, and known to the tables of add-ons and of the autoscaler's image."""


def nodes_follow_control_plane(settings: ClusterSettings) -> Iterator[Conflict]:
    """EKS upgrades one minor version at a time, and only when the nodes have the control plane's version."""
    if not settings.node_version:
        return
    control_plane, nodes = (int(version.partition(".")[2]) for version in (settings.version, settings.node_version))
    if nodes not in (control_plane, control_plane - 1):
        yield Conflict(
            "node_version",
            "nothing, the version of {other}, or the minor version before it",
            "upgrade the control plane first, then the nodes, one minor version at a time",
            "version",
        )


def release_of_nodes(settings: ClusterSettings) -> Iterator[Conflict]:
    """An AMI release begins with the Kubernetes version that its kubelet has."""
    release, version = settings.node_release_version, settings.node_version or settings.version
    if release and not release.startswith(f"{version}."):
        yield Conflict(
            "node_release_version",
            f"a release for Kubernetes {version}, such as {version}.1-20261105",
            "take the release from EKS's list for this version",
        )


@dataclass(frozen=True, kw_only=True)
class ClusterSettings(Declared):
    RULES = (
        ordered("nodes_min", "nodes_desired"),
        ordered("nodes_desired", "nodes_max"),
        nodes_follow_control_plane,
        release_of_nodes,
    )

    version: Annotated[str, OneOf(KUBERNETES_VERSIONS)] = "1.36"
    service_cidr: Annotated[IPv4Network, PrivateRange(12, 24)] = SERVICE_RANGE
    api_public_cidrs: Annotated[tuple[IPv4Network, ...], ListOf(trusted_range, 0, 40)] = ()
    api_private_cidrs: Annotated[tuple[IPv4Network, ...], ListOf(PrivateRange(16, 32), 0, 20)] = ()
    admin_role_arns: Annotated[tuple[str, ...], ListOf(administrator_arn, 1, 10)]
    node_instance_type: Annotated[str, Matching(r"[a-z0-9-]+\.[a-z0-9]+", "an EC2 instance type such as m7i.large")] = (
        "m7i.large"
    )
    node_version: Annotated[str, Optionally(OneOf(KUBERNETES_VERSIONS))] = ""
    """Kubernetes version of the nodes and add-ons, while an upgrade is under way; empty for the control plane's."""
    node_release_version: Annotated[
        str, Optionally(Matching(r"1\.\d+\.\d+-\d{8}", "an EKS AMI release such as 1.36.1-20261105"))
    ] = ""
    nodes_min: Annotated[int, Between(1, 100, "nodes")] = 3
    nodes_desired: Annotated[int, Between(1, 100, "nodes")] = 3
    nodes_max: Annotated[int, Between(1, 100, "nodes")] = 6

    @property
    def of_nodes(self) -> str:
        """The Kubernetes version of the nodes, such as ``1.36``."""
        return self.node_version or self.version


@dataclass(frozen=True, kw_only=True)
class AgentSettings(Declared):
    product: Literal["cloud-one", "vision-one"] = "cloud-one"
    activation_url: Annotated[str, Matching(r"dsm://[a-z0-9.-]+:443/", "dsm://<host>:443/")] = (
        "dsm://agents.workload.de-1.cloudone.trendmicro.com:443/"
    )
    manager_url: Annotated[str, Matching(r"https://[a-z0-9.-]+(:443)?", "https://<host>[:443]")] = (
        "https://workload.de-1.cloudone.trendmicro.com:443"
    )
    policy_id: Annotated[int, Between(1, 10_000_000, "the policy's number")]
    secret_name: Annotated[str, Matching(r"[\w/+=.@-]{1,512}", "the name of a secret in Secrets Manager")] = (
        "softpos/workload-security"  # noqa: S105 (a name)
    )
    break_glass_until: Annotated[str, Optionally(moment)] = ""
    """While the tenant is down: until this moment a node whose agent does not work joins all the same. Empty else."""
