"""Where each thing of the drawing stands: tiers are rows, and a row is ordered so that arrows are short.

The rows are given (outside, public, application, data), so what a general graph layout decides is already decided by
the routes of the subnets; what is left is the order within a row. It is chosen among all orders by the length of the
arrows. What is in the cardholder data environment stands first in each row, so that its boundary is one outline.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations, product

from operations.page.architecture import DATA_CENTRE, Architecture, Path
from operations.page.topology import Tier

MARGIN = 24
LABELS = 186
"""Width of the column that names the tiers and their subnets."""
BOX_WIDTH, BOX_HEIGHT = 212, 78
GAP = 52
"""Between boxes; arrows that skip a tier pass here."""
LANE = 13
CHANNEL = 52
"""Least height between two rows; every lane of arrows adds to it."""
PREMISES_GAP, PREMISES_WIDTH = 76, 150
GATEWAY_WIDTH = 22
BAND_PADDING = 18
LAST_BAND = 16
"""Below the last row, where the boundary has its name."""
MOST_ORDERS = 20_000
"""Beyond this many orders of the rows, rows keep the order of the program."""


@dataclass(frozen=True)
class Box:
    """One actor's place."""

    key: str
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

    @property
    def middle(self) -> float:
        return self.x + self.width / 2


Rows = Mapping[Tier, Sequence[str]]


def order_rows(architecture: Architecture) -> dict[Tier, tuple[str, ...]]:
    """The actors of each row, left to right. The data centre stands beside the VPC, not in a row."""
    choices = [list(_orders(architecture, tier)) for tier in Tier]
    amount = 1
    for options in choices:
        amount *= len(options)
    if amount > MOST_ORDERS:
        return {tier: options[0] for tier, options in zip(Tier, choices, strict=True)}
    best = min(product(*choices), key=lambda rows: _length(dict(zip(Tier, rows, strict=True)), architecture.paths))
    return dict(zip(Tier, best, strict=True))


def _orders(architecture: Architecture, tier: Tier) -> Iterator[tuple[str, ...]]:
    keys = [key for key, actor in architecture.actors.items() if actor.tier is tier and key != DATA_CENTRE]
    inside = [key for key in keys if architecture.scope[key] == "cardholder"]
    around = [key for key in keys if architecture.scope[key] != "cardholder"]
    for first, second in product(permutations(inside), permutations(around)):
        yield (*first, *second)


def _length(rows: Rows, paths: Sequence[Path]) -> float:
    """How far all arrows travel sideways, and how many of them cross."""
    columns = {key: (tier, index) for tier, keys in rows.items() for index, key in enumerate(keys)}
    ends = [(columns[path.source], columns[path.target]) for path in paths if {path.source, path.target} <= {*columns}]
    sideways = sum(abs(a[1] - b[1]) for a, b in ends)
    crossings = sum(
        (one[0][1] - other[0][1]) * (one[1][1] - other[1][1]) < 0
        for index, one in enumerate(ends)
        for other in ends[:index]
        if one[0][0] == other[0][0] and one[1][0] == other[1][0]
    )
    return sideways + 3 * crossings


@dataclass(frozen=True)
class Plan:
    """All places, in units of the drawing."""

    boxes: Mapping[str, Box]
    rows: Rows
    lanes: Mapping[Tier, int]
    """How many lanes the channel below each row has."""
    right: float
    """Right border of the VPC."""

    def band(self, tier: Tier) -> tuple[float, float]:
        """Top and bottom of a tier's band."""
        y = row_y(tier, self.lanes)
        return y - BAND_PADDING, y + BOX_HEIGHT + BAND_PADDING + (LAST_BAND if tier is Tier.DATA else 0)

    def channel(self, tier: Tier) -> tuple[float, float]:
        """Top and bottom of the space for arrows below a row."""
        top = row_y(tier, self.lanes) + BOX_HEIGHT
        return top, top + channel_height(tier, self.lanes)

    @property
    def bottom(self) -> float:
        return self.band(Tier.DATA)[1]


def channel_height(tier: Tier, lanes: Mapping[Tier, int]) -> float:
    return CHANNEL + LANE * lanes.get(tier, 0)


def row_y(tier: Tier, lanes: Mapping[Tier, int]) -> float:
    """Top of a row's boxes."""
    above = [Tier(level) for level in range(tier)]
    return MARGIN + sum(BOX_HEIGHT + channel_height(row, lanes) for row in above)


def place(architecture: Architecture, rows: Rows, lanes: Mapping[Tier, int]) -> Plan:
    """The boxes of ordered rows, with room for the lanes of arrows below each row."""
    left = MARGIN + LABELS + GAP / 2
    boxes = {
        key: Box(key, left + index * (BOX_WIDTH + GAP), row_y(tier, lanes), BOX_WIDTH, BOX_HEIGHT)
        for tier, keys in rows.items()
        for index, key in enumerate(keys)
    }
    widest = max((len(keys) for keys in rows.values()), default=1)
    right = left + widest * (BOX_WIDTH + GAP)
    if DATA_CENTRE in architecture.actors:
        top = row_y(Tier.APPLICATION, lanes)
        height = row_y(Tier.DATA, lanes) + BOX_HEIGHT - top
        boxes[DATA_CENTRE] = Box(DATA_CENTRE, right + PREMISES_GAP, top, PREMISES_WIDTH, height)
    return Plan(boxes, rows, lanes, right)
