"""Database Migration Service."""

from __future__ import annotations

import json
from typing import Any, Final

from ..reading import Breach, Findings, Property
from ..rule import CRITICAL, HIGH, LOW, MEDIUM, Resource, StackFindings, rule
from ..stack import Stack

_INSTANCE: Final = "aws.dms.ReplicationInstance"
_ENDPOINT: Final = "aws.dms.Endpoint"
_TASK: Final = "aws.dms.ReplicationTask"
_SERVERLESS: Final = "aws.dms.ReplicationConfig"

# Engines that DMS reaches over a database connection, whose TLS it controls by sslMode.
_SQL_ENGINES: Final = (
    "aurora",
    "aurora-postgresql",
    "azuredb",
    "azure-sql-managed-instance",
    "db2",
    "db2-zos",
    "docdb",
    "mariadb",
    "mongodb",
    "mysql",
    "oracle",
    "postgres",
    "redshift",
    "sqlserver",
    "sybase",
)
_SEVERE_ENOUGH: Final = ("LOGGER_SEVERITY_DEFAULT", "LOGGER_SEVERITY_DEBUG", "LOGGER_SEVERITY_DETAILED_DEBUG")


@rule(
    "dms-not-public",
    "Replication instances have no public address",
    on=_INSTANCE,
    requirements="1.4.4 1.3.1",
    controls="DMS.1 DMS_REPLICATION_NOT_PUBLIC",
    severity=CRITICAL,
    remedy="set publiclyAccessible to false",
)
def not_public(instance: Resource) -> Findings:
    return instance["publiclyAccessible"].must_be(False)  # AWS default: true


@rule(
    "dms-encrypted",
    "What a migration keeps on disk is encrypted with a customer-managed key",
    on=(_INSTANCE, _SERVERLESS),
    requirements="3.5.1 3.5.1.2 8.3.2",
    severity=HIGH,
    remedy="set kmsKeyArn (computeConfig.kmsKeyId) to the ARN of a customer-managed key",
)
def encrypted(instance: Resource) -> Findings:
    key = instance["kmsKeyArn"] if instance.kind == _INSTANCE else instance["computeConfig"]["kmsKeyId"]
    return key.must_name_own_key()


@rule(
    "dms-minor-upgrades",
    "Replication instances take over minor versions, which carry security fixes, by themselves",
    on=_INSTANCE,
    requirements="6.3.3",
    controls="DMS.6",
    severity=MEDIUM,
    remedy="set autoMinorVersionUpgrade to true",
)
def minor_upgrades(instance: Resource) -> Findings:
    return instance["autoMinorVersionUpgrade"].must_be(True)  # provider default: false


@rule(
    "dms-multi-az",
    "Production replication survives the loss of an availability zone",
    on=(_INSTANCE, _SERVERLESS),
    severity=LOW,
    remedy="set multiAz to true",
    production_only=True,
)
def multi_az(instance: Resource) -> Findings:
    place = instance["multiAz"] if instance.kind == _INSTANCE else instance["computeConfig"]["multiAz"]
    return place.must_be(True)


@rule(
    "dms-endpoint-tls",
    "Migration endpoints verify the server's certificate",
    on=_ENDPOINT,
    requirements="4.2.1 2.2.7 8.3.2",
    controls="DMS.9 DMS_ENDPOINT_SSL_CONFIGURED",
    severity=HIGH,
    remedy="set sslMode to verify-full (or verify-ca) and certificateArn to the authority's certificate",
)
def endpoint_tls(endpoint: Resource) -> Findings:
    if not endpoint["kafkaSettings"].absent:
        protocol = endpoint["kafkaSettings"]["securityProtocol"]
        return protocol.must_be("ssl-encryption", "ssl-authentication", "sasl-ssl")
    findings = endpoint["sslMode"].must_be("verify-full", "verify-ca") or endpoint["certificateArn"].must_be_given(
        "the certificate of the server's authority"
    )
    return endpoint["engineName"].guards(_is_sql, findings)


def _is_sql(engine: object) -> bool:
    return engine in _SQL_ENGINES


@rule(
    "dms-redis-tls",
    "Migration endpoints for Redis use TLS",
    on=_ENDPOINT,
    requirements="4.2.1 2.2.7 8.3.2",
    controls="DMS.12 DMS_REDIS_TLS_ENABLED",
    severity=HIGH,
    remedy="set redisSettings.sslSecurityProtocol to ssl-encryption",
)
def redis_tls(endpoint: Resource) -> Findings:
    if endpoint["engineName"].value != "redis" and endpoint["redisSettings"].absent:
        return []
    # AWS default: ssl-encryption.
    return endpoint["redisSettings"]["sslSecurityProtocol"].must_be("ssl-encryption", default="ssl-encryption")


@rule(
    "dms-endpoint-secret",
    "Endpoints take their credentials from Secrets Manager, never from the program",
    on=_ENDPOINT,
    requirements="8.6.2 8.3.2",
    severity=HIGH,
    remedy="remove password and username, and set secretsManagerArn with secretsManagerAccessRoleArn",
)
def endpoint_secret(endpoint: Resource) -> Findings:
    given = endpoint["password"].must_not_be_given("no password")
    return given or endpoint["engineName"].guards(
        _is_sql, endpoint["secretsManagerArn"].must_be_given("the ARN of a secret")
    )


@rule(
    "dms-endpoint-encrypted",
    "Connection data of endpoints is encrypted with a customer-managed key",
    on=_ENDPOINT,
    requirements="3.5.1 8.3.2",
    severity=LOW,
    remedy="set kmsKeyArn to the ARN of a customer-managed key",
)
def endpoint_encrypted(endpoint: Resource) -> Findings:
    return endpoint["kmsKeyArn"].must_name_own_key()


def _settings(task: Resource) -> Property:
    """The settings document of a task, read from its JSON text."""
    text = task["replicationTaskSettings" if task.kind == _TASK else "replicationSettings"]
    if not isinstance(text.value, str):
        return text
    try:
        content: Any = json.loads(text.value)
    except ValueError:
        content = None
    return Property(text.path, content)


def _logs(settings: Property, *components: str) -> Findings:
    logging = settings["Logging"]
    findings = logging["EnableLogging"].must_be(True)
    if findings:
        return findings
    severities = {entry["Id"].text: entry["Severity"] for entry in logging["LogComponents"]}
    for component in components:
        severity = severities.get(component, Property(f"{settings.path}.Logging.LogComponents[{component}]", None))
        findings += severity.must_be(*_SEVERE_ENOUGH)
    return findings


@rule(
    "dms-target-logging",
    "Migration tasks log what they do to the target",
    on=(_TASK, _SERVERLESS),
    requirements="10.4.2 10.2.1",
    controls="DMS.7 DMS_REPLICATION_TASK_TARGETDB_LOGGING",
    severity=MEDIUM,
    remedy="set EnableLogging, and TARGET_APPLY and TARGET_LOAD to LOGGER_SEVERITY_DEFAULT",
)
def target_logging(task: Resource) -> Findings:
    return _logs(_settings(task), "TARGET_APPLY", "TARGET_LOAD")


@rule(
    "dms-source-logging",
    "Migration tasks log what they read from the source",
    on=(_TASK, _SERVERLESS),
    requirements="10.4.2 10.2.1",
    controls="DMS.8",
    severity=MEDIUM,
    remedy="set EnableLogging, and SOURCE_CAPTURE and SOURCE_UNLOAD to LOGGER_SEVERITY_DEFAULT",
)
def source_logging(task: Resource) -> Findings:
    return _logs(_settings(task), "SOURCE_CAPTURE", "SOURCE_UNLOAD")


@rule(
    "dms-validation",
    "Migration tasks compare every row of source and target",
    on=(_TASK, _SERVERLESS),
    requirements="10.3.4 11.5.2",
    severity=MEDIUM,
    remedy="set ValidationSettings.EnableValidation to true",
)
def validation(task: Resource) -> Findings:
    return _settings(task)["ValidationSettings"]["EnableValidation"].must_be(True)


@rule(
    "dms-behind-vpn",
    "Migrations from elsewhere go through a VPN, which is there before them",
    about=(_TASK, _SERVERLESS, _INSTANCE),
    requirements="4.2.1 1.4.2",
    severity=HIGH,
    remedy="make an ec2.VpnConnection in the stack, and let the migration depend on it",
)
def behind_vpn(stack: Stack) -> StackFindings:
    tunnels = {tunnel.urn for tunnel in stack.of("aws.ec2.VpnConnection", "aws.directconnect.Connection")}
    migrations = [*stack.of(_TASK), *stack.of(_SERVERLESS)] or [*stack.of(_INSTANCE)]
    if not tunnels:
        return [(migration, Breach("", "without a VPN in the stack", "behind a VPN")) for migration in migrations]
    return [
        (migration, Breach("", "independent of the VPN", "made after the VPN"))
        for migration in migrations
        if not tunnels & stack.depends_on(migration)
    ]
