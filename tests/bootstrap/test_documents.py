"""What each role may do, what none may, and that no role can raise itself: asked of a simulation of IAM's decision."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from parliament import analyze_policy_string

from bootstrap import boundaries, deployers, documents, movers
from bootstrap.account import GITHUB, Account
from bootstrap.documents import GROUPS, POLICIES_PER_ROLE, POLICY_CHARACTERS, Document, length
from bootstrap.permissions import writes_by_service
from bootstrap.state_backend import bucket_policy
from tests.bootstrap.escalations import ADMINISTRATOR, DEV, HERE, KEYS, PERMANENT, TEMPORARY
from tests.bootstrap.simulator import decides
from tests.bootstrap.test_permissions import recorded

REGION = HERE
KEY = KEYS.bucket

PREVIEW = [documents.reading(DEV), documents.state(PERMANENT, KEYS, write=False)]
PLAN = [documents.reading(DEV), documents.refreshing(DEV), PREVIEW[1]]
DEPLOY = [*PLAN[:-1], *documents.writing(PERMANENT).values(), documents.state(PERMANENT, KEYS, write=True)]
ENVIRONMENTS = [*PLAN[:-1], *documents.writing(TEMPORARY).values(), documents.state(TEMPORARY, KEYS, write=True)]
BOUNDARY = boundaries.deploy_boundary(PERMANENT)
TIGHTER = boundaries.deploy_boundary(TEMPORARY)
OWN_ROLE = DEV.arn("iam", "role/softpos/cluster-nodes-role-1a2b3c4", region="")
STATE = DEV.state_bucket_arn


def deploy(action: str, resource: str = "*", policies: Sequence[Document] = DEPLOY, **context: str) -> bool:
    return decides(policies, action, resource, boundary=BOUNDARY, context={**REGION, **_keys(context)})


def _keys(context: dict[str, str]) -> dict[str, str]:
    """Context keys written as Python names: `iam__PassedToService` is ``iam:PassedToService``."""
    return {key.replace("__", ":").replace("_", "/"): value for key, value in context.items()}


EVERY_DOCUMENT = {
    "reading": PREVIEW[0],
    "refreshing": PLAN[1],
    "plan-state": PLAN[2],
    "images": documents.images(DEV),
    "traffic": movers.traffic(DEV),
    **{f"deploy-{name}": made for name, made in documents.writing(PERMANENT).items()},
    **{f"environments-{name}": made for name, made in documents.writing(TEMPORARY).items()},
    "deploy-state": DEPLOY[-1],
    "environments-state": ENVIRONMENTS[-1],
    "deploy-boundary": BOUNDARY,
    "environments-boundary": TIGHTER,
    "images-boundary": boundaries.images_boundary(DEV),
    "workload-boundary": boundaries.workload_boundary(PERMANENT),
    "environment-workload-boundary": boundaries.workload_boundary(TEMPORARY),
}


@pytest.mark.parametrize("name", EVERY_DOCUMENT)
def test_every_policy_fits_into_iams_limit(name: str) -> None:
    assert length(EVERY_DOCUMENT[name]) <= POLICY_CHARACTERS


def test_every_role_has_fewer_policies_than_iam_allows() -> None:
    assert max(map(len, (PREVIEW, PLAN, DEPLOY, ENVIRONMENTS))) <= POLICIES_PER_ROLE


@pytest.mark.parametrize("name", EVERY_DOCUMENT)
def test_the_linter_finds_no_mistake_in_a_policy(name: str) -> None:
    found = analyze_policy_string(json.dumps(EVERY_DOCUMENT[name])).findings
    assert [str(one) for one in found if one.severity in ("HIGH", "CRITICAL") or "MALFORMED" in one.issue] == []


def test_every_service_of_the_table_is_in_exactly_one_policy() -> None:
    grouped = [service for services in GROUPS.values() for service in services]
    assert sorted([*grouped, "iam", "kms", "s3", "secretsmanager", "ssm"]) == sorted(writes_by_service())


# ---- The preview role reads ------------------------------------------------------------------------------------------


def test_the_preview_role_can_change_nothing() -> None:
    for actions in writes_by_service().values():
        for action in actions:
            if action != "kms:Decrypt":
                assert not decides(PREVIEW, action, "*", context=REGION), action
                assert not decides(PLAN, action, "*", context=REGION), action


@pytest.mark.parametrize("action", ["s3:PutObject", "s3:DeleteObject", "s3:DeleteObjectVersion"])
def test_the_preview_role_cannot_change_state(action: str) -> None:
    assert not decides(PREVIEW, action, f"{STATE}/.pulumi/stacks/softpos/dev.json")
    assert decides(PREVIEW, "s3:GetObject", f"{STATE}/.pulumi/stacks/softpos/dev.json")


def test_no_role_reads_a_secret_but_where_the_database_is() -> None:
    where = DEV.arn("secretsmanager", "secret:softpos/dev/database-connection-AbCdEf")
    token = DEV.arn("secretsmanager", "secret:softpos/workload-security-AbCdEf")
    master = DEV.arn("secretsmanager", "secret:rds!cluster-1234-AbCdEf")
    assert not decides(PREVIEW, "secretsmanager:GetSecretValue", where)
    for policies in (PLAN, DEPLOY, ENVIRONMENTS):
        assert decides(policies, "secretsmanager:GetSecretValue", where)
        assert not decides(policies, "secretsmanager:GetSecretValue", token)
        assert not decides(policies, "secretsmanager:GetSecretValue", master)


def test_the_preview_role_reads_the_state_of_the_permanent_stack_alone() -> None:
    allowed = (".pulumi/meta.yaml", ".pulumi/stacks/softpos/dev.json", ".pulumi/stacks/softpos/dev.json.gz")
    refused = (
        ".pulumi/stacks/softpos-bootstrap/dev.json",
        ".pulumi/stacks/softpos/prod.json",
        ".pulumi/history/softpos/dev/dev-1.history.json",
        "environments/.pulumi/stacks/softpos/env-ana.json",
    )
    for name in allowed:
        assert decides(PREVIEW, "s3:GetObject", f"{STATE}/{name}")
    for name in refused:
        assert not decides(PREVIEW, "s3:GetObject", f"{STATE}/{name}")


def test_a_parameter_is_read_only_where_aws_publishes_it() -> None:
    public = "arn:aws:ssm:eu-central-1::parameter/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"
    for policies in (PREVIEW, PLAN, DEPLOY, ENVIRONMENTS):
        assert decides(policies, "ssm:GetParameter", public)
        assert not decides(policies, "ssm:GetParameter", DEV.arn("ssm", "parameter/payroll/password"))


# ---- The deploy role does what the program needs ---------------------------------------------------------------------


@pytest.mark.parametrize("service", [service for services in GROUPS.values() for service in services])
def test_the_deploy_role_may_do_all_that_the_table_says(service: str) -> None:
    refused = [action for action in writes_by_service()[service] if not deploy(action, aws__ResourceTag_Stack="dev")]
    assert refused == []


def test_the_deploy_role_makes_the_platforms_roles_with_their_boundary() -> None:
    assert deploy("iam:CreateRole", OWN_ROLE, iam__PermissionsBoundary=DEV.workload_boundary_arn)
    own = DEV.arn("iam", "policy/softpos/cluster-role-permissions-1a2b3c4", region="")
    listed = "arn:aws:iam::aws:policy/AmazonEKSClusterPolicy"
    for policy, expected in ((own, True), (listed, True), ("arn:aws:iam::aws:policy/AdministratorAccess", False)):
        context = {"iam__PermissionsBoundary": DEV.workload_boundary_arn, "iam__PolicyARN": policy}
        assert deploy("iam:AttachRolePolicy", OWN_ROLE, **context) is expected
        assert deploy("iam:AttachRolePolicy", OWN_ROLE, [*DEPLOY, ADMINISTRATOR], **context) is expected
    assert deploy("iam:PassRole", OWN_ROLE, iam__PassedToService="eks.amazonaws.com")
    assert deploy("iam:CreatePolicy", DEV.arn("iam", "policy/softpos/audit-trail", region=""))
    assert deploy(
        "iam:CreateServiceLinkedRole", DEV.arn("iam", "role/aws-service-role/x/AWSServiceRoleForX", region="")
    )


def test_every_role_of_the_program_lies_where_the_deploy_role_may_make_it() -> None:
    for stack, account in (("dev", "111122223333"), ("prod", "123456789012")):
        here = Account(account_id=account, region="eu-central-1", stack="dev", subject="acme/softpos")
        by = deployers.permanent(here)
        for role in recorded(stack).of("aws:iam/role:Role"):
            arn = here.arn("iam", f"role{role.inputs.get('path', '/')}{role.inputs.get('name', role.name)}", region="")
            context = {**REGION, "iam:PermissionsBoundary": role.inputs.get("permissionsBoundary", "")}
            made = decides(
                list(documents.writing(by).values()),
                "iam:CreateRole",
                arn,
                boundary=boundaries.deploy_boundary(by),
                context=context,
            )
            assert made, f"{role.name}: give it the path /softpos/ and the workload boundary"


def test_a_key_is_used_only_through_a_service() -> None:
    key = DEV.arn("kms", "key/other")
    through = {"kms__ViaService": "rds.eu-central-1.amazonaws.com"}
    assert deploy("kms:Decrypt", key, aws__ResourceTag_Stack="dev", **through)
    assert not deploy("kms:Decrypt", key, aws__ResourceTag_Stack="dev")
    assert not deploy("kms:Decrypt", key, aws__ResourceTag_Stack="bootstrap", **through)
    assert not deploy("kms:CreateGrant", KEY, aws__ResourceTag_Stack="bootstrap")


def test_only_the_platforms_buckets_are_touched() -> None:
    assert deploy("s3:DeleteBucket", "arn:aws:s3:::softpos-dev-trail-444455556666-eu-central-1")
    assert not deploy("s3:PutBucketPolicy", "arn:aws:s3:::payroll")


# ---- No role can raise itself ----------------------------------------------------------------------------------------

BOOTSTRAP_ROLE = DEV.arn("iam", "role/softpos-bootstrap/softpos-deploy", region="")
ESCALATIONS = [
    ("iam:AttachRolePolicy", BOOTSTRAP_ROLE),
    ("iam:PutRolePolicy", BOOTSTRAP_ROLE),
    ("iam:UpdateAssumeRolePolicy", BOOTSTRAP_ROLE),
    ("iam:PutRolePermissionsBoundary", BOOTSTRAP_ROLE),
    ("iam:DeleteRolePermissionsBoundary", BOOTSTRAP_ROLE),
    ("iam:DeleteRolePermissionsBoundary", OWN_ROLE),
    ("iam:PassRole", BOOTSTRAP_ROLE),
    ("iam:CreatePolicyVersion", DEV.deploy_boundary_arn),
    ("iam:CreatePolicyVersion", DEV.workload_boundary_arn),
    ("iam:SetDefaultPolicyVersion", DEV.deploy_boundary_arn),
    ("iam:DeletePolicy", DEV.workload_boundary_arn),
    ("iam:UpdateAssumeRolePolicy", DEV.arn("iam", "role/platform-admin", region="")),
    ("iam:AttachRolePolicy", DEV.arn("iam", "role/platform-admin", region="")),
    ("iam:TagRole", DEV.arn("iam", "role/platform-admin", region="")),
    ("iam:PassRole", DEV.arn("iam", "role/platform-admin", region="")),
    ("iam:CreateUser", DEV.arn("iam", "user/x", region="")),
    ("iam:CreateAccessKey", DEV.arn("iam", "user/x", region="")),
    ("iam:CreateLoginProfile", DEV.arn("iam", "user/x", region="")),
    ("iam:CreateOpenIDConnectProvider", DEV.arn("iam", "oidc-provider/evil.example", region="")),
    ("iam:UpdateOpenIDConnectProviderThumbprint", DEV.arn("iam", f"oidc-provider/{GITHUB}", region="")),
    ("iam:AddClientIDToOpenIDConnectProvider", DEV.arn("iam", f"oidc-provider/{GITHUB}", region="")),
    ("organizations:LeaveOrganization", "*"),
    ("sts:AssumeRole", DEV.arn("iam", "role/platform-admin", region="")),
    ("s3:DeleteBucket", STATE),
    ("s3:PutBucketPolicy", STATE),
    ("s3:PutBucketVersioning", STATE),
    ("s3:DeleteObjectVersion", f"{STATE}/.pulumi/stacks/softpos/dev.json"),
    ("kms:ScheduleKeyDeletion", KEY),
    ("kms:PutKeyPolicy", KEY),
    ("kms:UpdateAlias", DEV.arn("kms", "alias/softpos-state")),
]


@pytest.mark.parametrize("boundary", [BOUNDARY, TIGHTER], ids=["deploy", "environments"])
@pytest.mark.parametrize("attached", [[], [ADMINISTRATOR]], ids=["as-made", "with-administrator-attached"])
@pytest.mark.parametrize(("action", "resource"), ESCALATIONS)
def test_the_deploy_role_cannot_raise_itself(
    action: str, resource: str, attached: list[Document], boundary: Document
) -> None:
    context = {
        **REGION,
        **({"aws:ResourceTag/Stack": "bootstrap"} if resource == KEY else {}),
        "iam:PermissionsBoundary": DEV.workload_boundary_arn,
        "iam:PassedToService": "ec2.amazonaws.com",
    }
    assert not decides([*DEPLOY, *attached], action, resource, boundary=boundary, context=context)


@pytest.mark.parametrize("boundary", ["", DEV.deploy_boundary_arn, "arn:aws:iam::aws:policy/AdministratorAccess"])
def test_a_role_without_the_workload_boundary_cannot_be_made(boundary: str) -> None:
    policies = [*DEPLOY, ADMINISTRATOR]
    for action in (
        "iam:CreateRole",
        "iam:AttachRolePolicy",
        "iam:UpdateAssumeRolePolicy",
        "iam:PutRolePermissionsBoundary",
    ):
        assert not deploy(action, OWN_ROLE, policies, iam__PermissionsBoundary=boundary)


def test_a_role_can_be_passed_only_to_the_platforms_services() -> None:
    assert not deploy("iam:PassRole", OWN_ROLE, iam__PassedToService="lambda.amazonaws.com")
    assert not deploy("iam:PassRole", OWN_ROLE)


def test_nothing_is_made_in_another_region() -> None:
    assert not decides(
        [ADMINISTRATOR], "ec2:RunInstances", "*", boundary=BOUNDARY, context={"aws:RequestedRegion": "us-west-2"}
    )
    assert deploy("kms:CreateKey", "*", aws__RequestedRegion="us-east-1")


@pytest.mark.parametrize(
    "action", ["iam:CreateRole", "iam:AttachRolePolicy", "iam:CreateAccessKey", "organizations:LeaveOrganization"]
)
def test_a_role_of_the_platform_makes_no_identities(action: str) -> None:
    for by in (PERMANENT, TEMPORARY):
        boundary = boundaries.workload_boundary(by)
        assert not decides([ADMINISTRATOR], action, "*", boundary=boundary, context=HERE)
        assert decides([ADMINISTRATOR], "ec2:CreateNetworkInterface", "*", boundary=boundary, context=HERE)
        assert not decides([ADMINISTRATOR], "s3:DeleteBucket", STATE, boundary=boundary, context=HERE)


# ---- Test environments stay among themselves -------------------------------------------------------------------------


@pytest.mark.parametrize("stack", ["dev", "prod"])
@pytest.mark.parametrize("action", ["rds:DeleteDBCluster", "eks:DeleteCluster", "ec2:DeleteVpc", "ec2:CreateTags"])
def test_an_environments_role_cannot_touch_a_permanent_stack(action: str, stack: str) -> None:
    for tagged, expected in ((stack, False), ("env-ana", True)):
        context = {**REGION, "aws:ResourceTag/Stack": tagged}
        assert decides(ENVIRONMENTS, action, "*", boundary=TIGHTER, context=context) is expected


def test_an_environments_role_writes_its_own_state_only() -> None:
    own, devs = f"{STATE}/environments/.pulumi/stacks/softpos/env-ana.json", f"{STATE}/.pulumi/stacks/softpos/dev.json"
    for action in ("s3:PutObject", "s3:DeleteObject", "s3:GetObject"):
        assert decides(ENVIRONMENTS, action, own, boundary=TIGHTER, context=REGION)
        assert not decides(ENVIRONMENTS, action, devs, boundary=TIGHTER, context=REGION)
    assert not decides([ADMINISTRATOR], "s3:PutObject", devs, boundary=TIGHTER, context=REGION)


def test_an_environment_gets_its_name_in_devs_zone() -> None:
    context = {**REGION, "aws:ResourceTag/Stack": "dev"}
    zone = "arn:aws:route53:::hostedzone/Z1"
    assert decides(ENVIRONMENTS, "route53:ChangeResourceRecordSets", zone, boundary=TIGHTER, context=context)


# ---- Who gets in -----------------------------------------------------------------------------------------------------


def admitted(subjects: Sequence[str], subject: str, audience: str = "sts.amazonaws.com") -> bool:
    made = documents.trust(DEV, subjects)
    statement = {**made["Statement"][0], "Resource": "*"}
    context = {f"{GITHUB}:sub": subject, f"{GITHUB}:aud": audience}
    return decides([{"Statement": [statement]}], "sts:AssumeRoleWithWebIdentity", "*", context=context)


def test_a_role_is_taken_only_by_our_repositorys_runs_of_the_right_kind() -> None:
    deploys = ["environment:dev"]
    assert admitted(deploys, "repo:acme/softpos:environment:dev")
    for subject in (
        "repo:acme/softpos:pull_request",
        "repo:acme/softpos:ref:refs/heads/main",
        "repo:acme/softpos:environment:prod",
        "repo:acme/softpos:environment:dev-evil",
        "repo:evil/softpos:environment:dev",
        "repo:acme/softpos-evil:environment:dev",
    ):
        assert not admitted(deploys, subject)
    assert not admitted(deploys, "repo:acme/softpos:environment:dev", audience="https://github.com/acme")
    assert admitted(documents.PREVIEW_SUBJECTS, "repo:acme/softpos:pull_request")
    for subjects in (documents.PLAN_SUBJECTS, documents.ENVIRONMENTS_SUBJECTS, documents.REAPER_SUBJECTS):
        assert admitted(subjects, "repo:acme/softpos:ref:refs/heads/main")
        assert not admitted(subjects, "repo:acme/softpos:pull_request")
        assert not admitted(subjects, "repo:acme/softpos:ref:refs/heads/feature")


def test_nobody_loses_the_state_or_reads_it_without_tls() -> None:
    policy = bucket_policy(DEV)
    everybody = [ADMINISTRATOR, policy]
    for action in ("s3:DeleteBucket", "s3:DeleteObjectVersion", "s3:PutBucketVersioning"):
        assert not decides(everybody, action, STATE, context={"aws:SecureTransport": "true"})
    assert decides(everybody, "s3:GetObject", f"{STATE}/x", context={"aws:SecureTransport": "true"})
    assert not decides(everybody, "s3:GetObject", f"{STATE}/x", context={"aws:SecureTransport": "false"})


# ---- The organization's resource control policy ----------------------------------------------------------------------

CONTROL = json.loads((Path(__file__).parents[2] / "bootstrap/resource-control-policy.json").read_text(encoding="utf-8"))
LONGEST_CONTROL_POLICY = 5_120
"""AWS Organizations user guide, "Quotas": characters of a resource control policy."""
OURS = {"aws:PrincipalOrgID": "o-REPLACE", "aws:PrincipalIsAWSService": "false"}
THEIRS = {"aws:PrincipalOrgID": "o-other", "aws:PrincipalIsAWSService": "false"}
SERVICE = {"aws:PrincipalIsAWSService": "true", "aws:SourceAccount": "111122223333"}


@pytest.mark.parametrize("action", ["s3:GetObject", "secretsmanager:GetSecretValue", "kms:Decrypt", "sts:AssumeRole"])
@pytest.mark.parametrize(
    ("who", "expected"),
    [
        (OURS, True),
        (THEIRS, False),
        ({"aws:PrincipalIsAWSService": "false"}, False),
        ({**SERVICE, "aws:SourceOrgID": "o-REPLACE"}, True),
        ({**SERVICE, "aws:SourceOrgID": "o-other"}, False),
        ({"aws:PrincipalIsAWSService": "true"}, True),
    ],
)
def test_nobody_outside_the_organization_reaches_a_resource(
    action: str, who: dict[str, str], *, expected: bool
) -> None:
    open_to_all = {"Statement": [{"Sid": "Open", "Effect": "Allow", "Action": "*", "Resource": "*"}]}
    assert decides([open_to_all], action, "*", context=who, resource_policy=CONTROL) is expected


def test_the_organizations_policy_fits_and_names_what_to_replace() -> None:
    assert length(CONTROL) <= LONGEST_CONTROL_POLICY
    assert json.dumps(CONTROL).count("REPLACE") == 4


@pytest.mark.parametrize("action", ["s3:GetObjectRetention", "s3:PutObjectRetention", "s3:GetObjectLegalHold"])
def test_a_locked_bucket_can_be_emptied_before_it_goes(action: str) -> None:
    """An environment's locked objects are released one by one; only their content stays out of reach."""
    asked = (action, "arn:aws:s3:::softpos-env-ana-access-logs/x")
    assert decides(ENVIRONMENTS, *asked, boundary=TIGHTER, context=HERE)
    assert not decides(ENVIRONMENTS, "s3:GetObject", asked[1], boundary=TIGHTER, context=HERE)
