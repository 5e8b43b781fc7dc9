"""The one judgement of each requirement, from the rows of evidence; the document, the CSV and OSCAL all say it.

Configuration alone never passes a requirement. Where all rules hold, `requirement.csv` says whether that configuration
is what the requirement asks, or only supports it, and what remains for a person to show.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from dataclasses import astuple, dataclass, fields
from enum import StrEnum
from functools import cache
from pathlib import Path

from operations.evidence.assessment import Outcome
from operations.evidence.records import Record, number_key
from operations.evidence.standard import standard
from operations.evidence.tables import as_table


class State(StrEnum):
    """What the evidence says of one requirement, worst first. None of them is a pass."""

    NOT_IN_PLACE = "not in place"
    UNDETERMINED = "undetermined"
    EXCEPTED = "excepted"
    NOT_TESTED = "not tested"
    CUSTOMERS = "customer's"
    SUPPORTS = "supports"
    IN_PLACE = "in place (configuration)"


MEANINGS: Mapping[State, str] = {
    State.NOT_IN_PLACE: "A rule is broken.",
    State.UNDETERMINED: "At least one rule or control could not be judged; what could be judged does not decide it.",
    State.EXCEPTED: "A rule is broken, and an exception allows it until a date.",
    State.NOT_TESTED: "No rule found anything to look at; only the running account or a person can answer.",
    State.CUSTOMERS: "The customer's own people, procedures or premises answer for it; no program can.",
    State.SUPPORTS: "The configuration helps; the requirement asks for more than configuration.",
    State.IN_PLACE: "The configuration that the requirement asks for was found; a person still confirms it.",
}


@dataclass(frozen=True)
class Known:
    """What a row of `requirement.csv` says of a requirement, or of all below it.

    configuration_can: the state where all rules hold; ``customer's`` where configuration cannot help.
    """

    requirement: str
    configuration_can: str
    asks: str
    remains: str


@dataclass(frozen=True)
class Judged:
    """One requirement with its rows of evidence."""

    number: str
    asks: str
    state: State
    remains: str
    rows: tuple[Record, ...]
    service_provider: bool
    """Whether only service providers must meet it, as PayCore is one."""

    @property
    def sentence(self) -> str:
        """State, and what remains for a person."""
        return f"{self.state}: {MEANINGS[self.state]} Remains for a person: {self.remains}"


@cache
def known_requirements() -> Mapping[str, Known]:
    """The table, by number."""
    with Path(__file__).with_suffix(".csv").open(encoding="utf-8", newline="") as file:
        return {row["requirement"]: Known(**row) for row in csv.DictReader(file)}


def known(number: str) -> Known:
    """The row of a requirement: its own, or the nearest above it.

    Raises:
        LookupError: no row is above it.
    """
    parts = number.split(".")
    while parts:
        if (row := known_requirements().get(".".join(parts))) is not None:
            return row
        parts.pop()
    raise LookupError(f"{number} is in no row of requirement.csv; add one.")


def asks(number: str) -> str:
    """What a requirement asks, in our words."""
    found = standard().get(number)
    return found.title if found else known(number).asks


def judge_requirements(rows: Iterable[Record]) -> tuple[Judged, ...]:
    """Every requirement that a row is about, in the order of the standard."""
    by_number: dict[str, list[Record]] = {}
    for row in rows:
        by_number.setdefault(row.requirement, []).append(row)
    return tuple(
        Judged(
            number,
            asks(number),
            _state(known(number), found),
            known(number).remains,
            tuple(found),
            number in standard() and standard()[number].service_provider,
        )
        for number, found in sorted(by_number.items(), key=lambda pair: number_key(pair[0]))
    )


def _state(row: Known, rows: Iterable[Record]) -> State:
    found = list(rows)
    verdicts = {one.verdict for one in found}
    looked_at = {one.verdict for one in found if one.rule} - {Outcome.NOT_APPLICABLE}
    if Outcome.FAIL in verdicts:
        return State.NOT_IN_PLACE
    if not looked_at:
        return State.CUSTOMERS if row.configuration_can == State.CUSTOMERS else State.NOT_TESTED
    if Outcome.UNDETERMINED in verdicts:
        return State.UNDETERMINED
    if Outcome.EXCEPTED in verdicts:
        return State.EXCEPTED
    return State(row.configuration_can)


def as_csv(judged: Iterable[Judged]) -> str:
    """Every row of evidence with the state of its requirement, for a spreadsheet; no cell is a formula."""
    first, *others = (field.name for field in fields(Record))
    header = (first, "asks", "service_provider", "state", "remains", *others)
    return as_table(header, (_cells(one, row) for one in judged for row in one.rows))


def _cells(one: Judged, row: Record) -> list[str]:
    number, *others = astuple(row)
    return [number, one.asks, "yes" if one.service_provider else "", one.state, one.remains, *others]
