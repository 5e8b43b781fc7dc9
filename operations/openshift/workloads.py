"""Verdicts on what runs pods: Deployment, DeploymentConfig, StatefulSet, DaemonSet, and what they make themselves."""

from __future__ import annotations

from operations.openshift.containers import judge_containers
from operations.openshift.environment import judge_environment
from operations.openshift.export import Export, Item, backends
from operations.openshift.ports import judge_ports
from operations.openshift.privileges import judge_privileges
from operations.openshift.resources import judge_replicas, judge_resources
from operations.openshift.rollout import judge_end, judge_place, judge_rollout
from operations.openshift.secrets import pulls_by
from operations.openshift.verdict import Judgement
from operations.openshift.volumes import judge_volumes
from operations.openshift.workload import Workload, open_workload, store_of

POD_CHECKS = (
    judge_containers,
    judge_privileges,
    judge_volumes,
    judge_environment,
    judge_ports,
    judge_resources,
    judge_end,
    judge_place,
    pulls_by,
)
"""What is asked of every pod, in the order in which it is told."""
STORE_TARGETS = {
    "cache": (
        "session cache (cacheNodeType, cacheReplicas)",
        "nothing in the cluster keeps data",
        (
            "ElastiCache takes its place, with TLS and entry by the role instead of a password; sessions do not move "
            "by themselves, "
            "so a client that moves logs in again unless both sides read one store"
        ),
    ),
    "database": (
        "the payment database (Aurora MySQL)",
        "nothing in the cluster keeps data",
        "Aurora MySQL takes its place; its rows move by the migration (cutover), not by this tool",
    ),
    "other": (
        "none",
        "nothing in the cluster keeps data, and this product has no such store",
        "a service of AWS of its own (MQ, MSK, OpenSearch, S3), or it stays in the data centre, reached over the VPN",
    ),
}


def judge_image(workload: Workload) -> None:
    """By digest into the account's registry; nothing follows a tag any more."""
    judgement, image = workload.judgement, workload.image
    if image.digest:
        whence = ""
        if image.source != "the template":
            stream = f", {image.stream}" if image.stream else ""
            blank = "is blank" if workload.main.has("image") else "names none"
            whence = f" (the template {blank}, so from {image.source}{stream})"
        judgement.changed(
            f"copy the image {image.reference or image.digest}{whence} to ECR by its digest {image.digest}"
        )
        workload.settings["image_digest"] = image.digest
    else:
        judgement.ask(
            (
                "no object of this export says the digest of the image "
                f"{image.reference or '(blank)'}{f', which is the stream tag {image.stream}' if image.stream else ''}: "
                "which one runs?"
            ),
            (
                "export the image streams, also of other projects",
                "copy it to ECR and name the digest that `skopeo inspect` shows",
            ),
            "the service is not written to the settings",
        )
    if image.stream:
        how = "trigger" if image.follows else "name"
        judgement.changed(
            f"nothing follows {image.stream} any more (its {how} ends): a new image is a change of the setting, "
            "by the pipeline"
        )
        if image.stream.partition("/")[0] != workload.item.namespace:
            judgement.changed(f"its image stream lies in another project, {image.stream.partition('/')[0]}")


def judge_workload(export: Export, item: Item) -> tuple[Judgement, Workload | None]:
    """The verdict on a workload, and the settings that result."""
    if item.kind in ("ReplicaSet", "ReplicationController", "Pod") and (made := _made(item)):
        return made, None
    workload = open_workload(export, item)
    if workload is None:
        judgement = Judgement(item.label, namespace=item.namespace)
        judgement.ask(
            "its pods have no container that could be read: is the export whole?",
            ("export it again",),
            "it stays behind",
        )
        return judgement, None
    judgement, store = workload.judgement, store_of(workload.image.reference)
    _judge_kind(workload, store)
    if item.kind != "DaemonSet" and not store:
        judge_image(workload)
    for check in POD_CHECKS:
        check(workload)
    if item.kind != "Pod":
        judge_rollout(workload)
    if item.kind not in ("DaemonSet", "Pod"):
        judge_replicas(workload)
    _judge_weights(workload)
    if store or item.kind == "DaemonSet":
        workload.settings.clear()
    return judgement, workload


def _judge_kind(workload: Workload, store: str) -> None:
    """What the kind says by itself, what its image keeps, and who makes it."""
    judgement, item = workload.judgement, workload.item
    if item.kind == "DaemonSet":
        judgement.target = "none; the host agent of the nodes"
        judgement.changed(f"its image {workload.image.reference or '(blank)'} stays behind")
        judgement.impossible(
            "a pod on every node", "the nodes have an agent of their own for that (Workload Security), and CloudWatch's"
        )
    if store:
        judgement.target, why, instead = STORE_TARGETS[store]
        judgement.impossible(
            f"{why}, and it runs {workload.image.reference.rpartition('/')[2].partition('@')[0]}", instead
        )
    if item.kind == "StatefulSet":
        _judge_stateful(workload, store)
    elif item.kind in ("Pod", "ReplicaSet", "ReplicationController"):
        judgement.ask(
            "nothing makes it again when it ends, or nothing rolls it out: what is it for?",
            ("a service of the settings", "leave it behind"),
            "it becomes a service",
        )
    if item.owner and item.kind not in ("Pod", "ReplicaSet", "ReplicationController"):
        judgement.ask(
            f"{item.owner[0]} {item.owner[1]} makes it, an operator's object: what takes the operator's place?",
            ("the settings alone", "a service of AWS"),
            "the settings hold what it made last",
        )


def _made(item: Item) -> Judgement | None:
    """What another object made, or a pod that has ended."""
    judgement = Judgement(item.label, namespace=item.namespace)
    if item.owner:
        kind, name = item.owner
        known = {"DeploymentConfig": "; the Deployment makes its own", "Deployment": "; the Deployment makes its own"}
        judgement.ignored(f"the {kind} made it (owner {name}){known.get(kind, '')}")
        return judgement
    if item.kind == "Pod" and item.text("status", "phase") in ("Succeeded", "Failed"):
        judgement.ignored("this pod has ended and nothing makes it again")
        return judgement
    if item.kind == "Pod" and any(
        mark in item.annotations for mark in ("openshift.io/deployment-config.name", "openshift.io/build.name")
    ):
        judgement.ignored("OpenShift's deployer or builder made it")
        return judgement
    return None


def _judge_stateful(workload: Workload, store: str) -> None:
    judgement, item = workload.judgement, workload.item
    claims = item.parts("spec", "volumeClaimTemplates")
    sizes = [
        (
            f"{claim.text('metadata', 'name')} {claim.text('spec', 'resources', 'requests', 'storage')} "
            f"({', '.join(claim.texts('spec', 'accessModes'))}, "
            f"{claim.text('spec', 'storageClassName') or 'default class'})"
        )
        for claim in claims
    ]
    names = item.text("spec", "serviceName")
    if claims and not store:
        judgement.impossible(
            f"each of its pods keeps a volume ({'; '.join(sizes)}), and nothing in the cluster keeps data",
            "the database, the cache or S3 by the application",
        )
    elif claims:
        judgement.impossible(f"each of its pods keeps a volume ({'; '.join(sizes)})", "the store of AWS keeps its own")
    elif not store:
        judgement.ask(
            (
                f"its pods have fixed names ({item.name}-0 and so on{f', below {names}' if names else ''}), and here "
                "they have none: who needs them?"
            ),
            ("nobody, it becomes a service", "its own cluster of pods: the cache or the database must take that place"),
            "it becomes a service",
        )
    if names:
        judgement.changed(f"the names {item.name}-0.{names} end")
    if policy := item.text("spec", "podManagementPolicy"):
        judgement.changed(f"podManagementPolicy {policy} has no counterpart")
    strategy = item.part("spec", "updateStrategy")
    if strategy.value:
        item.get("spec", "updateStrategy")
        judgement.changed(f"its updateStrategy {strategy.text('type')} becomes a rolling update")


def _judge_weights(workload: Workload) -> None:
    """A version that gets a part of a Route's traffic is in the middle of a canary."""
    export, item = workload.export, workload.item
    for service in export.services_of.get(id(item), ()):
        for route in export.routes_of.get((service.namespace, service.name), ()):
            weights = backends(route)
            if len(weights) > 1 and next(iter(weights)) != service.name and weights[service.name]:
                workload.judgement.target = f"services.{workload.name} or none"
                workload.judgement.ask(
                    (
                        f"{route.label} sends it {weights[service.name]} of {sum(weights.values())} requests: does "
                        "this version move?"
                    ),
                    ("no, end the canary first", "yes, and not the other one"),
                    f"the version behind {next(iter(weights))} moves",
                )
