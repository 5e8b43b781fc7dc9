"""When AWS stops mending a version: the ends of standard support, from `lifetimes.csv`, each with its source."""

from __future__ import annotations

import csv
import datetime
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final

from .reading import Findings, Property, version_of

_TABLE: Final = Path(__file__).with_name("lifetimes.csv")


@cache
def _ends() -> Mapping[str, Mapping[str, datetime.date]]:
    ends: dict[str, dict[str, datetime.date]] = {}
    with _TABLE.open(encoding="utf-8", newline="") as table:
        for row in csv.DictReader(table):
            ends.setdefault(row["product"], {})[row["version"]] = datetime.date.fromisoformat(row["ends"])
    return ends


def end_of(product: str, version: str) -> datetime.date | None:
    """The last day of a version, which may be given longer than the table has it: `8.4.3` is `8.4`.

    A version older than all that the table knows ended with the oldest; one that is newer has no end yet.
    """
    ends = _ends().get(product, {})
    if version in ends:
        return ends[version]
    given = version_of(version)
    if not given:
        return None
    known = {version_of(name): day for name, day in ends.items()}
    for length in (len(given), 2, 1):
        if given[:length] in known:
            return known[given[:length]]
    return min(known.values()) if known and given < min(known) else None


def must_be_supported(version: Property, product: str) -> Findings:
    """A version that is given must not have ended; AWS takes a current one where none is given."""
    if version.absent:
        return []
    if version.unknown:
        return version.unjudged("a version in standard support")
    end = end_of(product, str(version.value))
    if end is None or end >= datetime.datetime.now(datetime.UTC).date():
        return []
    return version.breach("a version in standard support", f"{version.value}, which ended on {end}")
