"""What a resource holds that a new one in its place would not: one table for page, pipeline and upgrades."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Holding:
    """What resources of one type hold."""

    what: str
    kept_by: str
    """What remains of it after a deletion; empty for nothing."""
    data: bool
    """Whether it is data, or what data cannot be read without; else something that others know or rely on."""


def _read() -> Mapping[str, Holding]:
    with Path(__file__).with_suffix(".csv").open(encoding="utf-8", newline="") as file:
        return {
            row["type"]: Holding(row["holds"], row["kept_by"], row["data"] == "yes") for row in csv.DictReader(file)
        }


HOLDINGS = _read()
"""By resource type."""
HOLDS_DATA = frozenset(type_ for type_, holding in HOLDINGS.items() if holding.data)
"""Types whose replacement or deletion loses something that a new deployment does not bring back."""
