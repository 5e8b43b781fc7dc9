"""``python -m operations prices``: AWS's public price list, read into the dated table that rehearsals use."""

from __future__ import annotations

import csv
import datetime
import io
import urllib.request
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import astuple
from pathlib import Path

import click
from rich.console import Console

from command_line.exits import BAD_INPUT, FAILED, Stop
from command_line.files import write_whole
from components.foundations.rds_authority import DIRECTORY as RDS_AUTHORITIES
from facts.prices import COLUMNS, FILE, Price, prices
from operations.costs.offer import ADDRESS, Found, OfferError, read_offer, wanted

TIMEOUT_SECONDS = 60


@click.command(name="prices")
@click.option("--region", "named", multiple=True, required=True, metavar="NAME", help="A Region; repeatable.")
@click.option(
    "--offers",
    "directory",
    type=click.Path(path_type=Path),
    help="Read files of this folder, OFFER/REGION/index.csv, not AWS's own.",
)
@click.option("--out", "file", type=click.Path(path_type=Path), default=FILE, help="The table to renew.")
def prices_command(named: tuple[str, ...], directory: Path | None, file: Path) -> None:
    """Renew the list prices of Regions in facts/prices.csv from AWS's public price list. No credentials are needed.

    \b
    Exit codes:
      0  written
      2  bad arguments, one line each
      3  a price list did not answer or cannot be read; nothing was written
    """
    allowed = sorted(file.stem for file in RDS_AUTHORITIES.glob("*.pem"))
    bad = [name for name in named if name not in allowed]
    if bad:
        raise Stop(BAD_INPUT, *(f"--region: {name!r} is not allowed; allowed: {', '.join(allowed)}." for name in bad))
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    found = [price for region in dict.fromkeys(named) for price in _of_region(region, directory, today)]
    kept = [price for (region, _, _), price in prices().items() if region not in named]
    ordered = sorted([*kept, *found], key=lambda one: (one.region, one.type, one.what))
    write_whole(file, _as_csv(ordered))
    console = Console(highlight=False)
    for region in dict.fromkeys(named):
        own = {(price.type, price.what) for price in found if price.region == region}
        console.print(f"{region}: {len(own)} prices read", soft_wrap=True)
        for one in wanted():
            for size in one.sizes:
                if (one.type, size) not in own:
                    console.print(f"{region}: no price of {one.type} {size}".rstrip(), soft_wrap=True)


def _of_region(region: str, directory: Path | None, today: str) -> Iterator[Price]:
    """The prices of one Region, each once: of several rows of the list the first."""
    seen: set[tuple[str, str]] = set()
    for offer in dict.fromkeys(one.offer for one in wanted()):
        source = (
            str(directory / offer / region / "index.csv") if directory else ADDRESS.format(offer=offer, region=region)
        )
        try:
            with _opened(source, local=directory is not None) as lines:
                rows: list[Found] = list(read_offer(lines, offer, region))
        except OfferError as error:
            raise Stop(FAILED, f"{source}: no offer file ({error}); nothing was written; download it again.") from None
        except (OSError, UnicodeDecodeError, csv.Error, ValueError) as error:
            raise Stop(FAILED, f"{source}: cannot be read ({error}); nothing was written; try again.") from None
        for row in rows:
            if (row.type, row.what) not in seen:
                seen.add((row.type, row.what))
                said = f"AWS Price List, {offer}, published {row.published}"
                yield Price(region, row.type, row.what, row.usd, row.unit, today, said)


@contextmanager
def _opened(source: str, *, local: bool) -> Iterator[Iterable[str]]:
    """The lines of a file or of an answer, as they come."""
    if local:
        with Path(source).open(encoding="utf-8", newline="") as lines:
            yield lines
        return
    with urllib.request.urlopen(source, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310 (AWS's own address, https)
        yield io.TextIOWrapper(answer, encoding="utf-8", newline="")


def _as_csv(rows: Iterable[Price]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(map(astuple, rows))
    return text.getvalue()
