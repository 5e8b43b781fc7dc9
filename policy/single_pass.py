"""Makes the SDK's analyzer decode each resource once, instead of once per policy.

The SDK decodes a resource's properties anew for every policy, about 0.2 ms each; with this many rules that is where all
the time would go. This module alone leans on a private part of the SDK, the class of its gRPC servicer: it replaces the
two calls of the analyzer protocol that judge, and leaves everything else (information, remediation, the server) as it
is. That also allows one policy for everything undetermined, and messages without the description before them.

Where the SDK has changed, `install` answers False and changes nothing: the policies then run the SDK's own way, with
the same violations, only slower, and unknown values are reported by the SDK under each rule's own name.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from pulumi.runtime.proto import analyzer_pb2
from pulumi_policy import EnforcementLevel, Policy
from pulumi_policy import policy as sdk

from . import pack
from .judgement import Judgement, Verdict
from .loosening import loosened
from .reading import plain_from_wire
from .rule import Resource
from .stack import Stack

SERVICER: Final = "_PolicyAnalyzerServicer"
_REPLACED: Final = ("Analyze", "AnalyzeStack", "Configure")

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


def install(judge: Judgement, policies: Sequence[Policy]) -> bool:
    """Replaces the servicer that the next PolicyPack starts; False where the SDK does not have it."""
    original = getattr(sdk, SERVICER, None)
    if original is None or not all(hasattr(original, call) for call in _REPLACED):
        return False
    setattr(sdk, SERVICER, _servicer(original, judge, {made.name: made for made in policies}))
    return True


def _servicer(original: Any, judge: Judgement, policies: dict[str, Policy]) -> Any:
    class SinglePass(original):  # type: ignore[misc]
        """The SDK's servicer, judging by all rules at once."""

        levels: dict[str, EnforcementLevel]
        configuration: dict[str, dict[str, Any]]

        def __init__(self, *arguments: Any, **named: Any) -> None:
            super().__init__(*arguments, **named)
            self.levels, self.configuration = {}, {}

        def Configure(self, request: Any, context: Any) -> Any:  # noqa: N802 the protocol's name
            self.configuration = {
                name: plain_from_wire(given.properties.fields) for name, given in request.policyConfig.items()
            }
            self.levels = {name: _LEVELS[given.enforcementLevel] for name, given in request.policyConfig.items()}
            return super().Configure(request, context)

        def Analyze(self, request: Any, _context: Any) -> Any:  # noqa: N802 the protocol's name
            resource = Resource(request.type, request.name, request.urn, plain_from_wire(request.properties.fields))
            return self._answer(judge.of_resource(resource, self.configuration))

        def AnalyzeStack(self, request: Any, _context: Any) -> Any:  # noqa: N802 the protocol's name
            response = self._answer(
                judge.of_stack(Stack([_decoded_in_stack(r) for r in request.resources]), self.configuration)
            )
            exceptions = judge.exceptions
            response.diagnostics.extend(_diagnostic(policies[pack.EXCEPTION], e.sentence()) for e in exceptions.active)
            response.diagnostics.extend(_diagnostic(policies[pack.EXCEPTION_INVALID], p) for p in exceptions.problems)
            response.diagnostics.extend(
                _diagnostic(policies[pack.EXCEPTION_MISSING], sentence)
                for sentence in loosened(judge.rules, self.levels, self.configuration, exceptions)
            )
            return response

        def _answer(self, verdicts: Iterable[Verdict]) -> Any:
            return analyzer_pb2.AnalyzeResponse(diagnostics=self._diagnostics(verdicts))

        def _diagnostics(self, verdicts: Iterable[Verdict]) -> Iterator[Any]:
            for verdict in verdicts:
                level = self.levels.get(verdict.rule.name, EnforcementLevel.MANDATORY)
                if level is EnforcementLevel.DISABLED:
                    continue
                if verdict.undetermined:
                    yield _diagnostic(policies[pack.UNDETERMINED], verdict.message, verdict.urn)
                else:
                    yield _diagnostic(policies[verdict.rule.name], verdict.message, verdict.urn, level)

    return SinglePass


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


def _diagnostic(made: Policy, message: str, urn: str = "", level: EnforcementLevel | None = None) -> Any:
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
