"""An assessor's findings on their way to being mended: open, mended in which commit, or excepted.

A finding is linked to rules by its requirement number, or by the rule and resource that its row names. It counts as
mended when a commit says so in a trailer, ``Mends: F-012``, and no rule linked to it is broken any more.
"""

from __future__ import annotations

import csv
import datetime
import io
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from command_line.exits import BAD_INPUT, Stop
from operations.evidence.assessment import Assessment, Outcome, Result
from operations.evidence.records import STANDARD, number_key
from operations.evidence.standard import is_requirement
from operations.evidence.tables import as_table

TRAILER = "Mends"
"""The trailer of a commit that answers a finding, with the finding's id."""
NEEDED = ("id", "requirement", "text", "severity", "due")
OPTIONAL = ("rule", "resource")
SEVERITIES = ("critical", "high", "medium", "low", "informational")
LISTED = 5
"""Resources named in one line; the rest are counted."""


class State(StrEnum):
    """What became of a finding so far."""

    OPEN = "open"
    REOPENED = "reopened"
    EXCEPTED = "excepted"
    MENDED = "mended"


@dataclass(frozen=True)
class Finding:
    """One row of the assessor's file."""

    id: str
    requirement: str
    text: str
    severity: str
    due: datetime.date
    rule: str = ""
    resource: str = ""


@dataclass(frozen=True)
class Tracked:
    """A finding with what is known about it."""

    finding: Finding
    state: State
    overdue: bool
    rules: tuple[str, ...]
    resources: tuple[str, ...]
    commits: tuple[str, ...]
    because: str


def read_findings(path: Path) -> tuple[Finding, ...]:
    """The assessor's findings.

    Raises:
        Stop: with a line for each row that cannot be used.
    """
    try:
        rows = list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig"))))
    except (OSError, UnicodeDecodeError, csv.Error):
        raise Stop(BAD_INPUT, f"{path}: cannot be read; allowed: a CSV file in UTF-8; export it again.") from None
    missing = [name for name in NEEDED if not rows or name not in rows[0]]
    if missing:
        raise Stop(
            BAD_INPUT,
            f"{path}: lacks {', '.join(missing)}; allowed: a header with {', '.join(NEEDED)}, and if wanted "
            f"{', '.join(OPTIONAL)}; name the columns so.",
        )
    read = [_read(row, line, path) for line, row in enumerate(rows, start=2)]
    problems = [one for one in read if isinstance(one, str)]
    found = [one for one in read if isinstance(one, Finding)]
    seen: set[str] = set()
    for one in found:
        if one.id in seen:
            problems.append(f"{path}: two findings are named {one.id}; give each an id of its own.")
        seen.add(one.id)
    if problems:
        raise Stop(BAD_INPUT, *problems)
    return tuple(found)


def _read(row: dict[str, str | None], line: int, path: Path) -> Finding | str:
    cells = {name: (row.get(name) or "").strip() for name in (*NEEDED, *OPTIONAL)}
    empty = [name for name in ("id", "requirement", "text") if not cells[name]]
    if empty:
        return f"{path}, line {line}: {' and '.join(empty)} is empty; fill it in."
    if not is_requirement(cells["requirement"]):
        return (
            f"{path}, line {line}: requirement is {cells['requirement']!r}; allowed: a number of {STANDARD}, "
            "such as 8.3.6 or A1.1.2; correct it."
        )
    severity = cells["severity"].lower()
    if severity not in SEVERITIES:
        return f"{path}, line {line}: severity is {severity!r}; allowed: {', '.join(SEVERITIES)}; choose one."
    try:
        due = datetime.date.fromisoformat(cells["due"])
    except ValueError:
        return f"{path}, line {line}: due is {cells['due']!r}; allowed: a date as YYYY-MM-DD; correct it."
    return Finding(cells["id"], cells["requirement"], cells["text"], severity, due, cells["rule"], cells["resource"])


def track(
    findings: Iterable[Finding], assessment: Assessment, repository: Path, today: datetime.date
) -> tuple[Tracked, ...]:
    """What became of each finding: open ones first, then by due date."""
    mended = _commits(repository)
    found = [_track(finding, assessment, mended.get(finding.id.lower(), ()), today) for finding in findings]
    order = {state: index for index, state in enumerate(State)}
    return tuple(
        sorted(found, key=lambda one: (order[one.state], one.finding.due, number_key(one.finding.requirement)))
    )


def _track(finding: Finding, assessment: Assessment, commits: tuple[str, ...], today: datetime.date) -> Tracked:
    results = [result for result in assessment.results if _about(finding, result)]
    rules = tuple(dict.fromkeys(result.rule.name for result in results))
    worst = Assessment.worst(results)
    broken = [result for result in results if result.outcome is Outcome.FAIL]
    state, because = _state(finding, worst, broken, commits, rules)
    concerned = broken or [result for result in results if result.outcome is worst]
    names = dict.fromkeys(result.urn.rpartition("::")[2] for result in concerned if result.urn)
    return Tracked(
        finding=finding,
        state=state,
        overdue=state in (State.OPEN, State.REOPENED) and finding.due < today,
        rules=rules,
        resources=tuple(names),
        commits=commits,
        because=because,
    )


def _about(finding: Finding, result: Result) -> bool:
    name = result.urn.rpartition("::")[2]
    if finding.rule:
        return result.rule.name == finding.rule and finding.resource in ("", name)
    return finding.requirement in result.rule.requirements and finding.resource in ("", name)


def _state(
    finding: Finding, worst: Outcome, broken: list[Result], commits: tuple[str, ...], rules: tuple[str, ...]
) -> tuple[State, str]:
    if commits and broken:
        return State.REOPENED, f"mended before, and {broken[0].rule.name} is broken again"
    if commits:
        return State.MENDED, f"mended in {', '.join(commits)}" + ("" if rules else "; no rule watches over it")
    if broken:
        return State.OPEN, broken[0].message
    if worst is Outcome.EXCEPTED and finding.rule:
        return State.EXCEPTED, "an exception in policy-exceptions.yaml covers it until its last day"
    if not rules:
        return State.OPEN, "no rule can judge it; a person mends it and says so in a commit"
    return State.OPEN, f"its rules are {worst}; a commit with `{TRAILER}: {finding.id}` closes it"


def _commits(repository: Path) -> dict[str, tuple[str, ...]]:
    """The commits that mend each finding, oldest first, by id in lower case."""
    form = f"%h%x1f%(trailers:key={TRAILER},valueonly,separator=%x1e)"
    try:
        done = subprocess.run(
            ["git", "-C", str(repository), "log", "--reverse", f"--format={form}"],  # noqa: S607 (git as the user has it)
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return {}
    found: dict[str, tuple[str, ...]] = {}
    for line in done.stdout.splitlines():
        commit, _, values = line.partition("\x1f")
        for identifier in _identifiers(values):
            found[identifier] = (*found.get(identifier, ()), commit)
    return found


def _identifiers(values: str) -> Iterator[str]:
    for value in values.split("\x1e"):
        yield from (part.strip().lower() for part in value.split(",") if part.strip())


def as_csv(tracked: Iterable[Tracked]) -> str:
    """For a spreadsheet, the assessor's columns first."""
    header = (*NEEDED, "state", "overdue", "rules", "resources", "commits", "because")
    return as_table(header, map(_cells, tracked))


def _cells(one: Tracked) -> tuple[str, ...]:
    finding = one.finding
    return (
        finding.id,
        finding.requirement,
        finding.text,
        finding.severity,
        finding.due.isoformat(),
        one.state.value,
        str(one.overdue).lower(),
        " ".join(one.rules),
        " ".join(one.resources),
        " ".join(one.commits),
        one.because,
    )
