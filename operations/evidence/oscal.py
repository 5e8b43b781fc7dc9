"""The evidence in OSCAL, NIST's format: a component definition and assessment results.

Every identifier is derived from what it names, so that two bundles of one commit differ in nothing but time.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from operations.evidence.assessment import ORDER, Assessment, Outcome, Result
from operations.evidence.records import STANDARD, UNNUMBERED, Origin, Record, number_key
from operations.evidence.requirement import Judged, State, asks
from policy import pack
from recording.recorder import Resource

OSCAL_VERSION = "1.1.3"
NAMESPACE = uuid.UUID("0e8f2b3e-55c3-5bd1-9f8c-6f1f5f4f7c11")
PROPERTIES = "https://softpos.example/ns/oscal"
"""Namespace of the properties that OSCAL does not define."""
SOURCE = "https://www.pcisecuritystandards.org/document_library/"
COMPONENTS = "softpos:"


def _identifier(*parts: str) -> str:
    return str(uuid.uuid5(NAMESPACE, "|".join(parts)))


def _control(requirement: str) -> str:
    """A requirement number as an OSCAL token."""
    return f"pci-dss-{requirement.lower()}"


def _metadata(title: str, origin: Origin) -> dict[str, Any]:
    return {
        "title": title,
        "last-modified": origin.made_at,
        "version": origin.provenance.commit,
        "oscal-version": OSCAL_VERSION,
        "props": [_property("stack", origin.stack), _property("source", origin.source)],
    }


def _property(name: str, value: str) -> dict[str, str]:
    return {"name": name, "ns": PROPERTIES, "value": value or "none"}


def component_definition(assessment: Assessment, resources: Iterable[Resource], origin: Origin) -> dict[str, Any]:
    """Each component of the program with the requirements that its resources were judged by."""
    known = {resource.urn: resource for resource in resources}
    served: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for result in assessment.results:
        owner = _owner(result.urn, known)
        if owner and result.outcome is Outcome.PASS:
            for requirement in result.rule.requirements or (UNNUMBERED,):
                served[owner][requirement].add(result.rule.name)
    components = [_component(known[urn], served[urn]) for urn in sorted(served, key=lambda urn: (known[urn].name, urn))]
    title = f"Components of SoftPOS on AWS, stack {origin.stack}"
    return {
        "component-definition": {
            "uuid": _identifier("component-definition", origin.stack, origin.provenance.commit),
            "metadata": _metadata(title, origin),
            "components": components,
        }
    }


def _owner(urn: str, known: Mapping[str, Resource]) -> str:
    """The component of the program that a resource belongs to."""
    while urn in known:
        if known[urn].type.startswith(COMPONENTS):
            return urn
        urn = known[urn].parent
    return ""


def _component(component: Resource, served: Mapping[str, set[str]]) -> dict[str, Any]:
    kind = component.type.rpartition(":")[2]
    return {
        "uuid": _identifier("component", component.urn),
        "type": "software",
        "title": f"{kind} {component.name}",
        "description": f"The Pulumi component {component.type}, registered as {component.name}.",
        "props": [_property("urn", component.urn)],
        "control-implementations": [
            {
                "uuid": _identifier("implementation", component.urn),
                "source": SOURCE,
                "description": f"{STANDARD}, as far as rules of the policy pack judge this component's resources.",
                "implemented-requirements": [
                    {
                        "uuid": _identifier("implemented", component.urn, requirement),
                        "control-id": _control(requirement),
                        "description": asks(requirement),
                        "props": [_property("rule", rule) for rule in sorted(rules)],
                    }
                    for requirement, rules in sorted(served.items(), key=lambda pair: number_key(pair[0]))
                ],
            }
        ],
    }


def assessment_results(
    assessment: Assessment, judged: Iterable[Judged], resources: Iterable[Resource], origin: Origin
) -> dict[str, Any]:
    """What each rule found, and for each requirement the state that the other files give it."""
    known = [resource for resource in resources if resource.custom or resource.remote]
    found = tuple(judged)
    observations = {rule.name: _observation(assessment.of(rule), origin) for rule in assessment.rules}
    unruled = {row.claim: row for one in found for row in one.rows if not row.rule}
    observations |= {claim: _unobserved(row, origin) for claim, row in unruled.items()}
    plan = _identifier("plan", pack.NAME, pack.VERSION)
    return {
        "assessment-results": {
            "uuid": _identifier("assessment-results", origin.stack, origin.provenance.commit),
            "metadata": _metadata(f"Assessment of SoftPOS on AWS, stack {origin.stack}", origin),
            "import-ap": {"href": f"#{plan}"},
            "results": [
                {
                    "uuid": _identifier("result", origin.stack, origin.provenance.commit),
                    "title": f"Policy pack {pack.NAME} {pack.VERSION}",
                    "description": f"Every rule of the pack held against every resource of the {origin.source}.",
                    "start": origin.made_at,
                    "local-definitions": {"inventory-items": [_item(resource) for resource in known]},
                    "reviewed-controls": {
                        "control-selections": [
                            {"include-controls": [{"control-id": _control(one.number)} for one in found]}
                        ]
                    },
                    "observations": list(observations.values()),
                    "findings": [_finding(one, assessment.stack, observations) for one in found],
                }
            ],
            "back-matter": {
                "resources": [
                    {
                        "uuid": plan,
                        "title": f"Policy pack {pack.NAME} {pack.VERSION}",
                        "description": "The rules in policy/rules take the place of an assessment plan.",
                    }
                ]
            },
        }
    }


def _item(resource: Resource) -> dict[str, Any]:
    return {
        "uuid": _identifier("item", resource.urn),
        "description": f"{resource.type} {resource.name}",
        "props": [_property("urn", resource.urn)],
    }


def _observation(results: Iterable[Result], origin: Origin) -> dict[str, Any]:
    found = sorted(results, key=lambda result: (ORDER[result.outcome], result.urn))
    rule = found[0].rule
    made: dict[str, Any] = {
        "uuid": _identifier("observation", rule.name, origin.stack),
        "title": rule.name,
        "description": f"{rule.claim}.",
        "props": [_property("outcome", Assessment.worst(found).value)],
        "methods": ["TEST"],
        "collected": origin.made_at,
    }
    subjects = [_subject(result) for result in found if result.urn]
    remarks = [result.message for result in found if not result.urn and result.message]
    return {
        **made,
        **({"subjects": subjects} if subjects else {}),
        **({"remarks": " ".join(remarks)} if remarks else {}),
    }


def _subject(result: Result) -> dict[str, Any]:
    subject: dict[str, Any] = {
        "subject-uuid": _identifier("item", result.urn),
        "type": "inventory-item",
        "title": result.urn.rpartition("::")[2],
        "props": [_property("outcome", result.outcome.value)],
    }
    remarks = ". ".join(filter(None, (result.setting, result.message)))
    return {**subject, **({"remarks": remarks} if remarks else {})}


def _unobserved(row: Record, origin: Origin) -> dict[str, Any]:
    """A control or duty that no rule can judge: nobody has looked at it yet."""
    return {
        "uuid": _identifier("observation", row.claim, origin.stack),
        "title": row.claim,
        "description": row.explanation,
        "props": [_property("outcome", row.verdict)],
        "methods": ["UNKNOWN"],
        "collected": origin.made_at,
    }


def _finding(one: Judged, stack: str, observations: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Satisfied only where the configuration that was asked for is in place; the remarks say what remains."""
    satisfied = one.state is State.IN_PLACE
    reason = "fail" if one.state is State.NOT_IN_PLACE else "other"  # never "pass": a person has tested nothing
    names = dict.fromkeys(row.rule or row.claim for row in one.rows)
    return {
        "uuid": _identifier("finding", one.number, stack),
        "title": f"Requirement {one.number}",
        "description": f"{one.asks}. Provided by: {one.rows[0].provided_by}.",
        "props": [_property("state", one.state.value)],
        "target": {
            "type": "objective-id",
            "target-id": _control(one.number),
            "status": {
                "state": "satisfied" if satisfied else "not-satisfied",
                "reason": reason,
                "remarks": one.sentence,
            },
        },
        "related-observations": [{"observation-uuid": observations[name]["uuid"]} for name in names],
    }
