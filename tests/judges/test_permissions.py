"""What bootstrap's roles may do, held against the calls of the real provider and against AWS's managed policies."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bootstrap import documents
from bootstrap.account import Account
from bootstrap.permissions import missing
from facts.calls import provider_calls
from tests.bootstrap.simulator import Document, decides
from tests.judges.calls import ACCOUNTS, Call, calls_for
from tests.judges.managed_policies import lost, published
from tests.judges.programs import ENVIRONMENT, PROGRAMS, played

ATTACHMENT = "aws:iam/rolePolicyAttachment:RolePolicyAttachment"
AWS_POLICY = ":iam::aws:policy"
ACCEPTED_LOSSES: dict[str, dict[str, str]] = {}
"""By managed policy: actions that the boundary may cut, each with the reason. None is accepted today."""


def account_of(program: str) -> Account:
    stack = program if program in ACCOUNTS else "dev"
    return Account(
        account_id=ACCOUNTS[stack], region="eu-central-1", stack=stack, subject="acme/softpos", environments=True
    )


def key_of(account: Account) -> str:
    return account.arn("kms", "key/8a7b6c5d-0000-4000-8000-123456789012")


def deploying(account: Account) -> list[Document]:
    state = documents.state(account, key_of(account), write=True)
    return [documents.reading(account), documents.refreshing(account), *documents.writing(account).values(), state]


def refused(calls: list[Call], policies: list[Document], boundary: Document | None) -> list[str]:
    return sorted(
        {
            str(one)
            for one in calls
            if not decides(policies, one.action, one.resource, boundary=boundary, context=one.context)
        }
    )


@pytest.mark.parametrize("program", [*ACCOUNTS, ENVIRONMENT])
def test_every_call_of_a_deployment_is_allowed_to_the_role_that_makes_it(
    program: str, tell: Callable[[str], None]
) -> None:
    account = account_of(program)
    tag = program if program in ACCOUNTS else "env-forecast"
    calls = list(calls_for(played(program).resources, account, tag=tag))
    boundary = documents.environments_boundary if program == ENVIRONMENT else documents.deploy_boundary
    cannot = refused(calls, deploying(account), boundary(account, key_of(account)))
    assert cannot == []
    actions = {one.action for one in calls}
    assert len(actions) > 150
    tell(f"calls, {program}: {len(calls)} requests of {len(actions)} actions to the deploy role, {len(cannot)} refused")


@pytest.mark.parametrize("program", ACCOUNTS)
def test_every_read_of_a_refresh_is_allowed_to_the_role_that_plans(program: str, tell: Callable[[str], None]) -> None:
    account = account_of(program)
    reads = [one for one in calls_for(played(program).resources, account, tag=program) if one.phase == "read"]
    state = documents.state(account, key_of(account), write=False)
    policies = [documents.reading(account), documents.refreshing(account), state]
    cannot = refused(reads, policies, None)
    assert cannot == []
    tell(f"calls, {program}: {len(reads)} reads to the role that plans, {len(cannot)} refused")


@pytest.mark.parametrize("program", [*PROGRAMS, ENVIRONMENT])
def test_every_type_of_every_choice_and_phase_has_its_permissions(program: str) -> None:
    assert missing({one.type for one in played(program).resources if one.custom}) == []


def test_every_type_of_the_program_that_calls_aws_was_seen_or_is_named() -> None:
    """Types whose calls nobody recorded: their rows in bootstrap/permissions.py are proved by reading alone."""
    used = {one.type for program in ACCOUNTS for one in played(program).resources if one.type.startswith("aws:")}
    assert used - set(provider_calls()) == {
        "aws:autoscaling/attachment:Attachment",
        "aws:cloudwatch/dashboard:Dashboard",
        "aws:eks/nodeGroup:NodeGroup",
        "aws:lb/listenerCertificate:ListenerCertificate",
    }


@pytest.mark.parametrize(
    ("changed", "action"),
    [
        ("kms:CreateGrant", "kms:CreateGrant"),
        ("iam:PassRole", "iam:PassRole"),
        ("logs:GetLogDelivery", "logs:GetLogDelivery"),
        ("ec2:CreateVpc", "ec2:CreateVpc"),
    ],
)
def test_an_action_that_the_role_lacks_is_found(changed: str, action: str) -> None:
    account = account_of("dev")
    policies = [_without(document, changed) for document in deploying(account)]
    calls = list(calls_for(played("dev").resources, account, tag="dev"))
    cannot = refused(calls, policies, documents.deploy_boundary(account, key_of(account)))
    assert cannot
    assert all(action in one for one in cannot)


def test_a_condition_that_a_service_does_not_support_is_found() -> None:
    account = account_of("dev")
    policies = [
        {
            "Statement": [
                {**one, "Condition": {"Bool": {"kms:GrantIsForAWSResource": "true"}}}
                if "kms:CreateGrant" in one.get("Action", ())
                else one
                for one in document["Statement"]
            ]
        }
        for document in deploying(account)
    ]
    calls = list(calls_for(played("dev").resources, account, tag="dev"))
    [cannot] = refused(calls, policies, documents.deploy_boundary(account, key_of(account)))
    assert cannot.startswith("aws:eks/cluster:Cluster ")
    assert "kms:CreateGrant" in cannot


def _without(document: Document, action: str) -> Document:
    def lacking(statement: Document) -> Document:
        if "Action" not in statement:
            return statement
        return {**statement, "Action": [one for one in statement["Action"] if one != action]}

    return {"Statement": [lacking(one) for one in document["Statement"]]}


# ---- What AWS publishes, within the boundary -------------------------------------------------------------------------


def attached(program: str) -> set[str]:
    arns = [str(one.inputs["policyArn"]) for one in played(program).of(ATTACHMENT)]
    return {arn.partition(AWS_POLICY)[2] for arn in arns if AWS_POLICY in arn}


@pytest.mark.parametrize("program", [*ACCOUNTS, ENVIRONMENT])
def test_every_managed_policy_survives_the_boundary_of_its_role(program: str, tell: Callable[[str], None]) -> None:
    account = account_of(program)
    boundary = documents.workload_boundary(account, key_of(account))
    policies = attached(program)
    assert policies <= set(published()), "moto carries no such managed policy; correct the name or raise moto"
    cut = {
        name: losses
        for name in sorted(policies)
        if (losses := lost(published()[name], boundary) - set(ACCEPTED_LOSSES.get(name, {})))
    }
    assert cut == {}
    tell(f"managed policies, {program}: {len(policies)} attached of {len(published())} published, {len(cut)} cut")


def test_a_boundary_without_the_reads_of_identities_blinds_aws_config() -> None:
    account = account_of("prod")
    boundary = documents.workload_boundary(account, key_of(account))
    before = {"Statement": [one for one in boundary["Statement"] if one.get("Sid") != "ReadIdentities"]}
    cut = lost(published()["/service-role/AWS_ConfigRole"], before)
    assert len([action for action in cut if action.startswith("iam:")]) >= 37
