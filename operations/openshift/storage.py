"""Verdicts on volumes: nothing in the cluster keeps data here (ADR 0012)."""

from __future__ import annotations

import re

from operations.openshift.export import Export, Item
from operations.openshift.part import Part
from operations.openshift.verdict import Judgement, few
from operations.openshift.workload import store_of


def judge_claim(export: Export, item: Item) -> Judgement:
    """The verdict on a PersistentVolumeClaim."""
    judgement = Judgement(item.label, "object storage (S3) used by the application")
    spec = item.part("spec")
    size = (
        spec.text("resources", "requests", "storage") or item.text("status", "capacity", "storage") or "an unknown size"
    )
    modes = ", ".join(spec.texts("accessModes")) or "no access mode"
    at = ", ".join(filter(None, (spec.text("storageClassName"), spec.text("volumeName"), spec.text("volumeMode"))))
    where = f" ({modes}{f'; {at}' if at else ''})"
    stateful = _stateful(export, item)
    users = export.users_of.get((item.namespace, "PersistentVolumeClaim", item.name), [])
    if stateful:
        image = next(
            (container.text("image") for container in Part(stateful.template.value).parts("spec", "containers")), ""
        )
        if store_of(image) == "cache":
            judgement.target = "none"
            judgement.ignored(f"it belongs to the {stateful.label}; sessions are not carried")
            return judgement
        users = [stateful]
    names = few(user.label for user in users)
    if users:
        judgement.ask(
            f"{names} keeps {size} in it{where}, and nothing in the cluster keeps data: where do these files go?",
            (
                "object storage (S3) by the application",
                "the server where they are, over the VPN",
                "not needed any more; if they hold card data they are in scope",
            ),
            "nothing is copied",
        )
    else:
        judgement.ask(
            f"no workload of this export uses these {size}{where}: what is in it?",
            (
                "nothing that is needed",
                "files that go to S3",
                "a workload that is not exported uses it; if it holds card data it is in scope",
            ),
            "nothing is copied",
        )
    if spec.has("dataSource"):
        spec.get("dataSource")
        judgement.changed("what it was made from (dataSource) is not kept")
    return judgement


def _stateful(export: Export, item: Item) -> Item | None:
    """The StatefulSet whose template made the claim: ``template-set-number``."""
    found = re.fullmatch(r"(.+)-\d+", item.name)
    if not found:
        return None
    words = found[1].split("-")
    for cut in range(1, len(words)):
        stateful = export.find("StatefulSet", item.namespace, "-".join(words[cut:]))
        if stateful and any(
            claim.text("metadata", "name") == "-".join(words[:cut])
            for claim in Part(stateful.value).parts("spec", "volumeClaimTemplates")
        ):
            return stateful
    return None


def judge_volume(_export: Export, item: Item) -> Judgement:
    """The verdict on a PersistentVolume."""
    judgement = Judgement(item.label)
    spec = item.part("spec")
    claim = spec.text("claimRef", "name")
    size = spec.text("capacity", "storage")
    item.get("spec")
    if claim:
        judgement.ignored(f"it holds the files of PersistentVolumeClaim {claim}, see there ({size})")
    else:
        judgement.ask(
            f"no claim holds these {size}: what is in it?",
            ("nothing that is needed", "files that go to S3"),
            "nothing is copied",
        )
    return judgement
