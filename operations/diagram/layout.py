"""Where each thing of the drawing is and how its arrows run.

Graphviz decides it (`dot`, with right-angled arrows), within what the network gives: a row is the tier of a thing's
subnets, and in a row what is in the cardholder data environment is before what is not, so that its boundary is one
outline. All places are in units of the drawing, from its top left corner; a unit is Graphviz's point.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise, product

import pygraphviz

from operations.diagram.actors import Actor
from operations.diagram.architecture import Architecture
from operations.diagram.outside import DATA_CENTRE, WHOLE_VPC
from operations.diagram.paths import Path
from operations.diagram.topology import Tier

POINTS = 72
"""Graphviz takes the sizes of things in inches and answers in points."""
MARGIN = 24
"""Around the drawing, and between the frame of the VPC and what is in it."""
LEFT = 2 * MARGIN - 6
"""To the left of the tiers' names."""
BOX_WIDTH, BOX_HEIGHT = 220, 78
PREMISES_WIDTH = 168
LABELS_WIDTH = 156
"""Of the column that names the tiers and their subnets."""
GATEWAY_WIDTH = 22
COLUMN_GAP, ROW_GAP = 40, 76
LINE, FIRST_LINE = 17, 44
"""Height of a line of text in a box, and from the box's top to its first one."""
MOST_RANGES = 8
"""Of an outside party; the table of paths has them all."""
TIERS = (Tier.PUBLIC, Tier.APPLICATION, Tier.DATA)
BEFORE = {"style": "invis", "weight": "1"}
"""An edge that only says what is before what."""
BELOW = {"style": "invis", "weight": "100"}
"""An edge that keeps two things in one column."""
CHARACTER = 6.9
"""Width of an average character of an arrow's label."""
LABEL_HEIGHT = 17
LABEL_FROM_TIP = 15
"""From an arrow's tip to the near edge of its label, so that the head is seen."""
MOST_PORTS = 2
"""In an arrow's label; beyond, it says how many."""

Point = tuple[float, float]


@dataclass(frozen=True)
class Box:
    """A rectangle: a thing's place, or the room of some text."""

    x: float
    y: float
    width: float
    height: float

    @property
    def right(self) -> float:
        return self.x + self.width

    @property
    def bottom(self) -> float:
        return self.y + self.height

    def overlaps(self, other: Box) -> bool:
        """Whether they share more than an edge."""
        return self.x < other.right and other.x < self.right and self.y < other.bottom and other.y < self.bottom


@dataclass(frozen=True)
class Arrow:
    """A path as drawn: corner points from source to target, and its label."""

    path: Path
    points: tuple[Point, ...]
    text: str
    label: Box


@dataclass(frozen=True)
class Plan:
    """All places."""

    boxes: Mapping[str, Box]
    """By actor."""
    tiers: Mapping[Tier, Box]
    """Where each tier is named, as high as its row."""
    vpc: Box
    gateway: Box | None
    """The VPC's end of the tunnels to the data centre."""
    arrows: tuple[Arrow, ...]


def lay_out(architecture: Architecture) -> Plan:
    """All places of an architecture's drawing."""
    shown = {str(index): path for index, path in enumerate(architecture.paths) if WHOLE_VPC not in _ends(path)}
    graph = _graph(architecture, shown)
    graph.layout("dot")
    page = _corners(graph)
    boxes = {str(node): _box(node, page) for node in graph.nodes_iter()}
    lines = [(path, _points(graph, key, path, page)) for key, path in shown.items()]
    return Plan(
        boxes={key: boxes[key] for key in architecture.actors},
        tiers={tier: boxes[_start(tier)] for tier in TIERS},
        vpc=_around([boxes[column(tier)] for tier in TIERS for column in (_start, _end)]),
        gateway=boxes[GATEWAY] if DATA_CENTRE in architecture.actors else None,
        arrows=tuple(_labelled(lines, list(boxes.values()))),
    )


def _graph(architecture: Architecture, paths: Mapping[str, Path]) -> pygraphviz.AGraph:
    graph = pygraphviz.AGraph(
        directed=True,
        strict=False,
        newrank="true",
        splines="ortho",
        nodesep=COLUMN_GAP / POINTS,
        ranksep=ROW_GAP / POINTS,
    )
    graph.node_attr.update(shape="box", fixedsize="true", label="", height=BOX_HEIGHT / POINTS)
    graph.edge_attr.update(arrowhead="none")
    for key, actor in architecture.actors.items():
        width = PREMISES_WIDTH if key == DATA_CENTRE else BOX_WIDTH
        graph.add_node(key, width=width / POINTS, height=_height(actor) / POINTS)
    for column, width in ((_start, LABELS_WIDTH), (_end, GATEWAY_WIDTH)):
        for tier in TIERS:
            highest = max(
                (_height(actor) for actor in architecture.actors.values() if actor.tier is tier), default=BOX_HEIGHT
            )
            graph.add_node(column(tier), width=width / POINTS, height=highest / POINTS)
        graph.add_edges_from(pairwise(map(column, TIERS)), **BELOW)
    rows = _rows(architecture)
    for row in rows.values():
        graph.add_subgraph([node for group in row for node in group], rank="same")
        for before, after in pairwise(group for group in row if group):
            graph.add_edges_from(product(before, after), **BEFORE)
    for key in rows[Tier.OUTSIDE][0][:1]:
        graph.add_edge(key, _start(Tier.PUBLIC), **BEFORE)
    places = [node for row in rows.values() for group in row for node in group]
    for key, path in paths.items():
        graph.add_edge(*sorted(_ends(path), key=places.index), key=key)
    return graph


def _rows(architecture: Architecture) -> dict[Tier, list[list[str]]]:
    """The things of each row in groups, first to last; within a group Graphviz chooses."""
    rows: dict[Tier, list[list[str]]] = {}
    for tier in Tier:
        keys = [key for key, actor in architecture.actors.items() if actor.tier is tier and key != DATA_CENTRE]
        inside = [key for key in keys if architecture.scope[key] == "cardholder"]
        around = [key for key in keys if key not in inside]
        rows[tier] = [[_start(tier)], inside, around, [_end(tier)]] if tier in TIERS else [keys]
    if DATA_CENTRE in architecture.actors:
        rows[Tier.APPLICATION].append([DATA_CENTRE])
    return rows


def _start(tier: Tier) -> str:
    """Where a tier's row begins: the tier's name and subnets."""
    return f"start of {tier.title}"


def _end(tier: Tier) -> str:
    """Where a tier's row ends: the border of the VPC."""
    return f"end of {tier.title}"


GATEWAY = _end(Tier.APPLICATION)


def _ends(path: Path) -> tuple[str, str]:
    """Where its arrow leaves and arrives: traffic of the data centre passes the gateway."""
    source, target = (GATEWAY if key == DATA_CENTRE else key for key in (path.source, path.target))
    return source, target


def detail_lines(actor: Actor) -> list[str]:
    """What a box says of its thing: of what lies outside its ranges, a line each."""
    if actor.tier is Tier.OUTSIDE:
        return actor.detail.split(", ")[:MOST_RANGES]
    return [actor.detail, *actor.contents]


def _height(actor: Actor) -> float:
    own_name = actor.tier is not Tier.OUTSIDE
    return max(BOX_HEIGHT, FIRST_LINE + LINE * (len(detail_lines(actor)) + own_name))


def _corners(graph: pygraphviz.AGraph) -> tuple[float, ...]:
    """Left, bottom, right and top, in points; Graphviz counts upwards."""
    return tuple(map(float, graph.graph_attr["bb"].split(",")))


def _around(boxes: Sequence[Box]) -> Box:
    """The frame of the VPC; it ends in the middle of the gateway."""
    left, top = min(box.x for box in boxes) - LEFT + MARGIN, min(box.y for box in boxes) - MARGIN
    right, bottom = max(box.right for box in boxes) - GATEWAY_WIDTH / 2, max(box.bottom for box in boxes) + MARGIN
    return Box(left, top, right - left, bottom - top)


def _pair(text: str) -> Point:
    x, y = text.split(",")
    return float(x), float(y)


def _placed(point: Point, page: Sequence[float]) -> Point:
    """A point of Graphviz's in units of the drawing."""
    return round(point[0] - page[0]) + LEFT, round(page[3] - point[1]) + MARGIN


def _box(node: pygraphviz.Node, page: Sequence[float]) -> Box:
    x, y = _pair(node.attr["pos"])
    width, height = (float(node.attr[side]) * POINTS for side in ("width", "height"))
    return Box(*_placed((x - width / 2, y + height / 2), page), round(width), round(height))


def _points(graph: pygraphviz.AGraph, key: str, path: Path, page: Sequence[float]) -> tuple[Point, ...]:
    """An arrow's corners. Graphviz answers with curves, four points each, that share their ends."""
    source, target = _ends(path)
    edge = graph.get_edge(source, target, key) if graph.has_edge(source, target, key) else None
    curve = (edge or graph.get_edge(target, source, key)).attr["pos"].split()
    corners = [_placed(_pair(point), page) for point in curve[::3]]
    kept = [
        corner
        for index, corner in enumerate(corners)
        if index in (0, len(corners) - 1) or not _straight(corners[index - 1], corner, corners[index + 1])
    ]
    return tuple(kept if edge else reversed(kept))


def _straight(one: Point, other: Point, last: Point) -> bool:
    return one[0] == other[0] == last[0] or one[1] == other[1] == last[1]


def _labelled(lines: Sequence[tuple[Path, tuple[Point, ...]]], boxes: Sequence[Box]) -> Iterator[Arrow]:
    """Each arrow's label where it covers least: no thing, no other label, and if it can be no other arrow."""
    placed: list[Box] = []
    for index, (path, points) in enumerate(lines):
        text = path.label if len(path.ports) <= MOST_PORTS else f"{len(path.ports)} ports"
        others = [_stretch(*ends) for _, line in (*lines[:index], *lines[index + 1 :]) for ends in pairwise(line)]
        label = min(
            _label_places(points, len(text) * CHARACTER + 13),
            key=lambda place: (
                sum(map(place.overlaps, (*boxes, *placed))),
                sum(map(place.overlaps, others)),
            ),
        )
        placed.append(label)
        yield Arrow(path, points, text, label)


def _stretch(start: Point, end: Point) -> Box:
    """The room that a stretch of an arrow takes."""
    (left, right), (top, bottom) = sorted((start[0], end[0])), sorted((start[1], end[1]))
    return Box(left - 1, top - 1, right - left + 2, bottom - top + 2)


def _label_places(points: Sequence[Point], width: float) -> Iterator[Box]:
    """From the tip backwards: on each stretch that leaves the arrow's head free, else next to its middle."""
    for start, end in reversed(list(pairwise(points))):
        level = start[1] == end[1]
        length = distance(start, end)
        near = LABEL_FROM_TIP + (width if level else LABEL_HEIGHT) / 2
        roomy = length > 2 * near - LABEL_FROM_TIP
        aside = 0 if roomy else 2 + (LABEL_HEIGHT if level else width) / 2
        for way in (length - near, length / 2, near) if roomy else (length / 2,):
            x, y = (one + (other - one) * way / length for one, other in zip(start, end, strict=True))
            x, y = (x, y - aside) if level else (x + aside, y)
            yield Box(x - width / 2, y - LABEL_HEIGHT / 2, width, LABEL_HEIGHT)


def distance(start: Point, end: Point) -> float:
    """How far an arrow runs between two points of one stretch."""
    return abs(end[0] - start[0]) + abs(end[1] - start[1])
