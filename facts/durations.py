"""How long AWS takes to create a resource: seconds read from public logs of other people's deployments."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from functools import cache
from pathlib import Path


def measured(type_: str, situation: str) -> Mapping[str, float] | None:
    """Seconds by statistic (``median``, ``max``) for a type in a situation, or in any; nothing where none is known."""
    known = _durations()
    return known.get((type_, situation)) or known.get((type_, ""))


@cache
def _durations() -> Mapping[tuple[str, str], Mapping[str, float]]:
    with Path(__file__).with_name("durations.csv").open(encoding="utf-8", newline="") as file:
        return {
            (row["type"], row["situation"]): {
                "median": float(row["median_seconds"]),
                "max": float(row["max_seconds"]),
            }
            for row in csv.DictReader(file)
        }
