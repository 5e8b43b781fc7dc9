"""How a workload is replaced and how it ends: strategy, hooks, pause, grace period; names and places of its pods."""

from __future__ import annotations

import re

from operations.openshift.limits import GRACE_SECONDS
from operations.openshift.part import Part
from operations.openshift.workload import Workload, running

DRAIN_EXTRA = 20
"""Seconds of the grace period that are not for finishing requests."""
PLACEMENT = (
    "nodeSelector",
    "affinity",
    "tolerations",
    "topologySpreadConstraints",
    "priorityClassName",
    "runtimeClassName",
    "schedulerName",
    "nodeName",
)
HOOKS = {
    "pre": ("before a rollout", "a one-off job of the settings (`before`), or a step of the pipeline"),
    "mid": (
        "between old and new pods, a moment that does not exist here, as every rollout keeps all pods",
        "a one-off job before the rollout",
    ),
    "post": ("after a rollout", "a step of the pipeline after the deployment"),
}


def judge_rollout(workload: Workload) -> None:
    """Strategy and hooks of Deployments and DeploymentConfigs."""
    judgement, item = workload.judgement, workload.item
    if item.kind == "DeploymentConfig":
        judgement.changed("a DeploymentConfig becomes a Deployment")
    _judge_strategy(workload)
    _judge_pause(workload)
    if item.flag("spec", "test"):
        judgement.ask(
            "it runs in rollouts only (test): does it move?",
            ("no", "yes, as a one-off job"),
            "it does not run all the time",
        )
    if item.kind == "DeploymentConfig":
        for trigger in item.parts("spec", "triggers"):
            if trigger.text("type") == "ConfigChange":
                judgement.changed("a change of the settings is deployed by the pipeline (trigger ConfigChange)")
    for field in ("minReadySeconds", "progressDeadlineSeconds"):
        if (found := item.number("spec", field)) is not None:
            judgement.changed(f"{field} {found} is not set here")
    _judge_selector(workload)


def _judge_strategy(workload: Workload) -> None:
    judgement, item = workload.judgement, workload.item
    strategy = item.part("spec", "strategy")
    type_ = strategy.text("type")
    if type_ == "Custom":
        judgement.impossible(
            "its rollout is a program of its own (strategy Custom)",
            "a rolling update here, and the program's work in the pipeline",
        )
    elif type_ == "Recreate":
        judgement.ask(
            (
                "old and new must not run at the same time (strategy Recreate), and here they overlap in a rollout: "
                "why must they not?"
            ),
            (
                "they may, it was chosen without a reason",
                "the schema changes: make it compatible in both directions, with a one-off job before",
                "it must be alone: a lock in the database",
            ),
            "they overlap",
        )
    elif type_ in ("Rolling", "RollingUpdate"):
        judgement.carried(f"strategy {type_}")
    elif type_:
        judgement.ask(
            f"its strategy {type_} is unknown: what does it do?", ("a rolling update is right",), "a rolling update"
        )
    for name in ("rollingParams", "rollingUpdate", "recreateParams", "customParams"):
        _judge_parameters(workload, strategy.part(name))
    for name in ("labels", "annotations", "resources", "activeDeadlineSeconds"):
        if strategy.value.get(name):
            strategy.get(name)
            judgement.changed(f"{name} of its deployer pod have no counterpart")


def _judge_pause(workload: Workload) -> None:
    """A paused configuration is not what runs."""
    judgement, item = workload.judgement, workload.item
    if item.flag("spec", "paused"):
        runs = running(workload.export, item)
        newest = runs.label if runs else "its newest ReplicaSet or ReplicationController, not in this export,"
        judgement.ask(
            (f"it is paused, so its template is not what runs; {newest} says what runs: which one moves?"),
            ("what runs", "what the template says"),
            f"the image that {runs.label} runs" if runs else "what its template says",
        )


def _judge_selector(workload: Workload) -> None:
    """A selector that its own template does not fit selects nothing; none was ever needed here."""
    item, judgement = workload.item, workload.judgement
    selector = item.mapping("spec", "selector", "matchLabels") or (
        item.mapping("spec", "selector") if item.kind in ("DeploymentConfig", "ReplicationController") else {}
    )
    labels = item.template.mapping("metadata", "labels")
    if selector and not selector.items() <= labels.items():
        judgement.ask(
            f"its selector ({_pairs(selector)}) does not fit its pods' labels: is the export whole?",
            ("export it again",),
            "the settings need no selector",
        )
    elif labels:
        judgement.changed(f"its pods' labels ({_pairs(labels)}) are replaced by the product's own")
    if selector:
        judgement.changed(f"its selector ({_pairs(selector)}) is replaced, too")


def _pairs(labels: dict[str, str]) -> str:
    return ", ".join(f"{key}={value}" for key, value in labels.items())


def _judge_parameters(workload: Workload, parameters: Part) -> None:
    judgement = workload.judgement
    if not parameters.value:
        return
    for hook, (when, instead) in HOOKS.items():
        found = parameters.part(hook)
        if not found.value:
            continue
        failure = found.text("failurePolicy")
        what = "tags an image" if found.has("tagImages") else "runs a command in a pod"
        parameters.get(hook)
        judgement.ask(
            f"a hook ({hook}) {what} {when}{f' (on failure: {failure})' if failure else ''}: what takes its place?",
            (instead, "nothing, it is not needed"),
            "it does not run",
        )
    surge = [f"{name} {parameters.text(name)}" for name in ("maxSurge", "maxUnavailable") if parameters.text(name)]
    if parameters.text("maxUnavailable") in ("0", "0%") and parameters.text("maxSurge") in ("1", "25%"):
        judgement.carried(f"a rollout keeps every pod ({', '.join(surge)}), as here")
    elif surge:
        judgement.changed(f"a rollout keeps every pod ({', '.join(surge)} become maxUnavailable 0, maxSurge 25%)")
    for name in ("timeoutSeconds", "intervalSeconds", "updatePeriodSeconds"):
        if (number := parameters.number(name)) is not None:
            judgement.changed(f"{name} {number} of the rollout is fixed here")


def judge_end(workload: Workload) -> None:
    """The grace period and the hook before the end."""
    judgement, pod, main = workload.judgement, workload.pod, workload.main
    grace = pod.number("terminationGracePeriodSeconds")
    waits = _stop_seconds(main)
    if main.has("lifecycle", "preStop"):
        main.get("lifecycle", "preStop")
        judgement.changed(
            f"its hook before the end (preStop{f', {waits} seconds' if waits else ''}) is replaced by a pause of "
            "15 seconds and SIGTERM"
        )
    if workload.is_job:
        if grace is not None:
            judgement.changed(f"its grace period of {grace} seconds is fixed here")
        return
    if max(grace or 0, waits) > GRACE_SECONDS:
        asked = max(waits, (grace or 0) - DRAIN_EXTRA)
        workload.settings["drain_seconds"] = asked
        judgement.changed(
            f"it takes {waits or grace} seconds to drain (grace period {grace or 30}) and a pod here gets "
            f"{GRACE_SECONDS} by default: `drain_seconds` {asked}"
        )
    elif grace is not None:
        judgement.changed(f"its grace period of {grace} seconds becomes {GRACE_SECONDS}")


def _stop_seconds(main: Part) -> int:
    """The longest number of seconds in a preStop hook."""
    sleep = main.number("lifecycle", "preStop", "sleep", "seconds") or 0
    words = " ".join(main.texts("lifecycle", "preStop", "exec", "command"))
    return max((sleep, *map(int, re.findall(r"(?<![\w.])(\d{1,4})(?![\w.])", words))))


def judge_place(workload: Workload) -> None:
    """Names, networks and nodes that the pod chooses itself, and annotations that others act on."""
    judgement, pod = workload.judgement, workload.pod
    _judge_names(workload)
    for field in PLACEMENT:
        if pod.value.get(field) and (field, pod.value[field]) != ("schedulerName", "default-scheduler"):
            pod.get(field)
            shown = ", ".join(f"{key}={value}" for key, value in pod.mapping(field).items() if value) or pod.text(field)
            judgement.changed(
                f"{field}{f' {shown}' if shown else ''} has no counterpart, all nodes are alike and pods are "
                "spread over hosts and zones"
            )
    for field in ("hostname", "subdomain"):
        if found := pod.text(field):
            judgement.ask(
                f"its pods have the {field} {found}: who calls them by it?",
                ("nobody", "callers, which take the service's name"),
                "the service's name is the only one",
            )
    for field in (
        "restartPolicy",
        "enableServiceLinks",
        "activeDeadlineSeconds",
        "hostUsers",
        "readinessGates",
        "overhead",
    ):
        if field in pod.value and not workload.is_job and (field, pod.value[field]) != ("restartPolicy", "Always"):
            pod.get(field)
            judgement.changed(f"{field} has no counterpart")
    _judge_annotations(workload)


def _judge_names(workload: Workload) -> None:
    """Name look-ups that go round the cluster's DNS."""
    judgement, pod = workload.judgement, workload.pod
    servers, policy = pod.texts("dnsConfig", "nameservers"), pod.text("dnsPolicy")
    if servers or policy == "None":
        judgement.ask(
            (
                f"it resolves names by {', '.join(servers) or 'no server'} (dnsPolicy {policy or 'ClusterFirst'}), "
                "and pods here use the cluster's DNS: which names does only that server know?"
            ),
            ("none", "names of the data centre, which Route 53 Resolver must forward over the VPN"),
            "the cluster's DNS answers",
        )
    elif policy not in ("", "ClusterFirst"):
        judgement.changed(f"dnsPolicy {policy} becomes ClusterFirst")
    for field in ("searches", "options"):
        if pod.has("dnsConfig", field):
            judgement.changed(f"its DNS {field} have no counterpart, use whole names")
    for alias in pod.parts("hostAliases"):
        judgement.ask(
            f"it pins {', '.join(alias.texts('hostnames'))} to {alias.text('ip')} (hostAliases): why?",
            ("no reason, DNS is right", "the partner has a private address: a private zone of Route 53"),
            "DNS answers",
        )


ACTED_ON = (
    (
        re.compile(r"vault\.hashicorp\.com/agent-inject$"),
        "a Vault agent is injected that writes secrets into files: what takes its place?",
        "Secrets Manager, read by the application",
    ),
    (
        re.compile(r"sidecar\.istio\.io/inject$"),
        "a service mesh is injected, which encrypts, routes and limits calls: what of it is needed?",
        "TLS of the pods themselves and `callers`",
    ),
    (
        re.compile(r"linkerd\.io/inject$"),
        "a service mesh is injected, which encrypts, routes and limits calls: what of it is needed?",
        "TLS of the pods themselves and `callers`",
    ),
    (
        re.compile(r"(dapr\.io/enabled|instrumentation\.opentelemetry\.io/inject.*|.*/inject(-[a-z-]+)?)$"),
        "something is injected into its pods: what of it is needed?",
        "a part of the image",
    ),
)
MORE_NETWORKS = "k8s.v1.cni.cncf.io/networks"


def _judge_annotations(workload: Workload) -> None:
    """Annotations of the workload and of its pods; a controller that acts on one is not there any more."""
    judgement = workload.judgement
    places = [workload.item.part("metadata", "annotations")]
    if workload.item.kind != "Pod":
        places.append(workload.item.template.part("metadata", "annotations"))
    for marks in places:
        for name in marks.value:
            if name == MORE_NETWORKS and marks.has(name):
                judgement.impossible(
                    "its pods have a second network (Multus)", "one network; what lies there is reached over the VPN"
                )
            acts = next((row for row in ACTED_ON if row[0].search(name)), None)
            if acts and marks.text(name) not in ("false", "disabled", "no"):
                judgement.ask(f"{acts[1]} ({name})", (acts[2], "nothing"), "it is not injected")
