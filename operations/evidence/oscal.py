"""The evidence in OSCAL, NIST's format: a component definition and assessment results.

Every identifier is derived from what it names, so that two bundles of one commit differ in nothing but time.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from operations.evidence.assessment import ORDER, Assessment, Outcome, Result
from operations.evidence.records import STANDARD, Origin, number_key, responsible
from policy import pack
from policy.catalogue import requirements
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
            for requirement in result.rule.requirements:
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
                        "description": requirements().get(requirement, requirement),
                        "props": [_property("rule", rule) for rule in sorted(rules)],
                    }
                    for requirement, rules in sorted(served.items(), key=lambda pair: number_key(pair[0]))
                ],
            }
        ],
    }


def assessment_results(assessment: Assessment, resources: Iterable[Resource], origin: Origin) -> dict[str, Any]:
    """What each rule found, and for each requirement whether that satisfies it."""
    known = [resource for resource in resources if resource.custom or resource.remote]
    numbers = sorted({number for rule in assessment.rules for number in rule.requirements}, key=number_key)
    observations = {rule.name: _observation(assessment.of(rule), origin) for rule in assessment.rules}
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
                        "control-selections": [{"include-controls": [{"control-id": _control(one)} for one in numbers]}]
                    },
                    "observations": list(observations.values()),
                    "findings": [_finding(number, assessment, observations) for number in numbers],
                }
            ],
            "back-matter": {
                "resources": [
                    {
                        "uuid": plan,
                        "title": f"Policy pack {pack.NAME} {pack.VERSION}",
                        "description": "The rules in policy/rules stand in the place of an assessment plan.",
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


def _finding(number: str, assessment: Assessment, observations: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Satisfied only where something was judged and nothing stands against it."""
    rules = [rule for rule in assessment.rules if number in rule.requirements]
    outcomes = {assessment.worst(assessment.of(rule)) for rule in rules}
    satisfied = Outcome.PASS in outcomes and outcomes <= {Outcome.PASS, Outcome.NOT_APPLICABLE}
    words = ", ".join(sorted(outcome.value for outcome in outcomes))
    reason = "pass" if satisfied else "fail" if Outcome.FAIL in outcomes else "other"
    return {
        "uuid": _identifier("finding", number, assessment.stack),
        "title": f"Requirement {number}",
        "description": f"{requirements().get(number, number)}. Provided by: {responsible(number).parties}.",
        "target": {
            "type": "objective-id",
            "target-id": _control(number),
            "status": {"state": "satisfied" if satisfied else "not-satisfied", "reason": reason, "remarks": words},
        },
        "related-observations": [{"observation-uuid": observations[rule.name]["uuid"]} for rule in rules],
    }
