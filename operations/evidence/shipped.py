"""Tables about every stack, kept next to this module: ways in, and what PCI MPoC asks of a back end."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from functools import cache
from pathlib import Path


@cache
def table(name: str) -> tuple[Mapping[str, str], ...]:
    """The rows of a table by name, such as ``mpoc``."""
    with Path(__file__).with_name(f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return tuple(csv.DictReader(file))
