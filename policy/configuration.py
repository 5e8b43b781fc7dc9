"""Policy configuration: what it sets, and what it must not: fewer rules or looser ones without an exception."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, Final

from pulumi_policy import EnforcementLevel

from .exceptions import EVERYTHING, Exceptions
from .judgement import Configuration, is_production
from .reading import number, shown
from .rule import PRODUCTION_STACKS, Rule, camel_case

_BLOCKING: Final = (EnforcementLevel.MANDATORY, EnforcementLevel.REMEDIATE)
_EVERY_POLICY: Final = "all"  # the engine's own word
_NAMED: Final = 3  # rules that a sentence about many of them names
_REMEDY: Final = "a reason, an owner and an expiry date"


def default_level(made: Rule) -> EnforcementLevel:
    """A wish is off unless configuration turns it on; every requirement is mandatory."""
    return EnforcementLevel.DISABLED if made.wish else EnforcementLevel.MANDATORY


def unknown_names(rules: Sequence[Rule], reports: Sequence[str], configuration: Configuration) -> Iterator[str]:
    """A sentence for each name in the configuration that no policy has: what it asks for would not happen."""
    known = [*(made.name for made in rules), *reports, _EVERY_POLICY]
    for name in configuration:
        if name not in known:
            near = get_close_matches(name, known, n=1)
            hint = f", the nearest is {near[0]}" if near else ""
            yield f"Policy configuration names the unknown rule {name}{hint}; correct or remove it."


def loosened(
    rules: Sequence[Rule],
    levels: Mapping[str, EnforcementLevel],
    configuration: Configuration,
    exceptions: Exceptions,
    stack: str,
) -> Iterator[str]:
    """A sentence for each rule that configuration has loosened without an exception; one for all of the same level."""
    lowered: dict[str, list[str]] = defaultdict(list)
    for made in rules:
        level = levels.get(made.name, default_level(made))
        lower = not made.wish and level not in _BLOCKING
        changes = list(_looser_parameters(made, configuration.get(made.name, {}), stack))
        if not (lower or changes) or exceptions.allow_loosening(made.name):
            continue
        if lower and not (level is EnforcementLevel.ADVISORY and exceptions.allow_advisory()):
            lowered[level.value].append(made.name)
        if changes:
            yield (
                f"Policy configuration gives {made.name} {' and '.join(changes)} without an exception; remove it, or "
                f"add an exception for the rule with resource '{EVERYTHING}', {_REMEDY}."
            )
    for level_name, names in lowered.items():
        yield _lowered(level_name, names)


def _lowered(level: str, names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} other rules" if len(names) > _NAMED else ""
    gradual = f" (for a gradual start of all rules, level: {level} instead of rule and resource)"
    return (
        f"Policy configuration gives {', '.join(names[:_NAMED])}{more} level {level} instead of mandatory without an "
        f"exception; remove it, or add an exception for the rule with resource '{EVERYTHING}', {_REMEDY}"
        f"{gradual if level == EnforcementLevel.ADVISORY.value and more else ''}."
    )


def _looser_parameters(made: Rule, given: Mapping[str, Any], stack: str) -> Iterator[str]:
    for parameter, default in made.parameters.items():
        value = given.get(camel_case(parameter))
        if value is not None and _looser(parameter, value, default, stack):
            yield f"{camel_case(parameter)} {shown(value)} instead of {shown(default)}"


def _looser(parameter: str, value: Any, default: Any, stack: str) -> bool:
    """`minimum_…` may only rise, `maximum_…` only fall, `allowed_…` only lose items, any other list only gain them.

    The production stacks may leave out every stack but the one that is judged.
    """
    if isinstance(default, (int, float)):
        given = number(value)
        if given is None:
            return True
        return given < default if parameter.startswith("minimum_") else given > default
    items = value if isinstance(value, list) else [value]
    if parameter == PRODUCTION_STACKS:
        return is_production(stack, default) and not is_production(stack, items)
    if parameter.startswith("allowed_"):
        return bool(default) and not set(items) <= set(default)
    return not set(default) <= set(items)
