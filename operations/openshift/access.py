"""Verdicts on accounts, roles and their bindings, constraints, and the project itself."""

from __future__ import annotations

from operations.openshift.export import Export, Item
from operations.openshift.limits import USER_ID
from operations.openshift.part import Part
from operations.openshift.privileges import SCC_ROLE, grants_rights
from operations.openshift.verdict import Judgement, few

PLATFORM_ACCOUNTS = {
    "default": "every namespace has it; each service here runs under an account of its own",
    "builder": "OpenShift made it for builds",
    "deployer": "OpenShift made it for rollouts of DeploymentConfigs",
    "pipeline": "OpenShift made it for its pipelines",
}
PLATFORM_ROLES = ("system:image-puller", "system:image-pusher", "system:image-builder", "system:deployer")
PLATFORM_BINDINGS = ("system:image-pullers", "system:image-builders", "system:deployers")
OAUTH = "serviceaccounts.openshift.io/oauth-redirect"
NO_TOKEN = "pods here have no Kubernetes token"  # noqa: S105 (a sentence)
BY_SETTINGS = "use the database or the cache for locks, addresses by name, and the pipeline for changes"


def judge_account(export: Export, item: Item) -> Judgement:
    """The verdict on a ServiceAccount."""
    judgement = Judgement(item.label)
    if item.name in PLATFORM_ACCOUNTS:
        judgement.ignored(PLATFORM_ACCOUNTS[item.name])
        return judgement
    clients = [name for name in item.annotations if name.startswith(OAUTH)]
    if clients:
        for name in clients:
            item.annotation(name)
        kinds = ", ".join(name.removeprefix("serviceaccounts.openshift.io/") for name in clients)
        judgement.impossible(
            f"it is an OAuth client of OpenShift ({kinds}), which is not there any more",
            "another login, see its Deployment",
        )
        return judgement
    bindings = export.bindings_of.get((item.namespace, item.name), [])
    roles = [Part(binding.value).text("roleRef", "name") for binding in bindings]
    if roles and all(role.startswith(SCC_ROLE) for role in roles):
        judgement.ignored(
            f"it exists for the SCC only ({', '.join(binding.label for binding in bindings)}); each service here "
            "has an account of its own"
        )
        return judgement
    users = export.users_of.get((item.namespace, "ServiceAccount", item.name), [])
    names = few(user.label for user in users)
    services = few(f"services.{export.name_of(user)}" for user in users) or f"services.{item.name}"
    judgement.target = f"service account of {services} with Pod Identity"
    judgement.changed(f"the account is made new, one for each service{f' ({names})' if names else ''}")
    pulls = [secret.text("name") for secret in item.parts("imagePullSecrets")]
    if pulls:
        judgement.changed(f"without its pull secrets ({', '.join(pulls)}): images come from ECR by the node's role")
    secrets = [secret.text("name") for secret in item.parts("secrets")]
    if secrets:
        judgement.changed(f"without its tokens and secrets ({', '.join(secrets)})")
    if item.has("automountServiceAccountToken"):
        judgement.carried(f"automountServiceAccountToken {item.text('automountServiceAccountToken')}; {NO_TOKEN}")
    return judgement


def judge_role(_export: Export, item: Item) -> Judgement:
    """The verdict on a Role or ClusterRole: rights on the Kubernetes API, which pods do not have."""
    judgement = Judgement(item.label)
    rights = sorted(
        {
            (
                f"{'/'.join(rule.texts('verbs'))} {'/'.join(rule.texts('resources'))} of "
                f"{'/'.join(group or 'core' for group in rule.texts('apiGroups'))}"
            )
            for rule in item.parts("rules")
        }
    )
    for rule in item.parts("rules"):
        rule.has("resourceNames")
    shown = "; ".join(rights) or "nothing"
    elects = "leader" in item.name or any("leases" in right for right in rights)
    what = (
        "the application elects a leader through the Kubernetes API"
        if elects
        else "it lets pods use the Kubernetes API"
    )
    judgement.target = "none; elect in the database or in the cache" if elects else "none"
    judgement.impossible(f"{what} ({shown}), and {NO_TOKEN}", BY_SETTINGS)
    return judgement


def judge_binding(export: Export, item: Item) -> Judgement:
    """The verdict on a RoleBinding or ClusterRoleBinding, old or new."""
    judgement = Judgement(item.label)
    role = item.text("roleRef", "name")
    subjects = [
        (subject.text("kind"), subject.text("name"), subject.text("namespace")) for subject in item.parts("subjects")
    ]
    if role in PLATFORM_ROLES or item.name in PLATFORM_BINDINGS:
        judgement.ignored("OpenShift made it for its own registry, builds or rollouts")
        return judgement
    accounts = [
        f"{name}{f' of {where}' if where else ''}"
        for kind, name, where in subjects
        if kind == "ServiceAccount" and not where.startswith("openshift")
    ]
    people = [
        f"{kind.lower()} {name}"
        for kind, name, _ in subjects
        if kind in ("Group", "User") and not name.startswith("system:serviceaccount")
    ]
    platform = [
        f"{name} of {where}"
        for kind, name, where in subjects
        if kind == "ServiceAccount" and where.startswith("openshift")
    ]
    everybody = [
        name for kind, name, _ in subjects if kind in ("Group", "User") and name.startswith("system:serviceaccount")
    ]
    if role.startswith(SCC_ROLE):
        constraint = role.removeprefix(SCC_ROLE)
        who = ", ".join((*accounts, *people, *everybody)) or "nobody"
        if grants_rights(constraint):
            judgement.impossible(
                (
                    f"it lets pods of account {who} run with the SCC {constraint}, and the namespace admits "
                    "restricted pods only"
                ),
                f"images that run as any user in group 0 (here {USER_ID})",
            )
        else:
            judgement.ignored(f"the SCC {constraint} asks for what the namespace here asks for ({who})")
        return judgement
    if people:
        judgement.target = "clusterAdminRoleArns"
        judgement.ask(
            f"{', '.join(people)} may {role} this project: which IAM role have these people?",
            (
                "name it in clusterAdminRoleArns, if they administer the cluster",
                "none, they read logs and figures in CloudWatch",
            ),
            "they have no way in",
        )
    if accounts or everybody:
        found = export.find(item.text("roleRef", "kind") or "Role", item.namespace, role)
        judgement.impossible(
            (
                f"it lets {', '.join((*accounts, *everybody))} use the Kubernetes API "
                f"({found.label if found else f'role {role}'}), and {NO_TOKEN}"
            ),
            BY_SETTINGS,
        )
    if platform and not people and not accounts and not everybody:
        judgement.ignored(f"OpenShift's own {', '.join(platform)} may {role} here")
    if not subjects:
        judgement.ignored(f"it gives {role} to nobody")
    return judgement


def judge_constraint(_export: Export, item: Item) -> Judgement:
    """The verdict on a SecurityContextConstraints."""
    judgement = Judgement(item.label)
    asked = [
        name
        for name in (
            "allowPrivilegedContainer",
            "allowHostNetwork",
            "allowHostPID",
            "allowHostIPC",
            "allowHostPorts",
            "allowHostDirVolumePlugin",
        )
        if item.flag(name)
    ]
    user = item.text("runAsUser", "type")
    if user == "RunAsAny":
        asked.append("runAsUser RunAsAny (also root)")
    asked += [f"capability {name}" for name in item.texts("allowedCapabilities")]
    who = [*item.texts("users"), *item.texts("groups")]
    item.get("runAsUser")
    own = [
        name
        for name in who
        if name.startswith("system:serviceaccount:") and not name.startswith("system:serviceaccount:openshift")
    ]
    if asked:
        judgement.impossible(
            (
                f"it allows {', '.join(asked)} to {', '.join(own) or 'whoever is bound to it'}, and the namespace "
                "admits restricted pods only"
            ),
            f"images that run as any user in group 0 (here {USER_ID})",
        )
    else:
        judgement.changed(
            f"the namespace's pod security `restricted` takes its place (user {user or 'by the project'} becomes "
            f"{USER_ID}; {', '.join(own) or 'nobody by name'})"
        )
    return judgement


def judge_namespace(_export: Export, item: Item) -> Judgement:
    """The verdict on a Namespace or Project."""
    judgement = Judgement(item.label, "the namespace of the product, pod security `restricted`")
    if item.name.startswith(("openshift-", "kube-")) or item.name in ("openshift", "default"):
        judgement.ignored("the cluster's own")
        return judgement
    annotations = item.part("metadata", "annotations")
    range_ = annotations.text("openshift.io/sa.scc.uid-range")
    judgement.changed(
        f"the product makes its own namespace; the user range {range_.partition('/')[0] or 'of the project'} has "
        f"no counterpart, pods run as user {USER_ID} in group 0"
    )
    if annotations.text("openshift.io/sa.scc.mcs"):
        judgement.changed("its SELinux labels have no counterpart")
    if annotations.text("openshift.io/sa.scc.supplemental-groups"):
        judgement.changed("its range of groups has none either")
    if selector := annotations.text("openshift.io/node-selector"):
        judgement.changed(f"the node selector {selector} has none, all nodes are alike")
    for name in annotations.value:
        if name in ("openshift.io/requester", "openshift.io/display-name", "openshift.io/description"):
            annotations.has(name)
            judgement.changed(f"{name.partition('/')[2]} is not kept")
    return judgement
