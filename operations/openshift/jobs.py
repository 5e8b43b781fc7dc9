"""Verdicts on work that ends: CronJobs and Jobs."""

from __future__ import annotations

import re

from operations.openshift.export import Export, Item
from operations.openshift.part import Part
from operations.openshift.verdict import Judgement
from operations.openshift.workload import NOT_WRITTEN, Workload, open_workload
from operations.openshift.workloads import POD_CHECKS, judge_image

MACROS = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
ONE_SIDE = (
    "it must run on one side only: suspend it on OpenShift in the same step that starts it here, or its work is "
    "done twice"
)
RETRIES_MAX = 6


def judge_cron_job(export: Export, item: Item) -> tuple[Judgement, Workload | None]:
    """The verdict on a CronJob, and the job of the settings."""
    workload = open_workload(export, item)
    if workload is None:
        return _unreadable(item), None
    judgement = workload.judgement
    judgement.target = f"services.{workload.name} (CronJob)"
    _judge_schedule(workload)
    _judge_concurrency(workload)
    if item.flag("spec", "suspend"):
        judgement.ask("it is suspended: does it move?", ("no, leave it behind", "yes, somebody wants it"), NOT_WRITTEN)
    if item.group == "batch" and item.text("apiVersion") == "batch/v1beta1":
        judgement.changed("batch/v1beta1 becomes batch/v1")
    for field, says in (("successfulJobsHistoryLimit", "kept runs"), ("failedJobsHistoryLimit", "kept failed runs")):
        if (number := item.number("spec", field)) is not None:
            judgement.changed(f"{field} {number} ({says}) is fixed here")
    if (number := item.number("spec", "startingDeadlineSeconds")) is not None:
        judgement.changed(f"startingDeadlineSeconds {number} is fixed here: a run that starts later is left out")
    judgement.changed(ONE_SIDE)
    _judge_runs(workload, item.part("spec", "jobTemplate", "spec"))
    return judgement, workload


def _judge_schedule(workload: Workload) -> None:
    judgement, item = workload.judgement, workload.item
    written = item.text("spec", "schedule")
    zone = item.text("spec", "timeZone")
    inside = re.match(r"(?:CRON_TZ|TZ)=(\S+)\s+(.*)", written)
    schedule = inside[2] if inside else written
    zone = zone or (inside[1] if inside else "")
    fields = MACROS.get(schedule, schedule)
    if fields.startswith("@") or len(fields.split()) != 5:
        judgement.ask(
            f"its schedule {written!r} has no five fields: when shall it run?",
            ("a schedule of five fields",),
            NOT_WRITTEN,
        )
    else:
        workload.settings["schedule"] = fields
    if zone:
        workload.settings["time_zone"] = zone
        judgement.changed(f"schedule {fields} in {zone}")
        return
    judgement.ask(
        (
            f"it names no time zone, so OpenShift's controller decides when {fields} is (usually UTC; TZ inside the "
            "container does not change the schedule): which one is meant?"
        ),
        ("UTC", "the zone of the business, by `time_zone`"),
        NOT_WRITTEN,
    )


def _judge_concurrency(workload: Workload) -> None:
    judgement = workload.judgement
    policy = workload.item.text("spec", "concurrencyPolicy")
    if policy in ("Forbid", "Replace"):
        workload.settings["concurrency"] = policy
        judgement.changed(
            "one at a time" if policy == "Forbid" else "a new run replaces the one that still runs (Replace)"
        )
    elif policy:
        judgement.ask(
            (
                f"its runs may overlap (concurrencyPolicy {policy}), which no job here does: what happens to a run "
                "that is due while one runs?"
            ),
            ("it is left out (Forbid)", "it replaces the one that runs (Replace)"),
            "Forbid",
        )
    else:
        judgement.changed("its runs may overlap today (no concurrencyPolicy), here one at a time")


def _judge_runs(workload: Workload, spec: Part) -> None:
    """What a CronJob's and a Job's runs share: image, pod, retries, deadline."""
    judgement = workload.judgement
    judge_image(workload)
    for check in POD_CHECKS:
        check(workload)
    retries = spec.number("backoffLimit")
    policy = workload.pod.text("restartPolicy")
    if policy == "OnFailure":
        judgement.changed(
            "a run that fails starts again in a new pod (restartPolicy OnFailure becomes Never, with `retries`)"
        )
    elif policy:
        judgement.carried(f"restartPolicy {policy}")
    if retries is not None:
        workload.settings["retries"] = min(retries, RETRIES_MAX)
        judgement.changed(f"{retries} retries" + (f", here {RETRIES_MAX} at most" if retries > RETRIES_MAX else ""))
    deadline = spec.number("activeDeadlineSeconds") or workload.pod.number("activeDeadlineSeconds")
    if deadline is not None:
        workload.settings["deadline_seconds"] = deadline
        judgement.changed(f"a run ends after {deadline} seconds")
    for field in ("parallelism", "completions"):
        number = spec.number(field)
        if number is not None and number != 1:
            judgement.ask(
                f"{number} pods of one run ({field}): how does it run with one?",
                ("one after the other", "the application takes parts itself"),
                "one pod runs",
            )
        elif number is not None:
            judgement.carried(f"{field} 1")
    if spec.has("ttlSecondsAfterFinished"):
        judgement.changed("how long an ended run is kept is fixed here")


def judge_job(export: Export, item: Item) -> tuple[Judgement, Workload | None]:
    """The verdict on a Job: made by another, ended, or work that is still to do."""
    judgement = Judgement(item.label, namespace=item.namespace)
    conditions = {entry.text("type") for entry in item.parts("status", "conditions") if entry.flag("status")}
    conditions |= {entry.text("type") for entry in item.parts("status", "conditions") if entry.text("status") == "True"}
    ended = item.text("status", "completionTime") or ("Complete" if "Complete" in conditions else "")
    if item.owner:
        judgement.ignored(
            f"{item.owner[0]} {item.owner[1]} made it{' and it has ended' if ended or 'Failed' in conditions else ''}"
        )
        return judgement, None
    if ended:
        judgement.ignored(f"it ended{f' in {ended[:4]}' if ended[:4].isdigit() else ''}")
        return judgement, None
    if hook := next(
        (name for name in item.annotations if name.startswith(("helm.sh/hook", "argocd.argoproj.io/hook"))), ""
    ):
        item.annotation(hook)
    workload = open_workload(export, item)
    if workload is None:
        return _unreadable(item), None
    judgement = workload.judgement
    if "Failed" in conditions:
        judgement.ask(
            "it failed and nobody made it again: is its work still to do?",
            ("no", "yes, as a one-off job before a rollout"),
            NOT_WRITTEN,
        )
    elif item.flag("spec", "suspend"):
        judgement.ask("it is suspended: does it move?", ("no", "yes, as a one-off job before a rollout"), NOT_WRITTEN)
    elif item.number("status", "active"):
        judgement.ask(
            "it runs now: where does its work end?",
            ("on OpenShift, before the move", "here, as a one-off job"),
            NOT_WRITTEN,
        )
    else:
        judgement.ask(
            f"it is one-off work{f' ({hook})' if hook else ''}: before the rollout of which services does it run here?",
            ("name them in `before`", "it is done, leave it behind"),
            NOT_WRITTEN,
        )
    item.get("spec", "selector")
    _judge_runs(workload, item.part("spec"))
    return judgement, workload


def _unreadable(item: Item) -> Judgement:
    judgement = Judgement(item.label, namespace=item.namespace)
    judgement.ask(
        "its pods have no container that could be read: is the export whole?", ("export it again",), "it stays behind"
    )
    return judgement
