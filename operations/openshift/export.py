"""An export as a whole: its objects, and who belongs to whom.

Look-ups are by index, so that the work grows with the export and not with its square.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from operations.openshift.part import Part
from operations.openshift.reading import Objects

WORKLOADS = (
    "Deployment",
    "DeploymentConfig",
    "StatefulSet",
    "DaemonSet",
    "CronJob",
    "Job",
    "ReplicationController",
    "ReplicaSet",
)
POD_TEMPLATES = {"CronJob": ("spec", "jobTemplate", "spec", "template"), "Pod": ()}
MOST_SERVICES = 20
"""Services of one workload that say how it is called; each Service has its own verdict anyway."""
APPLICATION_LABELS = ("app", "app.kubernetes.io/name", "name", "component", "deploymentconfig", "deployment")


class Item(Part):
    """One object of the export."""

    def __init__(self, raw: dict[str, Any]) -> None:
        super().__init__(raw)
        self.kind: str = raw["kind"]
        version = str(raw.get("apiVersion") or "")
        self.group = version.rpartition("/")[0]
        metadata = raw.get("metadata") if isinstance(raw.get("metadata"), dict) else {}
        self.name = str(metadata.get("name") or metadata.get("generateName") or "unnamed")  # type: ignore[union-attr]
        self.label = f"{self.kind}/{self.name}"  # as the result names it
        self.namespace = str(metadata.get("namespace") or "")  # type: ignore[union-attr]

    @cached_property
    def annotations(self) -> dict[str, str]:
        """Its annotations, none of them counted as read."""
        return Part(self.value).mapping("metadata", "annotations")

    @cached_property
    def labels(self) -> dict[str, str]:
        """Its labels, none of them counted as read."""
        return Part(self.value).mapping("metadata", "labels")

    def annotation(self, name: str) -> str:
        """One annotation, which counts as read."""
        return self.text("metadata", "annotations", name)

    @cached_property
    def owner(self) -> tuple[str, str] | None:
        """Kind and name of its controller."""
        owners = self.part("metadata").parts("ownerReferences")
        owners.sort(key=lambda owner: not owner.flag("controller"))
        return (owners[0].text("kind"), owners[0].text("name")) if owners else None

    @property
    def template(self) -> Part:
        """The pod template of a workload, or the pod itself."""
        return self.part(*POD_TEMPLATES.get(self.kind, ("spec", "template")))

    @cached_property
    def pod_labels(self) -> dict[str, str]:
        """Labels of the pods that it makes."""
        return Part(self.template.value).mapping("metadata", "labels")


@dataclass
class Export:
    """All objects, and the indexes over them."""

    objects: Objects
    items: list[Item] = field(default_factory=list)
    twice: list[str] = field(default_factory=list)
    """Objects that the files hold in two different states; the later one counts."""

    def __post_init__(self) -> None:
        found: dict[tuple[str, str, str, str], Item] = {}
        for raw in self.objects.found:
            item = Item(raw)
            key = (item.kind, item.group, item.namespace, item.name)
            if key in found and found[key].value != item.value:
                self.twice.append(item.label)
            found[key] = item
        self.items = list(found.values())
        self._selected: dict[tuple[str, frozenset[tuple[str, str]]], list[Item]] = {}
        self._named = {(item.kind, item.namespace, item.name): item for item in self.items}
        self._by_kind: dict[str, list[Item]] = defaultdict(list)
        self._by_label: dict[tuple[str, str, str], list[Item]] = defaultdict(list)
        for item in self.items:
            self._by_kind[item.kind].append(item)
            if item.kind in WORKLOADS and not (
                item.kind in ("ReplicaSet", "ReplicationController", "Job") and item.owner
            ):
                for key_value in item.pod_labels.items():
                    self._by_label[(item.namespace, *key_value)].append(item)

    @property
    def secret_values(self) -> set[str]:
        return self.objects.secret_values

    def of(self, *kinds: str) -> list[Item]:
        """All objects of these kinds."""
        return [item for kind in kinds for item in self._by_kind.get(kind, ())]

    def find(self, kind: str, namespace: str, name: str) -> Item | None:
        """One object; an object without a namespace is found from every namespace."""
        return self._named.get((kind, namespace, name)) or self._named.get((kind, "", name))

    def selected(self, namespace: str, selector: Mapping[str, str]) -> list[Item]:
        """Workloads whose pods carry all labels of `selector`; none for an empty one."""
        key = (namespace, frozenset(selector.items()))
        if key not in self._selected:
            candidates = [self._by_label.get((namespace, *pair), []) for pair in selector.items()]
            fewest = min(candidates, key=len, default=[])
            self._selected[key] = [item for item in fewest if selector.items() <= item.pod_labels.items()]
        return self._selected[key]

    @cached_property
    def services_of(self) -> Mapping[int, list[Item]]:
        """Services by the `id` of the workload that they select, the first ones of very many."""
        found: dict[int, list[Item]] = defaultdict(list)
        same: Counter[tuple[str, frozenset[tuple[str, str]]]] = Counter()
        for service in self.of("Service"):
            if service.group:
                continue
            selector = Part(service.value).mapping("spec", "selector")
            same[service.namespace, frozenset(selector.items())] += 1
            if same[service.namespace, frozenset(selector.items())] > MOST_SERVICES:
                continue
            for workload in self.selected(service.namespace, selector):
                if len(found[id(workload)]) < MOST_SERVICES:
                    found[id(workload)].append(service)
        return found

    @cached_property
    def routes_of(self) -> Mapping[tuple[str, str], list[Item]]:
        """Routes by namespace and name of each Service that they lead to."""
        found: dict[tuple[str, str], list[Item]] = defaultdict(list)
        for route in self.of("Route"):
            for name in backends(route):
                found[route.namespace, name].append(route)
        return found

    @cached_property
    def scaler_of(self) -> Mapping[tuple[str, str, str], Item]:
        """Autoscalers by namespace, kind and name of what they scale."""
        found = {}
        for scaler in self.of("HorizontalPodAutoscaler"):
            target = Part(scaler.value).part("spec", "scaleTargetRef")
            found[scaler.namespace, target.text("kind"), target.text("name")] = scaler
        return found

    @cached_property
    def users_of(self) -> Mapping[tuple[str, str, str], list[Item]]:
        """Workloads and Pods by namespace, kind and name of what their pods use (Secret, ConfigMap, claim, account)."""
        found: dict[tuple[str, str, str], list[Item]] = defaultdict(list)
        for item in self.of(*WORKLOADS, "Pod"):
            if item.owner:
                continue  # its maker says the same, and a pod carries what the platform mounts by itself
            spec = Part(item.template.value).part("spec").value
            for kind, name in sorted(set(references(spec))):
                found[item.namespace, kind, name].append(item)
        return found

    @cached_property
    def bindings_of(self) -> Mapping[tuple[str, str], list[Item]]:
        """Role bindings by namespace and name of each service account that they name."""
        found: dict[tuple[str, str], list[Item]] = defaultdict(list)
        for binding in self.of("RoleBinding", "ClusterRoleBinding"):
            for subject in Part(binding.value).parts("subjects"):
                if subject.text("kind") == "ServiceAccount":
                    found[subject.text("namespace") or binding.namespace, subject.text("name")].append(binding)
        return found

    @cached_property
    def callers(self) -> Mapping[str, list[str]]:
        """Callers of each service, as NetworkPolicies name them."""
        from operations.openshift.networking import callers_of

        return callers_of(self)

    @cached_property
    def streams_in_use(self) -> Mapping[str, list[str]]:
        """Workloads by the stream (``namespace/name``) whose image they run."""
        from operations.openshift.delivery import streams_in_use

        return streams_in_use(self)

    @cached_property
    def limits_of(self) -> Mapping[str, list[Item]]:
        """LimitRanges by namespace."""
        found: dict[str, list[Item]] = defaultdict(list)
        for item in self.of("LimitRange"):
            found[item.namespace].append(item)
        return found

    @cached_property
    def made_by(self) -> Mapping[tuple[str, str, str], list[Item]]:
        """ReplicaSets and ReplicationControllers by namespace and kind and name of their owner."""
        found: dict[tuple[str, str, str], list[Item]] = defaultdict(list)
        for item in self.of("ReplicaSet", "ReplicationController"):
            if item.owner:
                found[(item.namespace, *item.owner)].append(item)
        return found

    @cached_property
    def service_names(self) -> Mapping[int, str]:
        """The name in the settings of each workload, by its `id`.

        It is the workload's own, except for versions of one application that share an address by weight: those are the
        application.
        """
        names = {id(item): item.name for item in self.of(*WORKLOADS)}
        for route in self.of("Route"):
            if len(backends(route)) < 2:
                continue
            versions = [item for name in backends(route) for item in self._behind(route.namespace, name)]
            shared = {_application(item) for item in versions}
            if len(shared) == 1 and "" not in shared:
                names.update(dict.fromkeys(map(id, versions), shared.pop()))
        return names

    def _behind(self, namespace: str, service: str) -> list[Item]:
        found = self.find("Service", namespace, service)
        return self.selected(namespace, Part(found.value).mapping("spec", "selector")) if found else []

    def behind(self, namespace: str, service: str) -> list[Item]:
        """Workloads that a Service leads to."""
        return self._behind(namespace, service)

    def name_of(self, item: Item) -> str:
        """A workload's name in the settings."""
        return self.service_names.get(id(item), item.name)

    def named_by(self, namespace: str, selector: Mapping[str, str]) -> str:
        """The service that a selector means: the workload's name, else what the application's label says."""
        found = self.selected(namespace, selector)
        if found:
            return self.name_of(found[0])
        return next((selector[label] for label in APPLICATION_LABELS if label in selector), "")


def backends(route: Item) -> dict[str, int]:
    """Service names of a Route with their weights, the first one first."""
    spec = Part(route.value).part("spec")
    weights = {}
    for backend in (spec.part("to"), *spec.parts("alternateBackends")):
        if name := backend.text("name"):
            weight = backend.number("weight")
            weights[name] = 100 if weight is None else weight
    return weights


def _application(item: Item) -> str:
    return next((item.pod_labels[label] for label in APPLICATION_LABELS if label in item.pod_labels), "")


def references(spec: Any) -> Iterable[tuple[str, str]]:
    """Kind and name of each Secret, ConfigMap, claim and account that a pod's spec names, wherever it does."""
    pod = Part(spec)
    if account := pod.text("serviceAccountName") or pod.text("serviceAccount"):
        yield "ServiceAccount", account
    for secret in pod.parts("imagePullSecrets"):
        yield "Secret", secret.text("name")
    for container in (*pod.parts("initContainers"), *pod.parts("containers")):
        for source in container.parts("envFrom"):
            yield "ConfigMap", source.text("configMapRef", "name")
            yield "Secret", source.text("secretRef", "name")
        for variable in container.parts("env"):
            yield "ConfigMap", variable.text("valueFrom", "configMapKeyRef", "name")
            yield "Secret", variable.text("valueFrom", "secretKeyRef", "name")
    for volume in pod.parts("volumes"):
        yield "PersistentVolumeClaim", volume.text("persistentVolumeClaim", "claimName")
        for source in (volume, *volume.parts("projected", "sources")):
            yield "ConfigMap", source.text("configMap", "name")
            yield "Secret", source.text("secret", "secretName") or source.text("secret", "name")


def parsed(text: str) -> Any:
    """JSON inside an annotation; None when it is none."""
    try:
        return json.loads(text)
    except ValueError:
        return None
