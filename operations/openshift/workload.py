"""A workload under judgement: its pod, its one container that stays, and the settings that result."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from operations.openshift.export import Export, Item
from operations.openshift.images import Image, find_image
from operations.openshift.part import Part
from operations.openshift.verdict import Judgement


@dataclass
class Helper:
    """A container beside the application, known by its image, name or command."""

    pattern: re.Pattern[str]
    verdict: str
    why: str
    instead: str


HELPERS = (
    Helper(
        re.compile(r"oauth-?proxy", re.I),
        "impossible",
        "its oauth-proxy logs people in against OpenShift itself, which is not there any more",
        "another login in the application or at the load balancer, before the move",
    ),
    Helper(
        re.compile(r"fluent|filebeat|logstash|promtail|vector\b|log-?(shipper|agent|forwarder)|splunk", re.I),
        "changed",
        "is not needed, standard output goes to CloudWatch",
        "",
    ),
    Helper(
        re.compile(r"istio|envoy|linkerd|maistra", re.I),
        "impossible",
        "is the sidecar of a service mesh, which is not there",
        "TLS of the pod itself and `callers` in the settings",
    ),
    Helper(
        re.compile(r"vault", re.I),
        "decision",
        "fetches secrets from a Vault",
        "put them into Secrets Manager and let the application read them",
    ),
)
NOT_WRITTEN = "it is not written to the settings"
"""What holds for a workload whose questions must be answered first."""
REVISIONS = ("deployment.kubernetes.io/revision", "openshift.io/deployment-config.latest-version")
STORES = (
    (re.compile(r"redis|valkey|keydb|memcached", re.I), "cache"),
    (re.compile(r"mysql|mariadb|percona", re.I), "database"),
    (
        re.compile(
            r"postgres|mongo|kafka|rabbitmq|activemq|amq-|artemis|zookeeper|etcd|elasticsearch|opensearch|cassandra|minio",
            re.I,
        ),
        "other",
    ),
)
"""Software that keeps data, by the name of its image."""


@dataclass
class Workload:
    """What the checks of a workload share."""

    export: Export
    item: Item
    judgement: Judgement
    name: str
    """In the settings."""
    pod: Part
    main: Part
    image: Image
    settings: dict[str, Any] = field(default_factory=dict)
    calls: set[str] = field(default_factory=set)
    """Services of the export that it calls, by their names in the settings."""
    secrets: set[str] = field(default_factory=set)
    """Secrets that a person must bring into Secrets Manager for it."""

    @property
    def is_job(self) -> bool:
        return self.item.kind in ("CronJob", "Job")

    def uses(self, store: str) -> None:
        """Let it reach the database or the cache."""
        used = self.settings.setdefault("uses", [])
        if store not in used:
            used.append(store)
            used.sort(reverse=True)


def open_workload(export: Export, item: Item) -> Workload | None:
    """The workload of an object; None when its pod has no container that could be read."""
    pod = item.template.part("spec")
    main = _main(item, pod)
    if main is None:
        return None
    name = export.name_of(item)
    runs = running(export, item) if item.flag("spec", "paused") else None
    image = find_image(export, item, main)
    if runs:
        same = [found for found in runs.template.parts("spec", "containers") if found.text("name") == main.text("name")]
        image = find_image(export, runs, same[0]) if same else image
    return Workload(
        export=export,
        item=item,
        judgement=Judgement(item.label, f"services.{name}", namespace=item.namespace),
        name=name,
        pod=pod,
        main=main,
        image=image,
    )


def running(export: Export, item: Item) -> Item | None:
    """What a workload made last and still runs: its newest ReplicaSet or ReplicationController."""
    made = export.made_by.get((item.namespace, item.kind, item.name), [])
    alive = [found for found in made if Part(found.value).number("spec", "replicas")] or made
    return max(alive, key=_revision, default=None)


def _revision(item: Item) -> int:
    revisions = (item.annotations.get(name, "") for name in REVISIONS)
    return next((int(found) for found in revisions if found.isascii() and found.isdigit()), 0)


def _main(item: Item, pod: Part) -> Part | None:
    """The application's container: named as the workload, else the first that is no known helper."""
    containers = pod.parts("containers")
    own = [container for container in containers if not helper_of(container)]
    named = [container for container in own if container.text("name") == item.name]
    return next(iter((*named, *own, *containers)), None)


def helper_of(container: Part) -> Helper | None:
    """The kind of helper that a container is."""
    words = f"{container.text('name')} {container.text('image').rpartition('/')[2]}"
    return next((helper for helper in HELPERS if helper.pattern.search(words)), None)


def store_of(image: str) -> str:
    """``cache``, ``database`` or ``other`` for an image that keeps data, empty for all else."""
    last = image.rpartition("/")[2]
    if "exporter" in last:
        return ""
    return next((store for pattern, store in STORES if pattern.search(last)), "")


def others(workload: Workload) -> Iterator[Part]:
    """The containers in addition to the application's."""
    for container in workload.pod.parts("containers"):
        if container.value is not workload.main.value:
            yield container
