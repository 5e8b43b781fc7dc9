"""The architecture as SVG: alone, for a README or a report, or inside a page that gives it its colours."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

from operations.diagram.actors import Actor
from operations.diagram.architecture import Architecture
from operations.diagram.layout import (
    FIRST_LINE,
    LINE,
    MARGIN,
    TIERS,
    Arrow,
    Box,
    Plan,
    Point,
    detail_lines,
    distance,
    lay_out,
)
from operations.diagram.outside import DATA_CENTRE, WHOLE_VPC
from operations.diagram.styles import DIAGRAM, PALETTE, TEMPLATES
from operations.diagram.topology import Tier

BAND_PADDING = 18
BOUNDARY_PADDING = 15
BOUNDARY_NAME = 12
"""Room for the boundary's name below its last row."""
HEAD_LENGTH, HEAD_WIDTH = 9, 4.5
CHIP_CHARACTER = 7.0
"""Width of an average character of a service's name, in units of the drawing."""
SERVICES_GAP = 52
CHIP_GAP = 10
LONGEST = {"detail": 31, "stub": 24, "name": 20}
"""Characters of each kind of line in a box."""


def draw(architecture: Architecture, marks: Mapping[str, str] | None = None, *, alone: bool) -> str:
    """The drawing of an architecture.

    Args:
        marks: by actor, ``fail`` or ``undetermined`` where a rule found something.
        alone: whether the SVG is in a file of its own and brings its own colours.
    """
    plan = lay_out(architecture)
    width = max(box.right for box in (plan.vpc, *plan.boxes.values())) + MARGIN
    services = list(_services(architecture, width, _frame_bottom(plan) + SERVICES_GAP))
    bottom = services[-1]["y"] + 28 if services else _frame_bottom(plan)
    return TEMPLATES.template("architecture.svg.jinja").render(
        alone=alone,
        style=PALETTE + DIAGRAM if alone else "",
        title=f"Architecture of {architecture.stack}",
        words=_words(architecture),
        first_line=FIRST_LINE,
        line_height=LINE,
        width=round(width),
        height=round(bottom + MARGIN),
        frame=_frame(architecture, plan),
        bands=list(_bands(architecture, plan)),
        boundaries=list(_boundaries(architecture, plan)),
        tunnel=_tunnel(plan),
        paths=[_path(arrow, architecture) for arrow in plan.arrows],
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
    ranges = ", ".join(map(str, architecture.topology.ranges))
    return {
        "x": plan.vpc.x,
        "y": plan.vpc.y,
        "width": plan.vpc.width,
        "height": _frame_bottom(plan) - plan.vpc.y,
        "name": f"VPC {ranges}",
    }


def _frame_bottom(plan: Plan) -> float:
    return plan.vpc.bottom + BOUNDARY_NAME


def _bands(architecture: Architecture, plan: Plan) -> Iterator[dict[str, Any]]:
    for tier, row in plan.tiers.items():
        name = BOUNDARY_NAME if tier is TIERS[-1] else 0
        yield {
            "title": tier.title,
            "meaning": tier.meaning,
            "top": row.y - BAND_PADDING,
            "height": row.height + 2 * BAND_PADDING + name,
            "subnets": [
                {"letter": subnet.zone[-1:], "cidr": subnet.cidr}
                for subnet in architecture.topology.subnets
                if subnet.tier is tier
            ],
        }


def _boundaries(architecture: Architecture, plan: Plan) -> Iterator[dict[str, Any]]:
    """One outline round the boxes in the cardholder data environment; one more after each row that has none."""
    inside: dict[Tier, list[Box]] = {tier: [] for tier in TIERS}
    for key, scope in architecture.scope.items():
        if scope == "cardholder" and key in plan.boxes:
            inside[architecture.actors[key].tier].append(plan.boxes[key])
    for within, rows in itertools.groupby(inside.items(), key=lambda row: bool(row[1])):
        if within:
            yield _outline([(plan.tiers[tier], boxes) for tier, boxes in rows])


def _outline(rows: list[tuple[Box, list[Box]]]) -> dict[str, Any]:
    """Rows, each its place and its boxes, as one shape with steps on its right side."""
    left = min(box.x for _, boxes in rows for box in boxes) - BOUNDARY_PADDING
    sides = [
        (row.y - BOUNDARY_PADDING, row.bottom + BOUNDARY_PADDING, max(box.right for box in boxes) + BOUNDARY_PADDING)
        for row, boxes in rows
    ]
    points = [(left, sides[0][0]), (sides[0][2], sides[0][0])]
    for (_, bottom, right), (top, _, next_right) in itertools.pairwise(sides):
        step = bottom if next_right > right else top
        points += [(right, step), (next_right, step)]
    bottom = sides[-1][1] + BOUNDARY_NAME
    points += [(sides[-1][2], bottom), (left, bottom)]
    return {
        "path": f"M{' L'.join(f'{x:g} {y:g}' for x, y in points)} Z",
        "x": left + BOUNDARY_PADDING,
        "y": bottom - 9,
        "name": "Cardholder data environment",
    }


def _tunnel(plan: Plan) -> dict[str, Any] | None:
    if plan.gateway is None:
        return None
    return {
        "x1": plan.gateway.right,
        "x2": plan.boxes[DATA_CENTRE].x,
        "y": plan.gateway.y + plan.gateway.height / 2,
        "gateway": plan.gateway,
    }


def _path(arrow: Arrow, architecture: Architecture) -> dict[str, Any]:
    path = arrow.path
    names = {key: actor.title for key, actor in architecture.actors.items()}
    half = "" if path.whole else "; the other end does not allow it, so nothing passes"
    *_, before, end = arrow.points
    return {
        "source": path.source,
        "target": path.target,
        "whole": path.whole,
        "d": _rounded(arrow.points),
        "head": _head(before, end),
        "label": {"text": arrow.text, "box": arrow.label},
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


def _towards(start: Point, end: Point, way: float) -> Point:
    length = distance(start, end)
    share = min(way, length / 2) / length if length else 0
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
    lines = [line for detail in detail_lines(actor) for line in _cut("detail", detail)]
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
    for title, service in architecture.services.items():
        chip = len(f"{title} {service.count}") * CHIP_CHARACTER + 28
        if x + chip > width - MARGIN:
            x, y = MARGIN, y + 28 + CHIP_GAP
        yield {"title": title, "count": service.count, "x": round(x, 1), "y": round(y, 1), "width": round(chip, 1)}
        x += chip + CHIP_GAP
