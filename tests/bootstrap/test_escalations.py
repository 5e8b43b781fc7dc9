"""Every known escalation path for every role: none open but those of `deploy` that are accepted with a reason."""

from __future__ import annotations

from functools import cache

import pytest

from bootstrap import boundaries
from bootstrap.authorization.actions import actions
from facts import authorization
from facts.escalations import REACHES, escalations
from tests.bootstrap.accepted import ACCEPTED
from tests.bootstrap.escalations import ADMINISTRATOR, DEV, HERE, PERMANENT, TEMPORARY, Verdict, roles, verdicts
from tests.bootstrap.simulator import decides
from tests.bootstrap.test_documents import BOUNDARY, DEPLOY


@cache
def found() -> tuple[Verdict, ...]:
    return tuple(verdicts())


@pytest.mark.parametrize("role", ["preview", "plan", "images", "environments", "reaper"])
def test_no_path_is_open(role: str) -> None:
    mine = [one for one in found() if one.role == role]
    assert len(mine) > 92
    assert {one.path: one.open for one in mine if one.open} == {}
    assert all(one.closed_by for one in mine)


def test_what_stays_open_for_deploy_is_accepted_with_a_reason_and_nothing_else_is() -> None:
    assert {one.path for one in found() if one.role == "deploy" and one.open} == set(ACCEPTED)
    assert all(len(reason) > 40 for reason in ACCEPTED.values())


def test_a_boundary_that_allows_too_much_is_found() -> None:
    """The judge itself: with the boundary of before, a role that somebody makes reaches everything."""
    before = {"Statement": [{"Sid": "Workloads", "Effect": "Allow", "NotAction": ["iam:*"], "Resource": "*"}]}
    secret = DEV.arn("secretsmanager", "secret:rds!cluster-1234-AbCdEf")
    for boundary, expected in ((before, True), (boundaries.workload_boundary(PERMANENT), False)):
        read = decides([ADMINISTRATOR], "secretsmanager:GetSecretValue", secret, boundary=boundary, context=HERE)
        assert read is expected


def test_a_secrets_policy_that_names_the_session_gives_nothing() -> None:
    grant = {"Statement": [{"Sid": "Let", "Effect": "Allow", "Action": "secretsmanager:*", "Resource": "*"}]}
    secret = DEV.arn("secretsmanager", "secret:rds!cluster-1234-AbCdEf")
    asked = ("secretsmanager:GetSecretValue", secret)
    only_not_allowed = {"Statement": [{"Sid": "Ours", "Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
    assert decides(DEPLOY, *asked, boundary=only_not_allowed, resource_policy=grant)
    assert not decides(DEPLOY, *asked, boundary=BOUNDARY, resource_policy=grant)


def test_the_agents_token_is_read_on_an_instance_of_ours_and_nowhere_else() -> None:
    secret = DEV.arn("secretsmanager", "secret:softpos/workload-security-AbCdEf")
    instance = {"ec2:SourceInstanceArn": DEV.arn("ec2", "instance/i-1")}
    foreign = {"ec2:SourceInstanceArn": "arn:aws:ec2:eu-central-1:999999999999:instance/i-1"}
    for by, session, expected in ((PERMANENT, instance, True), (PERMANENT, {}, False), (PERMANENT, foreign, False)):
        boundary = boundaries.workload_boundary(by)
        context = {**HERE, **session}
        read = decides([ADMINISTRATOR], "secretsmanager:GetSecretValue", secret, boundary=boundary, context=context)
        assert read is expected
    tests = boundaries.workload_boundary(TEMPORARY)
    context = {**HERE, **instance}
    assert not decides([ADMINISTRATOR], "secretsmanager:GetSecretValue", secret, boundary=tests, context=context)


def test_a_tag_is_no_answer_for_an_action_that_carries_none() -> None:
    """What the tag Stack cannot bar from a test environment is not in its table, or is barred by name."""
    blind = {action for one in TEMPORARY.writes().values() for action in one if not carries_tags(action)}
    assert blind == BLIND


def carries_tags(action: str) -> bool:
    return authorization.carries(action, "aws:ResourceTag/Stack")


BLIND = {
    "acm:RequestCertificate",
    "cloudwatch:DeleteDashboards",  # barred by name, as the next
    "cloudwatch:PutDashboard",
    "eks:CreateCluster",
    "elasticloadbalancing:SetWebAcl",
    "logs:CreateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:DeleteResourcePolicy",
    "logs:PutResourcePolicy",
    "logs:UpdateLogDelivery",
    "route53:AssociateVPCWithHostedZone",
    "route53:ChangeResourceRecordSets",  # the permanent stack's name is barred
    "sns:SetSubscriptionAttributes",
    "sns:Unsubscribe",
    "wafv2:DisassociateWebACL",
}
"""An environment could take away dev's delivery of logs, a subscription or its web ACL by these; none opens anything
of production, which has an account of its own, and the trail records each."""


def test_the_table_of_condition_keys_holds_every_action_in_question() -> None:
    assert actions() == set(authorization.keys()), "renew the table: python -m bootstrap.authorization"


def test_a_key_that_the_table_does_not_hold_is_refused() -> None:
    with pytest.raises(KeyError, match="add it to KEPT"):
        authorization.carries("kms:Decrypt", "kms:CallerAccount")


def test_every_path_has_steps_a_source_and_a_known_end() -> None:
    paths = escalations()
    assert len({one.path for one in paths}) == len(paths)
    for one in paths:
        assert one.steps
        assert one.source
        assert one.reaches in REACHES


def test_every_role_of_bootstrap_is_judged() -> None:
    assert {role.name for role in roles()} == {"preview", "plan", "images", "environments", "reaper", "deploy"}
