"""What differs between the cloud, the state and the program, as one issue a stack."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from operations.pipeline.changes import Change, Preview
from operations.pipeline.comment import SHOWN, cell, plain
from operations.pipeline.github import Repository

LABEL = "drift"


@dataclass(frozen=True)
class Report:
    """What the issue says; `found` is false when it may be closed."""

    topic: str
    title: str
    text: str
    found: bool


def report(preview: Preview, footer: str = "") -> Report:
    """The drift of one stack. A check that failed is drift as well: nobody knows what the cloud holds."""
    stack = preview.stack
    sections = [
        *_section("Changed outside the program", preview.drift),
        *_section("What a deployment would do now", preview.changes),
        *([("The check failed", [f"- {plain(error)}" for error in preview.errors[:SHOWN]])] if preview.errors else []),
    ]
    found = bool(sections)
    text = "\n\n".join(f"**{heading}**\n\n" + "\n".join(lines) for heading, lines in sections)
    remedy = (
        f"Find out who changed it. Then run the deployment of `{stack}` to put it back, or take the change into the "
        "program by a pull request. What nobody can explain is an incident (PCI DSS 12.10)."
    )
    parts = [text, remedy, footer] if found else [f"`{stack}` is as the program says.", footer]
    count = len(preview.drift) or len(preview.changes)
    failed = "the drift check fails" if preview.errors else f"{count} resources differ from the program"
    title = f"Drift in {stack}: {failed}" if found else f"No drift in {stack}"
    return Report(f"drift {stack}", title, "\n\n".join(filter(None, parts)), found)


def publish(made: Report, repository: Repository) -> None:
    """Open or update the stack's one issue, or close it when the drift is gone."""
    if made.found:
        repository.open_issue(made.topic, made.title, made.text, LABEL)
    else:
        repository.close_issue(made.topic, made.text, LABEL)


def _section(heading: str, changes: Iterable[Change]) -> Iterable[tuple[str, list[str]]]:
    found = list(changes)
    if found:
        lines = [
            f"- {change.verb} `{cell(change.name)}` ({plain(change.type)}){_properties(change)}"
            for change in found[:SHOWN]
        ]
        rest = [f"- and {len(found) - SHOWN} more"] if found[SHOWN:] else []
        yield heading, [*lines, *rest]


def _properties(change: Change) -> str:
    return f": {', '.join(f'`{cell(name)}`' for name in change.properties)}" if change.properties else ""
