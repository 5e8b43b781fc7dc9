"""The deployment in time: one row a resource, with what it waited for, for the median and for the slowest measured."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from operations.rehearsal.document import Rehearsal
from operations.rehearsal.forecast import LIMIT_SECONDS, Forecast, Step

LONG_SECONDS = 20.0
"""A resource that takes this long, or is on a critical path, is shown at first; the others when asked for."""
MARGIN = 1.04
"""Room to the right of the last bar, or of the limit."""


def timeline(rehearsal: Rehearsal) -> dict[str, Any]:
    """The rows of the timeline, by start, and its scale."""
    median, worst = rehearsal.forecast, rehearsal.worst_case
    scale = max(LIMIT_SECONDS, worst.seconds) * MARGIN
    paths = {name: {step.urn for step in case.critical_path} for name, case in (("median", median), ("worst", worst))}
    rows = [
        _row(resource.name, resource.type, resource.urn, median, worst, scale, paths)
        for resource in rehearsal.recording.resources
        if median.steps[resource.urn].seconds or worst.steps[resource.urn].seconds
    ]
    minutes = int(scale // 60)
    step = 5 if minutes > 12 else 2
    return {
        "rows": sorted(rows, key=lambda row: (row["median"]["start"], -row["median"]["seconds"], row["name"])),
        "ticks": [{"minute": minute, "at": _share(minute * 60, scale)} for minute in range(0, minutes + 1, step)],
        "limit": _share(LIMIT_SECONDS, scale),
        "chains": {
            name: [_chain(step) for step in case.critical_path] for name, case in (("median", median), ("worst", worst))
        },
        "assumed": median.assumed,
    }


def _row(
    name: str,
    type_: str,
    urn: str,
    median: Forecast,
    worst: Forecast,
    scale: float,
    paths: Mapping[str, set[str]],
) -> dict[str, Any]:
    bars = {case.statistic: _bar(case.steps[urn], scale) for case in (median, worst)}
    critical = {which: urn in path for which, path in paths.items()}
    return {
        "name": name,
        "urn": urn,
        "type": type_,
        "median": {**bars["median"], "critical": critical["median"]},
        "worst": {**bars["max"], "critical": critical["worst"]},
        "assumed": median.steps[urn].assumed,
        "waited_for": median.steps[urn].waited_for.rpartition("::")[2],
        "long": bars["median"]["seconds"] >= LONG_SECONDS or any(critical.values()),
    }


def _bar(step: Step, scale: float) -> dict[str, float]:
    return {
        "start": step.start,
        "seconds": step.seconds,
        "left": _share(step.start, scale),
        "width": _share(step.seconds, scale),
    }


def _share(seconds: float, scale: float) -> float:
    return round(100 * seconds / scale, 3)


def _chain(step: Step) -> dict[str, Any]:
    return {"name": step.urn.rpartition("::")[2], "urn": step.urn, "seconds": step.seconds}
