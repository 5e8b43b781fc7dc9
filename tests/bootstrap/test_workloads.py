"""The workload boundary allows what the program's roles need, and nothing else."""

from __future__ import annotations

import fnmatch
import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import pytest
from moto.iam.aws_managed_policies import aws_managed_policies_data

from bootstrap import boundaries, deployers
from bootstrap.account import Account
from bootstrap.deployers import Deployer
from bootstrap.workloads import GRANTS, MANAGED_POLICIES
from recording.program import Recording
from tests.bootstrap.escalations import ADMINISTRATOR, HERE
from tests.bootstrap.simulator import decides
from tests.bootstrap.test_permissions import ENVIRONMENT, recorded

STACKS = {"dev": "111122223333", "prod": "123456789012", ENVIRONMENT: "111122223333"}
ROLE = "aws:iam/role:Role"
ATTACHMENT = "aws:iam/rolePolicyAttachment:RolePolicyAttachment"


def deployer(stack: str) -> Deployer:
    name = stack if stack in ("dev", "prod") else "dev"
    account = Account(account_id=STACKS[stack], region="eu-central-1", stack=name, subject="acme/softpos")
    return deployers.environments(account) if stack == ENVIRONMENT else deployers.permanent(account)


class Need(NamedTuple):
    """One action of one role's own policy."""

    role: str
    action: str
    resource: str
    context: Mapping[str, str]


def needs(recording: Recording) -> Iterator[Need]:
    """What the own policies of the program say; each is named after its role."""
    trusts = {role.name: role.inputs["assumeRolePolicy"] for role in recording.of(ROLE)}
    for policy in recording.of("aws:iam/policy:Policy"):
        role = policy.name.removesuffix("-permissions")
        on_instance = (
            {"ec2:SourceInstanceArn": "arn:aws:ec2:eu-central-1:{}:instance/i-1"} if "ec2." in trusts[role] else {}
        )
        for statement in json.loads(policy.inputs["policy"])["Statement"]:
            for action in listed(statement["Action"]):
                for resource in listed(statement["Resource"]):
                    yield Need(role, action, resource, {**HERE, **on_instance, **as_context(action, statement)})


def as_context(action: str, statement: Mapping[str, Any]) -> dict[str, str]:
    """A request that meets the statement's own conditions; Secrets Manager tells KMS which secret it opens."""
    secret = "arn:aws:secretsmanager:eu-central-1:{}:secret:softpos/dev/database-connection-AbCdEf"
    tests = statement.get("Condition", {}).values()
    met = {key: listed(value)[0] for test in tests for key, value in test.items()}
    return {"kms:EncryptionContext:SecretARN": secret, **met} if action.startswith("kms:") else met


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


@pytest.mark.parametrize("stack", STACKS)
def test_what_the_programs_policies_allow_survives_the_boundary(stack: str) -> None:
    by = deployer(stack)
    boundary = boundaries.workload_boundary(by)
    asked = list(needs(recorded(stack)))
    cut = [
        f"{one.role}: {one.action} on {one.resource}"
        for one in asked
        if not decides(
            [ADMINISTRATOR],
            one.action,
            one.resource,
            boundary=boundary,
            context={key: value.format(by.account.account_id) for key, value in one.context.items()},
        )
    ]
    assert len(asked) > 20
    assert cut == [], "add a row to bootstrap/workloads.py, let an administrator deploy bootstrap, then deploy this"


@pytest.mark.parametrize("stack", STACKS)
def test_aws_policies_on_roles_are_those_that_may_be_attached(stack: str) -> None:
    attached = {str(one.inputs["policyArn"]) for one in recorded(stack).of(ATTACHMENT)}
    names = {arn.partition(":aws:policy/")[2] for arn in attached if ":aws:policy/" in arn}
    assert names == {name for name, permanent in MANAGED_POLICIES.items() if stack != ENVIRONMENT or not permanent}


def test_no_row_is_left_over() -> None:
    """Each action of the boundary is one that a recorded policy or one of AWS's listed policies asks for."""
    own = {one.action for stack in STACKS for one in needs(recorded(stack))}
    published = json.loads(aws_managed_policies_data)
    theirs = {
        action
        for name in MANAGED_POLICIES
        for statement in listed(published[name.rpartition("/")[2]]["Document"]["Statement"])
        for action in listed(statement["Action"])
    }
    wanted = own | theirs
    idle = [
        f"{grant.sid}: {action}"
        for grant in GRANTS
        for action in grant.actions
        if not any(fnmatch.fnmatchcase(one, action) or fnmatch.fnmatchcase(action, one) for one in wanted)
    ]
    assert idle == []


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_every_trust_names_a_service_or_the_account(stack: str) -> None:
    for role in recorded(stack).of(ROLE):
        for statement in json.loads(role.inputs["assumeRolePolicy"])["Statement"]:
            principal = statement["Principal"]
            assert set(principal) == {"Service"} or principal == {"AWS": f"arn:aws:iam::{STACKS[stack]}:root"}, (
                role.name
            )


def test_an_environments_roles_are_apart_from_the_permanent_stacks() -> None:
    for role in recorded(ENVIRONMENT).of(ROLE):
        assert role.inputs["path"] == "/softpos/environments/"
        assert role.inputs["permissionsBoundary"] == deployer(ENVIRONMENT).workload_boundary_arn
    for stack in ("dev", "prod"):
        assert {role.inputs["path"] for role in recorded(stack).of(ROLE)} == {"/softpos/", "/"}
