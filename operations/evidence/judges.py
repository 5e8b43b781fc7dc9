"""What judges of others say: tables of checkov, prowler and their like, shown apart from our own verdicts.

Each table is CSV with one row for each failed check, explained: mended, or why it stays, with owner and date.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import astuple, dataclass, fields
from pathlib import Path

from command_line.exits import BAD_INPUT, Stop
from operations.evidence.tables import as_table


@dataclass(frozen=True)
class Check:
    """One verdict of another judge, with the entity's word on it."""

    tool: str
    """With its version, as the judge was pinned."""
    check: str
    resource_kind: str
    verdict: str
    explanation: str
    owner: str
    date: str


COLUMNS = tuple(field.name for field in fields(Check))


def read_checks(paths: Iterable[Path]) -> tuple[Check, ...]:
    """The tables of other judges, in the order of the files.

    Raises:
        Stop: with a line for each file or row that cannot be used.
    """
    found: list[Check] = []
    problems: list[str] = []
    for path in paths:
        try:
            rows = list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig"))))
        except (OSError, UnicodeDecodeError, csv.Error):
            problems.append(f"--judge: {path} cannot be read; allowed: a CSV file in UTF-8; give another.")
            continue
        for line, row in enumerate(rows, start=2):
            missing = [name for name in COLUMNS if not (row.get(name) or "").strip()]
            if missing:
                problems.append(
                    f"--judge: {path}, line {line}: {', '.join(missing)} is empty or missing; allowed: a row with "
                    f"{', '.join(COLUMNS)}; fill it in."
                )
            else:
                found.append(Check(**{name: row[name].strip() for name in COLUMNS}))
    if problems:
        raise Stop(BAD_INPUT, *problems)
    return tuple(found)


def counts(checks: Iterable[Check]) -> Mapping[str, Mapping[str, int]]:
    """By tool, how many rows have each verdict."""
    found: dict[str, Counter[str]] = {}
    for one in checks:
        found.setdefault(one.tool, Counter())[one.verdict] += 1
    return found


def as_csv(checks: Iterable[Check]) -> str:
    """All rows for a spreadsheet."""
    return as_table(COLUMNS, map(astuple, checks))
