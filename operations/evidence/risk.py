"""Requirement 12.3.1: a targeted risk analysis for each frequency that the entity may choose, begun.

The table names asset, threat, and the frequency that this stack sets, read from its resources. Likelihood, impact,
decision, approval and yearly review are the entity's.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping
from dataclasses import astuple, dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any

from operations.evidence.tables import as_table
from recording.recorder import Resource

NOT_SET = "not set by this platform; the entity sets it"


@dataclass(frozen=True)
class Analysis:
    """One analysis; the cells after the frequency are the entity's."""

    requirement: str
    subject: str
    asset: str
    threat: str
    frequency: str
    likelihood: str = ""
    impact: str = ""
    why_this_frequency_is_enough: str = ""
    approved_by: str = ""
    reviewed_on: str = ""


@cache
def _rows() -> tuple[Mapping[str, str], ...]:
    with Path(__file__).with_suffix(".csv").open(encoding="utf-8", newline="") as file:
        return tuple(csv.DictReader(file))


def analyses(resources: Iterable[Resource]) -> tuple[Analysis, ...]:
    """Every analysis, with the frequency of this stack."""
    known = tuple(resources)
    return tuple(
        Analysis(row["requirement"], row["subject"], row["asset"], row["threat"], _frequency(row, known))
        for row in _rows()
    )


def as_csv(rows: Iterable[Analysis]) -> str:
    """The analyses for a spreadsheet."""
    return as_table([field.name for field in fields(Analysis)], map(astuple, rows))


def _frequency(row: Mapping[str, str], known: tuple[Resource, ...]) -> str:
    found = [one for one in known if row["type"] and one.type == row["type"]]
    if not found:
        return NOT_SET
    if not row["property"]:
        return row["reading"].format(len(found))
    values = dict.fromkeys(_shown(_at(one.inputs, row["property"])) for one in found)
    return row["reading"].format(", ".join(values))


def _at(inputs: Any, path: str) -> Any:
    for step in path.split("."):
        inputs = inputs.get(step) if isinstance(inputs, Mapping) else None
    return inputs


def _shown(value: Any) -> str:
    return (
        ", ".join(map(str, value))
        if isinstance(value, list)
        else value
        if isinstance(value, str)
        else json.dumps(value)
    )
