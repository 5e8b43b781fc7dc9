"""Kubernetes: who may do what, and where secrets are kept."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Final

from ..reading import Findings, Property, SecretText
from ..rule import CRITICAL, HIGH, MEDIUM, Resource, rule

_BINDINGS: Final = ("kubernetes.RoleBinding", "kubernetes.ClusterRoleBinding")
_CLUSTER_ROLE: Final = "kubernetes.ClusterRole"
_EVERYONE: Final = (
    "system:anonymous",
    "system:unauthenticated",
    "system:authenticated",
    "system:serviceaccounts",
    "system:masters",
)
# A group that nobody is in until an emergency, with a name that says so.
_EMERGENCY: Final = ("break-glass", "breakglass", "break_glass", "emergency")
_ESCALATING: Final = ("bind", "escalate", "impersonate")
# Resources that give a way around the role, with the verbs that open it.
_WAYS_AROUND: Final = {
    "secrets": ("get", "list", "watch"),
    "pods/exec": ("create", "get"),
    "pods/attach": ("create", "get"),
    "pods/ephemeralcontainers": ("patch", "update"),
    "pods/portforward": ("create", "get"),
    "securitycontextconstraints": ("use",),
    "nodes/proxy": ("create", "get"),
    "serviceaccounts/token": ("create",),
    "certificatesigningrequests/approval": ("update", "patch"),
}
_LISTING: Final = ("list", "watch")


@rule(
    "kubernetes-roles-name-rights",
    "Roles name the resources and verbs that they are for",
    on=("kubernetes.Role", "kubernetes.ClusterRole"),
    requirements="7.2.1 7.2.2 7.2.5",
    severity=HIGH,
    remedy="name the resources and verbs",
)
def roles_name_rights(role: Resource) -> Findings:
    return [
        finding
        for entry in role["rules"]
        for name in ("verbs", "resources", "nonResourceURLs")
        for item in entry[name]
        for finding in item.must_not_be("*", "*/*", "/*", wanted=f"named {name}")
    ]


@rule(
    "kubernetes-roles-cannot-escalate",
    "Roles give no right to more rights: not to bind, escalate or impersonate, to read secrets or to enter pods",
    on=("kubernetes.Role", _CLUSTER_ROLE),
    requirements="7.2.1 7.2.2 7.2.5 8.6.2",
    severity=HIGH,
    remedy="take the verb out, or name the objects in resourceNames",
)
def roles_cannot_escalate(role: Resource) -> Findings:
    findings: Findings = []
    for entry in role["rules"]:
        if not entry["resourceNames"].absent and "privileged" not in [name.text for name in entry["resourceNames"]]:
            continue
        verbs = [verb.text or "" for verb in entry["verbs"]]
        resources = [resource.text or "" for resource in entry["resources"]]
        findings += _given(entry["verbs"], [verb for verb in verbs if verb in _ESCALATING], "no such verb")
        open_ways = [resource for resource in resources if set(verbs) & set(_verbs(role, resource))]
        findings += _given(entry["resources"], open_ways, f"named objects for {', '.join(verbs)}")
    return findings


def _verbs(role: Resource, resource: str) -> tuple[str, ...]:
    """In one namespace a program may read the secret that it knows by name; listing shows it all of them."""
    if resource == "*":
        return ()  # said by kubernetes-roles-name-rights
    verbs = tuple(verb for way, verbs in _WAYS_AROUND.items() if fnmatchcase(way, resource) for verb in verbs)
    return _LISTING if resource == "secrets" and role.kind != _CLUSTER_ROLE else verbs


def _given(place: Property, found: list[str], wanted: str) -> Findings:
    return place.breach(wanted, ", ".join(found)) if found else []


@rule(
    "kubernetes-bindings-name-subjects",
    "No role is bound to everyone, and the administrator's to nobody but a group for emergencies",
    on=_BINDINGS,
    requirements="7.2.1 7.2.2 8.2.1",
    severity=CRITICAL,
    remedy="bind a narrower role to a named group",
)
def bindings_name_subjects(binding: Resource) -> Findings:
    subjects = list(binding["subjects"])
    findings: Findings = []
    if not subjects or not all(_for_emergencies(subject) for subject in subjects):
        everywhere = ("admin",) if binding.kind == "kubernetes.ClusterRoleBinding" else ()
        findings += binding["roleRef"]["name"].must_not_be("cluster-admin", *everywhere, wanted="a narrower role")
    for subject in subjects:
        findings += subject["name"].must_not_be(*_EVERYONE, wanted="a named group")
        if str(subject["name"].value).startswith("system:serviceaccounts:"):
            findings += subject["name"].breach("a named service account")
        if subject["kind"].value == "ServiceAccount":
            findings += subject["name"].must_not_be("default", wanted="a service account of its own")
    return findings


def _for_emergencies(subject: Property) -> bool:
    name = (subject["name"].text or "").lower()
    return subject["kind"].value in ("Group", "User") and any(word in name for word in _EMERGENCY)


@rule(
    "kubernetes-no-masters",
    "No identity of AWS is mapped to the group system:masters",
    on="kubernetes.ConfigMap",
    requirements="7.2.1 7.2.2 8.2.1",
    severity=CRITICAL,
    remedy="use access entries with a narrower policy",
)
def no_masters(configuration: Resource) -> Findings:
    if configuration["metadata"]["name"].value != "aws-auth":
        return []
    return [
        finding
        for name in ("mapRoles", "mapUsers", "mapAccounts")
        for finding in configuration["data"][name].must(
            lambda text: "system:masters" not in str(text), "without system:masters", default="[]"
        )
    ]


@rule(
    "kubernetes-no-plain-secret",
    "Secrets hold nothing that the program shows in plain text",
    on="kubernetes.Secret",
    requirements="8.6.2 8.3.2",
    severity=MEDIUM,
    remedy="give the value as a Pulumi secret, or mount it from Secrets Manager",
)
def no_plain_secret(secret: Resource) -> Findings:
    return [
        finding
        for name in ("stringData", "data")
        for key in (secret[name].value if isinstance(secret[name].value, dict) else {})
        for value in [Property(f"{name}.{key}", secret[name].value[key])]
        if isinstance(value.value, str) and not isinstance(value.value, SecretText) and value.value
        if not _is_public(key)
        for finding in value.breach("a Pulumi secret", "plain text")
    ]


def _is_public(key: str) -> bool:
    return key in ("ca.crt", "tls.crt", "namespace", "username")


@rule(
    "kubernetes-storage-encrypted",
    "Storage classes and node classes make encrypted volumes",
    on=("kubernetes.StorageClass", "kubernetes.karpenter.k8s.aws.EC2NodeClass"),
    requirements="3.5.1 3.5.1.2",
    severity=HIGH,
    remedy='set the parameter encrypted to "true" and kmsKeyId to a customer-managed key',
)
def storage_encrypted(storage: Resource) -> Findings:
    if storage.kind != "kubernetes.StorageClass":
        return [
            finding
            for disk in storage["spec"]["blockDeviceMappings"]
            for finding in disk["ebs"]["encrypted"].must_be(True)
        ]
    if storage["provisioner"].value not in ("ebs.csi.aws.com", "ebs.csi.eks.amazonaws.com", "kubernetes.io/aws-ebs"):
        return []
    return storage["parameters"]["encrypted"].must_be(True)


@rule(
    "kubernetes-nodes-imdsv2",
    "Nodes that Karpenter makes answer to session tokens only (IMDSv2)",
    on="kubernetes.karpenter.k8s.aws.EC2NodeClass",
    requirements="2.2.6",
    severity=HIGH,
    remedy="set spec.metadataOptions.httpTokens to required",
)
def nodes_imdsv2(nodes: Resource) -> Findings:
    return nodes["spec"]["metadataOptions"]["httpTokens"].must_be("required", default="required")  # Karpenter's default
