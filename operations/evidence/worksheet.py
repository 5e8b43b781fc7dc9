"""Appendix C: a compensating-control worksheet for each exception in force, begun from what the exception says.

An exception of the policy pack is a decision of the entity; whether it is a compensating control in the standard's
sense, an assessor decides. What the exception does not say is left open, for a person.
"""

from __future__ import annotations

from dataclasses import dataclass

from operations.evidence.assessment import Assessment, Outcome
from operations.evidence.requirement import asks
from policy.exceptions import Exempt

OPEN = "To be completed by the owner."


@dataclass(frozen=True)
class Worksheet:
    """One worksheet: the six parts of the form, in its order, each with what is known."""

    title: str
    requirements: tuple[str, ...]
    resources: tuple[str, ...]
    parts: tuple[tuple[str, str], ...]


def worksheets(assessment: Assessment) -> tuple[Worksheet, ...]:
    """A worksheet for each exception that covers something in this stack."""
    return tuple(made for exempt in assessment.exceptions if (made := _worksheet(exempt, assessment)))


def _worksheet(exempt: Exempt, assessment: Assessment) -> Worksheet | None:
    covered = [
        result
        for result in assessment.results
        if result.outcome is Outcome.EXCEPTED and exempt.sentence() in result.message
    ]
    if not covered:
        return None
    rule = covered[0].rule
    broken = " ".join(dict.fromkeys(result.message.replace(exempt.sentence(), "").strip() for result in covered))
    wanted = "; ".join(f"{number} {asks(number)}" for number in rule.requirements) or "no requirement number"
    reason = " ".join(exempt.reason.split())
    return Worksheet(
        title=rule.name,
        requirements=tuple(rule.requirements),
        resources=tuple(dict.fromkeys(result.urn.rpartition("::")[2] for result in covered)),
        parts=(
            ("Constraints", f"What does not fit: {broken} Why it cannot: {OPEN.lower()}"),
            ("Definition of the control", reason),
            ("Objective", f"The requirement's: {wanted}. The control's: {OPEN.lower()}"),
            ("Identified risk", OPEN),
            ("Validation of the control", OPEN),
            ("Maintenance", _maintenance(exempt)),
        ),
    )


def _maintenance(exempt: Exempt) -> str:
    return (
        f"{exempt.owner} answers for it. It ends on {exempt.expires}; each run of the rules names it, and from the day "
        "after that a deployment is refused."
    )
