"""Kubernetes."""

from __future__ import annotations

from tests.policy.cases import FINE, Row

_DEPLOYMENT = "kubernetes.Deployment"
_CRON = "kubernetes.CronJob"
_SERVICE = "kubernetes.Service"
_INGRESS = "kubernetes.Ingress"
_NAMESPACE = "kubernetes.Namespace"

_CONTAINER = {
    "name": "app",
    "image": "registry/softpos@sha256:" + "0" * 64,
    "resources": {"limits": {"memory": "512Mi"}, "requests": {"cpu": "250m"}},
    "securityContext": {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": True,
    },
    "env": [{"name": "DB_PASSWORD", "valueFrom": {"secretKeyRef": {"name": "db", "key": "p"}}}],
}
_POD = {
    "serviceAccountName": "softpos",
    "automountServiceAccountToken": False,
    "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
    "containers": [_CONTAINER],
}

BASELINES = {
    "kubernetes.Pod": {"spec": _POD},
    _DEPLOYMENT: {"spec": {"template": {"spec": _POD}}},
    _CRON: {"spec": {"jobTemplate": {"spec": {"template": {"spec": _POD}}}}},
    _NAMESPACE: {"metadata": {"name": "softpos", "labels": {"pod-security.kubernetes.io/enforce": "restricted"}}},
    _SERVICE: {"spec": {"type": "NodePort"}},
    _INGRESS: {"spec": {"tls": [{"hosts": ["pay.example.com"]}]}},
    "kubernetes.Role": {"rules": [{"verbs": ["get"], "resources": ["configmaps"]}]},
    "kubernetes.RoleBinding": {"roleRef": {"name": "reader"}, "subjects": [{"kind": "Group", "name": "support"}]},
    "kubernetes.Secret": {"metadata": {"name": "empty"}},
}

_P = "spec.template.spec"
_C = f"{_P}.containers[0]"
_LABEL = "metadata.labels.pod-security~kubernetes~io/enforce"

ROWS = [
    *(
        Row("kubernetes-no-host-namespaces", _DEPLOYMENT, f"{_P}.{name}", True, absent=FINE)
        for name in ("hostNetwork", "hostPID", "hostIPC")
    ),
    Row(
        "kubernetes-no-host-namespaces",
        _DEPLOYMENT,
        f"{_P}.volumes",
        [{"name": "v", "hostPath": {"path": "/"}}],
        absent=FINE,
        property=f"{_P}.volumes[0].hostPath",
    ),
    Row("kubernetes-no-host-namespaces", "kubernetes.Pod", "spec.hostNetwork", True, absent=FINE),
    Row("kubernetes-no-host-namespaces", _CRON, "spec.jobTemplate.spec.template.spec.hostPID", True, absent=FINE),
    Row("kubernetes-no-privileges", _DEPLOYMENT, f"{_C}.securityContext.privileged", True, absent=FINE),
    Row("kubernetes-no-privileges", _DEPLOYMENT, f"{_C}.securityContext.allowPrivilegeEscalation", True),
    Row("kubernetes-no-privileges", _DEPLOYMENT, f"{_C}.securityContext.capabilities.drop", ["NET_RAW"]),
    Row("kubernetes-no-privileges", _DEPLOYMENT, f"{_C}.securityContext.capabilities.add", ["SYS_ADMIN"], absent=FINE),
    Row("kubernetes-runs-as-user", _DEPLOYMENT, f"{_P}.securityContext.runAsNonRoot", False),
    Row("kubernetes-runs-as-user", _DEPLOYMENT, f"{_C}.securityContext.runAsUser", 0, absent=FINE),
    Row("kubernetes-system-calls-filtered", _DEPLOYMENT, f"{_P}.securityContext.seccompProfile.type", "Unconfined"),
    Row("kubernetes-read-only-root", _DEPLOYMENT, f"{_C}.securityContext.readOnlyRootFilesystem", False),
    Row("kubernetes-image-by-digest", _DEPLOYMENT, f"{_C}.image", "softpos:latest"),
    Row("kubernetes-limits", _DEPLOYMENT, f"{_C}.resources.limits.memory", None, unknown=FINE),
    Row("kubernetes-limits", _DEPLOYMENT, f"{_C}.resources.requests.cpu", None, unknown=FINE),
    Row("kubernetes-own-service-account", _DEPLOYMENT, f"{_P}.serviceAccountName", "default", unknown=FINE),
    Row("kubernetes-own-service-account", _DEPLOYMENT, f"{_P}.automountServiceAccountToken", True, absent=FINE),
    Row(
        "kubernetes-no-secret-in-environment",
        _DEPLOYMENT,
        f"{_C}.env[0]",
        {"name": "DB_PASSWORD", "value": "hunter2"},
        absent=FINE,
        unknown=FINE,
        property=f"{_C}.env[0].value",
        also=("any-no-secret-in-plain-text",),
    ),
    Row(
        "kubernetes-namespace-restricted",
        _NAMESPACE,
        _LABEL,
        "baseline",
        property="metadata.labels.pod-security.kubernetes.io/enforce",
    ),
    Row("kubernetes-no-own-load-balancer", _SERVICE, "spec.type", "LoadBalancer", absent=FINE),
    Row("kubernetes-ingress-tls", _INGRESS, "spec.tls", [], unknown=FINE),
    Row(
        "kubernetes-roles-name-rights",
        "kubernetes.Role",
        "rules[0].verbs",
        ["*"],
        absent=FINE,
        property="rules[0].verbs[0]",
    ),
    Row("kubernetes-bindings-name-subjects", "kubernetes.RoleBinding", "roleRef.name", "cluster-admin", absent="skip"),
    Row(
        "kubernetes-bindings-name-subjects",
        "kubernetes.RoleBinding",
        "subjects[0].name",
        "system:anonymous",
        absent="skip",
    ),
    Row(
        "kubernetes-no-plain-secret",
        "kubernetes.Secret",
        "stringData",
        {"k": "v"},
        absent=FINE,
        unknown=FINE,
        property="stringData.k",
    ),
]
