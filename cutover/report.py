"""The dated record of a migration for the assessor: what was done, when, by whom, and what was seen."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from cutover.record import Entry, Record
from cutover.states import TITLES

SHOWN_FACTS = {
    "source_position": "last position of the source",
    "target_position": "position from which the reverse task started",
    "downtime_seconds": "downtime in seconds",
    "verified_rows": "rows compared before the freeze",
    "frozen_verification": "comparison on frozen servers",
}


def document(records: Sequence[Record]) -> dict[str, Any]:
    """All attempts of one stack, the latest last, as plain data."""
    latest = records[-1]
    return {
        "stack": latest.stack,
        "written_at": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "state": latest.state,
        "done": latest.done,
        "attempts": [
            {
                "attempt": record.attempt,
                "state": record.state,
                "figures": {name: value for name, value in record.facts.known().items() if name in SHOWN_FACTS},
                "operators": sorted({entry.operator for entry in record.journal}),
                "journal": [asdict(entry) for entry in record.journal],
            }
            for record in records
        ],
    }


def readable(told: Mapping[str, Any]) -> str:
    """The same as Markdown: a heading per attempt, its figures, its journal as a table."""
    lines = [
        f"# Database migration of stack {told['stack']}",
        "",
        f"Written {told['written_at']}; state: {told['state']}.",
        "",
    ]
    for attempt in told["attempts"]:
        lines += [f"## Attempt {attempt['attempt']}, ended as: {attempt['state']}", ""]
        lines += [f"Operators: {', '.join(attempt['operators']) or 'none'}", ""]
        lines += [f"- {SHOWN_FACTS[name]}: {_short(value)}" for name, value in attempt["figures"].items()]
        lines += [
            "",
            "| time (UTC) | operator | state | step | event | seen |",
            "| --- | --- | --- | --- | --- | --- |",
        ]
        lines += [_line(Entry(**entry)) for entry in attempt["journal"] if entry["event"] != "begun"]
        lines.append("")
    return "\n".join(lines)


def _line(entry: Entry) -> str:
    who = entry.operator.rsplit("/", 1)[-1]
    step = TITLES.get(entry.step, entry.step)
    return f"| {entry.at[:23]} | {who} | {entry.state} | {step} | {entry.event} | {_short(entry.evidence)} |"


def _short(value: Any) -> str:
    if isinstance(value, Mapping):
        told = (
            value.get("seen")
            or value.get("reason")
            or ", ".join(f"{name} {_short(item)}" for name, item in value.items())
        )
    elif isinstance(value, (list, tuple)):
        told = "; ".join(str(item) for item in value)
    else:
        told = value
    return str(told).replace("|", "\\|").replace("\n", " ")
