"""The pages of the bundle that people read: the document in the standard's order, and three short ones."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from command_line.rendering import Templates
from operations.diagram.outside import named_parties
from operations.diagram.styles import PALETTE
from operations.evidence.access import Principal
from operations.evidence.assessment import Assessment, Outcome
from operations.evidence.cryptography import Key, Suite
from operations.evidence.inventory import REASONS, Component, Scope
from operations.evidence.judges import Check
from operations.evidence.judges import counts as judged_counts
from operations.evidence.live import Observed
from operations.evidence.records import STANDARD, Origin, Record
from operations.evidence.requirement import MEANINGS, Judged, State
from operations.evidence.responsibility import responsibilities, vendors
from operations.evidence.risk import Analysis
from operations.evidence.segmentation import CLOSED, Way
from operations.evidence.segmentation import counts as way_counts
from operations.evidence.shipped import table
from operations.evidence.worksheet import Worksheet
from recording.recorder import Resource

TEMPLATES = Templates(Path(__file__).with_name("templates"))
SPEAKING = (Outcome.FAIL, Outcome.UNDETERMINED, Outcome.EXCEPTED)
"""Outcomes that the document explains; what passes is counted, and is in `evidence.csv` row by row."""
SHOWN_RESOURCES = 3
"""Resources named in one line of the document."""


@dataclass(frozen=True)
class Contents:
    """All that the pages of one bundle tell."""

    origin: Origin
    resources: tuple[Resource, ...]
    assessment: Assessment
    judged: tuple[Judged, ...]
    inventory: tuple[Component, ...]
    principals: tuple[Principal, ...]
    keys: tuple[Key, ...]
    suites: tuple[Suite, ...]
    analyses: tuple[Analysis, ...]
    worksheets: tuple[Worksheet, ...]
    ways: tuple[Way, ...] | None
    """None where the stack's settings are not known, so that nobody could say what must be reachable."""
    checks: tuple[Check, ...]
    live: tuple[Observed, ...] | None


def pages(contents: Contents) -> dict[str, str]:
    """The pages by file name."""
    shared = {
        "origin": contents.origin,
        "standard": STANDARD,
        "palette": PALETTE,
        "style": TEMPLATES.source("style.css"),
    }
    values = {**shared, **_values(contents)}
    names = ("evidence", "worksheets", "mpoc", "judges")
    return {f"{name}.html": TEMPLATES.template(f"{name}.html.jinja").render(values) for name in names}


def _values(contents: Contents) -> dict[str, Any]:
    judged, found = contents.judged, contents.inventory
    return {
        "pack_version": contents.assessment.pack_version,
        "rules": len(contents.assessment.rules),
        "created": sum(resource.custom for resource in contents.resources),
        "states": [(state, MEANINGS[state], sum(one.state is state for one in judged)) for state in State],
        "chapters": [_chapter(one) for one in judged],
        "told": [told for one in judged if (told := _told(one))],
        "scopes": [(scope, REASONS[scope], _functions(found, scope)) for scope in Scope],
        "responsibilities": responsibilities(vendors(contents.resources)),
        "exceptions": contents.assessment.exceptions,
        "principals": contents.principals,
        "keys": contents.keys,
        "suites": contents.suites,
        "analyses": contents.analyses,
        "worksheets": contents.worksheets,
        "parties": named_parties(contents.resources),
        "ways": contents.ways,
        "open_ways": [way for way in contents.ways or () if way.result != CLOSED],
        "way_counts": way_counts(contents.ways or ()),
        "ways_in": table("ways_in"),
        "mpoc": table("mpoc"),
        "checks": contents.checks,
        "check_counts": judged_counts(contents.checks),
        "live": contents.live,
    }


def _functions(found: Iterable[Component], scope: Scope) -> list[tuple[str, int]]:
    """What the components of one scope are for, with how many there are."""
    counted = Counter(one.function for one in found if one.in_scope is scope)
    return sorted(counted.items())


def _chapter(one: Judged) -> dict[str, Any]:
    """A requirement as one row of the document."""
    ruled = [row for row in one.rows if row.rule and row.verdict != Outcome.NOT_APPLICABLE]
    return {
        "number": one.number,
        "asks": one.asks,
        "service_provider": one.service_provider,
        "state": one.state,
        "remains": one.remains,
        "provided_by": one.rows[0].provided_by,
        "rules": len({row.rule for row in ruled}),
        "resources": len({row.urn for row in ruled if row.urn}),
        "counts": _counted(one.rows),
        "told": any(row.rule and row.verdict in SPEAKING for row in one.rows),
    }


def _counted(rows: Iterable[Record]) -> Mapping[str, int]:
    counted = Counter(row.verdict for row in rows if row.rule)
    return {outcome.value: counted[outcome.value] for outcome in Outcome if counted[outcome.value]}


def _told(one: Judged) -> dict[str, Any] | None:
    """What a rule found wrong, unknown or excepted for a requirement: a row for each rule."""
    by_rule: dict[tuple[str, str, str], list[Record]] = {}
    for row in one.rows:
        if row.rule and row.verdict in SPEAKING:
            by_rule.setdefault((row.verdict, row.rule, row.claim), []).append(row)
    if not by_rule:
        return None
    return {
        "number": one.number,
        "rows": [
            {
                "verdict": verdict,
                "rule": rule,
                "claim": claim,
                "resources": [row.resource or "the stack" for row in rows[:SHOWN_RESOURCES]],
                "more": max(0, len(rows) - SHOWN_RESOURCES),
                "because": rows[0].explanation,
            }
            for (verdict, rule, claim), rows in by_rule.items()
        ],
    }
