from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pulumi
import pytest

from components.data.database_alarms import connection_limit
from components.data.payment_database import PaymentDatabase, PaymentDatabaseArgs
from components.foundations.alarms import Alarms
from components.foundations.log_storage import LogStorage
from components.foundations.placement import Placement
from recording.program import Recording
from settings import DatabaseSettings
from tests.components.conftest import LOG_KEY_ARN, TOPIC_ARN, Play

KEY_ARN = "arn:aws:kms:eu-central-1:123456789012:key/database"
CLIENTS = {"cluster": "sg-nodes", "bastion": "sg-bastion"}
AURORA = DatabaseSettings(
    engine="aurora-mysql",
    engine_version="8.4.mysql_aurora.8.4.8",
    instance_class="db.r7g.large",
    readers=2,
    readers_max=5,
    backup_retention_days=35,
    deletion_protection=True,
    snapshot="",
)
MULTI_AZ = replace(AURORA, engine="mysql", engine_version="8.4.8", instance_class="db.m6gd.large", readers_max=2)
ENGINES = pytest.mark.parametrize("settings", [AURORA, MULTI_AZ], ids=["aurora", "multi-az"])

Build = Callable[[DatabaseSettings], Recording]
RECORDED: dict[DatabaseSettings, Recording] = {}
"""Recordings do not change, and playing is what takes time: each is made once."""


@pytest.fixture
def build(play: Play, placement: Placement, logs: LogStorage, alarms: Alarms) -> Build:
    def run(settings: DatabaseSettings) -> Recording:
        if settings not in RECORDED:
            args = arguments(placement, logs, alarms, settings)
            RECORDED[settings] = play(lambda: PaymentDatabase("database", args))
        return RECORDED[settings]

    return run


def arguments(
    placement: Placement, logs: LogStorage, alarms: Alarms, settings: DatabaseSettings, subnets: int = 3
) -> PaymentDatabaseArgs:
    return PaymentDatabaseArgs(
        placement=placement,
        logs=logs,
        alarms=alarms,
        settings=settings,
        vpc_id="vpc-1",
        data_subnet_ids=[f"subnet-{number}" for number in range(subnets)],
        key_arn=KEY_ARN,
        clients=CLIENTS,
    )


def parameters(recording: Recording) -> Mapping[str, str]:
    """All parameters of the database, whichever group they stand in."""
    groups = recording.of("aws:rds/clusterParameterGroup:ClusterParameterGroup")
    groups += recording.of("aws:rds/parameterGroup:ParameterGroup")
    return {entry["name"]: entry["value"] for group in groups for entry in group.inputs["parameters"]}


@ENGINES
def test_only_the_named_clients_reach_mysql_and_the_database_reaches_nobody(
    build: Build, settings: DatabaseSettings
) -> None:
    recording = build(settings)
    group = recording.named("database-security-group")
    assert group.inputs["egress"] == []
    assert "ingress" not in group.inputs
    assert not recording.of("aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule")
    rules = [rule.inputs for rule in recording.of("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule")]
    assert {rule["referencedSecurityGroupId"] for rule in rules} == set(CLIENTS.values())
    assert {(rule["ipProtocol"], rule["fromPort"], rule["toPort"]) for rule in rules} == {("tcp", 3306, 3306)}
    assert {rule["securityGroupId"] for rule in rules} == {group.id}
    assert not any("cidrIpv4" in rule or "cidrIpv6" in rule or "prefixListId" in rule for rule in rules)
    assert recording.named("database-cluster").inputs["vpcSecurityGroupIds"] == [group.id]


@ENGINES
def test_every_connection_needs_modern_tls(build: Build, settings: DatabaseSettings) -> None:
    found = parameters(build(settings))
    assert found["require_secure_transport"] == "ON"
    assert set(found["tls_version"].split(",")) == {"TLSv1.2", "TLSv1.3"}


@ENGINES
def test_no_log_holds_the_text_of_statements(build: Build, settings: DatabaseSettings) -> None:
    recording = build(settings)
    found = parameters(recording)
    assert (found["general_log"], found["slow_query_log"]) == ("0", "0")
    assert not {"QUERY", "QUERY_DML", "QUERY_DML_NO_SELECT"} & set(found.get("server_audit_events", "").split(","))
    assert not {"general", "slowquery"} & set(
        recording.named("database-cluster").inputs["enabledCloudwatchLogsExports"]
    )


def test_aurora_records_who_connects_and_who_changes_tables_and_rights(build: Build) -> None:
    recording = build(AURORA)
    found = parameters(recording)
    assert found["server_audit_logging"] == "1"
    assert {"CONNECT", "QUERY_DDL", "QUERY_DCL"} == set(found["server_audit_events"].split(","))
    assert "audit" in recording.named("database-cluster").inputs["enabledCloudwatchLogsExports"]


@ENGINES
def test_the_way_back_to_the_data_centre_needs_no_restart(build: Build, settings: DatabaseSettings) -> None:
    found = parameters(build(settings))
    assert (found["binlog_format"], found["binlog_row_image"]) == ("ROW", "FULL")


@ENGINES
def test_every_exported_log_has_an_encrypted_lasting_group_before_the_cluster_exists(
    build: Build, settings: DatabaseSettings
) -> None:
    recording = build(settings)
    cluster = recording.named("database-cluster")
    groups = {group.inputs["name"]: group for group in recording.of("aws:cloudwatch/logGroup:LogGroup")}
    prefix = f"/aws/rds/cluster/{cluster.inputs['clusterIdentifier']}/"
    assert groups.keys() == {prefix + log for log in cluster.inputs["enabledCloudwatchLogsExports"]}
    for group in groups.values():
        assert group.inputs["kmsKeyId"] == LOG_KEY_ARN
        assert group.inputs["retentionInDays"] >= 365
        assert group.urn in cluster.dependencies


def test_readers_wait_for_the_writer_and_the_writer_for_no_reader(build: Build) -> None:
    recording = build(AURORA)
    writer = recording.named("database-writer")
    readers = [recording.named("database-reader-1"), recording.named("database-reader-2")]
    assert all(writer.urn in reader.dependencies for reader in readers)
    assert not {reader.urn for reader in readers} & set(writer.dependencies)
    assert [reader.urn for reader in readers if reader.urn in readers[0].dependencies] == []


def test_clients_that_wait_for_a_writable_database_wait_for_no_reader(
    play: Play, placement: Placement, logs: LogStorage, alarms: Alarms
) -> None:
    class Client(pulumi.CustomResource):
        def __init__(self, after: list[pulumi.Resource]) -> None:
            super().__init__("aws:test/client:Client", "client", {}, pulumi.ResourceOptions(depends_on=after))

    recording = play(lambda: Client(PaymentDatabase("database", arguments(placement, logs, alarms, AURORA)).writable))
    assert recording.named("client").dependencies == (recording.named("database-writer").urn,)


def test_a_database_without_readers_has_no_autoscaling_that_could_not_add_the_first(build: Build) -> None:
    recording = build(replace(AURORA, readers=0))
    assert [one.name for one in recording.of("aws:rds/clusterInstance:ClusterInstance")] == ["database-writer"]
    assert recording.of("aws:appautoscaling/target:Target") == recording.of("aws:appautoscaling/policy:Policy") == ()


def test_reader_autoscaling_keeps_to_the_settings_and_starts_after_the_readers(build: Build) -> None:
    recording = build(AURORA)
    target = recording.named("database-reader-scaling")
    assert (target.inputs["minCapacity"], target.inputs["maxCapacity"]) == (2, 5)
    assert target.inputs["resourceId"] == "cluster:softpos-test-database"
    assert {recording.named(f"database-reader-{number}").urn for number in (1, 2)} <= set(target.dependencies)


@ENGINES
def test_aws_makes_keeps_and_rotates_the_master_password(build: Build, settings: DatabaseSettings) -> None:
    recording = build(settings)
    cluster = recording.named("database-cluster")
    assert cluster.inputs["manageMasterUserPassword"] is True
    assert cluster.inputs["masterUserSecretKmsKeyId"] == KEY_ARN
    assert not {"masterPassword", "masterPasswordWo"} & cluster.inputs.keys()
    assert cluster.inputs["masterUsername"] not in ("admin", "root", "postgres")
    rotation = recording.named("database-master-rotation").inputs
    assert rotation["secretId"] == cluster.outputs["masterUserSecrets"][0]["secretArn"]
    assert rotation["rotationRules"] == {"scheduleExpression": "rate(30 days)"}


@ENGINES
def test_storage_and_insights_are_encrypted_with_the_database_key(build: Build, settings: DatabaseSettings) -> None:
    recording = build(settings)
    cluster = recording.named("database-cluster")
    assert (cluster.inputs["storageEncrypted"], cluster.inputs["kmsKeyId"]) == (True, KEY_ARN)
    observed = recording.of("aws:rds/clusterInstance:ClusterInstance") or (cluster,)
    assert {host.inputs["performanceInsightsKmsKeyId"] for host in observed} == {KEY_ARN}
    assert {host.inputs["performanceInsightsEnabled"] for host in observed} == {True}
    assert {host.inputs["monitoringInterval"] for host in observed} == {60}


def test_instances_wait_until_their_monitoring_role_may_do_its_work(build: Build) -> None:
    recording = build(AURORA)
    permission = recording.named("database-monitoring-role-AmazonRDSEnhancedMonitoringRole")
    assert permission.urn in recording.named("database-writer").dependencies


def test_instances_are_private_take_security_fixes_and_name_the_authority_that_dms_trusts(build: Build) -> None:
    for instance in build(AURORA).of("aws:rds/clusterInstance:ClusterInstance"):
        assert instance.inputs["publiclyAccessible"] is False
        assert instance.inputs["autoMinorVersionUpgrade"] is True
        assert instance.inputs["caCertIdentifier"] == "rds-ca-rsa2048-g1"


def test_names_of_instances_claim_no_role_because_a_failover_swaps_them(build: Build) -> None:
    names = {found.inputs["identifier"] for found in build(AURORA).of("aws:rds/clusterInstance:ClusterInstance")}
    assert names == {"softpos-test-database-0", "softpos-test-database-1", "softpos-test-database-2"}


def test_multi_az_cluster_brings_its_own_instances_and_fixed_readers(build: Build) -> None:
    recording = build(MULTI_AZ)
    cluster = recording.named("database-cluster").inputs
    assert cluster["dbClusterInstanceClass"] == "db.m6gd.large"
    assert 0.5 <= cluster["iops"] / cluster["allocatedStorage"] <= 50
    assert not recording.of("aws:rds/clusterInstance:ClusterInstance")
    assert not recording.of("aws:appautoscaling/target:Target")
    assert "dbClusterInstanceClass" not in build(AURORA).named("database-cluster").inputs


@ENGINES
def test_the_parameter_family_follows_the_version(build: Build, settings: DatabaseSettings) -> None:
    group = build(settings).named("database-cluster-parameters").inputs
    assert group["family"] == {"aurora-mysql": "aurora-mysql8.4", "mysql": "mysql8.4"}[settings.engine]


def test_a_major_upgrade_makes_new_parameter_groups_before_it_leaves_the_old(build: Build) -> None:
    def names(settings: DatabaseSettings) -> set[str]:
        recording = build(settings)
        return {recording.named(f"database-{role}-parameters").inputs["name"] for role in ("cluster", "instance")}

    older = replace(AURORA, engine_version="8.0.mysql_aurora.3.10.4")
    assert len(names(AURORA) | names(older)) == 4


def test_production_data_is_protected_and_leaves_a_snapshot_of_a_unique_name(
    play: Play, production: Placement, logs: LogStorage, alarms: Alarms
) -> None:
    recording = play(lambda: PaymentDatabase("database", arguments(production, logs, alarms, AURORA)))
    cluster = recording.named("database-cluster")
    assert cluster.protect is True
    assert cluster.inputs["deletionProtection"] is True
    assert cluster.inputs["skipFinalSnapshot"] is False
    assert cluster.inputs["finalSnapshotIdentifier"].endswith(recording.named("database-final-snapshot").outputs["hex"])
    assert cluster.inputs["applyImmediately"] is False


def test_a_database_may_begin_from_a_snapshot_and_is_never_replaced_for_it(build: Build) -> None:
    restored = build(replace(AURORA, snapshot="softpos-prod-2026-11")).named("database-cluster")
    assert restored.inputs["snapshotIdentifier"] == "softpos-prod-2026-11"
    assert "snapshotIdentifier" in restored.ignore_changes
    assert "snapshotIdentifier" not in build(AURORA).named("database-cluster").inputs


def test_subnets_in_fewer_than_three_zones_are_refused(placement: Placement, logs: LogStorage, alarms: Alarms) -> None:
    with pytest.raises(ValueError, match=r"a list of 2 is not allowed; allowed: three subnets, one per zone"):
        arguments(placement, logs, alarms, AURORA, subnets=2)


@ENGINES
def test_what_goes_wrong_reaches_somebody(build: Build, settings: DatabaseSettings) -> None:
    recording = build(settings)
    alarms = recording.of("aws:cloudwatch/metricAlarm:MetricAlarm")
    watched = {alarm.inputs["metricName"] for alarm in alarms}
    assert {"CPUUtilization", "DatabaseConnections", "FreeableMemory", "Deadlocks"} <= watched
    assert ("LoginFailures" in watched) is (settings.engine == "aurora-mysql")
    assert watched & {"AuroraReplicaLagMaximum", "ReplicaLag"}
    assert {tuple(alarm.inputs["alarmActions"]) for alarm in alarms} == {(TOPIC_ARN,)}
    assert {alarm.inputs["dimensions"]["DBClusterIdentifier"] for alarm in alarms} == {"softpos-test-database"}
    events = recording.of("aws:rds/eventSubscription:EventSubscription")
    kinds: dict[str, Any] = {event.inputs["sourceType"]: event.inputs["eventCategories"] for event in events}
    assert "failover" in kinds["db-cluster"]
    assert "failure" in kinds["db-instance"]
    assert "configuration change" in kinds["db-parameter-group"]
    assert {event.inputs["snsTopic"] for event in events} == {TOPIC_ARN}


@pytest.mark.parametrize(
    ("instance_class", "connections"),
    [("db.t4g.medium", 90), ("db.t4g.large", 135), ("db.r7g.large", 1_000), ("db.r7g.16xlarge", 6_000)],
)
def test_the_limit_of_connections_follows_the_class(instance_class: str, connections: int) -> None:
    assert connection_limit(instance_class) == connections


def test_resources_that_hold_data_keep_their_logical_names(build: Build) -> None:
    recording = build(AURORA)
    assert [found.name for found in recording.of("aws:rds/cluster:Cluster")] == ["database-cluster"]
    names = {found.name for found in recording.of("aws:rds/clusterInstance:ClusterInstance")}
    assert names == {"database-writer", "database-reader-1", "database-reader-2"}
