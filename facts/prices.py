"""AWS's on-demand list prices by Region, each with the day on which it was read and its source.

`python -m operations prices` writes the rows of a Region from AWS's public price list. A Region without rows has no
prices here, and none is guessed.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FILE = Path(__file__).with_suffix(".csv")
COLUMNS = ("region", "type", "what", "usd", "unit", "read_on", "source")
HOURS_A_MONTH = 730
"""AWS's own convention."""
FIRST_REGION = "us-east-1"
"""In which AWS quotes prices first; shown, by this name, where a stack's own Region has none."""


@dataclass(frozen=True)
class Price:
    """The list price of one unit of a type and size in one Region."""

    region: str
    type: str
    what: str
    """The size, such as ``db.r7g.large``; empty for types without one."""
    usd: str
    unit: str
    """``hour`` or ``month``."""
    read_on: str
    """ISO 8601."""
    source: str

    @property
    def monthly_usd(self) -> float:
        return float(self.usd) * (HOURS_A_MONTH if self.unit == "hour" else 1)


@cache
def prices() -> Mapping[tuple[str, str, str], Price]:
    """By Region, type and size."""
    with FILE.open(encoding="utf-8", newline="") as file:
        rows = (Price(**row) for row in csv.DictReader(file))
        return {(row.region, row.type, row.what): row for row in rows}


def has_prices(region: str) -> bool:
    """Whether anything is known of a Region."""
    return any(known == region for known, _, _ in prices())
