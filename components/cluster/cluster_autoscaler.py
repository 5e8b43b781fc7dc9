"""More nodes when pods find no room, fewer when they idle.

Creates the Kubernetes Cluster Autoscaler and the one AWS role that may change the node group's size. Why this and no
other: a managed node group does not scale by itself, and scaling its Auto Scaling group by CPU knows nothing of pods
that wait. Karpenter would start nodes from a template of its own inside the cluster, out of sight of the policies; this
one only moves the size of a group whose launch template, agent and disk encryption are this stack's.

Trust boundary: it may change the size of groups that EKS has tagged as this cluster's, and no others.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes

from ..foundations.placement import Placement
from ..foundations.pod_identity import PodIdentity

NAMESPACE = "kube-system"
NAME = "cluster-autoscaler"
LABELS = {"app.kubernetes.io/name": NAME}
METRICS_PORT = 8085
IMAGES = {
    "1.35": "registry.k8s.io/autoscaling/cluster-autoscaler:v1.35.0"
    "@sha256:2fc9433dd3b47baef0e68d6b1110b770a3c93db10c7bead4c5bc6cb21c72b875",
    "1.36": "registry.k8s.io/autoscaling/cluster-autoscaler:v1.36.0"
    "@sha256:dc5d62770338c2902f31b01f95c9fc8c456fd88baa5364ca154d6e47069ec885",
}
"""By Kubernetes version, which the autoscaler must match: it carries that version's scheduler inside."""
READ = ("get", "list", "watch")
CLUSTER_RULES: tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...] = (
    ("", ("nodes",), (*READ, "update", "patch")),
    ("", ("pods/eviction",), ("create",)),
    ("", ("pods/status",), ("update",)),
    ("", ("events", "endpoints"), ("create", "patch")),
    ("", ("namespaces", "pods", "replicationcontrollers", "services"), READ),
    ("", ("persistentvolumeclaims", "persistentvolumes"), READ),
    ("apps", ("daemonsets", "replicasets", "statefulsets"), READ),
    ("batch", ("jobs", "cronjobs"), READ),
    ("policy", ("poddisruptionbudgets",), READ),
    ("resource.k8s.io", ("deviceclasses", "resourceclaims", "resourceslices"), READ),
    ("storage.k8s.io", ("csidrivers", "csinodes", "csistoragecapacities", "storageclasses", "volumeattachments"), READ),
    ("coordination.k8s.io", ("leases",), ("create",)),
)  # fmt: skip
"""What it reads to simulate scheduling, and the little that it changes: API group, resources, verbs."""
OWN_RULES: tuple[tuple[str, tuple[str, ...], tuple[str, ...], tuple[str, ...]], ...] = (
    ("", ("configmaps",), ("create", *READ), ()),
    ("", ("configmaps",), ("delete", "get", "update"), ("cluster-autoscaler-status",)),
    ("coordination.k8s.io", ("leases",), ("get", "update"), (NAME,)),
)
"""In its own namespace: API group, resources, verbs, names."""


@dataclass(frozen=True, kw_only=True)
class ClusterAutoscalerArgs:
    """Inputs of `ClusterAutoscaler`."""

    placement: Placement
    cluster_name: str
    kubernetes_version: str
    kubernetes_provider: kubernetes.Provider
    nodes: Sequence[pulumi.Resource]
    """The nodes that it runs on."""


class ClusterAutoscaler(pulumi.ComponentResource):
    """The autoscaler's workload and its two sets of permissions, in AWS and in Kubernetes."""

    def __init__(self, name: str, args: ClusterAutoscalerArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("softpos:cluster:ClusterAutoscaler", name, {}, opts)
        self._name = name
        self._args = args
        self._in_cluster = pulumi.ResourceOptions(parent=self, provider=args.kubernetes_provider)
        association = self._identify()
        account = kubernetes.core.v1.ServiceAccount(
            f"{name}-account",
            metadata={"name": NAME, "namespace": NAMESPACE, "labels": LABELS},
            opts=self._in_cluster,
        )
        roles = self._permit()
        self._deploy([association, account, *roles, *args.nodes])
        self.register_outputs({})

    def _identify(self) -> pulumi.Resource:
        placement = self._args.placement
        identity = PodIdentity(placement=placement, cluster_name=self._args.cluster_name)
        role = identity.role(
            f"{self._name}-role",
            namespace=NAMESPACE,
            service_account=NAME,
            does="Change the size of the cluster's node group",
            parent=self,
            policy=json.dumps(self._policy()),
        )
        return identity.associate(
            f"{self._name}-identity",
            role,
            namespace=NAMESPACE,
            service_account=NAME,
            parent=self,
            after=[self._args.kubernetes_provider],
        )

    def _policy(self) -> dict[str, Any]:
        placement = self._args.placement
        owned = {f"aws:ResourceTag/k8s.io/cluster-autoscaler/{self._args.cluster_name}": "owned"}
        return {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Sid": "Look",
                    "Effect": "Allow",
                    "Action": [
                        "autoscaling:DescribeAutoScalingGroups",
                        "autoscaling:DescribeAutoScalingInstances",
                        "autoscaling:DescribeLaunchConfigurations",
                        "autoscaling:DescribeScalingActivities",
                        "ec2:DescribeImages",
                        "ec2:DescribeInstanceTypes",
                        "ec2:DescribeLaunchTemplateVersions",
                        "ec2:GetInstanceTypesFromInstanceRequirements",
                    ],
                    # Descriptions know no resource in Auto Scaling and EC2.
                    "Resource": "*",
                },
                {
                    "Sid": "LookAtNodeGroups",
                    "Effect": "Allow",
                    "Action": "eks:DescribeNodegroup",
                    "Resource": placement.arn("eks", f"nodegroup/{self._args.cluster_name}/*/*"),
                },
                {
                    "Sid": "Resize",
                    "Effect": "Allow",
                    "Action": [
                        "autoscaling:SetDesiredCapacity",
                        "autoscaling:TerminateInstanceInAutoScalingGroup",
                    ],
                    # EKS names the groups itself, so they are known by the tag that EKS gives them.
                    "Resource": placement.arn("autoscaling", "autoScalingGroup:*:autoScalingGroupName/eks-*"),
                    "Condition": {"StringEquals": owned},
                },
            ],
        }

    def _permit(self) -> list[pulumi.Resource]:
        rbac = kubernetes.rbac.v1
        subject = [rbac.SubjectArgs(kind="ServiceAccount", name=NAME, namespace=NAMESPACE)]
        everywhere = rbac.ClusterRole(
            f"{self._name}-cluster-role",
            metadata={"name": NAME, "labels": LABELS},
            rules=[
                rbac.PolicyRuleArgs(api_groups=[group], resources=list(resources), verbs=list(verbs))
                for group, resources, verbs in CLUSTER_RULES
            ],
            opts=self._in_cluster,
        )
        at_home = rbac.Role(
            f"{self._name}-own-role",
            metadata={"name": NAME, "namespace": NAMESPACE, "labels": LABELS},
            rules=[
                rbac.PolicyRuleArgs(
                    api_groups=[group], resources=list(resources), verbs=list(verbs), resource_names=list(names) or None
                )
                for group, resources, verbs, names in OWN_RULES
            ],
            opts=self._in_cluster,
        )
        return [
            everywhere,
            at_home,
            rbac.ClusterRoleBinding(
                f"{self._name}-cluster-binding",
                metadata={"name": NAME, "labels": LABELS},
                role_ref=rbac.RoleRefArgs(api_group="rbac.authorization.k8s.io", kind="ClusterRole", name=NAME),
                subjects=subject,
                opts=self._in_cluster,
            ),
            rbac.RoleBinding(
                f"{self._name}-own-binding",
                metadata={"name": NAME, "namespace": NAMESPACE, "labels": LABELS},
                role_ref=rbac.RoleRefArgs(api_group="rbac.authorization.k8s.io", kind="Role", name=NAME),
                subjects=subject,
                opts=self._in_cluster,
            ),
        ]

    def _deploy(self, after: Sequence[pulumi.Resource]) -> None:
        cluster_name = self._args.cluster_name
        tags = f"k8s.io/cluster-autoscaler/enabled,k8s.io/cluster-autoscaler/{cluster_name}"
        kubernetes.apps.v1.Deployment(
            f"{self._name}-deployment",
            metadata={"name": NAME, "namespace": NAMESPACE, "labels": LABELS},
            spec={
                "replicas": 1,
                "selector": {"match_labels": LABELS},
                "template": {
                    "metadata": {"labels": LABELS},
                    "spec": {
                        "service_account_name": NAME,
                        "priority_class_name": "system-cluster-critical",
                        "security_context": {
                            "run_as_non_root": True,
                            "run_as_user": 65534,
                            "fs_group": 65534,
                            "seccomp_profile": {"type": "RuntimeDefault"},
                        },
                        "containers": [
                            {
                                "name": NAME,
                                "image": IMAGES[self._args.kubernetes_version],
                                "command": [
                                    "./cluster-autoscaler",
                                    "--cloud-provider=aws",
                                    f"--node-group-auto-discovery=asg:tag={tags}",
                                    # Instance types by the list in the image, not from a public address.
                                    "--aws-use-static-instance-list=true",
                                    "--expander=least-waste",
                                    # DNS and metrics run on every node here; they move when their node goes.
                                    "--skip-nodes-with-system-pods=false",
                                    "--skip-nodes-with-local-storage=false",
                                    "--v=2",
                                ],
                                "env": [{"name": "AWS_REGION", "value": self._args.placement.region}],
                                "ports": [{"name": "metrics", "container_port": METRICS_PORT}],
                                "liveness_probe": {
                                    "http_get": {"path": "/health-check", "port": METRICS_PORT},
                                    "period_seconds": 30,
                                },
                                "resources": {
                                    "requests": {"cpu": "100m", "memory": "600Mi"},
                                    "limits": {"memory": "600Mi"},
                                },
                                "security_context": {
                                    "allow_privilege_escalation": False,
                                    "capabilities": {"drop": ["ALL"]},
                                    "read_only_root_filesystem": True,
                                },
                            }
                        ],
                    },
                },
            },
            opts=pulumi.ResourceOptions(parent=self, provider=self._args.kubernetes_provider, depends_on=list(after)),
        )
