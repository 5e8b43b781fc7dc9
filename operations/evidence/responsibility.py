"""Who does what for a requirement (12.8.5): the entity, AWS, and third parties that really take part in this stack."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from recording.recorder import Resource

AGENT = "softpos:security:WorkloadSecurityAgent"
WEB_ACL = "aws:wafv2/webAcl:WebAcl"
SEPARATOR = " | "


def _has_agent(resource: Resource) -> bool:
    return resource.type == AGENT


def _has_rules_of_fortinet(resource: Resource) -> bool:
    return resource.type == WEB_ACL and "Fortinet" in json.dumps(resource.inputs)


VENDORS: Mapping[str, Callable[[Resource], bool]] = {
    "Trend Micro": _has_agent,
    "Fortinet": _has_rules_of_fortinet,
    "An approved scanning vendor": lambda _: True,
}
"""How a stack shows that a third party takes part in it. External scans are commissioned for every stack."""


@dataclass(frozen=True)
class Responsibility:
    """A row of the matrix, for a requirement and for those below it that have no row of their own."""

    requirement: str
    subject: str
    customer: str
    aws: str
    third_party: str

    @property
    def parties(self) -> str:
        """Those with something to do, for one cell; the customer is the entity, which is AWS's customer."""
        vendors = [part.partition(":")[0] for part in self.third_party.split(SEPARATOR) if part]
        named = (("customer", self.customer), ("AWS", self.aws))
        return ", ".join([*(name for name, task in named if task), *vendors])


def vendors(resources: Iterable[Resource]) -> frozenset[str]:
    """The third parties that take part in a stack."""
    found = tuple(resources)
    return frozenset(name for name, shows in VENDORS.items() if any(map(shows, found)))


@cache
def responsibilities(taking_part: frozenset[str] = frozenset(VENDORS)) -> tuple[Responsibility, ...]:
    """The matrix in the standard's order, without third parties that do not take part."""
    with Path(__file__).with_name("responsibilities.csv").open(encoding="utf-8", newline="") as file:
        return tuple(_row(row, taking_part) for row in csv.DictReader(file))


def _row(row: Mapping[str, str], taking_part: frozenset[str]) -> Responsibility:
    parts = [part for part in row["third_party"].split(SEPARATOR) if part.partition(":")[0] in taking_part]
    return Responsibility(**{**row, "third_party": SEPARATOR.join(parts)})


def responsible(requirement: str, taking_part: frozenset[str] = frozenset(VENDORS)) -> Responsibility:
    """The row for a requirement: its own, or the nearest above it.

    Raises:
        LookupError: no row is above it.
    """
    rows = {row.requirement: row for row in responsibilities(taking_part)}
    parts = requirement.split(".")
    while parts:
        if (row := rows.get(".".join(parts))) is not None:
            return row
        parts.pop()
    raise LookupError(f"{requirement} is in no row of responsibilities.csv; add one.")
