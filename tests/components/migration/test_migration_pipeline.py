import json
from collections.abc import Callable
from dataclasses import MISSING, fields, replace
from fnmatch import fnmatch
from ipaddress import IPv4Address, IPv4Network
from typing import Any

import pytest

from components.data.payment_database import PaymentDatabase
from components.foundations.alarms import Alarms
from components.foundations.log_storage import LogStorage
from components.foundations.placement import Placement
from components.foundations.rds_authority import root_certificate
from components.migration.migration_pipeline import MigrationPipeline, MigrationPipelineArgs
from components.migration.migration_task import table_mappings
from components.network.site_to_site_vpn import SiteToSiteVpn, SiteToSiteVpnArgs
from cutover.stack import Stack
from recording.program import Recording
from recording.recorder import Resource
from settings import MigrationSettings, VpnSettings
from tests.components.conftest import LOG_KEY_ARN, TOPIC_ARN, Play
from tests.components.data import test_payment_database as database_tests
from tests.migration_settings import MIGRATION

KEY_ARN = "arn:aws:kms:eu-central-1:123456789012:key/migration"
SETTINGS = replace(MIGRATION, phase="beside")
SOURCE_CA = MIGRATION.source_ca
VPN = VpnSettings(
    enabled=True,
    customer_gateway_ip=IPv4Address("198.51.100.10"),
    customer_gateway_asn=65000,
    routing="bgp",
    on_premises_cidrs=(IPv4Network("10.80.0.0/16"),),
)
TASK = "aws:dms/replicationTask:ReplicationTask"
ENDPOINT = "aws:dms/endpoint:Endpoint"
SECRET = "aws:secretsmanager/secret:Secret"
EGRESS = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"
INGRESS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"

Build = Callable[[MigrationSettings], Recording]
RECORDED: dict[MigrationSettings, Recording] = {}
"""Recordings do not change, and playing is what takes time: each is made once."""


@pytest.fixture
def build(play: Play, placement: Placement, logs: LogStorage, alarms: Alarms) -> Build:
    """The tunnels, the database and the migration, as the program wires them."""

    def run(settings: MigrationSettings) -> Recording:
        if settings not in RECORDED:
            RECORDED[settings] = play(lambda: wire(placement, logs, alarms, settings))
        return RECORDED[settings]

    return run


@pytest.fixture
def migration(build: Build) -> Recording:
    return build(SETTINGS)


def wire(
    placement: Placement, logs: LogStorage, alarms: Alarms, settings: MigrationSettings, engine: str = "aurora-mysql"
) -> MigrationPipeline:
    database_settings = {"aurora-mysql": database_tests.AURORA, "mysql": database_tests.MULTI_AZ}[engine]
    database = PaymentDatabase("database", database_tests.arguments(placement, logs, alarms, database_settings))
    vpn = SiteToSiteVpn(
        "vpn",
        SiteToSiteVpnArgs(
            placement=placement,
            logs=logs,
            alarms=alarms,
            settings=VPN,
            vpc_id="vpc-1",
            route_table_ids=["rtb-data-a"],
        ),
    )
    return MigrationPipeline(
        "migration",
        MigrationPipelineArgs(
            placement=placement,
            logs=logs,
            alarms=alarms,
            settings=settings,
            vpc_id="vpc-1",
            endpoints_security_group_id="sg-endpoints",
            data_subnet_ids=["subnet-0", "subnet-1", "subnet-2"],
            key_arn=KEY_ARN,
            database_engine=database.engine,
            database_security_group_id=database.security_group_id,
            database_port=database.port,
            vpn_ready=vpn.ready,
        ),
    )


def own(recording: Recording) -> list[Resource]:
    """What the pipeline creates, without the component itself."""
    return [found for found in recording.resources if "MigrationPipeline$" in found.urn]


def waits_for(recording: Recording, resource: Resource) -> set[str]:
    """URNs of all that must exist before a resource, however many steps away."""
    by_urn = {found.urn: found for found in recording.resources}
    seen: set[str] = set()
    waiting = list(resource.dependencies)
    while waiting:
        urn = waiting.pop()
        if urn not in seen:
            seen.add(urn)
            waiting += by_urn[urn].dependencies if urn in by_urn else ()
    return seen


def secrets_role(recording: Recording) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Trust statement and permissions of the role by which DMS reads secrets."""
    trust = json.loads(recording.named("migration-secrets-role").inputs["assumeRolePolicy"])["Statement"][0]
    policy = recording.named("migration-secrets-role-permissions").inputs["policy"]
    return trust, json.loads(policy)["Statement"]


def settings_of(task: Resource) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(task.inputs["replicationTaskSettings"])
    return document


# ---- On and off -----------------------------------------------------------------------------------------------------


def test_no_task_starts_by_itself(migration: Recording) -> None:
    tasks = migration.of(TASK)
    assert {task.inputs["replicationTaskId"] for task in tasks} == {
        "softpos-test-migration-forward",
        "softpos-test-migration-reverse",
    }
    assert [task.inputs["startReplicationTask"] for task in tasks] == [False, False]


def test_switched_off_only_the_record_of_the_migration_stays(build: Build) -> None:
    off = build(replace(SETTINGS, phase="after"))
    assert [found.name for found in own(off)] == ["migration-state"]
    assert not [found for found in off.resources if found.type.startswith("aws:dms/")]


def test_removing_the_migration_changes_no_resource_of_the_database(build: Build) -> None:
    def database(settings: MigrationSettings) -> dict[str, Any]:
        resources = build(settings).resources
        return {found.urn: found.inputs for found in resources if "PaymentDatabase" in found.urn}

    with_migration, without = database(SETTINGS), database(replace(SETTINGS, phase="after"))
    assert len(with_migration) > 10
    assert with_migration == without


def test_nothing_that_is_to_go_with_one_setting_is_protected(
    play: Play, production: Placement, logs: LogStorage, alarms: Alarms
) -> None:
    recording = play(lambda: wire(production, logs, alarms, SETTINGS))
    assert [found.name for found in own(recording) if found.protect] == ["migration-state"]


def test_the_record_of_the_migration_is_encrypted_restorable_and_in_production_undeletable(
    play: Play, production: Placement, logs: LogStorage, alarms: Alarms
) -> None:
    table = play(lambda: wire(production, logs, alarms, SETTINGS)).named("migration-state")
    assert table.inputs["serverSideEncryption"] == {"enabled": True, "kmsKeyArn": KEY_ARN}
    assert table.inputs["pointInTimeRecovery"] == {"enabled": True}
    assert table.inputs["deletionProtectionEnabled"] is True
    assert table.protect is True


def test_the_cutover_tool_finds_everything_it_reads(
    play: Play, placement: Placement, logs: LogStorage, alarms: Alarms
) -> None:
    facts = {
        "region": "eu-central-1",
        "vpn_connection_id": "vpn-1",
        "application_secret_arn": "arn:application",
        "database_writer_endpoint": "writer",
    }
    told: list[dict[str, object] | None] = []
    recording = play(lambda: told.append(wire(placement, logs, alarms, SETTINGS).describe(**facts)))
    assert told[0] is not None
    needed = {field.name for field in fields(Stack) if field.default is MISSING} - {"name"}
    assert needed <= told[0].keys()
    assert told[0]["state_table_name"] == recording.named("migration-state").inputs["name"]
    play(lambda: told.append(wire(placement, logs, alarms, replace(SETTINGS, phase="after")).describe(**facts)))
    assert told[1] is None


# ---- Who may talk to whom -------------------------------------------------------------------------------------------


def test_the_instance_reaches_source_database_and_aws_endpoints_and_nothing_else(migration: Recording) -> None:
    group = migration.named("migration-security-group")
    rules = [rule.inputs for rule in migration.of(EGRESS) if rule.inputs["securityGroupId"] == group.id]
    database = migration.named("database-security-group").id
    reached = {
        (rule.get("cidrIpv4") or rule["referencedSecurityGroupId"], rule["fromPort"], rule["toPort"]) for rule in rules
    }
    assert reached == {("10.80.16.10/32", 3307, 3307), ("sg-endpoints", 443, 443), (database, 3306, 3306)}
    assert "egress" not in group.inputs
    assert migration.named("migration-instance").inputs["vpcSecurityGroupIds"] == [group.id]


def test_nobody_reaches_the_instance(migration: Recording) -> None:
    group = migration.named("migration-security-group")
    assert "ingress" not in group.inputs
    assert not [rule for rule in migration.of(INGRESS) if rule.inputs["securityGroupId"] == group.id]
    assert migration.named("migration-instance").inputs["publiclyAccessible"] is False


def test_the_migration_admits_itself_to_the_database_on_mysql_only(migration: Recording) -> None:
    rule = migration.named("migration-into-database")
    assert "MigrationPipeline$" in rule.urn
    assert rule.inputs["securityGroupId"] == migration.named("database-security-group").id
    assert rule.inputs["referencedSecurityGroupId"] == migration.named("migration-security-group").id
    assert (rule.inputs["fromPort"], rule.inputs["toPort"]) == (3306, 3306)


def test_whatever_could_move_data_waits_for_the_vpn(migration: Recording) -> None:
    connection = migration.named("vpn-connection").urn
    routes = {found.urn for found in migration.resources if "RoutePropagation" in found.type}
    of_dms = [found for found in migration.resources if found.type in ("aws:dms/endpoint:Endpoint", TASK)]
    assert len(of_dms) == 6
    for found in of_dms:
        assert {connection, *routes} <= waits_for(migration, found), found.name


def test_the_instance_waits_for_no_database(migration: Recording) -> None:
    waited = waits_for(migration, migration.named("migration-instance"))
    assert not [urn for urn in waited if "aws:rds/" in urn]


# ---- Secrets and TLS ------------------------------------------------------------------------------------------------


def test_every_endpoint_verifies_its_server_by_the_right_authority(migration: Recording) -> None:
    authorities = {
        # Pulumi treats the certificate as a secret, though it is public.
        found.outputs["certificateArn"]: found.wire_inputs["certificatePem"]["value"]
        for found in migration.of("aws:dms/certificate:Certificate")
    }
    used = {end.name: authorities[end.inputs["certificateArn"]] for end in migration.of(ENDPOINT)}
    assert {end.inputs["sslMode"] for end in migration.of(ENDPOINT)} == {"verify-ca"}
    assert used == {
        "migration-endpoint-source": SOURCE_CA,
        "migration-endpoint-target": root_certificate("eu-central-1"),
        "migration-endpoint-reverse-source": root_certificate("eu-central-1"),
        "migration-endpoint-reverse-target": SOURCE_CA,
    }


def test_no_account_stands_in_the_program_or_its_state(migration: Recording) -> None:
    assert not [found for found in migration.resources if "secretVersion" in found.type]
    for end in migration.of(ENDPOINT):
        assert not {"username", "password", "serverName", "port"} & end.inputs.keys()


def test_every_endpoint_has_an_account_of_its_own(migration: Recording) -> None:
    arns = [end.inputs["secretsManagerArn"] for end in migration.of(ENDPOINT)]
    assert len(set(arns)) == 4
    assert {found.inputs["kmsKeyId"] for found in migration.of(SECRET)} == {KEY_ARN}


def test_dms_reads_its_own_accounts_and_never_an_operators(migration: Recording) -> None:
    _, (read, decrypt) = secrets_role(migration)
    used = {end.inputs["secretsManagerArn"] for end in migration.of(ENDPOINT)}
    assert read["Action"] == ["secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret"]
    for secret in migration.of(SECRET):
        # AWS adds a unique suffix to the prefix.
        arn = f"arn:aws:secretsmanager:eu-central-1:123456789012:secret:{secret.inputs['namePrefix']}2026-AbCdEf"
        readable = any(fnmatch(arn, pattern) for pattern in read["Resource"])
        assert readable is (secret.id in used), secret.name
    assert decrypt["Condition"]["StringLike"] == {"kms:EncryptionContext:SecretARN": read["Resource"]}
    assert decrypt["Condition"]["StringEquals"] == {"kms:ViaService": "secretsmanager.eu-central-1.amazonaws.com"}


def test_dms_reads_secrets_as_the_principal_of_its_region(migration: Recording) -> None:
    trust, _ = secrets_role(migration)
    assert trust["Principal"] == {"Service": "dms.eu-central-1.amazonaws.com"}
    permission = migration.named("migration-secrets-role-permissions-attachment").urn
    assert all(permission in end.dependencies for end in migration.of(ENDPOINT))


@pytest.mark.parametrize(("engine", "named"), [("aurora-mysql", "aurora"), ("mysql", "mysql")])
def test_dms_knows_the_cluster_by_its_own_name_for_the_engine(
    play: Play, placement: Placement, logs: LogStorage, alarms: Alarms, engine: str, named: str
) -> None:
    recording = play(lambda: wire(placement, logs, alarms, SETTINGS, engine))
    engines = {end.name.removeprefix("migration-endpoint-"): end.inputs["engineName"] for end in recording.of(ENDPOINT)}
    assert engines == {"source": "mysql", "target": named, "reverse-source": named, "reverse-target": "mysql"}


def test_rows_are_loaded_without_local_infile_which_the_database_refuses(migration: Recording) -> None:
    groups = migration.of("aws:rds/parameterGroup:ParameterGroup")
    parameters = {entry["name"]: entry["value"] for group in groups for entry in group.inputs["parameters"]}
    assert parameters["local_infile"] == "0"
    for end in migration.of(ENDPOINT):
        attributes = end.inputs.get("extraConnectionAttributes", "").split(";")
        assert ("loadUsingCSV=false" in attributes) is (end.inputs["endpointType"] == "target")


def test_foreign_keys_are_left_unchecked_in_the_sessions_of_dms_only(migration: Recording) -> None:
    scripts = {end.name: end.inputs["mysqlSettings"].get("afterConnectScript") for end in migration.of(ENDPOINT)}
    assert scripts == {
        "migration-endpoint-source": None,
        "migration-endpoint-target": "SET FOREIGN_KEY_CHECKS=0",
        "migration-endpoint-reverse-source": None,
        "migration-endpoint-reverse-target": "SET FOREIGN_KEY_CHECKS=0",
    }


def test_words_that_aws_gives_back_otherwise_do_not_pause_a_running_task(migration: Recording) -> None:
    for end in migration.of(ENDPOINT):
        assert end.inputs["pauseReplicationTasks"] is True
        assert {"extraConnectionAttributes", "mysqlSettings"} <= set(end.ignore_changes)


# ---- Tasks ----------------------------------------------------------------------------------------------------------


def test_the_way_back_joins_the_same_servers_the_other_way_round(migration: Recording) -> None:
    arns = {end.outputs["endpointArn"]: end.name.removeprefix("migration-endpoint-") for end in migration.of(ENDPOINT)}
    joined = {
        task.name: (
            task.inputs["migrationType"],
            arns[task.inputs["sourceEndpointArn"]],
            arns[task.inputs["targetEndpointArn"]],
        )
        for task in migration.of(TASK)
    }
    assert joined == {
        "migration-forward": ("full-load-and-cdc", "source", "target"),
        "migration-reverse": ("cdc", "reverse-source", "reverse-target"),
    }


def test_every_row_is_validated_no_object_is_cut_and_no_row_is_skipped(migration: Recording) -> None:
    for task in migration.of(TASK):
        settings = settings_of(task)
        assert settings["ValidationSettings"]["EnableValidation"] is True
        assert settings["ValidationSettings"]["ValidationMode"] == "ROW_LEVEL"
        assert settings["ValidationSettings"]["SkipLobColumns"] is False
        assert (settings["TargetMetadata"]["FullLobMode"], settings["TargetMetadata"]["LimitedSizeLobMode"]) == (
            True,
            False,
        )
        errors = settings["ErrorBehavior"]
        assert {errors["DataErrorPolicy"], errors["DataTruncationErrorPolicy"], errors["TableErrorPolicy"]} == {
            "SUSPEND_TABLE"
        }


def test_the_schema_made_beforehand_is_left_as_it_is(migration: Recording) -> None:
    for task in migration.of(TASK):
        assert settings_of(task)["FullLoadSettings"]["TargetTablePrepMode"] == "DO_NOTHING"


def test_both_servers_logs_are_kept_without_row_data(migration: Recording) -> None:
    for task in migration.of(TASK):
        logging = settings_of(task)["Logging"]
        assert logging["EnableLogging"] is True
        # AWS adds these two itself and refuses them from anybody else.
        assert not {"CloudWatchLogGroup", "CloudWatchLogStream"} & logging.keys()
        levels = {entry["Id"]: entry["Severity"] for entry in logging["LogComponents"]}
        assert {"SOURCE_UNLOAD", "SOURCE_CAPTURE", "TARGET_LOAD", "TARGET_APPLY", "VALIDATOR_EXT"} <= levels.keys()
        assert set(levels.values()) == {"LOGGER_SEVERITY_DEFAULT"}


def test_the_settings_leave_no_section_to_dms(migration: Recording) -> None:
    for task in migration.of(TASK):
        assert settings_of(task).keys() == {
            "TargetMetadata",
            "FullLoadSettings",
            "Logging",
            "ControlTablesSettings",
            "StreamBufferSettings",
            "ChangeProcessingDdlHandlingPolicy",
            "ErrorBehavior",
            "ChangeProcessingTuning",
            "ValidationSettings",
            "PostProcessingRules",
            "CharacterSetSettings",
            "LoopbackPreventionSettings",
            "BeforeImageSettings",
            "FailTaskWhenCleanTaskResourceFailed",
        }


def test_only_the_named_schemas_move_their_underscores_being_no_wildcards() -> None:
    rules = json.loads(table_mappings(["softpos", "card_vault"]))["rules"]
    assert [rule["object-locator"] for rule in rules] == [
        {"schema-name": "softpos", "table-name": "%"},
        {"schema-name": "card[_]vault", "table-name": "%"},
    ]
    assert {rule["rule-action"] for rule in rules} == {"include"}
    assert len({rule["rule-id"] for rule in rules}) == len(rules)


def test_the_tasks_log_has_its_encrypted_group_before_a_task_exists(migration: Recording) -> None:
    group = migration.named("migration-log")
    assert group.inputs["name"] == "dms-tasks-" + migration.named("migration-instance").inputs["replicationInstanceId"]
    assert group.inputs["kmsKeyId"] == LOG_KEY_ARN
    assert all(group.urn in task.dependencies for task in migration.of(TASK))


# ---- Instance, roles, alarms ----------------------------------------------------------------------------------------


def test_the_instance_is_encrypted_and_takes_security_fixes(migration: Recording) -> None:
    inputs = migration.named("migration-instance").inputs
    assert (inputs["kmsKeyArn"], inputs["autoMinorVersionUpgrade"], inputs["multiAz"]) == (KEY_ARN, True, True)


def test_roles_that_the_account_shares_are_made_first_and_outlive_the_stack(migration: Recording) -> None:
    roles = [migration.named(f"migration-{name}") for name in ("dms-vpc-role", "dms-cloudwatch-logs-role")]
    assert [role.inputs["name"] for role in roles] == ["dms-vpc-role", "dms-cloudwatch-logs-role"]
    attachments = [found for found in own(migration) if "migration-dms-" in found.name and found not in roles]
    assert len(attachments) == 2
    assert all(found.retain_on_delete for found in (*roles, *attachments))
    waited = set(migration.named("migration-subnets").dependencies)
    assert {found.urn for found in attachments} <= waited


@pytest.mark.parametrize("choice", ["adopt", "off"])
def test_roles_that_exist_already_are_not_made_again(build: Build, choice: str) -> None:
    recording = build(replace(SETTINGS, service_roles=choice))  # type: ignore[arg-type]
    names = {role.inputs.get("name") for role in recording.of("aws:iam/role:Role")}
    assert not {"dms-vpc-role", "dms-cloudwatch-logs-role"} & names


def test_each_task_is_watched_under_the_name_that_cloudwatch_knows(migration: Recording) -> None:
    for role in ("forward", "reverse"):
        task = migration.named(f"migration-{role}")
        alarms = {
            alarm.inputs["metricName"]: alarm.inputs
            for alarm in migration.of("aws:cloudwatch/metricAlarm:MetricAlarm")
            if alarm.name.startswith(f"migration-{role}-")
        }
        assert alarms.keys() == {
            "CDCLatencySource",
            "CDCLatencyTarget",
            "ValidationFailedOverallCount",
            "ValidationSuspendedOverallCount",
        }
        for alarm in alarms.values():
            assert alarm["dimensions"] == {
                "ReplicationInstanceIdentifier": "softpos-test-migration",
                "ReplicationTaskIdentifier": task.outputs["replicationTaskArn"].split(":")[-1],
            }
            assert alarm["alarmActions"] == [TOPIC_ARN]


def test_a_task_that_stops_or_fails_is_announced(migration: Recording) -> None:
    events = migration.named("migration-events-task").inputs
    assert set(events["sourceIds"]) == {task.inputs["replicationTaskId"] for task in migration.of(TASK)}
    assert {"failure", "state change"} <= set(events["eventCategories"])
    assert (events["snsTopicArn"], events["enabled"]) == (TOPIC_ARN, True)


def test_an_error_in_the_log_rings(migration: Recording) -> None:
    counted = migration.named("migration-errors", "aws:cloudwatch/logMetricFilter:LogMetricFilter").inputs
    alarm = migration.named("migration-errors", "aws:cloudwatch/metricAlarm:MetricAlarm").inputs
    assert counted["logGroupName"] == migration.named("migration-log").inputs["name"]
    assert counted["pattern"] == '"]E:"'
    transformation = counted["metricTransformation"]
    assert (transformation["namespace"], transformation["name"]) == (alarm["namespace"], alarm["metricName"])


def test_resources_that_hold_data_keep_their_logical_names(migration: Recording) -> None:
    assert [found.name for found in migration.of("aws:dynamodb/table:Table")] == ["migration-state"]
    assert {found.name for found in migration.of(TASK)} == {"migration-forward", "migration-reverse"}
