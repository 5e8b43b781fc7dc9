"""Judging resources by the rules: which rules apply, with which parameters, and which findings are excepted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .exceptions import Exceptions
from .reading import Breach, Finding
from .rule import EVERY_KIND, PRODUCTION_STACKS, Resource, Rule, camel_case
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
        self._for_every_kind = tuple(made for made in rules if EVERY_KIND in made.on)
        self._by_kind: dict[str, tuple[Rule, ...]] = defaultdict(lambda: self._for_every_kind)
        kinds = {kind for made in rules for kind in made.on}
        for kind in kinds:
            self._by_kind[kind] = tuple(made for made in rules if {kind, EVERY_KIND} & set(made.on))

    def of_resource(self, resource: Resource, configuration: Configuration) -> Iterator[Verdict]:
        for made in self._by_kind[resource.kind]:
            yield from self.by_rule(made, resource, configuration.get(made.name, {}))

    def of_stack(self, stack: Stack, configuration: Configuration) -> Iterator[Verdict]:
        for made in self._stack_rules:
            yield from self.by_rule(made, stack, configuration.get(made.name, {}))

    def by_rule(self, made: Rule, judged: Resource | Stack, configuration: Mapping[str, Any]) -> Iterator[Verdict]:
        """What one rule says, breaches first. A rule that fails is itself a violation: nothing passes unjudged."""
        parameters = parameters_of(made, configuration)
        stack_name = judged.stack if isinstance(judged, Resource) else judged.name
        if made.production_only and stack_name not in parameters.pop(PRODUCTION_STACKS):
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
            if self.exceptions.cover(made.name, resource):
                continue
            urn = resource.urn if resource else ""
            if isinstance(finding, Breach):
                yield Verdict(made, urn, made.sentence(who, finding), undetermined=False)
            else:
                yield Verdict(made, urn, made.undetermined_sentence(who, finding), undetermined=True)


def parameters_of(made: Rule, configuration: Mapping[str, Any]) -> dict[str, Any]:
    """The rule's parameters: the defaults, overridden by policy configuration."""
    return {name: configuration.get(camel_case(name), default) for name, default in made.parameters.items()}
