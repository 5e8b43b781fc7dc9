"""Policy configuration that asks for less than the rules do: allowed only with an exception for the whole rule."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pulumi_policy import EnforcementLevel

from .exceptions import EVERYTHING, Exceptions
from .judgement import Configuration
from .reading import number, shown
from .rule import Rule, camel_case

_BLOCKING = (EnforcementLevel.MANDATORY, EnforcementLevel.REMEDIATE)


def loosened(
    rules: Sequence[Rule],
    levels: Mapping[str, EnforcementLevel],
    configuration: Configuration,
    exceptions: Exceptions,
) -> Iterator[str]:
    """A sentence for each rule that configuration has loosened without an exception."""
    for made in rules:
        if exceptions.allow_loosening(made.name):
            continue
        changes = []
        level = levels.get(made.name, EnforcementLevel.MANDATORY)
        if level not in _BLOCKING:
            changes.append(f"level {level.value} instead of mandatory")
        given = configuration.get(made.name, {})
        for parameter, default in made.parameters.items():
            value = given.get(camel_case(parameter))
            if value is not None and _looser(parameter, value, default):
                changes.append(f"{camel_case(parameter)} {shown(value)} instead of {shown(default)}")
        if changes:
            yield (
                f"Policy configuration gives {made.name} {' and '.join(changes)} without an exception; remove it, or "
                f"add an exception for the rule with resource '{EVERYTHING}', a reason, an owner and an expiry date."
            )


def _looser(parameter: str, value: Any, default: Any) -> bool:
    """`minimum_…` may only rise, `maximum_…` only fall, `allowed_…` only lose items, any other list only gain them."""
    if isinstance(default, (int, float)):
        given = number(value)
        if given is None:
            return True
        return given < default if parameter.startswith("minimum_") else given > default
    items = value if isinstance(value, list) else [value]
    if parameter.startswith("allowed_"):
        return not set(items) <= set(default)
    return not set(default) <= set(items)
