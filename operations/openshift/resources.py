"""Processor and memory of a container, its own or from a LimitRange; replicas and scaling."""

from __future__ import annotations

from operations.openshift.export import Export
from operations.openshift.limits import CPU_TARGET_PERCENT, LEAST_REPLICAS
from operations.openshift.part import Part
from operations.openshift.quantity import quantity
from operations.openshift.workload import Workload


def judge_resources(workload: Workload) -> None:
    """Requests and limits; memory is one value here, as a pod that takes more than it asked for takes a node down."""
    judgement, main = workload.judgement, workload.main
    limits, requests = main.mapping("resources", "limits"), main.mapping("resources", "requests")
    own = bool(limits)
    default, default_request, source = range_defaults(workload.export, workload.item.namespace)
    cpu = limits.get("cpu") or default.get("cpu", "")
    memory = limits.get("memory") or default.get("memory", "")
    cpu_request = requests.get("cpu") or limits.get("cpu") or default_request.get("cpu") or default.get("cpu", "")
    memory_request = (
        requests.get("memory") or limits.get("memory") or default_request.get("memory") or default.get("memory", "")
    )
    settings = {"cpu_request": cpu_request, "cpu_limit": cpu, "memory": memory}
    for name, value in settings.items():
        if value and quantity(value) is None:
            judgement.ask(
                f"{name} {value!r} is no quantity: what is meant?",
                ("a quantity such as 500m or 512Mi",),
                "the product's default holds",
            )
        elif value:
            workload.settings[name] = value
    if source and not {"cpu", "memory"} <= limits.keys() and default:
        taken = ", ".join(f"{key} {value}" for key, value in default.items() if key not in limits)
        asked = ", ".join(
            f"{key} {value}" for key, value in default_request.items() if key not in requests and key not in limits
        )
        judgement.changed(f"it takes {taken}{f', requests {asked},' if asked else ''} from LimitRange {source}")
    missing = [word for word, value in (("processor", cpu), ("memory", memory)) if not value]
    if missing:
        lacks = "no requests and limits" if not own and not requests else f"no {' and '.join(missing)} limits"
        judgement.changed(
            f"it has {lacks}, which a container here must have; name `cpu_limit`, `cpu_request` and `memory`"
        )
    if memory and memory_request and memory_request != memory:
        judgement.changed(f"the memory request {memory_request} becomes {memory}, as the limit")
    if cpu or cpu_request:
        judgement.carried(f"processor {cpu_request or 'by default'} to {cpu or 'the default'}")
    if memory:
        judgement.carried(f"memory {memory}{', asked for by itself' if requests.get('memory') else ''}")
    for name in sorted({*limits, *requests} - {"cpu", "memory"}):
        judgement.impossible(
            f"it asks for {name}", "nodes here have processor and memory only; ask for another node type"
        )


def range_defaults(export: Export, namespace: str) -> tuple[dict[str, str], dict[str, str], str]:
    """Default limits, default requests and the name of the LimitRange of a namespace that sets them for containers."""
    for item in export.limits_of.get(namespace, ()):
        for limit in Part(item.value).parts("spec", "limits"):
            if limit.text("type") == "Container":
                return limit.mapping("default"), limit.mapping("defaultRequest"), item.name
    return {}, {}, ""


def judge_replicas(workload: Workload) -> None:
    """How many pods run, by the autoscaler where there is one."""
    judgement, item = workload.judgement, workload.item
    written = item.number("spec", "replicas")
    replicas = 1 if written is None else written
    scaler = workload.export.scaler_of.get((item.namespace, item.kind, item.name))
    if scaler:
        spec = Part(scaler.value).part("spec")
        least = spec.number("minReplicas") or 1
        most = spec.number("maxReplicas") or max(least, replicas)
        workload.settings["replicas_min"] = max(LEAST_REPLICAS, least)
        workload.settings["replicas_max"] = max(LEAST_REPLICAS, least, most)
        judgement.changed(f"{replicas} replicas now; {scaler.label} says how many")
        return
    workload.settings["replicas_min"] = max(LEAST_REPLICAS, replicas)
    if replicas == 0:
        judgement.ask(
            "it is stopped (0 replicas): does it move?",
            ("no, leave it behind", f"yes, with {LEAST_REPLICAS} pods at least"),
            f"it runs with {LEAST_REPLICAS}",
        )
    elif replicas == 1:
        if written is None:
            judgement.changed("no number of replicas is written, which means one")
        judgement.ask(
            (
                f"it has one replica only, here {LEAST_REPLICAS} (two) at least, and old and new overlap in a "
                "rollout: may it run twice?"
            ),
            (
                "yes",
                "no, then a lock in the database or the cache keeps one of them idle",
                "no, then it is a job on a schedule",
            ),
            "two run",
        )
    else:
        judgement.changed(
            f"{replicas} replicas become the autoscaler's minimum, which scales at {CPU_TARGET_PERCENT} % of the "
            "processor"
        )
