"""What only the account can tell, asked of moto; a source that does not answer is named."""

from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber
from moto import mock_aws

from operations.evidence.live import SOURCES, Observed, observe
from recording.program import Recording
from recording.recorder import Resource

REGION = "eu-central-1"


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> Iterator[boto3.Session]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    monkeypatch.setitem(SOURCES, "AWS Config", ("2.2.1", lambda *_: iter(())))  # moto has no answer for compliance
    with mock_aws():
        yield boto3.Session(region_name=REGION)


def of(observed: tuple[Observed, ...], source: str) -> list[Observed]:
    return [one for one in observed if one.source == source]


def keys(session: boto3.Session, recording: Recording, *, rotates: bool) -> tuple[Resource, ...]:
    """The sample's key, as it stands in the account."""
    client = session.client("kms")
    identity = client.create_key()["KeyMetadata"]["KeyId"]
    if rotates:
        client.enable_key_rotation(KeyId=identity)
    return (replace(recording.named("key"), id=identity),)


@pytest.mark.parametrize(("rotates", "status"), [(True, "pass"), (False, "fail")])
def test_a_key_rotates_or_not(session: boto3.Session, recording: Recording, rotates: bool, status: str) -> None:
    (found,) = of(observe(session, keys(session, recording, rotates=rotates), "sample"), "KMS")
    assert (found.subject, found.status) == ("key", status)


def trail(session: boto3.Session, *, on: bool) -> Resource:
    session.client("s3").create_bucket(Bucket="audit-trail", CreateBucketConfiguration={"LocationConstraint": REGION})
    client = session.client("cloudtrail")
    arn = client.create_trail(Name="audit", S3BucketName="audit-trail")["TrailARN"]
    if on:
        client.start_logging(Name=arn)
    return Resource(
        urn="urn:pulumi:sample::softpos::aws:cloudtrail/trail:Trail::audit",
        type="aws:cloudtrail/trail:Trail",
        name="audit",
        parent="",
        dependencies=(),
        inputs={},
        wire_inputs=None,  # type: ignore[arg-type]
        property_dependencies={},
        provider="",
        custom=True,
        outputs={"arn": arn},
    )


@pytest.mark.parametrize(("on", "status"), [(True, "pass"), (False, "fail")])
def test_a_trail_that_does_not_log_is_told(session: boto3.Session, on: bool, status: str) -> None:
    (found,) = of(observe(session, [trail(session, on=on)], "sample"), "CloudTrail")
    assert (found.subject, found.status) == ("audit", status)


@pytest.mark.parametrize(
    ("state", "status"), [("OK", "pass"), ("ALARM", "fail"), ("INSUFFICIENT_DATA", "undetermined")]
)
def test_a_node_without_its_agent_is_told(session: boto3.Session, state: str, status: str) -> None:
    client = session.client("cloudwatch")
    client.put_metric_alarm(
        AlarmName="softpos-sample-agent-not-activated",
        ComparisonOperator="GreaterThanThreshold",
        EvaluationPeriods=1,
        MetricName="Failures",
        Namespace="SoftPOS",
        Period=60,
        Statistic="Sum",
        Threshold=0,
    )
    client.set_alarm_state(AlarmName="softpos-sample-agent-not-activated", StateValue=state, StateReason="test")
    (found,) = of(observe(session, [], "sample"), "Host agent")
    assert found.status == status


@pytest.mark.parametrize(
    ("answer", "status"),
    [({"ComplianceType": "COMPLIANT"}, "pass"), ({"ComplianceType": "NON_COMPLIANT"}, "fail"), ({}, "undetermined")],
)
def test_a_config_rule_tells_its_compliance(answer: dict[str, str], status: str) -> None:
    client = boto3.client("config", region_name=REGION, aws_access_key_id="testing", aws_secret_access_key="testing")
    rules = {"ComplianceByConfigRules": [{"ConfigRuleName": "encrypted-volumes", "Compliance": answer}]}
    with Stubber(client) as stub:
        stub.add_response("describe_compliance_by_config_rule", rules)
        _, ask = SOURCES["AWS Config"]
        (found,) = ask(SimpleNamespace(client=lambda _: client), (), "sample")  # type: ignore[arg-type]
    assert (found.subject, found.status) == ("encrypted-volumes", status)


def test_every_source_answers_or_is_named(session: boto3.Session) -> None:
    found = observe(session, [], "sample")
    assert {one.source for one in found} == set(SOURCES)
    assert {one.status for one in found if not one.subject} <= {"undetermined"}


def test_a_source_that_refuses_is_undetermined_with_its_reason(
    session: boto3.Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> Iterator[Observed]:
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "ListFindings")

    monkeypatch.setitem(SOURCES, "Inspector", ("11.3.1", refuse))
    (found,) = of(observe(session, [], "sample"), "Inspector")
    assert found.status == "undetermined"
    assert "AccessDenied" in found.detail
