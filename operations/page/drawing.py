"""The architecture as SVG: alone, for a README or a report, or inside a page that gives it its colours."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

from operations.page.actors import Actor
from operations.page.architecture import DATA_CENTRE, WHOLE_VPC, Architecture
from operations.page.layout import GATEWAY_WIDTH, MARGIN, Box, Plan
from operations.page.rendering import source, template
from operations.page.routing import Arrow, Point, draw_arrows
from operations.page.topology import Tier

BOUNDARY_PADDING = 15
BOUNDARY_NAME = 12
"""Room for the boundary's name below its last row."""
HEAD_LENGTH, HEAD_WIDTH = 9, 4.5
CHARACTER = 6.9
"""Width of an average character of a label, in units of the drawing."""
CHIP_CHARACTER = 7.0
MOST_LABEL_PORTS = 2
SERVICES_GAP = 52
CHIP_GAP = 10
MOST_RANGES = 8
"""Of an outside party; the table of paths has them all."""
LONGEST = {"detail": 31, "stub": 24, "name": 20}
"""Characters of each kind of line in a box."""


def draw(architecture: Architecture, marks: Mapping[str, str] | None = None, *, alone: bool) -> str:
    """The drawing of an architecture.

    Args:
        marks: by actor, ``fail`` or ``undetermined`` where a rule found something.
        alone: whether the SVG stands in a file of its own and brings its own colours.
    """
    plan, arrows = draw_arrows(architecture)
    width = max((box.right for box in plan.boxes.values()), default=0)
    width = max(width, plan.right) + MARGIN
    services = list(_services(architecture, width, plan.bottom + MARGIN / 2 + SERVICES_GAP))
    bottom = services[-1]["y"] + 28 if services else plan.bottom
    return template("architecture.svg.jinja").render(
        alone=alone,
        style=source("palette.css") + source("diagram.css") if alone else "",
        title=f"Architecture of {architecture.stack}",
        words=_words(architecture),
        width=round(width),
        height=round(bottom + MARGIN),
        frame=_frame(architecture, plan),
        bands=list(_bands(architecture, plan)),
        boundaries=list(_boundaries(architecture, plan)),
        tunnel=_tunnel(architecture, plan),
        paths=[_path(arrow, architecture) for arrow in arrows],
        actors=[
            _actor(plan.boxes[key], actor, architecture, (marks or {}).get(key, ""))
            for key, actor in architecture.actors.items()
        ],
        services=services,
    )


def _words(architecture: Architecture) -> str:
    inside = [key for key, scope in architecture.scope.items() if scope == "cardholder"]
    titles = ", ".join(architecture.actors[key].title for key in inside) or "none"
    return (
        f"Three tiers in {len(architecture.topology.zones)} zones. {len(architecture.paths)} paths between "
        f"{len(architecture.actors)} things, each allowed by security groups. "
        f"In the cardholder data environment: {titles}."
    )


def _frame(architecture: Architecture, plan: Plan) -> dict[str, Any]:
    top = plan.band(Tier.PUBLIC)[0] - 6
    ranges = ", ".join(map(str, architecture.topology.ranges))
    return {
        "x": MARGIN,
        "y": top,
        "width": plan.right - MARGIN,
        "height": plan.bottom + 6 - top,
        "name": f"VPC {ranges}",
    }


def _bands(architecture: Architecture, plan: Plan) -> Iterator[dict[str, Any]]:
    for tier in (Tier.PUBLIC, Tier.APPLICATION, Tier.DATA):
        top, bottom = plan.band(tier)
        yield {
            "title": tier.title,
            "meaning": tier.meaning,
            "top": top,
            "height": bottom - top,
            "subnets": [
                {"letter": subnet.zone[-1:], "cidr": subnet.cidr}
                for subnet in architecture.topology.subnets
                if subnet.tier is tier
            ],
        }


def _boundaries(architecture: Architecture, plan: Plan) -> Iterator[dict[str, Any]]:
    """One outline round the boxes in the cardholder data environment; one more after each row that has none."""
    run: list[tuple[float, float, float]] = []
    for tier in (Tier.PUBLIC, Tier.APPLICATION, Tier.DATA, None):
        inside = (
            [plan.boxes[key] for key in plan.rows.get(tier, ()) if architecture.scope[key] == "cardholder"]
            if tier
            else []
        )
        if inside:
            top, bottom = inside[0].y - BOUNDARY_PADDING, inside[0].bottom + BOUNDARY_PADDING
            run.append((top, bottom, max(box.right for box in inside) + BOUNDARY_PADDING))
        elif run:
            left = MARGIN + _label_column(plan)
            yield _outline(left, run)
            run = []


def _label_column(plan: Plan) -> float:
    return min(box.x for box in plan.boxes.values()) - BOUNDARY_PADDING - MARGIN


def _outline(left: float, rows: list[tuple[float, float, float]]) -> dict[str, Any]:
    points = [(left, rows[0][0]), (rows[0][2], rows[0][0])]
    for (_, bottom, right), (top, _, next_right) in itertools.pairwise(rows):
        step = bottom if next_right > right else top
        points += [(right, step), (next_right, step)]
    bottom = rows[-1][1] + BOUNDARY_NAME
    points += [(rows[-1][2], bottom), (left, bottom)]
    return {
        "path": f"M{' L'.join(f'{x:g} {y:g}' for x, y in points)} Z",
        "x": left + BOUNDARY_PADDING,
        "y": bottom - 9,
        "name": "Cardholder data environment",
    }


def _tunnel(architecture: Architecture, plan: Plan) -> dict[str, Any] | None:
    if DATA_CENTRE not in architecture.actors:
        return None
    premises = plan.boxes[DATA_CENTRE]
    return {
        "x1": plan.right,
        "x2": premises.x,
        "y": premises.y + premises.height / 2,
        "gateway": {
            "x": plan.right - GATEWAY_WIDTH / 2,
            "y": plan.channel(Tier.PUBLIC)[0] + 8,
            "width": GATEWAY_WIDTH,
            "height": plan.bottom - plan.channel(Tier.PUBLIC)[0] - 26,
        },
    }


def _path(arrow: Arrow, architecture: Architecture) -> dict[str, Any]:
    path = arrow.path
    ports = path.ports
    text = ", ".join(ports) if len(ports) <= MOST_LABEL_PORTS else f"{len(ports)} ports"
    width = len(text) * CHARACTER + 13
    x, y = arrow.label_at
    names = {key: actor.title for key, actor in architecture.actors.items()}
    half = "" if path.whole else "; the other end does not allow it, so nothing passes"
    *_, before, end = arrow.points
    return {
        "source": path.source,
        "target": path.target,
        "whole": path.whole,
        "d": _rounded(arrow.points),
        "head": _head(before, end),
        "label": {"text": text, "x": round(x - width / 2, 1), "y": round(y - 8.5, 1), "width": round(width, 1)},
        "words": f"{names[path.source]} to {names[path.target]}: {path.label}{half}",
    }


def _rounded(points: tuple[Point, ...], radius: float = 6) -> str:
    """A path with soft corners."""
    parts = [f"M{points[0][0]:g} {points[0][1]:g}"]
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        start, end = _towards(corner, before, radius), _towards(corner, after, radius)
        parts.append(f"L{start[0]:g} {start[1]:g}Q{corner[0]:g} {corner[1]:g} {end[0]:g} {end[1]:g}")
    parts.append(f"L{points[-1][0]:g} {points[-1][1]:g}")
    return "".join(parts)


def _towards(start: Point, end: Point, distance: float) -> Point:
    length = abs(end[0] - start[0]) + abs(end[1] - start[1])
    share = min(distance, length / 2) / length if length else 0
    return (start[0] + (end[0] - start[0]) * share, start[1] + (end[1] - start[1]) * share)


def _head(before: Point, end: Point) -> str:
    """A triangle whose tip is `end`."""
    dx, dy = _sign(end[0] - before[0]), _sign(end[1] - before[1])
    base = (end[0] - dx * HEAD_LENGTH, end[1] - dy * HEAD_LENGTH)
    left = (base[0] - dy * HEAD_WIDTH, base[1] + dx * HEAD_WIDTH)
    right = (base[0] + dy * HEAD_WIDTH, base[1] - dx * HEAD_WIDTH)
    return f"M{end[0]:g} {end[1]:g}L{left[0]:g} {left[1]:g}L{right[0]:g} {right[1]:g}Z"


def _sign(value: float) -> int:
    return (value > 0) - (value < 0)


def _actor(box: Box, actor: Actor, architecture: Architecture, mark: str) -> dict[str, Any]:
    zones = architecture.topology.zones if actor.zones else ()
    whole_vpc = [path.label for path in architecture.paths if (path.source, path.target) == (WHOLE_VPC, actor.key)]
    name = actor.key.partition("-")[2] if actor.tier is not Tier.OUTSIDE else ""
    details = actor.detail.split(", ") if actor.tier is Tier.OUTSIDE else [actor.detail]
    lines = [line for detail in details[:MOST_RANGES] for line in _cut("detail", detail)]
    if whole_vpc:
        lines += _cut("stub", f"from the VPC: {', '.join(whole_vpc)}")
    elif name:
        lines += _cut("name", name)
    scope = {"cardholder": ", in the cardholder data environment", "connected": ", connected to it"}
    words = f"{actor.title} {name}: {actor.detail}{scope.get(architecture.scope[actor.key], '')}"
    return {
        "key": actor.key,
        "title": actor.title,
        "scope": architecture.scope[actor.key],
        "outside": actor.tier is Tier.OUTSIDE,
        "x": box.x,
        "y": box.y,
        "width": box.width,
        "height": box.height,
        "lines": lines,
        "zones": [{"letter": zone[-1:], "present": zone in actor.zones} for zone in zones],
        "mark": mark,
        "words": " ".join(words.split()),
    }


def _cut(style: str, text: str) -> Iterator[dict[str, str]]:
    if text:
        yield {"style": style, "text": text if len(text) <= LONGEST[style] else f"{text[: LONGEST[style] - 1]}…"}


def _services(architecture: Architecture, width: float, y: float) -> Iterator[dict[str, Any]]:
    """Chips in lines as wide as the drawing."""
    x: float = MARGIN
    for title, resources in architecture.services.items():
        chip = len(f"{title} {len(resources)}") * CHIP_CHARACTER + 28
        if x + chip > width - MARGIN:
            x, y = MARGIN, y + 28 + CHIP_GAP
        yield {"title": title, "count": len(resources), "x": round(x, 1), "y": round(y, 1), "width": round(chip, 1)}
        x += chip + CHIP_GAP
