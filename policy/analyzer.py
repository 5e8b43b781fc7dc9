"""The analyzer: how the engine's questions are answered. This is the only road to a verdict.

The SDK would decode a resource again for every policy, about 0.2 ms each, and could not report what several rules know
together. This module therefore leans on one private part of the SDK, the class of its gRPC servicer, and replaces the
calls that judge. Where the SDK has changed, nothing is judged: the pack says so in one sentence and ends, and with it
the deployment.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from pulumi.runtime.proto import analyzer_pb2
from pulumi_policy import EnforcementLevel, Policy
from pulumi_policy import policy as sdk

from . import pack
from .baseline import Baseline
from .configuration import default_level, loosened, unknown_names
from .judgement import Judgement, Verdict, is_production, parameters_of
from .reading import plain_from_wire
from .rule import EVERY_KIND, PASSING_NAMES, PRODUCTION_STACKS, Resource, camel_case
from .stack import Stack

SERVICER: Final = "_PolicyAnalyzerServicer"
_REPLACED: Final = ("Analyze", "AnalyzeStack", "Configure")
_JUDGED_PACKAGES: Final = ("aws", "aws-native", "awsx", "eks", "kubernetes")
_SHOWN_TYPES: Final = 12

_LEVELS: Final = {
    analyzer_pb2.ADVISORY: EnforcementLevel.ADVISORY,
    analyzer_pb2.MANDATORY: EnforcementLevel.MANDATORY,
    analyzer_pb2.REMEDIATE: EnforcementLevel.REMEDIATE,
    analyzer_pb2.DISABLED: EnforcementLevel.DISABLED,
}
_REPORTED: Final = {
    EnforcementLevel.ADVISORY: analyzer_pb2.ADVISORY,
    EnforcementLevel.MANDATORY: analyzer_pb2.MANDATORY,
    EnforcementLevel.REMEDIATE: analyzer_pb2.MANDATORY,  # nothing here remediates: a violation stays a violation
}


class UnknownSdkError(Exception):
    """The Pulumi SDK is not one that this pack knows; the message is one sentence."""


def install(judge: Judgement, baseline: Baseline, policies: Sequence[Policy]) -> None:
    """Replaces the servicer that the next PolicyPack starts.

    Raises:
        UnknownSdkError: the SDK has no such servicer, or one with other calls.
    """
    original = getattr(sdk, SERVICER, None)
    if original is None or not all(hasattr(original, call) for call in _REPLACED):
        raise UnknownSdkError(
            "The policy pack judges nothing, because this version of pulumi-policy is not one that it knows; "
            "install a version that the pack's requirements.txt names."
        )
    setattr(sdk, SERVICER, _servicer(original, Answers(judge, baseline, policies)))


def _servicer(original: Any, answers: Answers) -> Any:
    class SinglePass(original):  # type: ignore[misc]
        """The SDK's servicer, with the calls that judge replaced."""

        def Configure(self, request: Any, context: Any) -> Any:  # noqa: N802 the protocol's name
            answers.configure(request.policyConfig)
            return super().Configure(request, context)

        def Analyze(self, request: Any, _context: Any) -> Any:  # noqa: N802 the protocol's name
            return analyzer_pb2.AnalyzeResponse(diagnostics=answers.about_resource(request))

        def AnalyzeStack(self, request: Any, _context: Any) -> Any:  # noqa: N802 the protocol's name
            return analyzer_pb2.AnalyzeResponse(diagnostics=answers.about_stack(request))

    return SinglePass


class Answers:
    """What the pack says of each resource and of the stack, under the configuration that the engine gave."""

    def __init__(self, judge: Judgement, baseline: Baseline, policies: Sequence[Policy]) -> None:
        self._judge = judge
        self._baseline = baseline
        self._policies = {made.name: made for made in policies}
        self._levels: dict[str, EnforcementLevel] = {}
        self._configuration: dict[str, dict[str, Any]] = {}
        self._told = False

    def configure(self, given: Mapping[str, Any]) -> None:
        self._levels = {name: _LEVELS[config.enforcementLevel] for name, config in given.items()}
        self._configuration = {name: plain_from_wire(config.properties.fields) for name, config in given.items()}
        everywhere = self._configuration.get(pack.PRODUCTION, {}).get("stacks")
        if everywhere:
            for made in self._judge.rules:
                if made.production_only:
                    own = self._configuration.setdefault(made.name, {})
                    own.setdefault(camel_case(PRODUCTION_STACKS), everywhere)
        self._told = False

    def about_resource(self, request: Any) -> Iterator[Any]:
        """The diagnostics of an AnalyzeRequest; the first one also tells what is wrong with the configuration."""
        resource = Resource(request.type, request.name, request.urn, plain_from_wire(request.properties.fields))
        if not self._told:  # before anything exists, and not only when everything does
            self._told = True
            yield from self._against_the_pack(resource.stack)
        yield from self._diagnostics(self._judge.of_resource(resource, self._configuration))

    def about_stack(self, request: Any) -> Iterator[Any]:
        """The diagnostics of an AnalyzeStackRequest: the rules over the stack, then what a run as a whole must say."""
        stack = Stack([_decoded_in_stack(given) for given in request.resources])
        yield from self._diagnostics(self._judge.of_stack(stack, self._configuration))
        yield from self._against_the_pack(stack.name)
        for sentence in self._baseline.mended(resource.urn for resource in stack.resources):
            yield self._report(pack.BASELINE_MENDED, sentence)
        for exempt in self._judge.exceptions.used:
            yield self._report(pack.EXCEPTION, exempt.sentence())
        for policy, found in (
            (pack.NOT_JUDGED, _not_judged(self._judge, stack)),
            (pack.PRODUCTION, self._not_production(stack.name)),
        ):
            if found:
                yield self._report(policy, found)

    def _against_the_pack(self, stack: str) -> Iterator[Any]:
        """What is wrong with exceptions, baseline and configuration, whatever the program is."""
        rules, exceptions = self._judge.rules, self._judge.exceptions
        for problem in (*exceptions.problems, *self._baseline.problems):
            yield self._report(pack.EXCEPTION_INVALID, problem)
        for sentence in unknown_names(rules, tuple(pack.REPORTS), self._configuration):
            yield self._report(pack.CONFIGURATION_INVALID, sentence)
        for sentence in loosened(rules, self._levels, self._configuration, exceptions, stack):
            yield self._report(pack.EXCEPTION_MISSING, sentence)

    def _not_production(self, stack: str) -> str | None:
        """A stack is never taken for one that is not production without a word."""
        rules = [made for made in self._judge.rules if made.production_only]
        patterns = [parameters_of(made, self._configuration.get(made.name, {}))[PRODUCTION_STACKS] for made in rules]
        if not stack or is_production(stack, PASSING_NAMES) or any(is_production(stack, names) for names in patterns):
            return None
        return (
            f"The stack {stack} is judged as one that is not production: {len(rules)} rules were left out; if it is, "
            f"set stacks of {pack.PRODUCTION} in the policy configuration to a list with {stack}."
        )

    def _diagnostics(self, verdicts: Iterable[Verdict]) -> Iterator[Any]:
        for verdict in verdicts:
            level = self._levels.get(verdict.rule.name) or default_level(verdict.rule)
            if level is EnforcementLevel.DISABLED:
                continue
            if verdict.undetermined:
                yield self._report(pack.UNDETERMINED, verdict.message, verdict.urn)
                continue
            if self._baseline.holds(verdict.rule.name, verdict.urn):
                level = EnforcementLevel.ADVISORY
            yield self._report(verdict.rule.name, verdict.message, verdict.urn, level)

    def _report(self, policy: str, message: str, urn: str = "", level: EnforcementLevel | None = None) -> Any:
        made = self._policies[policy]
        severity = made.severity.name if made.severity else "UNSPECIFIED"
        return analyzer_pb2.AnalyzeDiagnostic(
            policyName=made.name,
            policyPackName=pack.NAME,
            policyPackVersion=pack.VERSION,
            description=made.description,
            message=message,
            urn=urn,
            enforcementLevel=_REPORTED[level or made.enforcement_level or EnforcementLevel.MANDATORY],
            severity=analyzer_pb2.PolicySeverity.Value(f"POLICY_SEVERITY_{severity}"),
        )


def _not_judged(judge: Judgement, stack: Stack) -> str | None:
    """The types of the stack that no rule is on, about, or looks at; nothing was said of them but secrets."""
    types = Counter(
        resource.type
        for resource in stack.resources
        if resource.type.partition(":")[0] in _JUDGED_PACKAGES
        and resource.kind not in stack.looked_at
        and all(made.on == (EVERY_KIND,) for made in judge.rules_on(resource.kind))
    )
    if not types:
        return None
    named = [f"{name} ({count})" for name, count in sorted(types.items())]
    more = f" and {len(named) - _SHOWN_TYPES} more" if len(named) > _SHOWN_TYPES else ""
    return (
        f"No rule is about {', '.join(named[:_SHOWN_TYPES])}{more}: of these types only secrets in plain text were "
        "judged, so that silence is no pass; have AWS Config or Security Hub watch them."
    )


def _decoded_in_stack(given: Any) -> Resource:
    return Resource(
        given.type,
        given.name,
        given.urn,
        plain_from_wire(given.properties.fields),
        parent=given.parent,
        dependencies=list(given.dependencies),
        property_dependencies={key: list(urns.urns) for key, urns in given.propertyDependencies.items()},
    )
