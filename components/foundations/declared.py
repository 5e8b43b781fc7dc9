"""Values that are held to their own declaration, whoever gives them: the program's settings, or a foreign program.

A class declares in each field's annotation what the value may be, and in `RULES` what several of its values must be
together. `problems_of` judges values that exist; `settings/` applies the same kinds and rules to configuration text.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from functools import cache
from typing import Annotated, Any, ClassVar, Literal, NamedTuple, get_origin, get_type_hints

import pulumi

from .problems import NotAllowed, Problem, shown
from .values import Kind, Refused, kind_of


class Conflict(NamedTuple):
    """A value that does not fit the others."""

    field: str
    allowed: str
    """What it may be; ``{other}`` stands for the name of the field that it depends on."""
    remedy: str
    other: str = ""
    found: str = ""
    """What is there, where the value itself says too little."""


Rule = Callable[[Any], Iterator[Conflict]]
"""Judges the values of one class together."""
Named = Callable[[str], str]
"""A field's name as the user knows it."""


@dataclass(frozen=True, kw_only=True)
class Declared:
    """Refuses at once what its declaration does not allow.

    Raises:
        NotAllowed: with one sentence for each value.
    """

    RULES: ClassVar[tuple[Rule, ...]] = ()
    IN_PRODUCTION: ClassVar[Mapping[str, tuple[object, str]]] = {}
    """Fields that production leaves no choice: the value, and what is allowed, in words."""

    def __post_init__(self) -> None:
        if found := tuple(problems_of(self)):
            raise NotAllowed(found)


PULUMIS_OWN = {"Output": pulumi.Output, "T": Any}
"""Names that stand in the definition of `pulumi.Input` and that no other module has."""


def kinds(declared: Any) -> Mapping[str, Kind]:
    """The kind of each field of a class that declares one."""
    return _kinds(declared)


@cache
def _kinds(declared: Any) -> Mapping[str, Kind]:
    hints = get_type_hints(declared, localns=PULUMIS_OWN, include_extras=True)
    return {field.name: kind_of(hints[field.name]) for field in fields(declared) if _is_judged(hints[field.name])}


def problems_of(values: Declared) -> Iterator[Problem]:
    """What is wrong with values: each by itself, or, where each is allowed, several together."""
    found = [
        problem
        for field, kind in kinds(type(values)).items()
        if (problem := problem_with(field, getattr(values, field), kind)) is not None
    ]
    yield from found or (told(values, conflict) for rule in values.RULES for conflict in rule(values))


def problem_with(name: str, value: object, kind: Kind) -> Problem | None:
    """What is wrong with one value, which is given as `name`."""
    try:
        kind(as_text(value))
    except Refused as refusal:
        found = as_text(value) if refusal.found is None else str(refusal.found)
        return Problem(f"{name}{refusal.place}", shown(found), refusal.allowed, refusal.remedy)
    return None


def told(values: object, conflict: Conflict, named: Named = str) -> Problem:
    """A conflict as the user reads it."""
    allowed = conflict.allowed.replace("{other}", named(conflict.other))
    found = conflict.found or shown(as_text(getattr(values, conflict.field)))
    return Problem(named(conflict.field), found, allowed, conflict.remedy)


def as_text(value: object) -> str:
    """A value as configuration has it, which is what the kinds read; numbers may arrive as floats."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:.15g}"
    if isinstance(value, tuple | list):
        return json.dumps([as_text(item) for item in value])
    return str(value)


def ordered(lower: str, upper: str) -> Rule:
    """A rule: one number is at most another."""

    def rule(values: Any) -> Iterator[Conflict]:
        most = getattr(values, upper)
        if getattr(values, lower) > most:
            yield Conflict(lower, f"at most {{other}} ({most})", "lower this value or raise the other", upper)

    return rule


def _is_judged(hint: Any) -> bool:
    return hint is bool or get_origin(hint) is Literal or get_origin(hint) is Annotated
