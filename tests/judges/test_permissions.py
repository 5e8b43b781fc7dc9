"""What bootstrap's roles may do, held against the calls of the real provider and against AWS's managed policies."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bootstrap import boundaries, deployers, documents
from bootstrap.account import Account, StateKeys
from bootstrap.deployers import Deployer
from bootstrap.permissions import missing
from facts.calls import provider_calls
from tests.bootstrap.simulator import Document, decides
from tests.judges.calls import ACCOUNTS, Call, calls_for
from tests.judges.managed_policies import lost, published
from tests.judges.programs import ENVIRONMENT, PROGRAMS, played

ATTACHMENT = "aws:iam/rolePolicyAttachment:RolePolicyAttachment"
AWS_POLICY = ":iam::aws:policy"
NO_VOLUMES = "the plug-in for EBS left the control plane with Kubernetes 1.27, and no volume is in the cluster (ADR 12)"
NO_SERVICE_BALANCERS = "the platform makes its load balancer itself, and no Service asks for one (ADR 2)"
BALANCER_CHANGES = (
    *("AddTags", "ApplySecurityGroupsToLoadBalancer", "AttachLoadBalancerToSubnets", "ConfigureHealthCheck"),
    *("CreateListener", "CreateLoadBalancer", "CreateLoadBalancerListeners", "CreateLoadBalancerPolicy"),
    *("CreateTargetGroup", "DeleteListener", "DeleteLoadBalancer", "DeleteLoadBalancerListeners", "DeleteTargetGroup"),
    *("DeregisterInstancesFromLoadBalancer", "DeregisterTargets", "DetachLoadBalancerFromSubnets", "ModifyListener"),
    *("ModifyLoadBalancerAttributes", "ModifyTargetGroup", "ModifyTargetGroupAttributes"),
    *("RegisterInstancesWithLoadBalancer", "RegisterTargets", "SetLoadBalancerPoliciesForBackendServer"),
    "SetLoadBalancerPoliciesOfListener",
)
ACCEPTED_LOSSES: dict[str, dict[str, str]] = {
    "/AmazonEKSClusterPolicy": {
        **{f"ec2:{verb}Volume": NO_VOLUMES for verb in ("Attach", "Create", "Delete", "Detach", "Modify")},
        **{f"elasticloadbalancing:{change}": NO_SERVICE_BALANCERS for change in BALANCER_CHANGES},
        "iam:CreateServiceLinkedRole": NO_SERVICE_BALANCERS,
        "ec2:ModifyInstanceAttribute": "it could change what an instance runs; only the route controller of a cluster "
        "without a network plug-in turns off a node's check of addresses",
    },
}
"""By managed policy: actions that the boundary may cut, each with the reason."""


def account_of(program: str) -> Account:
    stack = program if program in ACCOUNTS else "dev"
    return Account(
        account_id=ACCOUNTS[stack], region="eu-central-1", stack=stack, subject="acme/softpos", environments=True
    )


def deployer_of(program: str) -> Deployer:
    account = account_of(program)
    return deployers.environments(account) if program == ENVIRONMENT else deployers.permanent(account)


def keys_of(account: Account) -> StateKeys:
    return StateKeys(*(account.arn("kms", f"key/8a7b6c5d-0000-4000-8000-12345678901{digit}") for digit in range(3)))


def deploying(by: Deployer) -> list[Document]:
    account = by.account
    state = documents.state(by, keys_of(account), write=True)
    return [documents.reading(account), documents.refreshing(account), *documents.writing(by).values(), state]


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
    by = deployer_of(program)
    tag = program if program in ACCOUNTS else "env-forecast"
    calls = list(calls_for(played(program).resources, by, tag=tag))
    cannot = refused(calls, deploying(by), boundaries.deploy_boundary(by))
    assert cannot == []
    actions = {one.action for one in calls}
    assert len(actions) > 150
    tell(f"calls, {program}: {len(calls)} requests of {len(actions)} actions to the deploy role, {len(cannot)} refused")


@pytest.mark.parametrize("program", ACCOUNTS)
def test_every_read_of_a_refresh_is_allowed_to_the_role_that_plans(program: str, tell: Callable[[str], None]) -> None:
    by = deployer_of(program)
    account = by.account
    reads = [one for one in calls_for(played(program).resources, by, tag=program) if one.phase == "read"]
    state = documents.state(by, keys_of(account), write=False)
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
    by = deployer_of("dev")
    policies = [_without(document, changed) for document in deploying(by)]
    calls = list(calls_for(played("dev").resources, by, tag="dev"))
    cannot = refused(calls, policies, boundaries.deploy_boundary(by))
    assert cannot
    assert all(action in one for one in cannot)


def test_a_condition_that_a_service_does_not_support_is_found() -> None:
    by = deployer_of("dev")
    policies = [
        {
            "Statement": [
                {**one, "Condition": {"Bool": {"kms:GrantIsForAWSResource": "true"}}}
                if "kms:CreateGrant" in one.get("Action", ())
                else one
                for one in document["Statement"]
            ]
        }
        for document in deploying(by)
    ]
    calls = list(calls_for(played("dev").resources, by, tag="dev"))
    [cannot] = refused(calls, policies, boundaries.deploy_boundary(by))
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


def session_of(program: str, role: str) -> dict[str, str]:
    """What a request of this role tells: the Region, and its instance where EC2 is who takes it."""
    account = account_of(program)
    trusts = {one.outputs["name"]: one.inputs["assumeRolePolicy"] for one in played(program).of("aws:iam/role:Role")}
    on_instance = "ec2.amazonaws.com" in trusts[role]
    instance = {"ec2:SourceInstanceArn": account.arn("ec2", "instance/i-1a2b3c4d")} if on_instance else {}
    return {"aws:RequestedRegion": account.region, **instance}


@pytest.mark.parametrize("program", [*ACCOUNTS, ENVIRONMENT])
def test_every_managed_policy_survives_the_boundary_of_its_role(program: str, tell: Callable[[str], None]) -> None:
    by = deployer_of(program)
    here = f"{by.account.region}:{by.account.account_id}"
    boundary = boundaries.workload_boundary(by)
    policies = attached(program)
    assert policies <= set(published()), "moto carries no such managed policy; correct the name or raise moto"
    attachments = played(program).of(ATTACHMENT)
    roles = {
        str(one.inputs["policyArn"]).partition(AWS_POLICY)[2]: str(one.inputs["role"])
        for one in attachments
        if AWS_POLICY in str(one.inputs["policyArn"])
    }
    cut = {
        name: losses
        for name in sorted(policies)
        if (
            losses := lost(published()[name], boundary, session_of(program, roles[name]), here)
            - set(ACCEPTED_LOSSES.get(name, {}))
        )
    }
    assert cut == {}
    tell(f"managed policies, {program}: {len(policies)} attached of {len(published())} published, {len(cut)} cut")
