"""The arrows of the drawing: right angles, a lane of its own for each, through the gaps where a tier is skipped."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from operations.page.architecture import DATA_CENTRE, WHOLE_VPC, Architecture, Path
from operations.page.layout import BOX_WIDTH, GAP, GATEWAY_WIDTH, LANE, Box, Plan, Rows, order_rows, place
from operations.page.topology import Tier

LABEL_OFFSET = 15
"""From the target's edge to the middle of an arrow's label."""
PASS_AT = (3, 13, -7, 21)
"""Where arrows pass through a gap, from its middle, one after the other; clear of the boundary's line."""
CROWDED = 40
"""How far an arrow goes out of its way for each arrow that already passes through a gap."""
FACED = 10
"""How many arrows a gap counts for in which two boxes already talk to each other."""
LANES_FROM = 31
"""From a row's boxes to the first lane below them."""
FACING_LIMIT = BOX_WIDTH + GAP
"""Boxes no further apart than this have nothing between them."""

Point = tuple[float, float]


@dataclass(frozen=True)
class Arrow:
    """A path as drawn: corner points from source to target, and where its label stands."""

    path: Path
    points: tuple[Point, ...]
    label_at: Point


@dataclass
class _Segment:
    """A horizontal stretch in a channel, before it has its lane."""

    channel: Tier
    first: float
    last: float
    lane: int = 0


@dataclass
class _Route:
    """A path on its way: where it leaves, each stretch it travels, where it arrives (top to bottom)."""

    path: Path
    upper: str
    lower: str
    stops: list[float] = field(default_factory=list)
    segments: list[_Segment] = field(default_factory=list)


def draw_arrows(architecture: Architecture) -> tuple[Plan, tuple[Arrow, ...]]:
    """The plan with as much room between rows as the arrows need, and the arrows in it."""
    rows = order_rows(architecture)
    draft = place(architecture, rows, {})
    drawn = [path for path in architecture.paths if WHOLE_VPC not in (path.source, path.target)]
    facing = [path for path in drawn if _facing(path, draft)]
    routes = _routes([path for path in drawn if path not in facing], facing, draft, rows)
    lanes = _assign_lanes([segment for route in routes for segment in route.segments])
    plan = place(architecture, rows, lanes)
    return plan, (*(_arrow(route, plan) for route in routes), *_facing_arrows(facing, plan))


def _facing(path: Path, plan: Plan) -> bool:
    """Whether the two boxes stand side by side, so that a straight line joins them."""
    one, other = plan.boxes[path.source], plan.boxes[path.target]
    return DATA_CENTRE not in (path.source, path.target) and one.y == other.y and abs(one.x - other.x) <= FACING_LIMIT


def _facing_arrows(paths: Sequence[Path], plan: Plan) -> list[Arrow]:
    arrows = []
    together: dict[frozenset[str], list[Path]] = defaultdict(list)
    for path in paths:
        together[frozenset((path.source, path.target))].append(path)
    for group in together.values():
        for index, path in enumerate(group):
            source, target = plan.boxes[path.source], plan.boxes[path.target]
            y = source.y + source.height * (index + 1) / (len(group) + 1)
            start, end = (source.right, target.x) if source.x < target.x else (source.x, target.right)
            arrows.append(Arrow(path, ((start, y), (end, y)), ((start + end) / 2, y - 9)))
    return arrows


def _routes(paths: Sequence[Path], facing: Sequence[Path], plan: Plan, rows: Rows) -> list[_Route]:
    """Each path's stretches. Ports of a box are ordered by where their arrows come from, so that few cross."""
    tier_of = {key: tier for tier, keys in rows.items() for key in keys}
    routes = [_start(path, tier_of) for path in paths]
    ports = _ports(routes, plan, tier_of)
    passing = {_gap_beside(plan.boxes[path.source], plan.boxes[path.target]): FACED for path in facing}
    for index, route in enumerate(routes):
        start, end = ports[index]
        if route.lower == DATA_CENTRE:
            channel = Tier(max(tier_of[route.upper] - 1, 0))
            route.stops = [start]
            route.segments = [_Segment(channel, start, plan.right - GATEWAY_WIDTH / 2)]
            continue
        upper, lower = tier_of[route.upper], tier_of[route.lower]
        if upper is lower:
            route.stops = [start, end]
            route.segments = [_Segment(Tier(max(upper - 1, 0)), start, end)]
            continue
        route.stops = [start]
        for skipped in range(upper + 1, lower):
            route.stops.append(_gap(plan, rows[Tier(skipped)], (start + end) / 2, passing))
        route.stops.append(end)
        route.segments = [
            _Segment(Tier(upper + step), first, last)
            for step, (first, last) in enumerate(zip(route.stops, route.stops[1:], strict=False))
        ]
    return routes


def _start(path: Path, tier_of: Mapping[str, Tier]) -> _Route:
    upper, lower = sorted((path.source, path.target), key=lambda key: _height(key, tier_of))
    return _Route(path, upper, lower)


def _height(key: str, tier_of: Mapping[str, Tier]) -> int:
    """Rows from the top; the data centre, which stands beside them, counts as lowest."""
    return 99 if key == DATA_CENTRE else tier_of[key]


def _gap(plan: Plan, row: Sequence[str], wanted: float, passing: dict[Point, int]) -> float:
    """A place to pass between the boxes of a row, near to where the arrow wants to go and not crowded."""
    gaps = [_gap_right_of(plan.boxes[key]) for key in row]
    if not gaps:
        return wanted
    best = min(gaps, key=lambda gap: abs(gap[0] - wanted) + CROWDED * passing.get(gap, 0))
    turn = passing.get(best, 0)
    passing[best] = turn + 1
    return best[0] + PASS_AT[turn % FACED % len(PASS_AT)]


def _gap_right_of(box: Box) -> Point:
    return (box.right + GAP / 2, box.y)


def _gap_beside(one: Box, other: Box) -> Point:
    """The gap between two boxes that stand side by side."""
    return _gap_right_of(min(one, other, key=lambda box: box.x))


def _ports(routes: Sequence[_Route], plan: Plan, tier_of: Mapping[str, Tier]) -> dict[int, tuple[float, float]]:
    """For each route, x of its end at the upper and at the lower box."""
    sides: dict[tuple[str, str], list[tuple[float, int, str]]] = defaultdict(list)
    for index, route in enumerate(routes):
        upper, lower = plan.boxes[route.upper], plan.boxes[route.lower]
        beside = route.lower == DATA_CENTRE or tier_of[route.upper] is tier_of[route.lower]
        sides[route.upper, "top" if beside else "bottom"].append((lower.middle, index, "upper"))
        if route.lower != DATA_CENTRE:
            sides[route.lower, "top"].append((upper.middle, index, "lower"))
    found: dict[int, dict[str, float]] = defaultdict(dict)
    for (key, side), ends in sides.items():
        box = plan.boxes[key]
        shift = 4 if side == "top" else -4  # so that an arrow that leaves never runs on top of one that arrives
        for position, (_, index, end) in enumerate(sorted(ends), start=1):
            found[index][end] = round(box.x + box.width * position / (len(ends) + 1)) + shift
    return {index: (ends["upper"], ends.get("lower", plan.right)) for index, ends in found.items()}


def _assign_lanes(segments: Sequence[_Segment]) -> dict[Tier, int]:
    """Give every stretch the first lane of its channel that is free along it; answers how many each channel needs."""
    taken: dict[Tier, list[list[_Segment]]] = defaultdict(list)
    for segment in sorted(segments, key=lambda one: (abs(one.last - one.first), one.first)):
        lanes = taken[segment.channel]
        free = next(
            (index for index, lane in enumerate(lanes) if not any(_overlap(segment, one) for one in lane)), None
        )
        if free is None:
            lanes.append([])
            free = len(lanes) - 1
        lanes[free].append(segment)
        segment.lane = free
    return {channel: len(lanes) for channel, lanes in taken.items()}


def _overlap(one: _Segment, other: _Segment) -> bool:
    low, high = sorted((one.first, one.last))
    other_low, other_high = sorted((other.first, other.last))
    return low <= other_high + LANE and other_low <= high + LANE


def _arrow(route: _Route, plan: Plan) -> Arrow:
    """Corner points, top to bottom; turned round for an arrow that points up."""
    upper = plan.boxes[route.upper]
    levels = [plan.channel(segment.channel)[0] + LANES_FROM + LANE * segment.lane for segment in route.segments]
    if route.lower == DATA_CENTRE:
        y = levels[0]
        points = [(route.stops[0], upper.y), (route.stops[0], y), (plan.right - GATEWAY_WIDTH / 2, y)]
        label_up: Point = (plan.right - GATEWAY_WIDTH / 2 - 30, y)
        return _directed(route, points, _label_below(route.stops[0], upper, above=True), label_up)
    lower = plan.boxes[route.lower]
    beside = upper.y == lower.y
    points = [(route.stops[0], upper.y if beside else upper.bottom)]
    for level, first, last in zip(levels, route.stops, route.stops[1:], strict=False):
        points += [(first, level), (last, level)]
    points.append((route.stops[-1], lower.y))
    return _directed(
        route,
        points,
        _label_below(route.stops[0], upper, above=beside),
        _label_below(route.stops[-1], lower, above=True),
    )


def _label_below(x: float, box: Box, *, above: bool) -> Point:
    return (x, box.y - LABEL_OFFSET if above else box.bottom + LABEL_OFFSET)


def _directed(route: _Route, points: list[Point], at_upper: Point, at_lower: Point) -> Arrow:
    down = route.path.target == route.lower
    kept = [point for index, point in enumerate(points) if index == 0 or point != points[index - 1]]
    return Arrow(route.path, tuple(kept if down else reversed(kept)), at_lower if down else at_upper)
