"""Judging resources by the rules: which rules apply, with which parameters, and which findings are excepted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from .exceptions import Exceptions
from .reading import NOT_SET, Breach, Finding
from .rule import EVERY_KIND, PRODUCTION_STACKS, Resource, Rule, camel_case, parts_of
from .stack import Stack

Configuration = Mapping[str, Mapping[str, Any]]  # parameters by rule name, as policy configuration gives them


@dataclass(frozen=True, slots=True)
class Verdict:
    """One finding in words: a violation of `rule`, or a value that `rule` could not judge."""

    rule: Rule
    urn: str
    message: str
    undetermined: bool


class Judgement:
    """The rules, ready to judge: found by kind of resource, so that a resource pays only for its own rules."""

    def __init__(self, rules: Sequence[Rule], exceptions: Exceptions) -> None:
        self.rules = tuple(rules)
        self.exceptions = exceptions
        self._stack_rules = tuple(made for made in rules if made.over_stack)
        self._by_kind: dict[str, tuple[Rule, ...]] = {}

    def rules_on(self, kind: str) -> tuple[Rule, ...]:
        """The rules that judge single resources of a kind; `*` is every kind, `kubernetes.*` every one of a package."""
        if kind not in self._by_kind:
            self._by_kind[kind] = tuple(
                made
                for made in self.rules
                if kind in made.on or any(on.endswith(EVERY_KIND) and kind.startswith(on[:-1]) for on in made.on)
            )
        return self._by_kind[kind]

    def of_resource(self, resource: Resource, configuration: Configuration) -> Iterator[Verdict]:
        for part in parts_of(resource):
            for made in self.rules_on(part.kind):
                yield from self.by_rule(made, part, configuration.get(made.name, {}))

    def of_stack(self, stack: Stack, configuration: Configuration) -> Iterator[Verdict]:
        for made in self._stack_rules:
            if applies(made, stack):
                yield from self.by_rule(made, stack, configuration.get(made.name, {}))

    def by_rule(self, made: Rule, judged: Resource | Stack, configuration: Mapping[str, Any]) -> Iterator[Verdict]:
        """What one rule says, breaches first. A rule that fails is itself a violation: nothing passes unjudged."""
        parameters = parameters_of(made, configuration)
        stack_name = judged.stack if isinstance(judged, Resource) else judged.name
        if made.production_only and not is_production(stack_name, parameters.pop(PRODUCTION_STACKS)):
            return
        try:
            answer = made.judge(judged, **parameters)
        except Exception as error:  # noqa: BLE001 a defect in a rule must block the deployment, not end the analyzer
            who = judged.name or "the stack"
            message = f"{made.name}: {who} could not be judged, because the rule failed with {error!r}; report this."
            yield Verdict(made, judged.urn if isinstance(judged, Resource) else "", message, undetermined=False)
            return
        findings: list[tuple[Resource | None, Finding]] = (
            [(judged, finding) for finding in answer] if isinstance(judged, Resource) else answer
        )
        for resource, finding in sorted(findings, key=lambda pair: not isinstance(pair[1], Breach)):
            who = f"{resource.name} ({resource.type})" if resource else "the stack"
            if resource is not None and resource.partial and _says_nothing(finding):
                continue
            if self.exceptions.cover(made.name, resource):
                continue
            urn = resource.urn if resource else ""
            if isinstance(finding, Breach):
                yield Verdict(made, urn, made.sentence(who, finding), undetermined=False)
            else:
                yield Verdict(made, urn, made.undetermined_sentence(who, finding), undetermined=True)


def is_production(stack: str, patterns: Iterable[str]) -> bool:
    """Whether a stack's name is that of a production stack: one of the names or patterns."""
    return any(fnmatchcase(stack.lower(), str(pattern).lower()) for pattern in patterns)


def applies(made: Rule, stack: Stack) -> bool:
    """Whether a rule over the whole stack has anything to judge there."""
    return any(True for _ in stack.of(*made.about))


def _says_nothing(finding: Finding) -> bool:
    """Of a patch only what it sets counts: what it leaves out may be set elsewhere."""
    return isinstance(finding, Breach) and finding.found.startswith(NOT_SET)


def parameters_of(made: Rule, configuration: Mapping[str, Any]) -> dict[str, Any]:
    """The rule's parameters: the defaults, overridden by policy configuration."""
    return {name: configuration.get(camel_case(name), default) for name, default in made.parameters.items()}
