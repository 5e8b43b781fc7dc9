"""A comparison as the page shows it: one entry for each cause, what follows from it folded, data loss in words."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from facts.stateful import HOLDINGS
from operations.rehearsal.page.causes import GRAVITY, Cause, group, lines
from operations.rehearsal.page.comparison import Change, Comparison, Difference, Kind

FATES = {
    Kind.STUCK: "AWS cannot move it to another network, so the update stops there",
    Kind.REPLACED: "",
    Kind.DELETED: "",
}
TOGETHER = {
    "stuck": "cannot move to another network, so the update stops there",
    "protected": "are protected, so the update stops before they go",
    "lost": "are lost",
    "kept": "stay in the account, no longer managed",
}
"""What happens to what several resources hold, as the first screen says it, gravest first."""


def shown_comparison(comparison: Comparison) -> dict[str, Any]:
    """What the templates need of a comparison."""
    causes = group(comparison.changes)
    return {
        "stack": comparison.stack,
        "causes": [_cause(one) for one in causes],
        "data": [_fate(change) for cause in causes for change in cause.holding],
        "fates": list(_told_together(change for cause in causes for change in cause.holding)),
        "counts": {kind.value: len(comparison.of(kind)) for kind in GRAVITY},
        "amount": len(comparison.changes),
        "seconds": comparison.seconds,
        "before": comparison.cost_before.usd,
        "after": comparison.cost_after.usd,
        "gone": comparison.violations_gone,
        "new": comparison.violations_new,
    }


def way_in(places: Iterable[str]) -> list[str]:
    """The places of a registration, innermost first, with the first of each file."""
    first: dict[str, str] = {}
    for place in places:
        first.setdefault(place.partition(":")[0], place)
    return list(first.values())


def _cause(cause: Cause) -> dict[str, Any]:
    return {
        "component": cause.component,
        "kinds": cause.kinds,
        "moved": cause.moved,
        "own": [_own(change) for change in cause.own],
        "data": [_fate(change) for change in cause.holding],
        "consequences": list(_folded(cause.consequences)),
        "amount": len(cause.consequences),
    }


def _own(change: Change) -> dict[str, Any]:
    return {
        "kind": change.kind,
        "urn": change.urn,
        "type": change.type,
        "name": change.name,
        "places": way_in(change.places),
        "differences": [_difference(one) for one in change.differences if not one.follows],
    }


def _difference(difference: Difference) -> dict[str, Any]:
    short = "\n" not in difference.before + difference.after
    return {
        "path": difference.path,
        "replaces": difference.replaces,
        "before": difference.before if short else "",
        "after": difference.after if short else "",
        "lines": [] if short else lines(difference),
    }


def _folded(changes: Iterable[Change]) -> Iterable[dict[str, Any]]:
    """Consequences by kind and type, with their names."""
    found: dict[tuple[str, str], list[Change]] = defaultdict(list)
    for change in changes:
        found[change.kind, change.type].append(change)
    for (kind, type_), members in sorted(found.items(), key=lambda one: (_order(one[0][0]), -len(one[1]), one[0][1])):
        yield {"kind": kind, "type": type_, "names": sorted(change.name for change in members)}


def _order(kind: str) -> int:
    return [one.value for one in GRAVITY].index(kind)


def _told_together(changes: Iterable[Change]) -> Iterable[dict[str, Any]]:
    """Those that hold something, by what happens to it; payments first, in the order of `facts/stateful.csv`."""
    found: dict[str, list[Change]] = defaultdict(list)
    for change in changes:
        found[_outcome(change)].append(change)
    for outcome, words in TOGETHER.items():
        members = sorted(found[outcome], key=lambda one: (list(HOLDINGS).index(one.type), one.name))
        if members:
            yield {"words": words, "members": [{"name": one.name, "holds": one.holds} for one in members]}


def _outcome(change: Change) -> str:
    if change.kind is Kind.STUCK:
        return "stuck"
    if change.protected:
        return "protected"
    return "kept" if change.retained else "lost"


def _fate(change: Change) -> dict[str, str]:
    """What the change means for what a resource holds, as a sentence without its end."""
    return {"name": change.name, "urn": change.urn, "fate": FATES[change.kind], "data": change.data}
