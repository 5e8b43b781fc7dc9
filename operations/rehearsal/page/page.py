"""The page of a rehearsal: one HTML file that opens from disk, with everything in it."""

from __future__ import annotations

import datetime
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import markupsafe

from operations.diagram.architecture import Architecture, read_architecture
from operations.diagram.drawing import draw
from operations.diagram.outside import WHOLE_VPC
from operations.diagram.styles import DIAGRAM, PALETTE
from operations.evidence.assessment import ORDER, Assessment, Outcome, Result, assess
from operations.evidence.provenance import Provenance
from operations.evidence.records import UNNUMBERED, number_key
from operations.plan.document import Rehearsal
from operations.plan.forecast import LIMIT_SECONDS
from operations.plan.judgement import Finding
from operations.rehearsal.page.changes import shown_comparison, way_in
from operations.rehearsal.page.comparison import compare
from operations.rehearsal.page.prices import Line, estimate
from operations.rehearsal.page.templating import TEMPLATES
from operations.rehearsal.page.timeline import timeline
from policy.catalogue import requirements
from policy.rule import Rule
from recording.recorder import Resource

LONGEST_VALUE = 600
"""Characters of one setting in the page; policies and scripts are longer and are in the JSON."""


def render_page(rehearsal: Rehearsal, provenance: Provenance, against: Mapping[str, Any] | None = None) -> str:
    """The page of one rehearsal.

    Args:
        against: an older rehearsal's JSON to compare with.
    """
    recording = rehearsal.recording
    assessment = assess(recording.stack, recording.resources)
    architecture = read_architecture(recording.stack, recording.resources)
    outcomes = _outcomes(assessment)
    blocking = len(rehearsal.verdicts.blocking)
    index = {resource.urn: position for position, resource in enumerate(recording.resources)}
    places = {resource.urn: resource.source for resource in recording.resources}
    costs = estimate(recording.resources)
    return TEMPLATES.template("page.html.jinja").render(
        stack=recording.stack,
        provenance=provenance,
        made_at=datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC"),
        resources=[_row(resource, outcomes) for resource in recording.resources if resource.custom],
        index=index,
        created=sum(resource.custom for resource in recording.resources),
        phase=recording.outputs.get("migrationPhase", ""),
        blocking=blocking,
        broken=[_broken(finding, places) for finding in rehearsal.verdicts.blocking],
        counts=Counter(outcomes_of_rule for outcomes_of_rule, _ in _rules_in_order(assessment)),
        outcomes=list(Outcome),
        rules=[_rule(outcome, rule, assessment) for outcome, rule in _rules_in_order(assessment)],
        chapters=sorted({chapter for rule in assessment.rules for chapter in _chapters(rule)}),
        exceptions=assessment.exceptions,
        exception_findings=rehearsal.verdicts.exceptions,
        undetermined=rehearsal.verdicts.undetermined,
        examples=rehearsal.examples,
        limit_seconds=LIMIT_SECONDS,
        forecast=rehearsal.forecast,
        worst_case=rehearsal.worst_case,
        timeline=timeline(rehearsal, index),
        costs=costs,
        cost_lines=[_cost(line) for line in costs.lines],
        comparison=shown_comparison(compare(rehearsal, against)) if against else None,
        architecture=markupsafe.Markup(draw(architecture, _marks(architecture, outcomes), alone=False)),  # noqa: S704
        paths=[_path(path, architecture) for path in architecture.paths],
        scope=_scope(architecture),
        style=markupsafe.Markup(PALETTE + DIAGRAM + TEMPLATES.source("page.css")),  # noqa: S704
        script=markupsafe.Markup(TEMPLATES.source("page.js")),  # noqa: S704
        data=_embedded(_data(recording.resources, index, assessment, architecture)),
    )


def _outcomes(assessment: Assessment) -> dict[str, Outcome]:
    """The worst outcome at each resource."""
    worst: dict[str, Outcome] = {}
    for result in assessment.results:
        if result.urn:
            worst[result.urn] = min(result.outcome, worst.get(result.urn, result.outcome), key=ORDER.__getitem__)
    return worst


def _rules_in_order(assessment: Assessment) -> list[tuple[Outcome, Rule]]:
    """Violations first, undetermined next, exceptions, then what passes; by requirement number within each."""
    found = [(assessment.worst(assessment.of(rule)), rule) for rule in assessment.rules]
    return sorted(
        found,
        key=lambda pair: (ORDER[pair[0]], min(map(number_key, pair[1].requirements or (UNNUMBERED,))), pair[1].name),
    )


def _chapters(rule: Rule) -> list[int]:
    """The requirements of the standard, 1 to 12, that a rule is about."""
    return sorted({int(number.partition(".")[0]) for number in rule.requirements})


def _rule(outcome: Outcome, rule: Rule, assessment: Assessment) -> dict[str, Any]:
    results = sorted(assessment.of(rule), key=lambda result: ORDER[result.outcome])
    numbers = sorted(rule.requirements, key=number_key)
    shown = [_result(result) for result in results if result.urn or result.message or result.setting]
    return {
        "name": rule.name,
        "claim": rule.claim,
        "outcome": outcome,
        "requirements": numbers,
        "asks": [(number, requirements().get(number, "")) for number in numbers],
        "chapters": _chapters(rule),
        "controls": rule.controls,
        "severity": rule.severity.name.lower(),
        "remedy": rule.remedy[0].upper() + rule.remedy[1:],
        "results": shown,
        "looked_at": sum(bool(result.urn) for result in results),
    }


def _result(result: Result) -> dict[str, str]:
    return {
        "urn": result.urn,
        "name": result.urn.rpartition("::")[2] or "the whole stack",
        "outcome": result.outcome,
        "setting": result.setting,
        "message": result.message,
    }


def _row(resource: Resource, outcomes: Mapping[str, Outcome]) -> dict[str, Any]:
    return {
        "urn": resource.urn,
        "name": resource.name,
        "type": resource.type,
        "component": resource.parent.rpartition("::")[2],
        "marks": [
            word for word, on in (("protected", resource.protect), ("retained", resource.retain_on_delete)) if on
        ],
        "outcome": outcomes.get(resource.urn, Outcome.NOT_APPLICABLE),
    }


def _cost(line: Line) -> dict[str, Any]:
    return {
        "type": line.type,
        "title": f"{line.type.partition('/')[0].rpartition(':')[2]} {line.type.rpartition(':')[2]}",
        "what": line.what,
        "amount": line.amount,
        "each": line.usd_each,
        "usd": line.usd if line.usd_each is not None else None,
        "read_on": line.read_on,
        "source": line.source,
    }


def _broken(finding: Finding, places: Mapping[str, tuple[str, ...]]) -> dict[str, Any]:
    """A broken rule: what, where in the stack, and where in the program."""
    return {
        "policy": finding.policy,
        "message": finding.message,
        "requirements": finding.requirements,
        "urn": finding.urn if finding.urn in places else "",
        "name": finding.urn.rpartition("::")[2],
        "places": way_in(places.get(finding.urn, ())),
    }


def _marks(architecture: Architecture, outcomes: Mapping[str, Outcome]) -> dict[str, str]:
    """The actors at which a rule found something."""
    marks: dict[str, str] = {}
    for key, actor in architecture.actors.items():
        found = {outcomes.get(resource.urn) for resource in actor.resources}
        mark = next((one for one in (Outcome.FAIL, Outcome.UNDETERMINED) if one in found), None)
        if mark:
            marks[key] = mark.value
    return marks


def _path(path: Any, architecture: Architecture) -> dict[str, Any]:
    def title(key: str) -> str:
        return "Anything in the VPC" if key == WHOLE_VPC else architecture.actors[key].title

    groups = sorted({opening.group for opening in path.openings})
    return {
        "source": title(path.source),
        "target": title(path.target),
        "ports": path.label,
        "whole": path.whole,
        "groups": groups,
    }


def _scope(architecture: Architecture) -> dict[str, list[str]]:
    scope: dict[str, list[str]] = {"cardholder": [], "connected": [], "other": []}
    for key, kind in architecture.scope.items():
        scope[kind].append(architecture.actors[key].title)
    return scope


def _data(
    resources: Iterable[Resource], index: Mapping[str, int], assessment: Assessment, architecture: Architecture
) -> dict[str, Any]:
    """What the page shows when a thing is selected."""
    rules = {rule.name: position for position, rule in enumerate(assessment.rules)}
    results: dict[int, list[list[Any]]] = {}
    for result in assessment.results:
        if result.urn in index:
            entry = [rules[result.rule.name], ORDER[result.outcome], result.message]
            results.setdefault(index[result.urn], []).append(entry)
    return {
        "outcomes": list(Outcome),
        "rules": [[rule.name, rule.claim, list(rule.requirements)] for rule in assessment.rules],
        "resources": [
            [resource.name, resource.type, list(_settings(resource.inputs)), results.get(index[resource.urn], [])]
            for resource in resources
        ],
        "actors": {
            key: [actor.title, actor.detail, architecture.scope[key], [index[one.urn] for one in actor.resources]]
            for key, actor in architecture.actors.items()
        },
        "services": {
            title: [index[one.urn] for one in found.resources] for title, found in architecture.services.items()
        },
        "paths": [[path.source, path.target, path.label, path.whole] for path in architecture.paths],
    }


def _settings(inputs: Mapping[str, Any]) -> Iterator[list[str]]:
    """Property and value, in the program's order; nested ones by their path."""
    for key, value in inputs.items():
        yield from _setting(key, value)


def _setting(path: str, value: Any) -> Iterator[list[str]]:
    if isinstance(value, Mapping):
        for key, member in value.items():
            yield from _setting(f"{path}.{key}", member)
        return
    text = value if isinstance(value, str) else json.dumps(value)
    yield [path, text if len(text) <= LONGEST_VALUE else f"{text[: LONGEST_VALUE - 1]}…"]


def _embedded(data: Mapping[str, Any]) -> markupsafe.Markup:
    """JSON that may be in a script element: no text in it can end that element."""
    text = json.dumps(data, separators=(",", ":"), ensure_ascii=False)
    return markupsafe.Markup(text.replace("<", "\\u003c"))  # noqa: S704
