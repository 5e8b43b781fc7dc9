"""Whoever moves the traffic may make every call of the command, on what it is meant for, and nothing beyond."""

from __future__ import annotations

import ast
from pathlib import Path

import boto3
import pytest
from botocore import xform_name

import operations.traffic
from bootstrap.account import Account
from bootstrap.movers import TRAFFIC, traffic
from tests import recorded
from tests.bootstrap.escalations import DEV
from tests.bootstrap.simulator import decides

SERVICES = {
    "cloudwatch": "cloudwatch",
    "dms": "dms",
    "dynamodb": "dynamodb",
    "ec2": "ec2",
    "elbv2": "elasticloadbalancing",
    "route53": "route53",
    "secretsmanager": "secretsmanager",
}
"""IAM's name of a service by boto3's. STS's question who calls needs no permission."""
PLATFORM = Account(account_id="123456789012", region="eu-central-1", stack="prod", subject="a/b", host_name="pay.shop")
RULE = PLATFORM.arn("elasticloadbalancing", "listener-rule/app/edge/1/2/3")
TABLE = PLATFORM.arn("dynamodb", "table/softpos-prod-migration-state")
SECRET = PLATFORM.arn("secretsmanager", "secret:softpos/prod/migration/operator-source-20261201-AbC123")
ZONE, KEY = "arn:aws:route53:::hostedzone/Z1", PLATFORM.arn("kms", "key/1")
OURS = {"aws:ResourceTag/Stack": "prod"}
CHANGE = "route53:ChangeResourceRecordSets"
UPSERT = {f"{CHANGE}Actions": "UPSERT", f"{CHANGE}RecordTypes": "A", f"{CHANGE}NormalizedRecordNames": "pay.shop"}
THROUGH = "secretsmanager.eu-central-1.amazonaws.com"

Request = tuple[str, str, dict[str, str]]
NEEDED: tuple[Request, ...] = (
    ("cloudwatch:GetMetricData", "*", {}),
    ("dms:DescribeCertificates", "*", {}),
    ("dms:DescribeEndpoints", "*", {}),
    ("dms:DescribeReplicationInstances", "*", {}),
    ("dms:DescribeReplicationTasks", "*", {}),
    ("dynamodb:GetItem", TABLE, {"dynamodb:LeadingKeys": "prod"}),
    ("dynamodb:GetItem", TABLE, {"dynamodb:LeadingKeys": "prod/traffic"}),
    ("dynamodb:PutItem", TABLE, {"dynamodb:LeadingKeys": "prod/traffic"}),
    ("ec2:DescribeVpnConnections", "*", {}),
    ("elasticloadbalancing:DescribeRules", "*", {}),
    ("elasticloadbalancing:DescribeTargetHealth", "*", {}),
    ("elasticloadbalancing:ModifyRule", RULE, OURS),
    ("route53:ChangeResourceRecordSets", ZONE, UPSERT),
    ("route53:ChangeResourceRecordSets", ZONE, {**UPSERT, f"{CHANGE}RecordTypes": "CNAME"}),
    ("route53:GetChange", "arn:aws:route53:::change/C1", {}),
    ("route53:GetHostedZone", ZONE, {}),
    ("route53:ListResourceRecordSets", ZONE, {}),
    ("secretsmanager:GetSecretValue", SECRET, {}),
    ("kms:Decrypt", KEY, {**OURS, "kms:ViaService": THROUGH}),
)
BEYOND: tuple[Request, ...] = (
    ("elasticloadbalancing:ModifyRule", RULE, {"aws:ResourceTag/Stack": "dev"}),
    ("elasticloadbalancing:ModifyRule", RULE, {}),
    ("elasticloadbalancing:DeleteRule", RULE, OURS),
    ("route53:ChangeResourceRecordSets", ZONE, {**UPSERT, f"{CHANGE}NormalizedRecordNames": "other.shop"}),
    ("route53:ChangeResourceRecordSets", ZONE, {**UPSERT, f"{CHANGE}RecordTypes": "NS"}),
    ("route53:ChangeResourceRecordSets", ZONE, {}),
    ("dynamodb:PutItem", TABLE, {"dynamodb:LeadingKeys": "prod"}),
    ("dynamodb:GetItem", TABLE, {"dynamodb:LeadingKeys": "dev"}),
    ("dynamodb:PutItem", PLATFORM.arn("dynamodb", "table/other"), {"dynamodb:LeadingKeys": "prod/traffic"}),
    ("secretsmanager:GetSecretValue", SECRET.replace("source", "target"), {}),
    ("secretsmanager:GetSecretValue", SECRET.replace("migration/operator-source", "database-connection"), {}),
    ("kms:Decrypt", KEY, OURS),
    ("kms:Decrypt", KEY, {**OURS, "kms:ViaService": "s3.eu-central-1.amazonaws.com"}),
)


def called() -> set[str]:
    """The API operations that the command's code names, as IAM names them: in a file that names their service, too."""
    session, found = boto3.session.Session(region_name="eu-central-1"), set()
    operations_of = {service: session.client(service).meta.service_model.operation_names for service in SERVICES}
    for file in Path(operations.traffic.__file__).parent.glob("*.py"):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        names = {one.value for one in ast.walk(tree) if isinstance(one, ast.Constant)}
        found |= {
            f"{SERVICES[service]}:{operation}"
            for service in SERVICES.keys() & names
            for operation in operations_of[service]
            if xform_name(operation) in names
        }
    return found


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")


def test_the_table_of_needs_is_what_the_command_calls() -> None:
    assert called() == {action for action, _, _ in NEEDED} - {"kms:Decrypt"}


def test_the_policy_allows_nothing_that_is_not_needed() -> None:
    assert {action for action, _, _ in NEEDED} == set(TRAFFIC)
    listed = [action for one in traffic(PLATFORM)["Statement"] for action in one["Action"]]
    assert set(listed) == set(TRAFFIC)
    assert [action for action in listed if "*" in action] == []


@pytest.mark.parametrize(("action", "resource", "context"), NEEDED)
def test_each_call_of_the_command_is_allowed(action: str, resource: str, context: dict[str, str]) -> None:
    assert decides([traffic(PLATFORM)], action, resource, context=context)


@pytest.mark.parametrize(("action", "resource", "context"), BEYOND)
def test_nothing_beyond_is_allowed(action: str, resource: str, context: dict[str, str]) -> None:
    assert not decides([traffic(PLATFORM)], action, resource, context=context)


def test_the_names_in_the_policy_are_those_of_the_program() -> None:
    program = recorded.recorded("prod")
    tables = {one.inputs["name"] for one in program.of("aws:dynamodb/table:Table")}
    secrets = {one.inputs.get("namePrefix") for one in program.of("aws:secretsmanager/secret:Secret")}
    assert TABLE.rpartition("/")[2] in tables
    assert "softpos/prod/migration/operator-source-" in secrets
    [provider] = {one.inputs["defaultTags"] for one in program.resources if one.type == "pulumi:providers:aws"}
    assert '"Stack": "prod"' in provider or '"Stack":"prod"' in provider


def test_a_development_account_has_the_same_policy_for_its_own_stack() -> None:
    assert not decides(
        [traffic(DEV)], "elasticloadbalancing:ModifyRule", RULE, context={"aws:ResourceTag/Stack": "prod"}
    )
