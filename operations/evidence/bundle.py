"""The evidence bundle: a directory that an assessor takes away, sealed."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

from command_line.exits import BAD_INPUT, Stop
from command_line.files import write_whole
from operations.diagram.architecture import read_architecture
from operations.diagram.data_flow import data_flow
from operations.diagram.drawing import draw
from operations.evidence import access, cryptography, inventory, judges, risk, segmentation
from operations.evidence.assessment import Assessment, assess
from operations.evidence.document import Contents, pages
from operations.evidence.live import Observed
from operations.evidence.manifest import seal
from operations.evidence.oscal import assessment_results, component_definition
from operations.evidence.records import STANDARD, Origin, records
from operations.evidence.requirement import as_csv, judge_requirements
from operations.evidence.tables import as_table
from operations.evidence.worksheet import worksheets
from operations.journeys.proof import Tested
from recording.recorder import Resource

OBSERVED = ("requirement", "source", "subject", "status", "detail")


@dataclass(frozen=True)
class Seen:
    """What others than the program's own rules say of a stack."""

    tested: tuple[Tested, ...] | None = None
    """Every pair of places, asked of the network's layers; None where the stack's settings are not known."""
    live: tuple[Observed, ...] | None = None
    """What the account says; None where it was not asked."""
    checks: tuple[judges.Check, ...] = ()
    """What judges of others say."""


def write_bundle(
    directory: Path, resources: tuple[Resource, ...], origin: Origin, seen: Seen | None = None
) -> tuple[str, Assessment]:
    """Write every file of a bundle and seal it; answers the seal and what was judged.

    Raises:
        Stop: when the directory cannot be used; one that holds something is not touched.
    """
    _make(directory)
    assessment = assess(origin.stack, resources)
    for name, content in _documents(assessment, resources, origin, seen or Seen()).items():
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


def _documents(
    assessment: Assessment, resources: tuple[Resource, ...], origin: Origin, seen: Seen
) -> Mapping[str, str]:
    architecture = read_architecture(origin.stack, resources)
    contents = Contents(
        origin=origin,
        resources=resources,
        assessment=assessment,
        judged=judge_requirements(records(assessment, resources, origin)),
        inventory=inventory.inventory(resources, architecture, origin),
        principals=access.principals(resources),
        keys=cryptography.keys(resources),
        suites=cryptography.suites(resources),
        analyses=risk.analyses(resources),
        worksheets=worksheets(assessment),
        ways=None if seen.tested is None else segmentation.ways(seen.tested),
        checks=seen.checks,
        live=seen.live,
    )
    documents = {
        "evidence.csv": as_csv(contents.judged),
        "inventory.csv": inventory.as_csv(contents.inventory),
        "access-review.csv": access.as_csv(contents.principals),
        "keys.csv": cryptography.keys_csv(contents.keys),
        "cipher-suites.csv": cryptography.suites_csv(contents.suites),
        "risk-analyses.csv": risk.as_csv(contents.analyses),
        "network.svg": draw(architecture, alone=True),
        "data-flow.svg": draw(data_flow(architecture), alone=True),
        "oscal/component-definition.json": _json(component_definition(assessment, resources, origin)),
        "oscal/assessment-results.json": _json(assessment_results(assessment, contents.judged, resources, origin)),
        **pages(contents),
    }
    if contents.ways is not None:
        documents["segmentation.csv"] = segmentation.as_csv(contents.ways)
    if contents.checks:
        documents["judges.csv"] = judges.as_csv(contents.checks)
    if contents.live is not None:
        documents["live.csv"] = _live(contents.live)
    return documents


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


def _live(observed: Iterable[Observed]) -> str:
    return as_table(OBSERVED, map(astuple, observed))
