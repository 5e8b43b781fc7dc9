"""A whole environment, rehearsed: as secure as dev, small, alone, temporary, and within AWS's limits of names."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from ipaddress import IPv4Network

import pytest

from operations.environments import forecast
from operations.environments.configuration import checked, environment_configuration, source_settings
from operations.environments.ledger import Environment
from operations.environments.names import LONGEST
from operations.plan.stack_recording import record_program
from operations.smoke.target import from_outputs
from recording.configuration import Configuration
from recording.program import Recording
from tests.recorded import recorded as recorded_stack

NAME = "a" * LONGEST
AT = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
TARGET_SECONDS = 15 * 60


@cache
def configuration() -> Configuration:
    source, settings = source_settings("dev")
    environment = Environment(
        name=NAME,
        owner="ana",
        purpose="3-D Secure",
        source="dev",
        account=settings.account_id,
        cidr=IPv4Network("10.64.16.0/20"),
        created=AT,
        until=AT + timedelta(hours=8),
    )
    return environment_configuration(source, environment, "Z0123456789ABC")


@cache
def recorded() -> Recording:
    return record_program(configuration(), checked(configuration()))


def test_the_policy_pack_lets_an_environment_pass_and_it_is_up_in_fifteen_minutes() -> None:
    resources, seconds = forecast.judged(configuration())
    assert resources > 200
    assert seconds <= TARGET_SECONDS


LIMITS = {
    "aws:elasticache/replicationGroup:ReplicationGroup": ("replicationGroupId", 40),
    "aws:elasticache/user:User": ("userId", 40),
    "aws:elasticache/userGroup:UserGroup": ("userGroupId", 40),
    "aws:lb/loadBalancer:LoadBalancer": ("name", 32),
    "aws:lb/targetGroup:TargetGroup": ("name", 32),
    "aws:rds/cluster:Cluster": ("clusterIdentifier", 63),
    "aws:rds/clusterInstance:ClusterInstance": ("identifier", 63),
    "aws:s3/bucket:Bucket": ("bucket", 63),
    "aws:sns/topic:Topic": ("name", 256),
    "aws:wafv2/webAcl:WebAcl": ("name", 128),
}
"""AWS's longest names, in characters."""


def physical_names() -> Iterator[tuple[str, str, int]]:
    for resource in recorded().resources:
        if resource.type in LIMITS:
            key, limit = LIMITS[resource.type]
            yield resource.name, str(resource.inputs.get(key, "")), limit


def test_the_longest_name_still_fits_into_every_name_that_aws_limits() -> None:
    assert [(name, text) for name, text, limit in physical_names() if len(text) > limit] == []
    assert any(len(text) > 50 for _, text, _ in physical_names())


def test_owner_and_purpose_are_tags_of_everything_and_the_expiry_of_the_vpc() -> None:
    tagged = [resource for resource in recorded().resources if isinstance(resource.inputs.get("tags"), dict)]
    assert len(tagged) > 100
    for resource in tagged:
        tags = resource.inputs["tags"]
        assert (tags["Owner"], tags["Purpose"], tags["Stack"]) == ("ana", "3-D Secure", f"env-{NAME}"), resource.name
    expiring = {resource.type for resource in tagged if "ExpiresAt" in resource.inputs["tags"]}
    assert expiring == {"aws:ec2/vpc:Vpc"}


def test_nothing_would_keep_it_from_going() -> None:
    assert [resource.name for resource in recorded().resources if resource.protect] == []
    [cluster] = recorded().of("aws:rds/cluster:Cluster")
    assert not cluster.inputs["deletionProtection"]


def test_nothing_of_its_data_is_left_when_it_goes() -> None:
    [cluster] = recorded().of("aws:rds/cluster:Cluster")
    assert cluster.inputs["skipFinalSnapshot"]
    assert cluster.inputs["deleteAutomatedBackups"]
    assert "finalSnapshotIdentifier" not in cluster.inputs
    for stack in ("dev", "prod"):
        [kept] = recorded_stack(stack).of("aws:rds/cluster:Cluster")
        assert not kept.inputs["skipFinalSnapshot"]
        assert not kept.inputs["deleteAutomatedBackups"]
        assert kept.inputs["finalSnapshotIdentifier"]


@pytest.mark.parametrize(
    "prefix",
    ["aws:ec2/vpn", "aws:ec2/customerGateway", "aws:dms/", "aws:cloudtrail/", "aws:guardduty/", "aws:route53/zone:"],
)
def test_what_dev_and_the_data_centre_have_is_not_made_again(prefix: str) -> None:
    assert [resource.name for resource in recorded().resources if resource.type.startswith(prefix)] == []


def test_the_smoke_test_knows_where_to_look() -> None:
    target = from_outputs(f"env-{NAME}", {**recorded().outputs})
    assert target.host == f"{NAME}.dev.example.com"
    assert len(target.private) == 4
