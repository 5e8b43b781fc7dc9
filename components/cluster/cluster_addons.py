"""What runs in every cluster in addition to the application: EKS add-ons, which AWS patches and this stack configures.

A table says what is installed, when, and by which AWS role. Another table says in which version: `addon_versions.csv`.

There is no storage driver: nothing in the cluster may keep data, so no pod can ask for a disk.

Trust boundary: each add-on that calls AWS has its own role by Pod Identity; the nodes' role lends nothing to pods.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import pulumi
import pulumi_aws as aws

from ..foundations.log_storage import LogStorage
from ..foundations.placement import DataClass, Placement
from ..foundations.pod_identity import PodIdentity
from .addon_versions import addon_version

COLLECTOR = "amazon-cloudwatch-observability"
LOG_KINDS = ("application", "dataplane", "host", "performance")
"""What the CloudWatch add-on collects, each in a log group by this name."""


@dataclass(frozen=True)
class Identity:
    """The service account of an add-on that calls AWS, and what it may do."""

    namespace: str
    service_account: str
    does: str
    managed_policies: tuple[str, ...] = ()


@dataclass(frozen=True)
class Addon:
    """One add-on of EKS."""

    name: str
    stage: Literal["before nodes", "with nodes", "on nodes"]
    """``before nodes``: nodes need it to become ready. ``with nodes``: it is installed while the nodes start.
    ``on nodes``: it runs as ordinary pods, so it needs nodes first."""
    identity: Identity | None = None
    configuration: Mapping[str, Any] = field(default_factory=dict)


ADDONS: tuple[Addon, ...] = (
    Addon("eks-pod-identity-agent", "before nodes"),
    Addon(
        "vpc-cni",
        "before nodes",
        Identity("kube-system", "aws-node", "Give pods addresses of the VPC", ("AmazonEKS_CNI_Policy",)),
        # Without it Kubernetes accepts network policies and nobody enforces them.
        {"enableNetworkPolicy": "true"},
    ),
    Addon("kube-proxy", "with nodes"),
    Addon("coredns", "on nodes"),
    Addon("metrics-server", "on nodes"),
    Addon(
        COLLECTOR,
        "on nodes",
        Identity("amazon-cloudwatch", "cloudwatch-agent", "Send logs and metrics of nodes and pods to CloudWatch"),
        {
            "agent": {
                "config": {"logs": {"metrics_collected": {"kubernetes": {"enhanced_container_insights": True}}}},
            },
            "containerLogs": {"enabled": True},
            # Otherwise the add-on adds an instrumentation container to pods, the application's among them.
            "manager": {"applicationSignals": {"autoMonitor": {"monitorAllServices": False}}},
        },
    ),
)


@dataclass(frozen=True, kw_only=True)
class ClusterAddonsArgs:
    """Inputs of `ClusterAddons`."""

    placement: Placement
    logs: LogStorage
    cluster_name: str
    kubernetes_version: str
    """The minor version that the nodes run, such as ``1.36``: the add-ons move with them, after the control plane."""
    cluster: pulumi.Resource
    """The control plane, for the add-ons to wait for: they know it by its plain name only."""


class ClusterAddons(pulumi.ComponentResource):
    """The add-ons of one cluster."""

    nodes_need: list[pulumi.Resource]
    """What must be there before nodes can become ready."""

    def __init__(self, name: str, args: ClusterAddonsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("softpos:cluster:ClusterAddons", name, {}, opts)
        self._name = name
        self._args = args
        self._identity = PodIdentity(placement=args.placement, cluster_name=args.cluster_name)
        self._log_groups = self._create_log_groups()
        self.nodes_need = [self._install(addon, [args.cluster]) for addon in _at("before nodes")]
        for addon in _at("with nodes"):
            self._install(addon, [args.cluster])
        self.register_outputs({})

    def install_on(self, nodes: pulumi.Resource) -> None:
        """Install what runs as ordinary pods, once `nodes` can hold them."""
        for addon in _at("on nodes"):
            self._install(addon, [nodes])

    def _create_log_groups(self) -> list[aws.cloudwatch.LogGroup]:
        """Made here, before the add-on would make them without key and limit."""
        return [
            self._args.logs.group(
                f"{self._name}-{kind}-logs", f"/aws/containerinsights/{self._args.cluster_name}/{kind}", self
            )
            for kind in LOG_KINDS
        ]

    def _install(self, addon: Addon, after: Sequence[pulumi.Resource]) -> aws.eks.Addon:
        name = f"{self._name}-{addon.name}"
        associations, permissions = self._identify(name, addon)
        return aws.eks.Addon(
            name,
            cluster_name=self._args.cluster_name,
            addon_name=addon.name,
            addon_version=addon_version(addon.name, self._args.kubernetes_version, self),
            configuration_values=json.dumps(addon.configuration, sort_keys=True) if addon.configuration else None,
            pod_identity_associations=associations,
            resolve_conflicts_on_create="OVERWRITE",
            # What the stack says holds, also against changes made by hand.
            resolve_conflicts_on_update="OVERWRITE",
            tags=self._args.placement.tags(name),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[*after, *permissions]),
        )

    def _identify(
        self, name: str, addon: Addon
    ) -> tuple[list[aws.eks.AddonPodIdentityAssociationArgs] | None, list[pulumi.Resource]]:
        if addon.identity is None:
            return None, []
        identity = addon.identity
        role = self._identity.role(
            f"{name}-role",
            namespace=identity.namespace,
            service_account=identity.service_account,
            does=identity.does,
            parent=self,
            managed_policies=identity.managed_policies,
            policy=self._collector_policy() if addon.name == COLLECTOR else None,
            data_class=DataClass.OPERATIONS,
        )
        association = aws.eks.AddonPodIdentityAssociationArgs(
            role_arn=role.arn, service_account=identity.service_account
        )
        return [association], [*role.ready, *(self._log_groups if addon.name == COLLECTOR else ())]

    def _collector_policy(self) -> str:
        """Narrower than AWS's own policy for the agent, which may write to every log group of the account."""
        placement = self._args.placement
        groups = [
            placement.arn("logs", f"log-group:/aws/containerinsights/{self._args.cluster_name}/{kind}:*")
            for kind in LOG_KINDS
        ]
        return json.dumps(
            {
                "Version": "2012-10-17",
                "Statement": [
                    {
                        "Sid": "WriteLogs",
                        "Effect": "Allow",
                        "Action": ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"],
                        "Resource": groups,
                    },
                    {
                        "Sid": "PublishMetrics",
                        "Effect": "Allow",
                        "Action": "cloudwatch:PutMetricData",
                        # CloudWatch knows no resource here; the namespace is the limit.
                        "Resource": "*",
                        "Condition": {"StringEquals": {"cloudwatch:namespace": "ContainerInsights"}},
                    },
                    {
                        "Sid": "DescribeNodes",
                        "Effect": "Allow",
                        "Action": ["ec2:DescribeTags", "ec2:DescribeVolumes"],
                        # EC2's descriptions know no resource.
                        "Resource": "*",
                    },
                ],
            }
        )


def _at(stage: str) -> list[Addon]:
    return [addon for addon in ADDONS if addon.stage == stage]
