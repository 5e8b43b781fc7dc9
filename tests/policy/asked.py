"""Questions as the engine asks them, answered by the pack in this process: the only road to a verdict."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from google.protobuf import struct_pb2
from pulumi.runtime.proto import analyzer_pb2

from policy import pack
from policy.analyzer import Answers
from policy.baseline import Baseline
from policy.judgement import Judgement
from policy.reading import UNKNOWN as UNKNOWN_OBJECT
from policy.reading import plain_from_wire
from policy.rule import Resource
from tests.policy.cases import UNKNOWN
from tests.policy.cases.resources import Properties, token, urn

NAME = "the-resource"
# What says something about the run, not about a resource.
OF_THE_RUN = (pack.EXCEPTION, pack.NOT_JUDGED, pack.PRODUCTION)


def configured(judge: Judgement, given: Mapping[str, Mapping[str, Any]], baseline: Baseline | None = None) -> Answers:
    """The pack, with every policy at its own level but for those in `given`."""
    policies = pack.policies(judge)
    answers = Answers(judge, baseline or Baseline(), policies)
    request = analyzer_pb2.ConfigureAnalyzerRequest()
    for made in policies:
        request.policyConfig[made.name].enforcementLevel = _level(str((made.enforcement_level or "").value))
    for name, parameters in given.items():
        wanted = dict(parameters)
        request.policyConfig[name].enforcementLevel = _level(str(wanted.pop("enforcementLevel", "mandatory")))
        request.policyConfig[name].properties.update(wanted)
    answers.configure(request.policyConfig)
    return answers


def everything_on(judge: Judgement) -> Answers:
    """The pack with the platform's wishes turned on too."""
    return configured(judge, {made.name: {} for made in judge.rules if made.wish})


def _level(name: str) -> Any:
    return analyzer_pb2.EnforcementLevel.Value(name.upper())


def struct(properties: Mapping[str, Any]) -> struct_pb2.Struct:
    made = struct_pb2.Struct()
    made.update(dict(properties))
    return made


def about(answers: Answers, kind: str, properties: Properties, name: str = NAME, stack: str = "prod") -> list[Any]:
    """The diagnostics of one resource, given by kind or by type token."""
    made = kind if ":" in kind else token(kind)
    return list(
        answers.about_resource(
            analyzer_pb2.AnalyzeRequest(type=made, name=name, urn=urn(made, name, stack), properties=struct(properties))
        )
    )


def about_stack(answers: Answers, resources: list[Resource]) -> list[Any]:
    """The diagnostics of a whole stack, without those of the run as such."""
    request = analyzer_pb2.AnalyzeStackRequest(
        resources=[
            analyzer_pb2.AnalyzerResource(
                type=one.type,
                name=one.name,
                urn=one.urn,
                properties=struct(_on_the_wire(one.value) if isinstance(one.value, dict) else {}),
                parent=one.parent,
                dependencies=list(one.dependencies),
                propertyDependencies={
                    key: analyzer_pb2.AnalyzerPropertyDependencies(urns=list(urns))
                    for key, urns in one.property_dependencies.items()
                },
            )
            for one in resources
        ]
    )
    return [one for one in answers.about_stack(request) if one.policyName not in OF_THE_RUN]


def _on_the_wire(value: Any) -> Any:
    if value is UNKNOWN_OBJECT:
        return UNKNOWN
    if isinstance(value, dict):
        return {key: _on_the_wire(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_on_the_wire(item) for item in value]
    return value


def resource(kind: str, properties: Properties) -> Resource:
    """The resource as the rules see it, read from the wire."""
    return Resource(token(kind), NAME, urn(token(kind), NAME), plain_from_wire(struct(properties).fields))
