from collections.abc import Callable

import pytest

from components.data.session_cache import SessionCache, SessionCacheArgs
from components.foundations.alarms import Alarms
from components.foundations.log_storage import LogStorage
from components.foundations.placement import Placement
from recording.program import Recording
from settings import CacheSettings
from tests.components.conftest import LOG_KEY_ARN, TOPIC_ARN, Play

KEY_ARN = "arn:aws:kms:eu-central-1:123456789012:key/cache"
SETTINGS = CacheSettings(engine_version="7.1", node_type="cache.r7g.large", replicas=2, snapshot_retention_days=7)

Build = Callable[[Placement], Recording]
RECORDED: dict[Placement, Recording] = {}
"""Recordings do not change, and playing is what takes time: each is made once."""


@pytest.fixture
def build(play: Play, logs: LogStorage, alarms: Alarms) -> Build:
    def run(placement: Placement) -> Recording:
        if placement not in RECORDED:
            RECORDED[placement] = play(lambda: SessionCache("cache", arguments(placement, logs, alarms)))
        return RECORDED[placement]

    return run


@pytest.fixture
def cache(build: Build, placement: Placement) -> Recording:
    return build(placement)


def arguments(placement: Placement, logs: LogStorage, alarms: Alarms) -> SessionCacheArgs:
    return SessionCacheArgs(
        placement=placement,
        logs=logs,
        alarms=alarms,
        settings=SETTINGS,
        vpc_id="vpc-1",
        data_subnet_ids=[f"subnet-{number}" for number in range(3)],
        key_arn=KEY_ARN,
        clients={"cluster": "sg-nodes"},
    )


def test_only_the_named_clients_reach_redis_and_the_cache_reaches_nobody(cache: Recording) -> None:
    group = cache.named("cache-security-group")
    assert group.inputs["egress"] == []
    assert "ingress" not in group.inputs
    rules = [rule.inputs for rule in cache.of("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule")]
    assert [(rule["referencedSecurityGroupId"], rule["fromPort"], rule["toPort"]) for rule in rules] == [
        ("sg-nodes", 6379, 6379)
    ]
    assert not any("cidrIpv4" in rule or "cidrIpv6" in rule for rule in rules)
    assert cache.named("cache", "aws:elasticache/replicationGroup:ReplicationGroup").inputs["securityGroupIds"] == [
        group.id
    ]


def test_nobody_has_a_password_and_the_default_user_is_off(cache: Recording) -> None:
    users = {user.inputs["userName"]: user.inputs for user in cache.of("aws:elasticache/user:User")}
    assert users.keys() == {"default", "softpos-test-application"}
    assert users["default"]["accessString"].split()[0] == "off"
    assert "+" not in users["default"]["accessString"]
    assert not any("passwords" in user or "passwords" in user["authenticationMode"] for user in users.values())
    assert "authToken" not in cache.named("cache", "aws:elasticache/replicationGroup:ReplicationGroup").inputs


def test_the_application_enters_by_iam_under_an_id_that_is_its_name(cache: Recording) -> None:
    user = cache.named("cache-user-application").inputs
    assert user["authenticationMode"] == {"type": "iam"}
    assert user["userId"] == user["userName"]


def test_the_application_may_neither_administer_nor_empty_the_cache(cache: Recording) -> None:
    words = cache.named("cache-user-application").inputs["accessString"].split()
    assert words.index("-@all") < min(index for index, word in enumerate(words) if word.startswith("+"))
    assert "-@dangerous" in words
    assert not {"+@all", "+@admin", "+flushall", "+config"} & set(words)


def test_all_users_and_no_others_are_let_in(cache: Recording) -> None:
    group = cache.named("cache-users")
    assert set(group.inputs["userIds"]) == {user.inputs["userId"] for user in cache.of("aws:elasticache/user:User")}
    replication = cache.named("cache", "aws:elasticache/replicationGroup:ReplicationGroup")
    assert replication.inputs["userGroupIds"] == [group.inputs["userGroupId"]]
    assert group.urn in replication.dependencies


def test_data_is_encrypted_at_rest_with_its_own_key_and_in_transit_always(cache: Recording) -> None:
    inputs = cache.named("cache", "aws:elasticache/replicationGroup:ReplicationGroup").inputs
    assert (inputs["atRestEncryptionEnabled"], inputs["kmsKeyId"]) == (True, KEY_ARN)
    assert (inputs["transitEncryptionEnabled"], inputs["transitEncryptionMode"]) == (True, "required")


def test_the_cache_survives_the_loss_of_a_zone(cache: Recording) -> None:
    inputs = cache.named("cache", "aws:elasticache/replicationGroup:ReplicationGroup").inputs
    assert (inputs["multiAzEnabled"], inputs["automaticFailoverEnabled"]) == (True, True)
    assert inputs["numCacheClusters"] == 3


def test_both_logs_are_delivered_to_encrypted_groups_that_admit_the_delivery(cache: Recording) -> None:
    replication = cache.named("cache", "aws:elasticache/replicationGroup:ReplicationGroup")
    deliveries = {entry["logType"]: entry for entry in replication.inputs["logDeliveryConfigurations"]}
    assert deliveries.keys() == {"slow-log", "engine-log"}
    groups = {group.inputs["name"]: group for group in cache.of("aws:cloudwatch/logGroup:LogGroup")}
    assert groups.keys() == {"/softpos/test/cache/engine", "/softpos/test/cache/slow"}
    assert {group.inputs["kmsKeyId"] for group in groups.values()} == {LOG_KEY_ARN}
    permissions = cache.of("aws:cloudwatch/logResourcePolicy:LogResourcePolicy")
    assert {policy.inputs["resourceArn"] for policy in permissions} == {
        group.outputs["arn"] for group in groups.values()
    }
    assert {policy.urn for policy in permissions} <= set(replication.dependencies)


def test_every_node_is_watched(cache: Recording) -> None:
    alarms = cache.of("aws:cloudwatch/metricAlarm:MetricAlarm")
    nodes = {alarm.inputs["dimensions"]["CacheClusterId"] for alarm in alarms}
    members = cache.named("cache", "aws:elasticache/replicationGroup:ReplicationGroup").outputs["memberClusters"]
    assert nodes == set(members)
    for node in nodes:
        watched = {a.inputs["metricName"] for a in alarms if a.inputs["dimensions"]["CacheClusterId"] == node}
        assert {"EngineCPUUtilization", "DatabaseMemoryUsagePercentage", "AuthenticationFailures"} <= watched
        silent = [a for a in alarms if a.name.endswith("-silent") and a.inputs["dimensions"]["CacheClusterId"] == node]
        assert [alarm.inputs["treatMissingData"] for alarm in silent] == ["breaching"]
    assert {tuple(alarm.inputs["alarmActions"]) for alarm in alarms} == {(TOPIC_ARN,)}


def test_no_notification_is_sent_where_elasticache_cannot_deliver_it(cache: Recording) -> None:
    """ElastiCache publishes to no encrypted topic, and ours is encrypted."""
    assert (
        "notificationTopicArn" not in cache.named("cache", "aws:elasticache/replicationGroup:ReplicationGroup").inputs
    )


def test_sessions_of_production_are_protected_and_kept_in_snapshots(build: Build, production: Placement) -> None:
    replication = build(production).named("cache", "aws:elasticache/replicationGroup:ReplicationGroup")
    assert replication.protect is True
    assert replication.inputs["snapshotRetentionLimit"] == 7
    assert replication.inputs["autoMinorVersionUpgrade"] is True


def test_a_stack_whose_name_is_too_long_for_elasticache_is_refused(
    placement: Placement, logs: LogStorage, alarms: Alarms
) -> None:
    long_name = Placement(**{**vars(placement), "project": "a" * 30})
    with pytest.raises(ValueError, match="with 47 characters is not allowed; allowed: at most 40"):
        arguments(long_name, logs, alarms)
