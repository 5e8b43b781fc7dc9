"""The verdict on every object of an export, the settings that result, and what is found about the whole."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from operations.openshift.access import judge_account, judge_binding, judge_constraint, judge_namespace, judge_role
from operations.openshift.addressing import judge_endpoints, judge_ingress, judge_service
from operations.openshift.configuration import judge_config_map
from operations.openshift.delivery import judge_build, judge_build_config, judge_stream, judge_template
from operations.openshift.export import Export, Item
from operations.openshift.jobs import judge_cron_job, judge_job
from operations.openshift.networking import judge_egress_address, judge_egress_policy, judge_network_policy
from operations.openshift.project import findings
from operations.openshift.quotas import judge_disruption, judge_quota, judge_range, judge_scaler
from operations.openshift.routes import Entry, edge_settings, judge_route
from operations.openshift.schema import schema_problem
from operations.openshift.secrets import judge_secret
from operations.openshift.storage import judge_claim, judge_volume
from operations.openshift.verdict import OPEN, Judgement, Verdict
from operations.openshift.workload import Workload
from operations.openshift.workloads import judge_workload

Groups = tuple[str, ...]
APPS: Groups = ("apps", "extensions")
CORE: Groups = ("", "v1")
POD_RULES: dict[str, tuple[Groups, Callable[[Export, Item], tuple[Judgement, Workload | None]]]] = {
    "Deployment": (APPS, judge_workload),
    "DeploymentConfig": (("apps.openshift.io", ""), judge_workload),
    "StatefulSet": (APPS, judge_workload),
    "DaemonSet": (APPS, judge_workload),
    "ReplicaSet": (APPS, judge_workload),
    "ReplicationController": (CORE, judge_workload),
    "Pod": (CORE, judge_workload),
    "CronJob": (("batch",), judge_cron_job),
    "Job": (("batch",), judge_job),
}
RBAC: Groups = ("rbac.authorization.k8s.io", "authorization.openshift.io", "")
RULES: dict[str, tuple[Groups, Callable[[Export, Item], Judgement]]] = {
    "Service": (CORE, judge_service),
    "Endpoints": (CORE, judge_endpoints),
    "EndpointSlice": (("discovery.k8s.io",), judge_endpoints),
    "Ingress": (("networking.k8s.io", "extensions"), judge_ingress),
    "ConfigMap": (CORE, judge_config_map),
    "Secret": (CORE, judge_secret),
    "ServiceAccount": (CORE, judge_account),
    "Role": (RBAC, judge_role),
    "ClusterRole": (RBAC, judge_role),
    "RoleBinding": (RBAC, judge_binding),
    "ClusterRoleBinding": (RBAC, judge_binding),
    "SecurityContextConstraints": (("security.openshift.io", ""), judge_constraint),
    "Namespace": (CORE, judge_namespace),
    "Project": (("project.openshift.io", ""), judge_namespace),
    "NetworkPolicy": (("networking.k8s.io", "extensions"), judge_network_policy),
    "EgressNetworkPolicy": (("network.openshift.io", ""), judge_egress_policy),
    "EgressFirewall": (("k8s.ovn.org",), judge_egress_policy),
    "EgressIP": (("k8s.ovn.org",), judge_egress_address),
    "NetNamespace": (("network.openshift.io", ""), judge_egress_address),
    "PersistentVolumeClaim": (CORE, judge_claim),
    "PersistentVolume": (CORE, judge_volume),
    "ImageStream": (("image.openshift.io", ""), judge_stream),
    "BuildConfig": (("build.openshift.io", ""), judge_build_config),
    "Build": (("build.openshift.io", ""), judge_build),
    "Template": (("template.openshift.io", ""), judge_template),
    "HorizontalPodAutoscaler": (("autoscaling", "extensions"), judge_scaler),
    "PodDisruptionBudget": (("policy",), judge_disruption),
    "LimitRange": (CORE, judge_range),
    "ResourceQuota": (CORE, judge_quota),
    "ClusterResourceQuota": (("quota.openshift.io", ""), judge_quota),
    "AppliedClusterResourceQuota": (("quota.openshift.io", ""), judge_quota),
}
ROUTE_GROUPS: Groups = ("route.openshift.io", "")


@dataclass
class Review:
    """What was found."""

    judgements: list[Judgement] = field(default_factory=list)
    workloads: list[Workload] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    settings: dict[str, dict[str, Any]] = field(default_factory=dict)
    """By service, and ``edge`` for the load balancer."""
    project: list[str] = field(default_factory=list)

    @property
    def open(self) -> list[Judgement]:
        """What a person still has to decide or to change."""
        return [judgement for judgement in self.judgements if judgement.verdict in OPEN]

    def document(self) -> dict[str, Any]:
        """The result as JSON."""
        return {
            "objects": [judgement.document() for judgement in self.judgements],
            "project": self.project,
            "settings": self.settings,
        }


def review_export(export: Export, say: Callable[[int], None] = lambda _: None) -> Review:
    """Judge every object of an export; `say` hears how many are judged so far."""
    review = Review()
    for number, item in enumerate(export.items, 1):
        judgement = _judge(export, item, review)
        judgement.namespace = item.namespace
        if judgement.verdict is not Verdict.IGNORED:
            judgement.left = item.unread()
        review.judgements.append(judgement)
        say(number)
    _settle(export, review)
    review.project = findings(export, review.entries, review.workloads)
    return review


def _judge(export: Export, item: Item, review: Review) -> Judgement:
    if problem := schema_problem(item):
        judgement = Judgement(item.label)
        judgement.ask(
            f"it does not follow Kubernetes' schema at {problem}: is the export whole?",
            ("correct it or export it again",),
            "it is not read",
        )
        item.get("spec"), item.get("data"), item.get("metadata")
        return judgement
    if item.kind in POD_RULES and item.group in POD_RULES[item.kind][0]:
        judgement, workload = POD_RULES[item.kind][1](export, item)
        if workload:
            review.workloads.append(workload)
        return judgement
    if item.kind == "Route" and item.group in ROUTE_GROUPS:
        judgement, entry = judge_route(export, item)
        review.entries.append(entry)
        return judgement
    if item.kind in RULES and item.group in RULES[item.kind][0]:
        return RULES[item.kind][1](export, item)
    return _judge_by_table(item)


@cache
def _table() -> dict[str, list[dict[str, str]]]:
    table: dict[str, list[dict[str, str]]] = {}
    with (Path(__file__).parent / "kinds.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            table.setdefault(row["kind"], []).append(row)
    return table


def _judge_by_table(item: Item) -> Judgement:
    """Kinds of which one sentence says everything, and kinds that nobody here knows."""
    judgement = Judgement(item.label)
    rows = [row for row in _table().get(item.kind, ()) if not row["group"] or row["group"] in item.group]
    owner = f"; {item.owner[0]} {item.owner[1]} makes it" if item.owner else ""
    if not rows:
        judgement.ask(
            (
                f"its kind {item.kind} ({item.value.get('apiVersion') or 'no group'}) is unknown here{owner}: what "
                "does it do for the application?"
            ),
            ("an operator's work, for which AWS has a service", "nothing that is needed"),
            "it stays behind",
        )
        return judgement
    row = rows[0]
    judgement.target = row["target"]
    verdict = Verdict(row["verdict"])
    if verdict is Verdict.IGNORED:
        judgement.ignored(f"{row['says']}{owner}")
    elif verdict is Verdict.IMPOSSIBLE:
        judgement.impossible(f"{row['says']}{owner}", row["instead"])
    else:
        judgement.ask(
            f"{row['says'].removesuffix('?')}{owner}", (row["instead"], "it is not needed"), "it stays behind"
        )
    return judgement


def _settle(export: Export, review: Review) -> None:
    """Put the settings of all workloads together: services with callers and paths, and the load balancer's."""
    names: dict[str, Workload] = {}
    for workload in review.workloads:
        if not workload.settings or (workload.judgement.verdict is Verdict.IMPOSSIBLE and not workload.settings):
            continue
        other = names.get(workload.name)
        if other is None or ("or none" in other.judgement.target and "or none" not in workload.judgement.target):
            names[workload.name] = workload
        elif "or none" not in workload.judgement.target:
            workload.judgement.ask(
                (
                    f"{other.item.label} of {other.item.namespace or 'no project'} has the same name "
                    f"{workload.name}: which one is the service?"
                ),
                ("rename one of them in the settings", "one of them does not move"),
                f"the settings hold {other.item.label}",
            )
    review.settings = {name: workload.settings for name, workload in names.items()}
    for callee, callers in export.callers.items():
        review.settings.setdefault(callee, {}).setdefault("callers", []).extend(callers)
    for workload in names.values():
        for callee in sorted(workload.calls):
            callers = review.settings.setdefault(callee, {}).setdefault("callers", [])
            if workload.name not in callers:
                callers.append(workload.name)
    _publish(review)
    if edge := edge_settings(review.entries):
        review.settings["edge"] = edge


def _publish(review: Review) -> None:
    """Give each service the paths of its Routes; two Routes of one host and path are a person's decision."""
    taken: dict[tuple[str, str], Entry] = {}
    judgements = {judgement.object: judgement for judgement in review.judgements}
    for entry in review.entries:
        for path in entry.paths:
            other = taken.setdefault((entry.host, path), entry)
            if other is not entry and entry.host:
                judgements[entry.route.label].ask(
                    f"{other.route.label} has the same host and path ({entry.host}{path}): which of them is served?",
                    ("name one",),
                    f"{other.route.label} is",
                )
                entry.public = False
                break
        if (
            entry.service in review.settings
            and entry.host
            and judgements[entry.route.label].verdict is not Verdict.IMPOSSIBLE
        ):
            paths = review.settings[entry.service].setdefault("paths", [])
            paths.extend(path for path in entry.paths if path not in paths)
