"""The pack: all rules of `rules/`, as policies of the Pulumi SDK."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable
from importlib import import_module
from pkgutil import iter_modules
from typing import Any, Final

from pulumi_policy import (
    EnforcementLevel,
    Policy,
    PolicyComplianceFramework,
    PolicyConfigSchema,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    Severity,
    StackValidationArgs,
    StackValidationPolicy,
)
from pulumi_policy.proxy import UNKNOWN_STRING_VALUE, UnknownValueError

from . import rules
from .exceptions import load
from .judgement import Judgement, Verdict
from .reading import plain_from_sdk
from .rule import Resource, Rule, camel_case, registered_rules
from .stack import Stack

NAME: Final = "pci-dss-aws"
VERSION: Final = "1.0.0"  # as in PulumiPolicy.yaml, which the engine reads
FRAMEWORK: Final = "PCI DSS"
FRAMEWORK_VERSION: Final = "4.0.1"

UNDETERMINED: Final = "undetermined"
EXCEPTION: Final = "exception"
EXCEPTION_INVALID: Final = "exception-invalid"
EXCEPTION_MISSING: Final = "exception-missing"


def judgement(today: datetime.date | None = None) -> Judgement:
    """All rules and the exceptions that count today (UTC)."""
    for module in iter_modules(rules.__path__):
        import_module(f"{rules.__name__}.{module.name}")
    known = registered_rules()
    exceptions = load({made.name for made in known}, today or datetime.datetime.now(datetime.UTC).date())
    return Judgement(known, exceptions)


def policies(judge: Judgement) -> list[Policy]:
    """Each rule as a policy of its own, before them the four that report what no rule can."""
    return [*_reports(judge), *(_policy(made, judge) for made in judge.rules)]


def _policy(made: Rule, judge: Judgement) -> Policy:
    facts: dict[str, Any] = {
        "name": made.name,
        "description": f"{made.claim}.",
        "enforcement_level": EnforcementLevel.MANDATORY,
        "severity": made.severity,
        "framework": PolicyComplianceFramework(
            name=FRAMEWORK,
            version=FRAMEWORK_VERSION,
            reference="; ".join(made.requirements),
            specification=f"Answers {', '.join(made.controls)}." if made.controls else None,
        ),
        "tags": ["production-only"] if made.production_only else [],
        "remediation_steps": f"{made.remedy[0].upper()}{made.remedy[1:]}.",
        "config_schema": _schema(made),
    }
    if made.over_stack:
        return StackValidationPolicy(validate=_stack_validation(made, judge), **facts)
    return ResourceValidationPolicy(validate=_resource_validation(made, judge), **facts)


def _schema(made: Rule) -> PolicyConfigSchema | None:
    if not made.parameters:
        return None
    return PolicyConfigSchema({camel_case(name): _type_of(value) for name, value in made.parameters.items()})


def _type_of(default: Any) -> dict[str, Any]:
    if isinstance(default, tuple):
        return {
            "type": "array",
            "items": {"type": "string" if isinstance(default[0], str) else "number"},
            "default": list(default),
        }
    return {"type": "number", "default": default}


def _resource_validation(made: Rule, judge: Judgement) -> Callable[[ResourceValidationArgs, ReportViolation], None]:
    def validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
        resource = Resource(args.resource_type, args.name, args.urn, plain_from_sdk(args.props))
        if resource.kind in made.on or "*" in made.on:
            _report(judge.by_rule(made, resource, args.get_config()), report)

    return validate


def _stack_validation(made: Rule, judge: Judgement) -> Callable[[StackValidationArgs, ReportViolation], None]:
    def validate(args: StackValidationArgs, report: ReportViolation) -> None:
        _report(judge.by_rule(made, stack_from_sdk(args), args.get_config()), report)

    return validate


def stack_from_sdk(args: StackValidationArgs) -> Stack:
    return Stack(
        [
            Resource(
                given.resource_type,
                given.name,
                given.urn,
                plain_from_sdk(given.props),
                parent=given.parent.urn if given.parent else "",
                dependencies=[other.urn for other in given.dependencies],
                property_dependencies={
                    key: [other.urn for other in others] for key, others in given.property_dependencies.items()
                },
            )
            for given in args.resources
        ]
    )


def _report(verdicts: Iterable[Verdict], report: ReportViolation) -> None:
    """Reports as the SDK wants it: violations by the callback, then an unknown value by the SDK's own error."""
    undetermined = None
    for verdict in verdicts:
        if verdict.undetermined:
            undetermined = verdict
        else:
            report(verdict.message, verdict.urn or None)
    if undetermined:
        error = UnknownValueError(UNKNOWN_STRING_VALUE, [])
        error.message = undetermined.message
        raise error


def _reports(judge: Judgement) -> list[Policy]:
    def list_active(_args: StackValidationArgs, report: ReportViolation) -> None:
        for exempt in judge.exceptions.active:
            report(exempt.sentence(), None)

    def list_problems(_args: StackValidationArgs, report: ReportViolation) -> None:
        for problem in judge.exceptions.problems:
            report(problem, None)

    def nothing(_args: Any, _report: ReportViolation) -> None:
        """What this policy reports is known only to the analyzer as a whole: see single_pass.py."""

    return [
        ResourceValidationPolicy(
            UNDETERMINED,
            "Says which values a rule could not judge because only the deployment will tell them.",
            nothing,
            EnforcementLevel.ADVISORY,
            severity=Severity.LOW,
        ),
        StackValidationPolicy(
            EXCEPTION,
            "Lists the exceptions that count in this run.",
            list_active,
            EnforcementLevel.ADVISORY,
            severity=Severity.LOW,
        ),
        StackValidationPolicy(
            EXCEPTION_INVALID,
            "Every exception names a rule, a resource, a reason and an owner, and has not expired.",
            list_problems,
            EnforcementLevel.MANDATORY,
            severity=Severity.HIGH,
        ),
        StackValidationPolicy(
            EXCEPTION_MISSING,
            "Policy configuration loosens a rule only where an exception allows it.",
            nothing,
            EnforcementLevel.MANDATORY,
            severity=Severity.HIGH,
        ),
    ]
