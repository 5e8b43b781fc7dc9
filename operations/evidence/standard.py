"""The requirements of PCI DSS v4.0.1: all their numbers in order, each with a short title in our own words.

Source of the numbers: Payment Card Industry Data Security Standard, Requirements and Testing Procedures, v4.0.1, June
2024. The standard's own text is not here, for its licence does not allow it.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from policy.catalogue import requirements


@dataclass(frozen=True)
class Requirement:
    """One requirement, or a part of one that has a number of its own."""

    number: str
    title: str
    service_provider: bool
    """Whether only service providers must meet it."""


@cache
def standard() -> Mapping[str, Requirement]:
    """Every requirement by number, in the standard's order. Titles of what rules cite are the policy pack's."""
    cited = requirements()
    with Path(__file__).with_suffix(".csv").open(encoding="utf-8", newline="") as file:
        return {
            row["requirement"]: Requirement(
                row["requirement"], row["title"] or cited[row["requirement"]], row["service_provider"] == "yes"
            )
            for row in csv.DictReader(file)
        }


@cache
def _all_numbers() -> frozenset[str]:
    """The numbers of all requirements and of the groups above them."""
    return frozenset(above for number in standard() for above in (number, *_above(number)))


def _above(number: str) -> Iterator[str]:
    """The groups that a requirement belongs to, the nearest first."""
    while "." in number:
        number = number.rpartition(".")[0]
        yield number


def is_requirement(number: str) -> bool:
    """Whether the standard has this number, as a requirement or as a group of them."""
    return number in _all_numbers()
