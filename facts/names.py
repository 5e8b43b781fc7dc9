"""How AWS wants each type named: property, longest length, pattern. From the API reference of each service."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path


@dataclass(frozen=True)
class Naming:
    """How one type is named."""

    property: str
    longest: int
    """Characters."""
    pattern: str
    within: str
    """Property within whose value a name is unique; empty for the account and Region."""


@cache
def namings() -> Mapping[str, Naming]:
    """The rules of `names.csv` by type."""
    with Path(__file__).with_name("names.csv").open(encoding="utf-8", newline="") as file:
        return {
            row["type"]: Naming(row["property"], int(row["longest"]), row["pattern"], row["within"])
            for row in csv.DictReader(file)
        }
