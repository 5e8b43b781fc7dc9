"""Users, groups, and rights that a pod asks for; what it takes from the node."""

from __future__ import annotations

from operations.openshift.limits import USER_ID
from operations.openshift.part import Part
from operations.openshift.workload import Workload

HOST_NAMESPACES = {"hostNetwork": "network", "hostPID": "processes", "hostIPC": "shared memory"}
SCC_ROLE = "system:openshift:scc:"
NODE_RIGHTS = ("privileged", "anyuid", "hostnetwork", "hostaccess", "hostmount", "node-exporter")
WITHOUT_ROOT = f"rebuild the image for any user in group 0 (here {USER_ID}) and a port above 1024"


def grants_rights(name: str) -> bool:
    """Whether a security context constraint gives more than `restricted` and `nonroot` do."""
    return name.startswith(NODE_RIGHTS) or not name.startswith(("restricted", "nonroot"))


def judge_privileges(workload: Workload) -> None:
    """The pod's and its container's security context, host namespaces, and the account's constraints."""
    judgement, pod = workload.judgement, workload.pod
    for field, what in HOST_NAMESPACES.items():
        if pod.flag(field):
            judgement.impossible(f"it uses the node's {what} ({field})", "the nodes have a host agent of their own")
    contexts = [("the pod", pod.part("securityContext"))]
    contexts += [("the container", workload.main.part("securityContext"))]
    for where, context in contexts:
        _judge_context(workload, where, context)
    for container in pod.parts("containers"):
        for port in container.parts("ports"):
            if port.number("hostPort"):
                judgement.impossible(
                    f"it takes port {port.number('hostPort')} of the node (hostPort)", "the load balancer leads to it"
                )
        if container.value is not workload.main.value and container.flag("securityContext", "privileged"):
            judgement.impossible(f"container {container.text('name')} is privileged", "no pod here may be")
    _judge_constraints(workload)
    if pod.flag("shareProcessNamespace"):
        judgement.ask(
            "its containers see each other's processes: why?", ("drop it, there is one container",), "it is dropped"
        )


def _judge_context(workload: Workload, where: str, context: Part) -> None:
    judgement = workload.judgement
    if context.flag("privileged"):
        judgement.impossible(f"{where} is privileged", "the nodes have a host agent of their own (Workload Security)")
    user = context.number("runAsUser")
    if user == 0:
        judgement.impossible(f"{where} runs as root (runAsUser 0)", WITHOUT_ROOT)
    elif user is not None:
        judgement.changed(f"user {user} becomes {USER_ID} in group 0, so the image must not expect a user of its own")
    for field in ("runAsGroup", "fsGroup", "supplementalGroups"):
        if context.has(field):
            found = context.get(field)
            judgement.changed(f"{field} {found if isinstance(found, int) else 'of the list'} becomes group 0")
    for capability in context.texts("capabilities", "add"):
        judgement.impossible(
            f"{where} asks for the capability {capability}", "every capability is dropped here; change the image"
        )
    _judge_restrictions(workload, where, context)
    if context.has("seLinuxOptions"):
        labels = ", ".join(context.mapping("seLinuxOptions"))
        judgement.changed(f"its SELinux labels ({labels}) have no counterpart")
    if context.has("sysctls"):
        judgement.impossible(f"{where} sets kernel parameters (sysctls)", "leave them to the node")


RESTRICTIONS = (
    ("allowPrivilegeEscalation", "false", "gains no rights, as here", "may no longer gain rights"),
    ("runAsNonRoot", "true", "is not root, as here", "must not be root any more"),
    (
        "seccompProfile.type",
        "RuntimeDefault",
        "has the seccomp profile of here",
        "its seccomp profile becomes RuntimeDefault",
    ),
    ("readOnlyRootFilesystem", "true", "its image is read-only already", "its image becomes read-only"),
)
"""Field, the value that holds here, what is said when it is so already, and when it is not."""


def _judge_restrictions(workload: Workload, where: str, context: Part) -> None:
    """What a pod gives up by itself, and must give up here."""
    judgement = workload.judgement
    for field, wanted, same, other in RESTRICTIONS:
        way = field.split(".")
        if context.has(*way):
            if context.text(*way) == wanted:
                judgement.carried(f"{where}: {same}")
            else:
                judgement.changed(f"{where}: {other} ({field})")
    if dropped := context.texts("capabilities", "drop"):
        judgement.carried(f"drops the capabilities {', '.join(dropped)}, as every pod here drops all")


def _judge_constraints(workload: Workload) -> None:
    """Constraints (SCC) come from an annotation of the admitted pod or from the account's role bindings."""
    judgement, export = workload.judgement, workload.export
    admitted = workload.item.template.text("metadata", "annotations", "openshift.io/scc")
    if admitted and grants_rights(admitted):
        judgement.impossible(f"it was admitted by the constraint {admitted}", WITHOUT_ROOT)
    elif admitted:
        judgement.carried(f"was admitted by the constraint {admitted}, which asks for as much as the namespace here")
    account = workload.pod.text("serviceAccountName") or "default"
    for binding in export.bindings_of.get((workload.item.namespace, account), ()):
        role = Part(binding.value).text("roleRef", "name")
        if role.startswith(SCC_ROLE):
            if grants_rights(role.removeprefix(SCC_ROLE)):
                judgement.impossible(
                    f"its account {account} may use the constraint {role.removeprefix(SCC_ROLE)} ({binding.label})",
                    WITHOUT_ROOT,
                )
        elif workload.item.namespace:
            judgement.ask(
                (
                    f"its account {account} may use the Kubernetes API ({binding.label}), and pods here have no "
                    "token: does it need that?"
                ),
                ("no, drop it", "change it first (a lock in the database or the cache, addresses by name)"),
                "it has no token",
            )
    if workload.pod.text("serviceAccountName"):
        judgement.changed(f"its account {account} becomes one of its own with Pod Identity")
    if workload.pod.flag("automountServiceAccountToken"):
        judgement.changed("it gets no Kubernetes token (automountServiceAccountToken)")
