"""EKS: the control plane, node groups and add-ons."""

from __future__ import annotations

from typing import Final

from ..network import covers_the_world, networks
from ..reading import Findings
from ..rule import HIGH, Resource, rule

_LOG_TYPES: Final = ("api", "audit", "authenticator", "controllerManager", "scheduler")


@rule(
    "eks-endpoint-not-open",
    "The Kubernetes API is private, or open to named ranges only",
    on="aws.eks.Cluster",
    requirements="1.4.4 1.3.1",
    controls="EKS.1 EKS_ENDPOINT_NO_PUBLIC_ACCESS",
    severity=HIGH,
    remedy="set vpcConfig.endpointPublicAccess to false, or name the ranges in vpcConfig.publicAccessCidrs",
)
def endpoint_not_open(cluster: Resource) -> Findings:
    access = cluster["vpcConfig"]
    ranges = [cidr for cidr in access["publicAccessCidrs"] if not cidr.absent]
    named = bool(ranges) and not any(cidr.unknown for cidr in ranges) and not covers_the_world(networks(ranges))
    if named:
        return []
    unknown = [finding for cidr in ranges if cidr.unknown for finding in cidr.unjudged("a named range")]
    if unknown and not covers_the_world(networks(ranges)):
        return unknown if access["endpointPublicAccess"].must_be(False, default=True) else []
    # AWS default: true, for 0.0.0.0/0.
    return access["endpointPublicAccess"].must_be(False, default=True)


@rule(
    "eks-control-plane-logs",
    "The control plane writes all its logs",
    on="aws.eks.Cluster",
    requirements="10.2.1 10.2.1.2 10.2.2",
    controls="EKS.8 EKS_CLUSTER_LOGGING_ENABLED",
    severity=HIGH,
    remedy=f"list {', '.join(_LOG_TYPES)} in enabledClusterLogTypes",
)
def control_plane_logs(cluster: Resource) -> Findings:
    return cluster["enabledClusterLogTypes"].must_include(*_LOG_TYPES)
