"""Kubernetes: what pods may do."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from ..reading import Breach, Findings, Property
from ..rule import CRITICAL, HIGH, LOW, MEDIUM, Resource, StackFindings, rule
from ..sensitive import secret_by_name
from ..stack import Stack

_TEMPLATED: Final = (
    "kubernetes.DaemonSet",
    "kubernetes.Deployment",
    "kubernetes.Job",
    "kubernetes.ReplicaSet",
    "kubernetes.ReplicationController",
    "kubernetes.StatefulSet",
)
_WORKLOADS: Final = ("kubernetes.Pod", "kubernetes.CronJob", *_TEMPLATED)
_DIGEST: Final = re.compile(r"@sha256:[0-9a-f]{64}$")
_HARDENING: Final = "2.2.1 2.2.6"
_DEEPEST: Final = 12  # levels of a custom resource or of a chart's values


def _pod(workload: Resource) -> Property:
    """The pod's specification, wherever the kind of workload keeps it."""
    spec = workload["spec"]
    if workload.kind == "kubernetes.CronJob":
        spec = spec["jobTemplate"]["spec"]
    return spec if workload.kind == "kubernetes.Pod" else spec["template"]["spec"]


def _containers(pod: Property) -> Iterator[Property]:
    for name in ("containers", "initContainers", "ephemeralContainers"):
        yield from pod[name]


def _either(pod: Property, container: Property, name: str) -> Property:
    """A setting of the container's security context, or else of the pod's."""
    own = container["securityContext"][name]
    return pod["securityContext"][name] if own.absent else own


@rule(
    "kubernetes-no-host-namespaces",
    "Pods share no namespace, port or path with their node",
    on=_WORKLOADS,
    requirements=_HARDENING,
    severity=CRITICAL,
    remedy="remove hostNetwork, hostPID, hostIPC, hostPort and volumes of type hostPath",
)
def no_host_namespaces(workload: Resource) -> Findings:
    pod = _pod(workload)
    findings = [f for name in ("hostNetwork", "hostPID", "hostIPC") for f in pod[name].must_be(False, default=False)]
    findings += [f for volume in pod["volumes"] for f in volume["hostPath"].must_not_be_given("no path of the node")]
    for container in _containers(pod):
        for port in container["ports"]:
            findings += port["hostPort"].must_not_be_given("no port of the node")
    return findings


@rule(
    "kubernetes-no-privileges",
    "Containers have no privileges and cannot gain any",
    on=_WORKLOADS,
    requirements="7.2.1 7.2.2 2.2.6",
    severity=CRITICAL,
    remedy="set privileged and allowPrivilegeEscalation to false and drop ALL capabilities",
)
def no_privileges(workload: Resource) -> Findings:
    findings: Findings = []
    for container in _containers(_pod(workload)):
        context = container["securityContext"]
        findings += context["privileged"].must_be(False, default=False)
        findings += context["allowPrivilegeEscalation"].must_be(False)
        findings += context["capabilities"]["drop"].must_include("ALL")
        added = context["capabilities"]["add"]
        if not added.absent:
            findings += added.must_only_include("NET_BIND_SERVICE")
        label = _either(_pod(workload), container, "seLinuxOptions")["type"]
        findings += label.must_not_be("spc_t", wanted="no label of a privileged container", default="container_t")
        findings += context["procMount"].must_be("Default", default="Default")  # Kubernetes' default
        findings += context["windowsOptions"]["hostProcess"].must_be(False, default=False)
    return findings


@rule(
    "kubernetes-runs-as-user",
    "Containers do not run as root",
    on=_WORKLOADS,
    requirements="7.2.1 7.2.2 2.2.6",
    severity=HIGH,
    remedy="set runAsNonRoot to true",
)
def runs_as_user(workload: Resource) -> Findings:
    pod = _pod(workload)
    findings: Findings = []
    if workload.partial:  # a patch may set the user of the pod alone
        user = pod["securityContext"]["runAsUser"]
        findings += user.must_not_be(0, wanted="a user other than root", default=1)
    for container in _containers(pod):
        findings += _either(pod, container, "runAsNonRoot").must_be(True)
        findings += _either(pod, container, "runAsUser").must_not_be(0, wanted="a user other than root", default=1)
    return findings


@rule(
    "kubernetes-system-calls-filtered",
    "Containers run under the runtime's system call filter",
    on=_WORKLOADS,
    requirements=_HARDENING,
    severity=MEDIUM,
    remedy="set seccompProfile.type to RuntimeDefault",
)
def system_calls_filtered(workload: Resource) -> Findings:
    pod = _pod(workload)
    return [
        finding
        for container in _containers(pod)
        for finding in (
            *_either(pod, container, "seccompProfile")["type"].must_be("RuntimeDefault", "Localhost"),
            *_either(pod, container, "appArmorProfile")["type"].must_not_be(
                "Unconfined", wanted="RuntimeDefault", default="RuntimeDefault"
            ),
        )
    ]


@rule(
    "kubernetes-read-only-root",
    "Containers cannot change their own files",
    on=_WORKLOADS,
    requirements="11.5.2 2.2.6",
    severity=MEDIUM,
    remedy="set readOnlyRootFilesystem to true and mount emptyDir volumes where files are written",
)
def read_only_root(workload: Resource) -> Findings:
    return [
        finding
        for container in _containers(_pod(workload))
        for finding in container["securityContext"]["readOnlyRootFilesystem"].must_be(True)
    ]


@rule(
    "kubernetes-image-by-digest",
    "Images are named by digest, so that what was scanned is what runs",
    on=_WORKLOADS,
    requirements="6.5.1 11.5.2",
    severity=HIGH,
    remedy="name the image as repository@sha256:digest",
)
def image_by_digest(workload: Resource) -> Findings:
    return [
        finding
        for container in _containers(_pod(workload))
        for finding in container["image"].must(lambda name: _DIGEST.search(str(name)) is not None, "an image by digest")
    ]


@rule(
    "kubernetes-limits",
    "Containers have a limit of memory and ask for the processor time that they need",
    on=_WORKLOADS,
    requirements=_HARDENING,
    severity=LOW,
    remedy="set resources.limits.memory and resources.requests.cpu",
)
def limits(workload: Resource) -> Findings:
    findings: Findings = []
    for container in _containers(_pod(workload)):
        findings += container["resources"]["limits"]["memory"].must_be_given("a limit")
        findings += container["resources"]["requests"]["cpu"].must_be_given("a request")
    return findings


@rule(
    "kubernetes-own-service-account",
    "Pods run under a service account of their own, and do not take its token unasked",
    on=_WORKLOADS,
    requirements="7.2.1 7.2.2 7.2.5",
    severity=MEDIUM,
    remedy="set serviceAccountName to an account of the application and automountServiceAccountToken to false",
)
def own_service_account(workload: Resource) -> Findings:
    pod = _pod(workload)
    account = pod["serviceAccountName"].must_be_given("a service account of its own", other_than="default")
    # Not set, the service account decides: kubernetes-token-when-needed judges both together.
    return account + pod["automountServiceAccountToken"].must_be(False, default=False)


@rule(
    "kubernetes-token-when-needed",
    "Pods get no token of the Kubernetes API, by their own word or by that of their service account",
    about=_WORKLOADS,
    requirements="7.2.1 7.2.2 7.2.5",
    severity=MEDIUM,
    remedy="set automountServiceAccountToken to false at the pod or at its ServiceAccount",
)
def token_when_needed(stack: Stack) -> StackFindings:
    without = {
        (account["metadata"]["namespace"].text or "default", account["metadata"]["name"].text)
        for account in stack.of("kubernetes.ServiceAccount")
        if account["automountServiceAccountToken"].value is False
    }
    names = {name for _, name in without}
    findings: StackFindings = []
    for workload in stack.of(*_WORKLOADS):
        pod = _pod(workload)
        token = pod["automountServiceAccountToken"]
        account = pod["serviceAccountName"]
        namespace = workload["metadata"]["namespace"]
        off = account.text in names if namespace.unknown else (namespace.text or "default", account.text) in without
        if not token.absent or off or pod.unknown:
            continue
        if account.unknown:
            findings += [(workload, finding) for finding in token.unjudged("false")]
        else:
            findings.append((workload, Breach(token.path, "not set, neither here nor at its ServiceAccount", "false")))
    return findings


@rule(
    "kubernetes-no-secret-in-environment",
    "No environment variable holds a secret in the manifest",
    on=_WORKLOADS,
    requirements="8.6.2 8.3.2",
    severity=HIGH,
    remedy="mount the secret from Secrets Manager, or refer to it by valueFrom",
)
def no_secret_in_environment(workload: Resource) -> Findings:
    return [
        finding
        for container in _containers(_pod(workload))
        for variable in container["env"]
        if secret_by_name(str(variable["name"].value), variable["value"].text or "")
        for finding in variable["value"].must_not_be_given("a reference to a secret")
    ]


@rule(
    "kubernetes-no-hidden-privileges",
    "Custom resources, charts and lists give pods no privileges either",
    on="kubernetes.*",
    requirements="7.2.1 7.2.2 2.2.6",
    severity=CRITICAL,
    remedy="take the setting out of the template or the values",
)
def no_hidden_privileges(holder: Resource) -> Findings:
    if holder.kind in _WORKLOADS:
        return []  # judged by the rules above, setting by setting
    findings: Findings = []
    _search("", holder.value, findings, 0)
    return findings


_PRIVILEGES: Final = {
    "privileged": (True, "true"),
    "hostNetwork": (True, "true"),
    "hostPID": (True, "true"),
    "hostIPC": (True, "true"),
    "allowPrivilegeEscalation": (True, "true"),
    "hostProcess": (True, "true"),
    "procMount": ("Unmasked",),
    "runAsNonRoot": (False, "false"),
    "runAsUser": (0, "0"),
}
_HARMLESS_CAPABILITIES: Final = ("NET_BIND_SERVICE", "CAP_NET_BIND_SERVICE")
_NOT_OF_PODS: Final = ("kubernetes.CustomResourceDefinition", "kubernetes.PodSecurityPolicy")


def _search(path: str, value: Any, findings: Findings, depth: int) -> None:
    if depth > _DEEPEST:
        return
    if isinstance(value, list):
        for index, item in enumerate(value):
            _search(f"{path}[{index}]", item, findings, depth + 1)
        return
    if not isinstance(value, dict):
        return
    for key, item in value.items():
        place = f"{path}.{key}" if path else key
        if key in _PRIVILEGES and not isinstance(item, (dict, list)) and item in _PRIVILEGES[key]:
            findings += Property(place, item).breach("no privilege on the node")
        elif key == "capabilities" and isinstance(item, dict) and _added(item):
            findings += Property(f"{place}.add", _added(item)).breach("no capability but NET_BIND_SERVICE")
        elif key == "seccompProfile" and isinstance(item, dict) and item.get("type") == "Unconfined":
            findings += Property(f"{place}.type", "Unconfined").breach("the runtime's system call filter")
        elif key == "hostPath" and isinstance(item, dict) and item.get("path"):
            findings += Property(place, item).breach("no path of the node", "set")
        else:
            _search(place, item, findings, depth + 1)


def _added(capabilities: dict[str, Any]) -> list[Any]:
    added = capabilities.get("add")
    return [name for name in added if name not in _HARMLESS_CAPABILITIES] if isinstance(added, list) else []
