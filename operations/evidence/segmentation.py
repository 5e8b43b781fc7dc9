"""Requirement 11.4.5: who can reach whom, asked of every layer of the program's network, pair by pair.

This is the proof from the program: security groups, network policies, routes and network ACLs as declared. It is no
penetration test of what is deployed, which the standard asks for; it says what such a test must confirm.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import astuple, dataclass, fields

from operations.evidence.tables import as_table
from operations.journeys.proof import Tested

CLOSED, NEEDED, TOLERATED, UNNEEDED = "closed", "open, needed", "open, tolerated", "open without need"
RESULTS = (UNNEEDED, TOLERATED, NEEDED, CLOSED)


@dataclass(frozen=True)
class Way:
    """One row of the record."""

    who: str
    whom: str
    protocol: str
    open_ports: str
    result: str
    reason: str
    """Why each open way is needed or tolerated."""
    tested_on_the_network: str = ""
    """For the tester: date, method and result on the deployed network."""


def ways(tested: Iterable[Tested]) -> tuple[Way, ...]:
    """The record, what is open first."""
    rows = [
        Way(one.client.name, one.server.name, one.protocol, one.open.as_ports(), _result(one), _reason(one))
        for one in tested
        if one.client is not one.server or one.open
    ]
    return tuple(sorted(rows, key=lambda row: (RESULTS.index(row.result), row.who, row.whom, row.protocol)))


def _result(one: Tested) -> str:
    if not one.open:
        return CLOSED
    if one.extra:
        return UNNEEDED
    return NEEDED if any(not journey.tolerated for journey in one.journeys) else TOLERATED


def _reason(one: Tested) -> str:
    return "; ".join(dict.fromkeys(journey.why for journey in one.journeys)) if one.open else ""


def counts(rows: Iterable[Way]) -> dict[str, int]:
    """How many ways have each result."""
    counted = Counter(row.result for row in rows)
    return {result: counted[result] for result in RESULTS}


def as_csv(rows: Iterable[Way]) -> str:
    """The record for a spreadsheet."""
    return as_table([field.name for field in fields(Way)], map(astuple, rows))
