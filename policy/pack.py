"""The pack: all rules of `rules/`, as policies of the Pulumi SDK."""

from __future__ import annotations

import datetime
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any, Final

from pulumi_policy import (
    EnforcementLevel,
    Policy,
    PolicyComplianceFramework,
    PolicyConfigSchema,
    ResourceValidationPolicy,
    Severity,
    StackValidationPolicy,
)

from . import program, rules
from .configuration import default_level
from .exceptions import load
from .judgement import Judgement
from .rule import Rule, camel_case, registered_rules

NAME: Final = "pci-dss-aws"
VERSION: Final = "2.0.0"  # as in PulumiPolicy.yaml, which the engine reads
FRAMEWORK: Final = "PCI DSS"
FRAMEWORK_VERSION: Final = "4.0.1"

UNDETERMINED: Final = "undetermined"
EXCEPTION: Final = "exception"
EXCEPTION_INVALID: Final = "exception-invalid"
EXCEPTION_MISSING: Final = "exception-missing"
CONFIGURATION_INVALID: Final = "configuration-invalid"
BASELINE_MENDED: Final = "baseline-mended"
NOT_JUDGED: Final = "not-judged"
PRODUCTION: Final = "production"

# What no rule can report: known only to the analyzer as a whole.
REPORTS: Final = {
    UNDETERMINED: (
        "Says which values a rule could not judge because only the deployment will tell them.",
        EnforcementLevel.ADVISORY,
    ),
    NOT_JUDGED: ("Names the types of this stack that no rule is about.", EnforcementLevel.ADVISORY),
    PRODUCTION: (
        "Says when a stack is judged as one that is not production although its name does not tell.",
        EnforcementLevel.ADVISORY,
    ),
    EXCEPTION: ("Lists the exceptions that covered something in this run.", EnforcementLevel.ADVISORY),
    EXCEPTION_INVALID: (
        "Every exception names a rule, a resource, a reason and an owner, and has not expired.",
        EnforcementLevel.MANDATORY,
    ),
    EXCEPTION_MISSING: (
        "Policy configuration loosens a rule only where an exception allows it.",
        EnforcementLevel.MANDATORY,
    ),
    CONFIGURATION_INVALID: ("Policy configuration names rules that exist.", EnforcementLevel.MANDATORY),
    BASELINE_MENDED: ("The baseline holds only what is still broken.", EnforcementLevel.MANDATORY),
}


def judgement(today: datetime.date | None = None, folder: Path | None = None) -> Judgement:
    """All rules, and the exceptions beside the program (in `folder`, or where it is found) that count today (UTC)."""
    for module in iter_modules(rules.__path__):
        import_module(f"{rules.__name__}.{module.name}")
    known = registered_rules()
    day = today or datetime.datetime.now(datetime.UTC).date()
    return Judgement(known, load({made.name for made in known}, day, folder or program.folder()))


def policies(judge: Judgement) -> list[Policy]:
    """Each rule as a policy of its own, before them those that report what no rule can."""
    reports = [
        StackValidationPolicy(
            name,
            description,
            _never_asked,
            level,
            severity=Severity.LOW if level is EnforcementLevel.ADVISORY else Severity.HIGH,
            config_schema=PolicyConfigSchema({"stacks": _type_of(("",))}) if name == PRODUCTION else None,
        )
        for name, (description, level) in REPORTS.items()
    ]
    return [*reports, *(_policy(made) for made in judge.rules)]


def _policy(made: Rule) -> Policy:
    kind = StackValidationPolicy if made.over_stack else ResourceValidationPolicy
    return kind(
        validate=_never_asked,
        name=made.name,
        description=f"{made.claim}.",
        enforcement_level=default_level(made),
        severity=made.severity,
        framework=_framework(made),
        tags=[tag for tag, given in (("production-only", made.production_only), ("wish", made.wish)) if given],
        remediation_steps=f"{made.remedy[0].upper()}{made.remedy[1:]}.",
        config_schema=_schema(made),
    )


def _framework(made: Rule) -> PolicyComplianceFramework | None:
    if not made.requirements:
        return None
    return PolicyComplianceFramework(
        name=FRAMEWORK,
        version=FRAMEWORK_VERSION,
        reference="; ".join(made.requirements),
        specification=f"Answers {', '.join(made.controls)}." if made.controls else None,
    )


def _never_asked(_args: Any, _report: Any) -> None:
    """The analyzer of this pack judges by all rules at once (analyzer.py); the SDK never asks one policy."""
    raise RuntimeError("A policy of this pack was asked alone: nothing may be judged except by its own analyzer.")


def _schema(made: Rule) -> PolicyConfigSchema | None:
    if not made.parameters:
        return None
    return PolicyConfigSchema({camel_case(name): _type_of(value) for name, value in made.parameters.items()})


def _type_of(default: Any) -> dict[str, Any]:
    if isinstance(default, tuple):
        kind = "number" if default and not isinstance(default[0], str) else "string"
        return {"type": "array", "items": {"type": kind}, "default": [item for item in default if item != ""]}
    return {"type": "number", "default": default}
