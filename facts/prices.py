"""AWS's on-demand list prices in US East (N. Virginia), the Region in which AWS quotes them first."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from functools import cache
from pathlib import Path

READ_ON = "2026-11-22"
SOURCE = "AWS on-demand list prices, US East (N. Virginia), as published tables of the AWS Price List give them"
HOURS_A_MONTH = 730
"""AWS's own convention."""


def monthly_usd(type_: str, what: str) -> float | None:
    """List price in USD per month of one unit of a type and size; nothing where the table has none."""
    return _prices().get((type_, what))


@cache
def _prices() -> Mapping[tuple[str, str], float]:
    with Path(__file__).with_name("prices.csv").open(encoding="utf-8", newline="") as file:
        return {
            (row["type"], row["what"]): float(row["usd"]) * (HOURS_A_MONTH if row["unit"] == "hour" else 1)
            for row in csv.DictReader(file)
        }
