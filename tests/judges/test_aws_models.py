"""AWS's own models find nothing in any recorded input, and find what they must where something is wrong."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from recording.names import namings
from recording.recorder import Resource
from tests.judges.aws_models import judge, models
from tests.judges.programs import ENVIRONMENT, LONGEST, PROGRAMS, played, region_of


@pytest.mark.parametrize("program", [*PROGRAMS, ENVIRONMENT])
def test_no_recorded_input_is_forbidden_by_awss_models(program: str, tell: Callable[[str], None]) -> None:
    said = judge(played(program).resources, region_of(program))
    assert sorted(map(str, said.findings)) == []
    assert len(said.types) > 60
    assert said.judged > 3000
    tell(
        f"models, {program}: {said.resources} resources of {len(said.types)} types, {said.judged} values judged, "
        f"{len(said.unknown)} properties without a model, {len(said.findings)} findings"
    )


def test_every_type_has_its_models() -> None:
    used = {one.type for program in PROGRAMS for one in played(program).resources if one.custom}
    assert {type_ for type_ in used if type_.startswith("aws:")} <= set(models())


@pytest.mark.parametrize(
    ("type_", "property_", "value"),
    [
        ("aws:ec2/securityGroup:SecurityGroup", "description", "The cluster's nodes"),
        ("aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule", "description", "Pods ask the cluster's DNS"),
        ("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule", "description", "x" * 256),
        ("aws:s3/bucket:Bucket", "bucket", "softpos-" + "a" * 60),
        ("aws:s3/bucket:Bucket", "bucket", "Softpos-trail"),
        ("aws:elasticache/user:User", "accessString", " "),
        ("aws:kms/alias:Alias", "name", "softpos/state"),
        ("aws:eks/cluster:Cluster", "name", "a" * 101),
        ("aws:iam/role:Role", "name", "a" * 65),
        ("aws:wafv2/webAcl:WebAcl", "scope", "GLOBAL"),
        ("aws:lb/listener:Listener", "port", 70000),
        ("aws:guardduty/detectorFeature:DetectorFeature", "name", "MOON_PHASES"),
    ],
)
def test_what_aws_would_refuse_is_found(type_: str, property_: str, value: Any) -> None:
    sample = played("prod").of(type_)[0]
    wrong = dataclasses.replace(sample, inputs={**sample.inputs, property_: value})
    assert judge([sample], "eu-central-1").findings == set()
    found = judge([wrong], "eu-central-1").findings
    assert {one.property for one in found} == {property_}


@pytest.mark.parametrize("program", [name for name, one in PROGRAMS.items() if one.name == LONGEST])
def test_every_name_fits_at_the_longest_stack_name(program: str, tell: Callable[[str], None]) -> None:
    resources = [one for one in played(program).resources if one.type in namings()]
    named = [one for one in resources if _name(one)]
    assert len(named) > 100
    too_long = [f"{one.name}: {_name(one)}" for one in named if len(_name(one)) > namings()[one.type].longest]
    assert too_long == []
    tell(f"names, {program}: {len(named)} names within the limits of {len({one.type for one in named})} types")


def _name(resource: Resource) -> str:
    return str(resource.inputs.get(namings()[resource.type].property) or "")
