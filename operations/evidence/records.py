"""One line of evidence: which requirement, at which resource, what was found, and who provides it."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from operations.evidence.assessment import Assessment, Outcome
from operations.evidence.provenance import Provenance
from operations.evidence.responsibility import responsible, vendors
from operations.evidence.standard import standard
from policy.catalogue import controls
from policy.rule import Rule
from recording.recorder import Resource

DIGEST_CHARACTERS = 12
STANDARD = "PCI DSS v4.0.1"
Parties = Callable[[str], str]
"""Who provides a requirement, by its number."""
UNNUMBERED = "other"
"""In the place of a requirement's number for rules and controls that have none."""


@dataclass(frozen=True)
class Origin:
    """What a bundle was made from."""

    stack: str
    source: str
    """``rehearsal``, or the state's file name."""
    provenance: Provenance
    made_at: str
    """UTC, ISO 8601; the only thing that differs between two runs on one commit."""


@dataclass(frozen=True)
class Record:
    """One row for the assessor."""

    requirement: str
    rule: str
    rule_version: str
    claim: str
    verdict: str
    resource: str
    resource_type: str
    setting_found: str
    explanation: str
    provided_by: str
    urn: str
    stack: str
    commit: str
    source: str
    time: str


def number_key(requirement: str) -> tuple[tuple[int, str], ...]:
    """Sorts 10.2 after 9.9, and A1 last."""
    return tuple((int(part), "") if part.isdigit() else (99, part) for part in requirement.split("."))


def rule_version(rule: Rule, pack_version: str) -> str:
    """The pack's version and a digest of the rule's own source, so that a changed rule is told apart."""
    return f"{pack_version}+{_source_digest(rule.judge)}"


@cache
def _source_digest(judge: Callable[..., Any]) -> str:
    return hashlib.sha256(inspect.getsource(judge).encode()).hexdigest()[:DIGEST_CHARACTERS]


def _parties(taking_part: frozenset[str]) -> Parties:
    return lambda requirement: responsible(requirement, taking_part).parties


def records(assessment: Assessment, resources: Iterable[Resource], origin: Origin) -> tuple[Record, ...]:
    """A record for each requirement of each result, for each control that no rule can judge, and for the rest."""
    known = tuple(resources)
    types = {resource.urn: resource.type for resource in known}
    parties = _parties(vendors(known))
    found = [*_of_rules(assessment, types, parties, origin), *_of_controls(assessment, parties, origin)]
    found += _of_people({one.requirement for one in found}, parties, origin)
    return tuple(sorted(found, key=lambda one: (number_key(one.requirement), one.rule, one.urn, one.claim)))


def _of_rules(assessment: Assessment, types: Mapping[str, str], parties: Parties, origin: Origin) -> Iterator[Record]:
    for result in assessment.results:
        for requirement in result.rule.requirements or (UNNUMBERED,):
            yield Record(
                requirement=requirement,
                rule=result.rule.name,
                rule_version=rule_version(result.rule, assessment.pack_version),
                claim=result.rule.claim,
                verdict=result.outcome.value,
                resource=result.urn.rpartition("::")[2],
                resource_type=types.get(result.urn, ""),
                setting_found=result.setting,
                explanation=result.message,
                provided_by=parties(requirement),
                urn=result.urn,
                stack=origin.stack,
                commit=origin.provenance.commit,
                source=origin.source,
                time=origin.made_at,
            )


def _of_controls(assessment: Assessment, parties: Parties, origin: Origin) -> Iterator[Record]:
    """What the catalogue gives to a component or to a service at run time: never a pass before deployment."""
    for control in controls(assessment.rules):
        if control.state == "enforced":
            continue
        applies = control.state != "not applicable"
        for requirement in control.requirements or (UNNUMBERED,):
            yield Record(
                requirement=requirement,
                rule="",
                rule_version="",
                claim=f"{control.identifier}: {control.title}",
                verdict=(Outcome.UNDETERMINED if applies else Outcome.NOT_APPLICABLE).value,
                resource="",
                resource_type=", ".join(control.resource_types),
                setting_found="",
                explanation=f"{control.state.capitalize()} by {control.by}: {control.because}."
                if control.by
                else f"{control.because}.",
                provided_by=parties(requirement),
                urn="",
                stack=origin.stack,
                commit=origin.provenance.commit,
                source=origin.source,
                time=origin.made_at,
            )


def _of_people(numbers: set[str], parties: Parties, origin: Origin) -> Iterator[Record]:
    """The requirements of which neither a rule nor a control says anything."""
    for requirement in standard().values():
        if requirement.number in numbers:
            continue
        yield Record(
            requirement=requirement.number,
            rule="",
            rule_version="",
            claim=requirement.title,
            verdict=Outcome.UNDETERMINED.value,
            resource="",
            resource_type="",
            setting_found="",
            explanation=f"The customer's part: {responsible(requirement.number).customer}.",
            provided_by=parties(requirement.number),
            urn="",
            stack=origin.stack,
            commit=origin.provenance.commit,
            source=origin.source,
            time=origin.made_at,
        )
