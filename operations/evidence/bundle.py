"""The evidence bundle: a directory that an assessor takes away, sealed."""

from __future__ import annotations

import csv
import io
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from command_line.exits import BAD_INPUT, Stop
from command_line.files import write_whole
from command_line.rendering import Templates
from operations.diagram.actors import NAT_GATEWAY
from operations.diagram.architecture import Architecture, read_architecture
from operations.diagram.drawing import draw
from operations.diagram.styles import PALETTE
from operations.diagram.topology import Tier
from operations.evidence.assessment import ORDER, Assessment, Outcome, assess
from operations.evidence.live import Observed
from operations.evidence.manifest import seal
from operations.evidence.oscal import assessment_results, component_definition
from operations.evidence.records import (
    STANDARD,
    Origin,
    Record,
    plain_cell,
    records,
    responsibilities,
)
from operations.evidence.requirement import MEANINGS, Judged, State, as_csv, judge_requirements
from recording.recorder import Resource

INVENTORY = ("name", "type", "component", "data_class", "in_scope", "protected", "id", "urn")
SHOWN_RESOURCES = 4
"""Resources named in one line of the document."""

TEMPLATES = Templates(Path(__file__).with_name("templates"))


def write_bundle(
    directory: Path, resources: tuple[Resource, ...], origin: Origin, live: tuple[Observed, ...] | None = None
) -> tuple[str, Assessment]:
    """Write every file of a bundle and seal it; answers the seal and what was judged.

    Raises:
        Stop: when the directory cannot be used; one that holds something is not touched.
    """
    _make(directory)
    assessment = assess(origin.stack, resources)
    architecture = read_architecture(origin.stack, resources)
    judged = judge_requirements(records(assessment, resources, origin))
    documents: dict[str, str] = {
        "evidence.csv": as_csv(judged),
        "inventory.csv": _inventory(resources, architecture),
        "network.svg": draw(architecture, alone=True),
        "data-flow.svg": draw(data_flow(architecture), alone=True),
        "oscal/component-definition.json": _json(component_definition(assessment, resources, origin)),
        "oscal/assessment-results.json": _json(assessment_results(assessment, judged, resources, origin)),
    }
    if live is not None:
        documents["live.csv"] = _live(live)
    documents["evidence.html"] = _document(judged, assessment, resources, origin, live)
    for name, content in documents.items():
        (directory / name).parent.mkdir(exist_ok=True)
        write_whole(directory / name, content)
    facts = {
        "stack": origin.stack,
        "source": origin.source,
        "commit": origin.provenance.commit,
        "uncommitted_changes": str(origin.provenance.changed).lower(),
        "policy_pack": assessment.pack_version,
        "standard": STANDARD,
        "time": origin.made_at,
    }
    return seal(directory, facts), assessment


def _make(directory: Path) -> None:
    try:
        directory.mkdir(parents=True, exist_ok=True)
        occupied = any(directory.iterdir())
    except OSError as error:
        raise Stop(BAD_INPUT, f"--out: {directory} cannot be used ({error.strerror}); choose another.") from None
    if occupied:
        raise Stop(BAD_INPUT, f"--out: {directory} is not empty; allowed: a new or empty directory; choose another.")


def _json(document: Mapping[str, Any]) -> str:
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def data_flow(architecture: Architecture) -> Architecture:
    """Only what stores, processes or transmits cardholder data, and who is at the other end of it (1.2.4)."""
    carrying = {key for key, scope in architecture.scope.items() if scope == "cardholder"}
    outside = {key for key, actor in architecture.actors.items() if actor.tier is Tier.OUTSIDE}
    paths = tuple(
        path
        for path in architecture.paths
        if {path.source, path.target} <= carrying | outside and {path.source, path.target} & carrying
    )
    ends = carrying | {end for path in paths for end in (path.source, path.target)}
    actors = {
        key: actor
        for key, actor in architecture.actors.items()
        if key in ends and not any(one.type == NAT_GATEWAY for one in actor.resources)
    }
    return replace(architecture, actors=actors, paths=paths, services={})


def _inventory(resources: Iterable[Resource], architecture: Architecture) -> str:
    """Requirement 12.5.1: every component, and whether it is in scope."""
    scope: dict[str, str] = {}
    for key, actor in architecture.actors.items():
        for resource in actor.resources:
            best = min(scope.get(resource.urn, "other"), architecture.scope[key], key=_SCOPES.index)
            scope[resource.urn] = best
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(INVENTORY)
    for resource in sorted(resources, key=lambda one: (one.type, one.name)):
        if not resource.custom:
            continue
        data_class = str(_tags(resource).get("DataClass", ""))
        in_scope = "cardholder" if data_class == "cardholder" else scope.get(resource.urn, "other")
        cells = (
            resource.name,
            resource.type,
            resource.parent.rpartition("::")[2],
            data_class,
            in_scope,
            str(resource.protect).lower(),
            resource.id,
            resource.urn,
        )
        writer.writerow([plain_cell(cell) for cell in cells])
    return text.getvalue()


_SCOPES = ("cardholder", "connected", "other")


def _tags(resource: Resource) -> Mapping[str, Any]:
    tags = resource.inputs.get("tags")
    return tags if isinstance(tags, Mapping) else {}


def _live(observed: Iterable[Observed]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(("requirement", "source", "subject", "status", "detail"))
    for one in observed:
        writer.writerow(
            [plain_cell(cell) for cell in (one.requirement, one.source, one.subject, one.status, one.detail)]
        )
    return text.getvalue()


def _document(
    judged: tuple[Judged, ...],
    assessment: Assessment,
    resources: tuple[Resource, ...],
    origin: Origin,
    live: tuple[Observed, ...] | None,
) -> str:
    """The readable document, in the order of the standard."""
    return TEMPLATES.template("evidence.html.jinja").render(
        origin=origin,
        standard=STANDARD,
        style=PALETTE,
        pack_version=assessment.pack_version,
        rules=len(assessment.rules),
        created=sum(resource.custom for resource in resources),
        outcomes=[outcome.value for outcome in Outcome],
        states=[(state, MEANINGS[state], sum(one.state is state for one in judged)) for state in State],
        chapters=[_chapter(one) for one in judged],
        shown=SHOWN_RESOURCES,
        exceptions=assessment.exceptions,
        responsibilities=responsibilities(),
        live=live,
    )


def _chapter(one: Judged) -> dict[str, Any]:
    """A requirement; a rule that says the same of many resources takes one row."""
    told: dict[tuple[str, ...], list[Record]] = defaultdict(list)
    for row in sorted(one.rows, key=lambda row: (ORDER[Outcome(row.verdict)], row.rule, row.resource)):
        alike = row.verdict in (Outcome.PASS, Outcome.NOT_APPLICABLE)
        told[row.verdict, row.rule, row.claim, "" if alike else row.urn].append(row)
    return {
        "number": one.number,
        "asks": one.asks,
        "state": one.state,
        "meaning": MEANINGS[one.state],
        "remains": one.remains,
        "counts": {outcome.value: sum(row.verdict == outcome for row in one.rows) for outcome in Outcome},
        "provided_by": one.rows[0].provided_by,
        "groups": list(told.values()),
    }
