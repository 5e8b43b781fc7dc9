"""What an account lacks, asked of moto; what moto has no API for is asked of a stub, or named as not answered."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from click.testing import CliRunner
from moto import mock_aws
from moto.core import DEFAULT_ACCOUNT_ID

from facts.quotas import quotas
from operations.account import command, permission, place, room, standing
from operations.account.answers import Answer, Check, Question, Status
from operations.account.command import CHECKS, account, ask
from operations.plan.stack_recording import record_program, stack_settings

REGION = "eu-central-1"
ANYTHING = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
OVERRIDES = {"softpos:accountId": DEFAULT_ACCOUNT_ID, "softpos:imageAccountId": "111122223333"}

ONLY_AWS_TELLS = {"Kubernetes version", "database", "deploy role", "firewall rules"}
"""Checks for which moto has no API: proved above against played answers, or by AWS alone."""


@pytest.fixture
def question(monkeypatch: pytest.MonkeyPatch) -> Iterator[Question]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    configuration, settings = stack_settings("dev", OVERRIDES)
    with mock_aws():
        yield Question(boto3.Session(region_name=REGION), settings, record_program(configuration, settings))


def told(check: Check, question: Question, *about: str) -> dict[str, Answer]:
    answers = {one.check: one for one in check(question)}
    return {name: answers[name] for name in about} if about else answers


def test_credentials_of_another_account_fail(question: Question) -> None:
    assert told(place.identity, question)["account"].status is Status.PASS
    _, others = stack_settings("dev")
    [wrong] = place.identity(Question(question.session, others, question.recording))
    assert wrong.status is Status.FAIL
    assert others.account_id in wrong.found


def test_a_zone_that_the_account_lacks_is_named(question: Question) -> None:
    answers = list(place.region(question))
    assert {one.status for one in answers} == {Status.PASS}
    _, elsewhere = stack_settings(
        "dev", {**OVERRIDES, "softpos:networkAvailabilityZones": json.dumps([f"{REGION}{one}" for one in "abf"])}
    )
    failures = [one for one in place.region(Question(question.session, elsewhere, question.recording)) if one.mend]
    assert [one.found for one in failures] == [f"{REGION}f is not offered to this account"]


def test_five_addresses_and_a_stack_that_needs_more_do_not_fit(question: Question) -> None:
    ec2 = question.session.client("ec2")
    assert told(room.quota_room, question)["Elastic IP addresses"].status is not Status.FAIL
    for _ in range(5):
        ec2.allocate_address(Domain="vpc")
    full = told(room.quota_room, question)["Elastic IP addresses"]
    assert full.status is Status.FAIL
    assert "L-0263D0A3" in full.mend
    assert "5 in use" in full.found


def test_ten_policies_of_the_logs_are_all_that_a_region_has(question: Question) -> None:
    logs = question.session.client("logs")
    for number in range(7):
        logs.put_resource_policy(policyName=f"other-{number}", policyDocument=json.dumps(ANYTHING))
    full = told(room.quota_room, question)["resource policies of CloudWatch Logs"]
    assert full.status is Status.FAIL
    assert "7 in use, 4 needed, 10 allowed" in full.found
    assert "no more than 10" in full.mend


def test_every_quota_that_the_stack_uses_is_compared(question: Question) -> None:
    compared = set(told(room.quota_room, question))
    assert compared <= {one.what for one in quotas()}
    assert len(compared) >= 14


def test_the_agents_secret_must_exist(question: Question) -> None:
    assert told(standing.agent_secret, question)["agent's secret"].status is Status.FAIL
    secrets = question.session.client("secretsmanager")
    secrets.create_secret(Name=question.settings.agent.secret_name, SecretString="{}")
    assert told(standing.agent_secret, question)["agent's secret"].status is Status.PASS


def test_an_image_that_nobody_pushed_fails(question: Question) -> None:
    answer = told(standing.image, question)["image"]
    assert answer.status is Status.FAIL
    assert "push the image" in answer.mend


def test_a_singleton_that_exists_is_not_created_again(question: Question) -> None:
    before = told(standing.singletons, question)
    assert before["AWS Config"].status is before["GuardDuty"].status is Status.PASS
    question.session.client("guardduty").create_detector(Enable=True)
    after = told(standing.singletons, question)
    assert after["GuardDuty"].status is Status.FAIL
    assert "adopt" in after["GuardDuty"].mend
    assert after["AWS Config"].status is Status.PASS


def test_roles_that_exist_are_not_created_again(question: Question) -> None:
    iam = question.session.client("iam")
    missing = [one for one in standing.roles(question) if one.status is Status.FAIL]
    assert [one.check for one in missing] == ["service-linked role"]
    iam.create_service_linked_role(AWSServiceName="autoscaling.amazonaws.com")
    iam.create_role(RoleName="dms-vpc-role", AssumeRolePolicyDocument="{}")
    taken = [one for one in standing.roles(question) if one.status is Status.FAIL]
    assert [one.check for one in taken] == ["role of DMS"]
    assert "adopt" in taken[0].mend


def test_the_boundary_of_bootstrap_must_exist(question: Question) -> None:
    assert told(permission.boundary, question)["bootstrap"].status is Status.FAIL
    question.session.client("iam").create_policy(
        PolicyName=permission.BOUNDARY,
        Path=permission.BOOTSTRAP_PATH,
        PolicyDocument=json.dumps(ANYTHING),
    )
    assert told(permission.boundary, question)["bootstrap"].status is Status.PASS


class Answering:
    """A session whose one client is played: moto has no answer for it."""

    def __init__(self, **operations: Any) -> None:
        self.operations = operations

    def client(self, _: str) -> Any:
        return self

    def __getattr__(self, name: str) -> Any:
        return self.operations[name]


def test_a_call_that_the_deploy_role_lacks_is_named(question: Question) -> None:
    def simulate(*, ActionNames: list[str], **_: Any) -> dict[str, Any]:  # noqa: N803
        decided = {name: "implicitDeny" if name == "ec2:CreateVpc" else "allowed" for name in ActionNames}
        return {"EvaluationResults": [{"EvalActionName": one, "EvalDecision": said} for one, said in decided.items()]}

    session: Any = Answering(simulate_principal_policy=simulate)
    [answer] = permission.deploy_role(Question(session, question.settings, question.recording))
    assert answer.status is Status.FAIL
    assert "1 of " in answer.found
    assert "ec2:CreateVpc" in answer.found


def test_a_missing_subscription_is_named(question: Question) -> None:
    def describe(*, VendorName: str, **_: Any) -> dict[str, Any]:  # noqa: N803
        if VendorName == "Fortinet":
            error = {"Error": {"Code": "WAFSubscriptionNotFoundException", "Message": "not subscribed"}}
            raise ClientError(error, "DescribeManagedRuleGroup")
        return {}

    session: Any = Answering(describe_managed_rule_group=describe)
    answers = list(standing.firewall_subscription(Question(session, question.settings, question.recording)))
    assert [one.found for one in answers if one.status is Status.FAIL] == ["no subscription to Fortinet all_rules"]
    assert [one.status for one in answers].count(Status.PASS) == 2


def test_what_the_account_does_not_answer_is_a_warning_with_the_reason(question: Question) -> None:
    def refused(**_: Any) -> None:
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "GetCallerIdentity")

    names = {"get_caller_identity": refused}
    session: Any = Answering(**dict.fromkeys(("describe_secret", "describe_images"), refused), **names)
    answers = list(ask_some(Question(session, question.settings, question.recording), "account", "agent's secret"))
    assert {one.status for one in answers} == {Status.WARN}
    assert all("AccessDenied" in one.found for one in answers)


def ask_some(question: Question, *names: str) -> Iterator[Answer]:
    kept = command.CHECKS
    try:
        command.CHECKS = tuple(one for one in CHECKS if one[0] in names)
        yield from ask(question)
    finally:
        command.CHECKS = kept


def answering(check: Check) -> Check:
    """What moto has not implemented is an operation that the account does not answer."""

    def asked(question: Question) -> Iterator[Answer]:
        try:
            yield from check(question)
        except NotImplementedError as error:
            raise ClientError({"Error": {"Code": "NotImplemented", "Message": str(error)}}, "Any") from None

    return asked


def test_the_command_tells_a_table_and_writes_json(
    question: Question, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "CHECKS", tuple((name, answering(check)) for name, check in CHECKS))
    file = tmp_path / "account.json"
    done = CliRunner().invoke(account, ["--stack", "dev", "--json", str(file)])
    assert file.exists(), done.exception
    document = json.loads(file.read_text())
    assert document["stack"] == "dev"
    assert {one["status"] for one in document["checks"]} <= {"pass", "warn", "fail"}
    assert {one["check"] for one in document["checks"]} >= {"account", "agent's secret", "bootstrap", "VPCs"}
    unanswered = {one["check"] for one in document["checks"] if "did not answer" in one["found"]}
    assert unanswered == ONLY_AWS_TELLS
    assert all(one["mend"] for one in document["checks"] if one["status"] != "pass")
    assert done.exception is not None, "an empty account fails"
    assert "what mends it" in done.output


def test_no_credentials_are_refused_in_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(boto3.Session, "get_credentials", lambda _: None)
    done = CliRunner().invoke(account, ["--stack", "dev"])
    assert getattr(done.exception, "code", None) == 2
    assert "credentials" in str(done.exception)
