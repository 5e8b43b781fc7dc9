"""Every rule of the policy pack held against every resource that it is about, with the setting that it looked at.

The analyzer of the pack tells what is wrong. An assessor also asks what was looked at and found right, so the same
rules are asked here, one by one. Nothing that a rule could not judge, did not look at, or may break by an exception
counts as a pass.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from policy import pack
from policy.exceptions import Exceptions, Exempt
from policy.judgement import Judgement, Verdict, applies, is_production
from policy.reading import Property, plain_from_wire
from policy.rule import PRODUCTION_STACKS, Rule, kind_of
from policy.rule import Resource as Judged
from policy.stack import Stack
from recording.recorder import Resource

NOTHING = "The stack has no such resource."
"""Why a rule is not applicable."""
SHOWN_CHARACTERS = 160
"""Of a setting's value in evidence; the whole is in the state."""


class Outcome(StrEnum):
    """What became of one rule at one resource, worst first."""

    FAIL = "fail"
    UNDETERMINED = "undetermined"
    EXCEPTED = "excepted"
    PASS = "pass"  # noqa: S105 (not a password)
    NOT_APPLICABLE = "not applicable"


ORDER = {outcome: index for index, outcome in enumerate(Outcome)}


@dataclass(frozen=True)
class Result:
    """One rule at one resource; at the stack as a whole where `urn` is empty."""

    rule: Rule
    urn: str
    outcome: Outcome
    setting: str
    """The properties that the rule read, with their values."""
    message: str
    """What is wrong, unknown or excepted; empty for a pass."""


@dataclass(frozen=True)
class Assessment:
    """All results of one stack, by rule in the pack's order."""

    stack: str
    rules: tuple[Rule, ...]
    results: tuple[Result, ...]
    exceptions: tuple[Exempt, ...]
    pack_version: str

    def of(self, rule: Rule) -> tuple[Result, ...]:
        """The results of one rule."""
        return tuple(result for result in self.results if result.rule is rule)

    @staticmethod
    def worst(results: Iterable[Result]) -> Outcome:
        """The outcome of several results together."""
        return min((result.outcome for result in results), key=ORDER.__getitem__, default=Outcome.NOT_APPLICABLE)


def assess(stack: str, resources: Iterable[Resource]) -> Assessment:
    """Hold every rule against the resources of a stack."""
    judge = pack.judgement()
    strict = Judgement(judge.rules, Exceptions([], (), datetime.datetime.now(datetime.UTC).date()))
    known = [resource for resource in resources if resource.custom or resource.remote]
    inputs = {resource.urn: resource.inputs for resource in known}
    watched = [_watched(resource) for resource in known]
    results: list[Result] = []
    for rule in judge.rules:
        if rule.over_stack:
            found = _over_stack(strict, rule, stack, watched, judge.exceptions)
        else:
            about = [one for one in watched if rule in judge.rules_on(one.kind)]
            found = _at_each(strict, rule, stack, about, inputs, judge.exceptions)
        results.extend(found)
    return Assessment(stack, judge.rules, tuple(results), tuple(judge.exceptions.active), pack.VERSION)


@dataclass(frozen=True)
class Reach:
    """How many rules had something to judge in a run, how many of those are excepted, and how many do not apply."""

    looking: int
    excepted: int
    not_applicable: int


def reach(stack: str, resources: Iterable[Resource], exceptions: Iterable[str]) -> Reach:
    """The reach of the rules, told without judging again.

    Args:
        exceptions: the sentences by which the pack told the exceptions that covered something.
    """
    judge = pack.judgement()
    kinds = {kind_of(resource.type) for resource in resources if resource.custom or resource.remote}
    on = {rule.name for kind in kinds for rule in judge.rules_on(kind)}
    looking = {
        rule.name
        for rule in judge.rules
        if (kinds.intersection(rule.about) if rule.over_stack else rule.name in on) and not _only_elsewhere(rule, stack)
    }
    told = set(exceptions)
    excepted = {one.rule for one in judge.exceptions.active if one.sentence() in told}
    return Reach(len(looking), len(looking & excepted), len(judge.rules) - len(looking))


class _Watched(Judged):
    """A resource that remembers which of its properties were read."""

    __slots__ = ("read",)
    read: dict[str, None]

    def __getitem__(self, key: str) -> Property:
        self.read[key] = None
        return super().__getitem__(key)


def _watched(resource: Resource) -> _Watched:
    made = _Watched(
        resource.type,
        resource.name,
        resource.urn,
        plain_from_wire(resource.wire_inputs.fields),
        parent=resource.parent,
        dependencies=list(resource.dependencies),
        property_dependencies=resource.property_dependencies,
    )
    made.read = {}
    return made


class _WatchedStack(Stack):
    """A stack that remembers how many resources each question of a rule found."""

    def __init__(self, resources: Sequence[Judged]) -> None:
        super().__init__(resources)
        self.found: list[int] = []

    def of(self, *kinds: str) -> Iterator[Judged]:
        found = list(super().of(*kinds))
        self.found.append(len(found))
        return iter(found)


def _at_each(
    strict: Judgement,
    rule: Rule,
    stack: str,
    about: list[_Watched],
    inputs: Mapping[str, Mapping[str, Any]],
    exceptions: Exceptions,
) -> Iterator[Result]:
    if not about:
        yield Result(rule, "", Outcome.NOT_APPLICABLE, "", NOTHING)
        return
    if _only_elsewhere(rule, stack):
        yield Result(rule, "", Outcome.NOT_APPLICABLE, "", "The rule is for production stacks.")
        return
    for resource in about:
        resource.read = {}
        verdicts = list(strict.by_rule(rule, resource, {}))
        yield from _results(rule, resource, verdicts, _setting(resource.read, inputs[resource.urn]), exceptions)


def _over_stack(
    strict: Judgement, rule: Rule, stack: str, watched: list[_Watched], exceptions: Exceptions
) -> Iterator[Result]:
    if _only_elsewhere(rule, stack):
        yield Result(rule, "", Outcome.NOT_APPLICABLE, "", "The rule is for production stacks.")
        return
    whole = _WatchedStack(watched)
    if not applies(rule, whole):
        yield Result(rule, "", Outcome.NOT_APPLICABLE, "", NOTHING)
        return
    whole.found.clear()
    verdicts = list(strict.by_rule(rule, whole, {}))
    if not verdicts:
        compared = str(sum(whole.found)) if whole.found else "all"
        yield Result(rule, "", Outcome.PASS, f"{compared} resources compared", "")
        return
    by_urn = {resource.urn: resource for resource in watched}
    for urn in dict.fromkeys(verdict.urn for verdict in verdicts):
        own = [verdict for verdict in verdicts if verdict.urn == urn]
        yield from _results(rule, by_urn.get(urn), own, "the resources of the stack, compared", exceptions)


def _only_elsewhere(rule: Rule, stack: str) -> bool:
    return rule.production_only and not is_production(stack, rule.parameters[PRODUCTION_STACKS])


def _results(
    rule: Rule, resource: Judged | None, verdicts: list[Verdict], setting: str, exceptions: Exceptions
) -> Iterator[Result]:
    """One result: the worst of what the rule said."""
    urn = resource.urn if resource else ""
    breaches = [verdict.message for verdict in verdicts if not verdict.undetermined]
    unknown = [verdict.message for verdict in verdicts if verdict.undetermined]
    if breaches and exceptions.cover(rule.name, resource):
        why = next(one for one in exceptions.active if one.rule == rule.name and one.covers(resource))
        yield Result(rule, urn, Outcome.EXCEPTED, setting, f"{' '.join(breaches)} {why.sentence()}")
    elif breaches:
        yield Result(rule, urn, Outcome.FAIL, setting, " ".join(breaches))
    elif unknown:
        yield Result(rule, urn, Outcome.UNDETERMINED, setting, " ".join(unknown))
    else:
        yield Result(rule, urn, Outcome.PASS, setting, "")


def _setting(read: Iterable[str], inputs: Mapping[str, Any]) -> str:
    """The properties that were read, from inputs in which secrets are withheld."""
    return ", ".join(f"{key} = {_shown(inputs.get(key))}" for key in read)


def _shown(value: Any) -> str:
    if value is None:
        return "not set"
    text = value if isinstance(value, str) else json.dumps(value, sort_keys=True)
    text = " ".join(text.split())
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[: SHOWN_CHARACTERS - 1]}…"
