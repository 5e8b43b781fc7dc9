"""The API calls that the AWS provider makes for each type, as they were seen, and what AWS checks in addition."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

SEEN = "hashicorp/aws 5.100.0, November 2026, against stand-in endpoints"


class Implied(NamedTuple):
    """One row of `implied_calls.csv`: what AWS asks of the caller beyond the provider's own call."""

    type: str
    action: str
    resource: str
    """ARN with the places ``{region}`` and ``{account}``."""
    context: str
    """Condition keys of the request, ``key=value``, joined by ``&``."""
    source: str


@cache
def provider_calls() -> Mapping[str, Mapping[str, tuple[str, ...]]]:
    """Actions by Pulumi type and phase: apply, read, destroy."""
    found: dict[str, dict[str, tuple[str, ...]]] = {}
    for row in csv.DictReader(_text("provider_calls.csv")):
        found.setdefault(row["type"], {})[row["phase"]] = tuple(row["actions"].split())
    return found


@cache
def implied_calls() -> tuple[Implied, ...]:
    """All rows, in the table's order."""
    return tuple(Implied(**row) for row in csv.DictReader(_text("implied_calls.csv")))


def _text(file: str) -> list[str]:
    return Path(__file__).with_name(file).read_text(encoding="utf-8").splitlines()
