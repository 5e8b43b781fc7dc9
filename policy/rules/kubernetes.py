"""Kubernetes: what pods may do, who may do what, and who may talk to whom."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from ..reading import Breach, Findings, Property, Unjudged
from ..rule import CRITICAL, HIGH, LOW, MEDIUM, Resource, StackFindings, rule
from ..sensitive import holds_a_secret_by_name
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
_BINDINGS: Final = ("kubernetes.RoleBinding", "kubernetes.ClusterRoleBinding")
_SYSTEM_NAMESPACES: Final = ("kube-system", "kube-public", "kube-node-lease", "amazon-cloudwatch", "amazon-guardduty")
_DIGEST: Final = re.compile(r"@sha256:[0-9a-f]{64}$")
_HARDENING: Final = "2.2.1 2.2.6"


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
        for finding in _either(pod, container, "seccompProfile")["type"].must_be("RuntimeDefault", "Localhost")
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
    "Pods run under a service account of their own, and get its token only when they need it",
    on=_WORKLOADS,
    requirements="7.2.1 7.2.2 7.2.5 8.2.7",
    severity=MEDIUM,
    remedy="set serviceAccountName to an account of the application and automountServiceAccountToken to false",
)
def own_service_account(workload: Resource) -> Findings:
    pod = _pod(workload)
    account = pod["serviceAccountName"].must_be_given("a service account of its own", other_than="default")
    return account + pod["automountServiceAccountToken"].must_be(False)


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
        if holds_a_secret_by_name(str(variable["name"].value)) and not _is_reference(variable["value"].value)
        for finding in variable["value"].must_not_be_given("a reference to a secret")
    ]


def _is_reference(value: object) -> bool:
    return isinstance(value, str) and value.startswith(("arn:", "/", "$("))


@rule(
    "kubernetes-namespace-restricted",
    "Namespaces admit pods of the restricted standard only",
    on="kubernetes.Namespace",
    requirements=_HARDENING,
    severity=HIGH,
    remedy="set the label pod-security.kubernetes.io/enforce to restricted",
)
def namespace_restricted(namespace: Resource) -> Findings:
    if namespace["metadata"]["name"].text in _SYSTEM_NAMESPACES:
        return []
    return namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"].must_be("restricted")


@rule(
    "kubernetes-default-deny",
    "Every namespace denies all traffic that no policy allows",
    requirements="1.3.1 1.3.2 1.2.6",
    severity=HIGH,
    remedy="add a NetworkPolicy with an empty podSelector, policyTypes Ingress and Egress and no rules",
)
def default_deny(stack: Stack) -> StackFindings:
    denied: set[str | None] = set()
    unknown = False
    for policy in stack.of("kubernetes.NetworkPolicy"):
        unknown = unknown or policy["spec"].unknown
        if _denies_everything(policy["spec"]):
            place = policy["metadata"]["namespace"]
            denied |= {place.text, *(space.urn for space in stack.targets(policy, place, "kubernetes.Namespace"))}
    wanted = "a NetworkPolicy that denies by default"
    missing = Unjudged("", wanted) if unknown else Breach("", "without a policy that denies by default", wanted)
    return [
        (namespace, missing)
        for namespace in stack.of("kubernetes.Namespace")
        if namespace["metadata"]["name"].text not in (*_SYSTEM_NAMESPACES, *denied) and namespace.urn not in denied
    ]


def _denies_everything(spec: Property) -> bool:
    types = spec["policyTypes"].value
    selector = spec["podSelector"]
    selects_all = selector.value in (None, {}) or (
        selector["matchLabels"].value in (None, {}) and selector["matchExpressions"].absent
    )
    both = isinstance(types, list) and {"Ingress", "Egress"} <= {kind for kind in types if isinstance(kind, str)}
    return both and selects_all and spec["ingress"].absent and spec["egress"].absent


@rule(
    "kubernetes-no-own-load-balancer",
    "Services come in by the load balancer with the firewall, not by one of their own",
    on="kubernetes.Service",
    requirements="1.3.1 6.4.2 1.2.5",
    severity=HIGH,
    remedy="set type to ClusterIP or NodePort and register the target with the application load balancer",
)
def no_own_load_balancer(service: Resource) -> Findings:
    # Kubernetes default: ClusterIP.
    findings = service["spec"]["type"].must_not_be("LoadBalancer", wanted="ClusterIP or NodePort", default="ClusterIP")
    return findings + service["spec"]["externalIPs"].must_not_be_given("no external addresses")


@rule(
    "kubernetes-ingress-tls",
    "Ingresses speak TLS",
    on="kubernetes.Ingress",
    requirements="4.2.1 2.2.7",
    severity=HIGH,
    remedy="set spec.tls, or the certificate and a listener of HTTPS only in the annotations",
)
def ingress_tls(ingress: Resource) -> Findings:
    annotations = ingress["metadata"]["annotations"]
    ports = annotations["alb.ingress.kubernetes.io/listen-ports"]
    if not annotations["alb.ingress.kubernetes.io/certificate-arn"].absent and not ports.absent:
        return ports.must(lambda text: '"HTTP"' not in str(text), "HTTPS only")
    return ingress["spec"]["tls"].must_be_given("TLS")


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
        for name in ("verbs", "resources")
        for item in entry[name]
        for finding in item.must_not_be("*", wanted=f"named {name}")
    ]


@rule(
    "kubernetes-bindings-name-subjects",
    "No role is bound to everyone, and the administrator's to nobody",
    on=_BINDINGS,
    requirements="7.2.1 7.2.2 8.2.1",
    severity=CRITICAL,
    remedy="bind a narrower role to a named group",
)
def bindings_name_subjects(binding: Resource) -> Findings:
    findings = binding["roleRef"]["name"].must_not_be("cluster-admin", wanted="a narrower role")
    for subject in binding["subjects"]:
        findings += subject["name"].must_not_be(
            "system:anonymous", "system:unauthenticated", "system:authenticated", wanted="a named group"
        )
    return findings


@rule(
    "kubernetes-no-plain-secret",
    "Secrets live in Secrets Manager, not in the program",
    on="kubernetes.Secret",
    requirements="8.6.2 8.3.2",
    severity=MEDIUM,
    remedy="mount the secret from Secrets Manager",
)
def no_plain_secret(secret: Resource) -> Findings:
    return [
        finding
        for name in ("stringData", "data")
        for finding in secret[name].must_not_be_given("no secret in the program")
    ]
