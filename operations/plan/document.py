"""A rehearsal as data: the contract that other tools rely on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from operations.journeys.proof import Proof
from operations.plan.forecast import LIMIT_SECONDS, Forecast
from operations.plan.judgement import Finding, Verdicts
from recording.program import Recording
from settings import Problem


@dataclass(frozen=True)
class Rehearsal:
    """One stack, played and judged."""

    recording: Recording
    verdicts: Verdicts
    forecast: Forecast
    worst_case: Forecast
    proof: Proof
    """Who can reach whom, held against the table of journeys."""
    examples: tuple[Problem, ...]
    """Settings that a real deployment would refuse because they are still examples."""


def as_document(rehearsal: Rehearsal) -> dict[str, Any]:
    """The rehearsal as JSON data. Secrets stand in it as ``[secret]``."""
    return {
        "stack": rehearsal.recording.stack,
        "resources": [
            {
                "urn": resource.urn,
                "type": resource.type,
                "name": resource.name,
                "parent": resource.parent,
                "dependencies": list(resource.dependencies),
                "inputs": resource.inputs,
                "protect": resource.protect,
                "retain_on_delete": resource.retain_on_delete,
                "source": list(resource.source),
            }
            for resource in rehearsal.recording.resources
        ],
        "violations": [_finding(finding) for finding in rehearsal.verdicts.violations],
        "undetermined": [_finding(finding) for finding in rehearsal.verdicts.undetermined],
        "exceptions": [_finding(finding) for finding in rehearsal.verdicts.exceptions],
        "journeys": {
            "expected": len(rehearsal.proof.expected),
            "possible": rehearsal.proof.possible,
            "problems": list(rehearsal.proof.problems),
        },
        "forecast": {**_forecast(rehearsal.forecast), "worst_case": _forecast(rehearsal.worst_case)},
        "examples": [problem._asdict() for problem in rehearsal.examples],
        "outputs": rehearsal.recording.outputs,
    }


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "policy": finding.policy,
        "level": finding.level,
        "urn": finding.urn,
        "message": finding.message,
        "requirements": list(finding.requirements),
    }


def _forecast(forecast: Forecast) -> dict[str, Any]:
    return {
        "seconds": forecast.seconds,
        "critical_path": [step.urn for step in forecast.critical_path],
        "service_path": [step.urn for step in forecast.service_path],
        "limit_seconds": LIMIT_SECONDS,
        "statistic": forecast.statistic,
        "assumed_resources": forecast.assumed,
    }
