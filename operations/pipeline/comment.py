"""A preview as a reviewer reads it: the dangerous first, then policies and time, then everything."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from operations.pipeline.changes import VERBS, Change, Finding, Preview

MARK = "<!-- softpos {topic} -->"
"""Hidden first line by which a comment or issue is found again."""
LIMIT_BYTES = 60_000
"""GitHub refuses a comment of more than 65,536 characters."""
SHOWN = 100
LONGEST_TEXT = 1_000
WORDS = {"replace": "to replace", "delete": "to delete", "create": "to create", "update": "to update"}


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """Seconds: of this change, and of the whole stack from nothing."""

    change: float
    from_zero: float


def mark(topic: str) -> str:
    return MARK.format(topic=topic)


def render(preview: Preview, forecast: Forecast | None, *, topic: str, footer: str = "") -> str:
    """The comment's Markdown. All that a program, the cloud or the engine said is written as plain text.

    Args:
        forecast: None where the program could not be rehearsed.
        topic: what the comment is about; one comment a topic exists on a pull request.
        footer: last line, for example the commit and a link to the run.
    """
    counts = [f"{preview.count(verb)} {WORDS[verb]}" for verb in VERBS if preview.count(verb)]
    parts = [
        mark(topic),
        f"### `{preview.stack}`: {', '.join(counts) or 'no change'}, {preview.unchanged} unchanged",
        *_errors(preview.errors),
        *_dangerous(preview.changes),
        *_policies(preview.findings),
        *_time(forecast, preview),
        *_all(preview.changes),
        *([footer] if footer else []),
    ]
    return _within_limit("\n\n".join(parts) + "\n")


def _errors(errors: tuple[str, ...]) -> Iterable[str]:
    if errors:
        yield "> [!CAUTION]\n> **The preview failed**\n" + "\n".join(f"> - {plain(error)}" for error in errors[:20])


def _dangerous(changes: tuple[Change, ...]) -> Iterable[str]:
    found = [change for change in changes if change.verb in ("replace", "delete")]
    if found:
        lines = [f"> - {_sentence(change)}" for change in found[:SHOWN]]
        yield "> [!WARNING]\n> **Replaced or deleted**\n" + "\n".join([*lines, *_more(found, "> - ")])


def _policies(findings: tuple[Finding, ...]) -> Iterable[str]:
    mandatory = [finding for finding in findings if finding.level == "mandatory"]
    others = [finding for finding in findings if finding.level != "mandatory"]
    if not findings:
        yield "**Policies**: compliant."
        return
    yield f"**Policies**: {len(mandatory)} mandatory violations, {len(others)} notes."
    if mandatory:
        yield "\n".join(f"- :no_entry: `{cell(one.policy)}`: {plain(one.message)}" for one in mandatory[:SHOWN])
    if others:
        lines = "\n".join(f"- `{cell(one.policy)}`: {plain(one.message)}" for one in others[:SHOWN])
        yield f"<details><summary>Notes</summary>\n\n{lines}\n\n</details>"


def _time(forecast: Forecast | None, preview: Preview) -> Iterable[str]:
    if forecast is None:
        yield "**Forecast**: none, the program could not be rehearsed."
    elif preview.changes:
        yield f"**Forecast**: {minutes(forecast.change)} for this change; {minutes(forecast.from_zero)} from nothing."


def _all(changes: tuple[Change, ...]) -> Iterable[str]:
    if changes:
        rows = [
            f"| {change.verb} | `{cell(change.name)}` | `{cell(change.type)}` | {cell(', '.join(change.properties))} |"
            for change in changes[:SHOWN]
        ]
        table = "\n".join(["| | resource | type | properties |", "|---|---|---|---|", *rows])
        more = "".join(f"\n\n{line}" for line in _more(changes, ""))
        yield f"<details><summary>All {len(changes)} changes</summary>\n\n{table}{more}\n\n</details>"


def _sentence(change: Change) -> str:
    because = f" because of `{cell(', '.join(change.properties))}`" if change.properties else ""
    warning = ", **which holds data**" if change.loses_data else ""
    return f"{change.verb} `{cell(change.name)}` ({plain(change.type)}){because}{warning}"


def _more(found: Iterable[Change], prefix: str) -> Iterable[str]:
    rest = len(list(found)) - SHOWN
    if rest > 0:
        yield f"{prefix}and {rest} more, see the run's log."


def minutes(seconds: float) -> str:
    """Seconds as a reader says them."""
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.1f} min"


def plain(text: str) -> str:
    """Foreign text inside Markdown: on one line, without mention, link, image or reference, and not endless."""
    clean = cell(text)[:LONGEST_TEXT].replace("://", ":\u200b//")
    return re.sub(r"(?=[\[\]!*_~])|#(?=\d)", lambda found: "\\" + found[0], clean)


def cell(text: str) -> str:
    """Foreign text inside backticks or a table: no line break, no end of the code, no mention, no tag."""
    clean = " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;").replace("`", "'")
    return clean.replace("@", "@\u200b")


def _within_limit(text: str) -> str:
    encoded = text.encode()
    if len(encoded) <= LIMIT_BYTES:
        return text
    kept = encoded[:LIMIT_BYTES].decode(errors="ignore").rpartition("\n")[0]
    return f"{kept}\n\nThe rest did not fit; see the run's log.\n"
