"""A stranger's credentials find no way out through the VPC's doors to AWS, and what nodes need passes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from components.foundations.placement import Placement
from components.network.endpoint_policies import endpoint_policy
from components.network.service_endpoints import GATEWAY_SERVICES, INTERFACE_SERVICES
from tests.bootstrap.simulator import Document, decides
from tests.recorded import recorded

SERVICES = (*GATEWAY_SERVICES, *INTERFACE_SERVICES)
ANYTHING: Document = {"Statement": [{"Sid": "Anything", "Effect": "Allow", "Action": "*", "Resource": "*"}]}
"""What the caller's own policies allow: an attacker's allow him everything."""


def passes(placement: Placement, service: str, action: str, resource: str = "*", **who: str) -> bool:
    policy = json.loads(endpoint_policy(placement, service))
    context = {f"aws:{key}": value for key, value in who.items()}
    return decides([ANYTHING], action, resource, boundary=policy, context=context)


ATTACKS = [
    ("logs", "logs:PutLogEvents"),
    ("sns", "sns:CreateTopic"),
    ("s3", "s3:PutObject"),
    ("dynamodb", "dynamodb:CreateTable"),
    ("secretsmanager", "secretsmanager:PutSecretValue"),
    ("kms", "kms:Encrypt"),
    ("ecr.api", "ecr:PutImage"),
    ("monitoring", "cloudwatch:PutMetricData"),
    ("sts", "sts:AssumeRole"),
    ("ssm", "ssm:AddTagsToResource"),
]


@pytest.mark.parametrize(("service", "action"), ATTACKS)
def test_a_strangers_credentials_carry_nothing_out(placement: Placement, service: str, action: str) -> None:
    own, theirs = placement.account_id, "999999999999"
    assert not passes(placement, service, action, PrincipalAccount=theirs, ResourceAccount=theirs)
    assert not passes(placement, service, action, PrincipalAccount=theirs)
    assert not passes(placement, service, action)
    assert passes(placement, service, action, PrincipalAccount=own, ResourceAccount=own)


@pytest.mark.parametrize(
    ("service", "action"), [attack for attack in ATTACKS if attack[0] not in ("ssm", "monitoring")]
)
def test_our_own_credentials_carry_nothing_to_a_stranger(placement: Placement, service: str, action: str) -> None:
    who = {"PrincipalAccount": placement.account_id, "ResourceAccount": "999999999999"}
    assert not passes(placement, service, action, **who)


@pytest.mark.parametrize(
    ("service", "action", "resource", "who"),
    [
        # Packages of the operating system are fetched without credentials.
        ("s3", "s3:GetObject", "arn:aws:s3:::al2023-repos-eu-central-1-de612dc2/core/x.rpm", {}),
        ("s3", "s3:GetObject", "arn:aws:s3:::prod-eu-central-1-starport-layer-bucket/layer", {"PrincipalAccount": "1"}),
        ("ecr.api", "ecr:BatchGetImage", "*", {"PrincipalAccount": "own", "ResourceAccount": "602401143452"}),
        ("ssm", "ssm:GetDocument", "*", {"PrincipalAccount": "own", "ResourceAccount": "000000000000"}),
        ("ecr.api", "ecr:GetAuthorizationToken", "*", {"PrincipalAccount": "own"}),
    ],
)
def test_what_aws_keeps_for_its_customers_is_reached(
    placement: Placement, service: str, action: str, resource: str, who: dict[str, str]
) -> None:
    context = {key: placement.account_id if value == "own" else value for key, value in who.items()}
    assert passes(placement, service, action, resource, **context)


def test_nothing_is_written_into_awss_buckets(placement: Placement) -> None:
    assert not passes(placement, "s3", "s3:PutObject", "arn:aws:s3:::al2023-repos-eu-central-1-evil/x")
    assert not passes(placement, "s3", "s3:GetObject", "arn:aws:s3:::somebodys-bucket/x")


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_every_endpoint_of_the_program_has_its_policy(stack: str) -> None:
    doors: list[Any] = recorded(stack).of("aws:ec2/vpcEndpoint:VpcEndpoint")
    assert len(doors) == len(SERVICES)
    for door in doors:
        assert "aws:PrincipalAccount" in door.inputs["policy"], door.name
