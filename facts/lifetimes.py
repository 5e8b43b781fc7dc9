"""Until when AWS supports the versions that this program runs on: `lifetimes.csv`, each row with its source.

A version without a row has no end that AWS has published. After the end AWS upgrades a Kubernetes control plane by
itself (upgrade policy STANDARD), and stops mending a database that has no extended support.
"""

from __future__ import annotations

import csv
import datetime
from functools import cache
from pathlib import Path
from typing import NamedTuple


class Lifetime(NamedTuple):
    """One row of `lifetimes.csv`."""

    product: str
    version: str
    """Major and minor version, such as ``1.36`` or ``8.4``."""
    ends: datetime.date
    """The last day of standard support."""
    source: str
    read_on: str


@cache
def lifetimes() -> tuple[Lifetime, ...]:
    """All rows, in the table's order."""
    with Path(__file__).with_name("lifetimes.csv").open(encoding="utf-8", newline="") as file:
        return tuple(
            Lifetime(
                row["product"],
                row["version"],
                datetime.date.fromisoformat(row["ends"]),
                row["source"],
                row["read_on"],
            )
            for row in csv.DictReader(file)
        )


def lifetime(product: str, version: str) -> Lifetime | None:
    """The row of a version, which may be longer than the table has it: ``8.4.mysql_aurora.8.4.8`` is ``8.4``."""
    short = ".".join(version.split(".")[:2])
    return next((row for row in lifetimes() if (row.product, row.version) == (product, short)), None)
