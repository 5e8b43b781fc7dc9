"""Resources, type tokens and URNs, as the engine would give them."""

from __future__ import annotations

from typing import Any

_KUBERNETES_GROUPS = {
    "DaemonSet": "apps/v1",
    "Deployment": "apps/v1",
    "ReplicaSet": "apps/v1",
    "StatefulSet": "apps/v1",
    "CronJob": "batch/v1",
    "Job": "batch/v1",
    "Ingress": "networking.k8s.io/v1",
    "NetworkPolicy": "networking.k8s.io/v1",
    "ClusterRole": "rbac.authorization.k8s.io/v1",
    "ClusterRoleBinding": "rbac.authorization.k8s.io/v1",
    "Role": "rbac.authorization.k8s.io/v1",
    "RoleBinding": "rbac.authorization.k8s.io/v1",
}


def token(kind: str) -> str:
    """`aws.rds.Cluster` is `aws:rds/cluster:Cluster`, `kubernetes.Pod` is `kubernetes:core/v1:Pod`."""
    package, *rest = kind.split(".")
    if package == "kubernetes":
        return f"kubernetes:{_KUBERNETES_GROUPS.get(rest[0], 'core/v1')}:{rest[0]}"
    module, name = rest
    return f"{package}:{module}/{name[0].lower()}{name[1:]}:{name}"


def urn(resource_type: str, name: str, stack: str = "prod") -> str:
    return f"urn:pulumi:{stack}::project::{resource_type}::{name}"


Properties = dict[str, Any]
