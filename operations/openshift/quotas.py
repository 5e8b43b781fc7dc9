"""Verdicts on scaling, disruption, default limits and quotas."""

from __future__ import annotations

from operations.openshift.export import WORKLOADS, Export, Item
from operations.openshift.limits import CPU_TARGET_PERCENT, LEAST_REPLICAS
from operations.openshift.part import Part
from operations.openshift.verdict import Judgement, few


def judge_scaler(export: Export, item: Item) -> Judgement:
    """The verdict on a HorizontalPodAutoscaler of any version."""
    spec = item.part("spec")
    kind, name = spec.text("scaleTargetRef", "kind"), spec.text("scaleTargetRef", "name")
    found = export.find(kind, item.namespace, name)
    service = export.name_of(found) if found else name
    least, most = spec.number("minReplicas") or 1, spec.number("maxReplicas") or 1
    low, high = max(LEAST_REPLICAS, least), max(LEAST_REPLICAS, least, most)
    judgement = Judgement(item.label, f"services.{service}.replicas_min {low}, replicas_max {high}")
    changed = (
        f"{low} at least"
        + (f" instead of {least}" if low != least else "")
        + f", {high} at most"
        + (f" instead of {most}" if high != most else "")
    )
    judgement.changed(changed)
    if not spec.value.get("minReplicas"):
        judgement.changed("no minReplicas is written, which means 1")
    if found is None:
        judgement.ask(
            f"{kind}/{name}, which it scales, is not in this export: what is it?",
            ("export it", "leave it behind"),
            "it is not written to the settings",
        )
    targets = _targets(judgement, spec)
    if targets:
        shown = ", ".join(map(str, targets))
        judgement.changed(f"it scales at {CPU_TARGET_PERCENT} % of the processor instead of {shown}")
    elif not spec.parts("metrics"):
        judgement.changed(f"it scales at {CPU_TARGET_PERCENT} % of the processor")
    if spec.has("behavior"):
        spec.get("behavior")
        judgement.changed("how fast it scales (behavior) is fixed here: down after 300 quiet seconds")
    return judgement


def _targets(judgement: Judgement, spec: Part) -> list[int]:
    """The processor's targets in per cent; a metric of another kind is a question."""
    targets: list[int] = []
    if (old := spec.number("targetCPUUtilizationPercentage")) is not None:
        targets.append(old)
    for metric in spec.parts("metrics"):
        resource = metric.part("resource")
        if metric.text("type") == "Resource" and resource.text("name") == "cpu":
            number = resource.number("target", "averageUtilization") or resource.number("targetAverageUtilization")
            if number is not None:
                targets.append(number)
            else:
                judgement.changed(
                    f"it scales at {resource.text('target', 'averageValue')} of the processor; here at "
                    f"{CPU_TARGET_PERCENT} % of what a pod asks for"
                )
            resource.has("target", "type")
        else:
            what = (
                resource.text("name")
                or next(
                    (
                        metric.text(part, "metric", "name")
                        for part in ("pods", "object", "external")
                        if metric.value.get(part)
                    ),
                    "",
                )
                or metric.text("type")
            )
            for part in tuple(metric.value):
                metric.get(part)
            judgement.ask(
                f"it scales by {what} ({metric.text('type')}), and here only the processor counts: does that fit?",
                ("yes", "no, then give it enough pods at all times"),
                "the processor counts",
            )
    return targets


def judge_disruption(export: Export, item: Item) -> Judgement:
    """The verdict on a PodDisruptionBudget: here one pod of a service leaves at a time."""
    selector = item.mapping("spec", "selector", "matchLabels")
    service = export.named_by(item.namespace, selector)
    judgement = Judgement(item.label, f"services.{service or '<name>'} (disruption budget, maxUnavailable 1)")
    most, least = item.text("spec", "maxUnavailable"), item.text("spec", "minAvailable")
    labels = ", ".join(f"{key}={value}" for key, value in selector.items()) or "no labels"
    if most == "1":
        judgement.carried(f"one pod of {service or labels} leaves at a time ({labels})")
    else:
        judgement.changed(
            f"maxUnavailable 1 for {service or labels} ({labels}) instead of "
            f"{f'maxUnavailable {most}' if most else f'minAvailable {least or 1}'}"
        )
    if policy := item.text("spec", "unhealthyPodEvictionPolicy"):
        judgement.changed(f"unhealthyPodEvictionPolicy {policy} becomes AlwaysAllow")
    if not export.selected(item.namespace, selector):
        judgement.ask(
            f"no workload of this export has the labels {labels}: whose budget is it?",
            ("export its workload", "nobody's, leave it behind"),
            "it is not needed",
        )
    return judgement


def judge_range(export: Export, item: Item) -> Judgement:
    """The verdict on a LimitRange: its defaults are the limits of containers that have none."""
    judgement = Judgement(item.label, "services.*.memory, cpu_limit and cpu_request")
    taken = sorted(
        {
            export.name_of(workload)
            for workload in export.of(*WORKLOADS)
            if workload.namespace == item.namespace and not workload.owner and _takes(workload)
        }
    )
    limits = [limit for limit in item.parts("spec", "limits") if limit.text("type") == "Container"]
    shown = "; ".join(
        f"{field} {', '.join(f'{key} {value}' for key, value in limit.mapping(field).items())}"
        for limit in limits
        for field in ("default", "defaultRequest", "max", "min", "maxLimitRequestRatio")
        if limit.mapping(field)
    )
    if taken and limits:
        judgement.changed(f"its defaults become the limits of the containers that have none ({few(taken)}); {shown}")
    else:
        judgement.ignored(f"no container of this export takes its limits from it{f' ({shown})' if shown else ''}")
    return judgement


def _takes(workload: Item) -> bool:
    containers = Part(workload.template.value).parts("spec", "containers")
    return any(not {"cpu", "memory"} <= container.mapping("resources", "limits").keys() for container in containers)


def judge_quota(_export: Export, item: Item) -> Judgement:
    """The verdict on a ResourceQuota or ClusterResourceQuota."""
    judgement = Judgement(item.label, "clusterNodesMax")
    used = item.mapping("status", "used") or item.mapping("status", "total", "used")
    cpu, memory = (
        used.get("limits.cpu") or used.get("requests.cpu", ""),
        used.get("limits.memory") or used.get("requests.memory", ""),
    )
    shown = " and ".join(filter(None, (f"{cpu} processors" if cpu else "", f"{memory} of memory" if memory else "")))
    judgement.ignored(
        f"as a quota{f'; it shows {shown} in use, for which the nodes must be large enough' if shown else ''}"
    )
    return judgement
