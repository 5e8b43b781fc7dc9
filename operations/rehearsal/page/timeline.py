"""The deployment in time: a bar for each long resource, drawn by Vega-Lite, for the median and the slowest measured.

Colours, font and text size are the style sheet's (`page.css`): a text of size 0 is one that Vega does not measure.
Measuring takes four milliseconds a name, and its result depends on the fonts of the machine.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

import markupsafe
import vl_convert

from operations.plan.document import Rehearsal
from operations.plan.forecast import LIMIT_SECONDS, Forecast, Step
from operations.rehearsal.page.templating import TEMPLATES

LONG_SECONDS = 20.0
"""A resource that takes this long, or is on a critical path, is shown at first; the others when asked for."""
TITLES = {
    "median": "Resources, the longest first, with the median of measured creation times",
    "worst": "Resources, the longest first, with the slowest measured creation times",
}
CONTAINER = ' role="graphics-object" aria-roledescription="[^"]+"'
"""A screen reader would name such a part of the SVG by all that is in it."""


def timeline(rehearsal: Rehearsal, index: Mapping[str, int]) -> dict[str, Any]:
    """The charts: for each case one of the long resources, and one with the quick ones as well, folded by type.

    Args:
        index: the number of each resource in the page, by URN, in the order of the recording.
    """
    cases = {"median": rehearsal.forecast, "worst": rehearsal.worst_case}
    types = {resource.urn: resource.type for resource in rehearsal.recording.resources}
    every = [urn for urn in index if any(case.steps[urn].seconds for case in cases.values())]
    critical = {step.urn for case in cases.values() for step in case.critical_path}
    long = [urn for urn in every if urn in critical or rehearsal.forecast.steps[urn].seconds >= LONG_SECONDS]
    quick = [urn for urn in every if urn not in set(long)]
    last_minute = max(LIMIT_SECONDS, *(case.seconds for case in cases.values())) / 60
    charts = []
    for name, case in cases.items():
        bars = _rows(long, case, index)
        charts.append({"case": name, "shown": "long", "svg": _draw(bars, last_minute, TITLES[name])})
        every_bar = [*bars, *_folded(quick, case, index, types)]
        charts.append({"case": name, "shown": "every", "svg": _draw(every_bar, last_minute, TITLES[name])})
    return {
        "charts": charts,
        "quick": len(quick),
        "chains": {name: [_chain(step) for step in case.critical_path] for name, case in cases.items()},
        "assumed": rehearsal.forecast.assumed,
    }


def _draw(rows: list[dict[str, Any]], last_minute: float, title: str) -> markupsafe.Markup:
    """One chart as SVG: `timeline.vl.json` filled with the rows. Vega escapes what it writes."""
    chart = json.loads(TEMPLATES.source("timeline.vl.json"))
    chart["data"]["values"] = rows
    values = {"limit_minutes": LIMIT_SECONDS / 60, "last_minute": last_minute}
    chart["params"] = [{**parameter, "value": values[parameter["name"]]} for parameter in chart["params"]]
    svg = re.sub(CONTAINER, "", vl_convert.vegalite_to_svg(chart, allowed_base_urls=[]))
    return markupsafe.Markup(svg.replace("<svg ", f'<svg role="group" aria-label="{title}" ', 1))  # noqa: S704


def _rows(urns: Iterable[str], case: Forecast, index: Mapping[str, int]) -> list[dict[str, Any]]:
    """What Vega draws, the longest bar first; times in seconds."""
    critical = {step.urn for step in case.critical_path}
    rows = [_row(case.steps[urn], index[urn], critical=urn in critical) for urn in urns]
    return sorted(rows, key=lambda row: (-row["seconds"], row["start"], row["label"]))


def _folded(
    urns: Iterable[str], case: Forecast, index: Mapping[str, int], types: Mapping[str, str]
) -> list[dict[str, Any]]:
    """Quick resources of one type as one bar, from the first one's start to the last one's end; by start."""
    alike: dict[str, list[Step]] = defaultdict(list)
    for urn in urns:
        if case.steps[urn].seconds:
            alike[types[urn]].append(case.steps[urn])
    rows = []
    for type_, steps in alike.items():
        if len(steps) == 1:
            rows.append(_row(steps[0], index[steps[0].urn], critical=False))
            continue
        first = min(steps, key=lambda step: (step.start, step.urn))
        end = max(step.end for step in steps)
        kind, each = type_.rpartition(":")[2], max(step.seconds for step in steps)
        assumed = all(step.assumed for step in steps)
        rows.append(
            {
                "resource": index[first.urn],
                "link": f"file://#resource-{index[first.urn]}",
                "label": f"{'≈ ' if assumed else ''}{each:g} s each\N{EN SPACE}{len(steps)} {kind}",
                "start": first.start,
                "seconds": end - first.start,
                "critical": False,
                "assumed": assumed,
                "description": f"{len(steps)} of {kind}: at most {each:g} seconds each, between second "
                f"{first.start:.0f} and second {end:.0f}{', assumed' if assumed else ''}",
            }
        )
    return sorted(rows, key=lambda row: (row["start"], -row["seconds"], row["label"]))


def _row(step: Step, position: int, *, critical: bool) -> dict[str, Any]:
    name = _name(step.urn)
    return {
        "resource": position,
        "link": f"file://#resource-{position}",  # without a protocol Vega puts the address of its examples in front
        "label": f"{'≈ ' if step.assumed else ''}{step.seconds:g} s\N{EN SPACE}{name}",
        "start": step.start,
        "seconds": step.seconds,
        "critical": critical,
        "assumed": step.assumed,
        "description": f"{name}: {step.seconds:g} seconds from second {step.start:.0f}"
        + (f", after {_name(step.waited_for)}" if step.waited_for else "")
        + (", assumed" if step.assumed else "")
        + (", on the critical path" if critical else ""),
    }


def _chain(step: Step) -> dict[str, Any]:
    return {"name": _name(step.urn), "urn": step.urn, "seconds": step.seconds}


def _name(urn: str) -> str:
    return urn.rpartition("::")[2]
