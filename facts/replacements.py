"""Which changes make a new resource: the properties that the AWS provider marks as forcing a replacement.

Held against plans of the provider itself; see docs/upgrades.md.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from functools import cache
from pathlib import Path


@cache
def replacing() -> Mapping[str, frozenset[str]]:
    """By type, the paths of the properties whose change replaces."""
    with Path(__file__).with_name("replacements.csv").open(encoding="utf-8", newline="") as file:
        return {row["type"]: frozenset(row["properties"].split()) for row in csv.DictReader(file)}
