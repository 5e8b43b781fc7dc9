"""AWS's price list in its CSV form: one offer file of a service and a Region, read line by line.

The file of EC2 alone has some hundred megabytes, so that it is never held whole. It starts with lines of two cells
about itself (FormatVersion, Disclaimer, Publication Date, Version, OfferCode), then a header, then one row per price.

Source: AWS Billing user guide, "Reading the price list files".
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ADDRESS = "https://pricing.us-east-1.amazonaws.com/offers/v1.0/aws/{offer}/current/{region}/index.csv"
"""Public; no credentials are needed."""
HEADER_STARTS = "SKU"
ABOUT_LINES = 20
"""Lines before the header at most; AWS writes five."""
UNITS = {"Hrs": "hour", "hours": "hour", "LCU-Hrs": "", "Quantity": "hour"}
"""AWS's units as ours; every other one is counted by the month."""
FIRST_TIER = ("", "0")


class OfferError(ValueError):
    """A file that is no offer file; the message says what it lacks."""


@dataclass(frozen=True)
class Wanted:
    """How the price of one type is found in its service's offer file."""

    type: str
    offer: str
    """The service's code, such as ``AmazonEC2``."""
    usage: str
    """The usage type without its Region's prefix; ``{what}`` stands for the size."""
    where: Mapping[str, str]
    """Cells that the row must have in addition."""
    sizes: tuple[str, ...]

    def size_of(self, row: Mapping[str, str]) -> str | None:
        """The size that a row is about; None where the row is about something else."""
        if any(row.get(column) != value for column, value in self.where.items()):
            return None
        usage = row.get("usageType", "")
        for size in self.sizes:
            name = self.usage.format(what=size)
            if usage == name or usage.partition("-")[2] == name or usage.endswith(f"-{name}"):
                return size
        return None


@dataclass(frozen=True)
class Found:
    """One price of an offer file."""

    type: str
    what: str
    usd: str
    unit: str
    published: str
    """The day on which AWS published the file, ISO 8601."""


@cache
def wanted() -> tuple[Wanted, ...]:
    """What the project wants to know of the price list: `facts/price_offers.csv`."""
    file = Path(__file__).resolve().parents[2] / "facts" / "price_offers.csv"
    with file.open(encoding="utf-8", newline="") as rows:
        return tuple(
            Wanted(
                row["type"],
                row["offer"],
                row["usage"],
                dict(pair.split("=", 1) for pair in row["where"].split(";") if pair),
                tuple(row["sizes"].split(" ")) if row["sizes"] else ("",),
            )
            for row in csv.DictReader(rows)
        )


def read_offer(lines: Iterable[str], offer: str, region: str) -> Iterator[Found]:
    """The wanted prices of one offer file, on demand and of the first tier.

    Raises:
        OfferError: when the lines are no offer file of this service and Region.
    """
    rows = csv.reader(lines)
    about, header = _about(rows)
    if about.get("OfferCode") != offer:
        raise OfferError(f"it is of {about.get('OfferCode') or 'no service'}, not of {offer}")
    missing = {"TermType", "Unit", "PricePerUnit", "Currency", "usageType"} - set(header)
    if missing:
        raise OfferError(f"it lacks the columns {', '.join(sorted(missing))}")
    published = about.get("Publication Date", "")[:10]
    own = [one for one in wanted() if one.offer == offer]
    for cells in rows:
        row = dict(zip(header, cells, strict=False))
        if (
            row.get("TermType") != "OnDemand"
            or row["Currency"] != "USD"
            or row.get("StartingRange", "") not in FIRST_TIER
        ):
            continue
        if row.get("Region Code", region) not in (region, ""):
            continue
        for one in own:
            size = one.size_of(row)
            if size is not None and float(row["PricePerUnit"]) > 0:
                yield Found(one.type, size, _plain(row["PricePerUnit"]), UNITS.get(row["Unit"], "month"), published)


def _about(rows: Iterator[Sequence[str]]) -> tuple[Mapping[str, str], Sequence[str]]:
    """What the file says of itself, and its header."""
    about: dict[str, str] = {}
    for _, cells in zip(range(ABOUT_LINES), rows, strict=False):
        if cells and cells[0] == HEADER_STARTS:
            return about, cells
        if len(cells) > 1:
            about[cells[0]] = cells[1]
    raise OfferError("it has no header that starts with SKU")


def _plain(number: str) -> str:
    """``0.0960000000`` as ``0.096``."""
    return number.rstrip("0").rstrip(".") if "." in number else number
