"""RDS and Aurora: clusters, instances, their parameter groups, snapshots and events."""

from __future__ import annotations

import re
from typing import Final

from ..lifetimes import must_be_supported
from ..reading import Breach, Findings, Property
from ..rule import CRITICAL, HIGH, LOW, MEDIUM, Resource, StackFindings, rule
from ..stack import Stack

_CLUSTER: Final = "aws.rds.Cluster"
_INSTANCE: Final = "aws.rds.Instance"
_DATABASES: Final = (_CLUSTER, _INSTANCE)
_PARAMETER_GROUPS: Final = ("aws.rds.ClusterParameterGroup", "aws.rds.ParameterGroup")

# A copy of another database takes over its users, encryption and version.
_COPIED_FROM: Final = (
    "globalClusterIdentifier",
    "replicateSourceDb",
    "replicationSourceIdentifier",
    "restoreToPointInTime",
    "snapshotIdentifier",
)
_DEFAULT_ADMINISTRATORS: Final = ("admin", "administrator", "master", "mysql", "postgres", "rdsadmin", "root", "sa")

# Logs that each engine can send to CloudWatch and that 10.2.1 needs. MySQL's general and slow query logs hold the text
# of statements, and with it perhaps card numbers: rds-no-statement-text keeps the first out.
_LOGS: Final = {
    "aurora-mysql": ("audit", "error"),
    "aurora-postgresql": ("postgresql",),
    "mariadb": ("audit", "error"),
    "mysql": ("audit", "error"),
    "postgres": ("postgresql",),
}
_POSTGRES_FAMILY: Final = re.compile(r"postgres(?:ql)?(\d+)")
_WITHOUT_IAM: Final = ("oracle", "sqlserver", "custom", "db2")
_STATEMENT_TEXT: Final = frozenset(("QUERY", "QUERY_DML", "QUERY_DML_NO_SELECT", "TABLE"))
_ACCESS_EVENTS: Final = ("CONNECT", "QUERY_DDL", "QUERY_DCL")
_EVENTS: Final = {
    "db-instance": ("RDS.20", ("maintenance", "configuration change", "failure")),
    "db-parameter-group": ("RDS.21", ("configuration change",)),
    "db-security-group": ("RDS.22", ("configuration change", "failure")),
}


def _is_copy(database: Resource) -> bool:
    return any(not database[name].absent for name in _COPIED_FROM)


def _engine(database: Resource) -> str:
    return str(database["engine"].value)


def parameter(group: Resource, name: str) -> Property:
    """The value of a parameter of a group, in upper case; unknown when the group's parameters are."""
    for entry in group["parameters"]:
        if entry.unknown or str(entry["name"].value).lower() == name:
            value = entry["value"]
            return Property(value.path, value.value.upper()) if isinstance(value.value, str) else value
    return Property(f"parameters[{name}]", None)


@rule(
    "rds-not-public",
    "Databases have no public address",
    on=(_INSTANCE, "aws.rds.ClusterInstance", _CLUSTER),
    requirements="1.4.4 1.3.1",
    controls="RDS.2 RDS_INSTANCE_PUBLIC_ACCESS_CHECK",
    severity=CRITICAL,
    remedy="set publiclyAccessible to false and use private subnets",
)
def not_public(database: Resource) -> Findings:
    return database["publiclyAccessible"].must_be(False, default=False)  # provider default


@rule(
    "rds-in-chosen-subnets",
    "Databases stand in chosen subnets, never in the default VPC",
    on=_DATABASES,
    requirements="1.4.4 1.4.1 1.3.1",
    severity=HIGH,
    remedy="set dbSubnetGroupName to a subnet group of the data tier",
)
def in_chosen_subnets(database: Resource) -> Findings:
    if not database["replicateSourceDb"].absent:
        return []
    return database["dbSubnetGroupName"].must_be_given("a subnet group of the stack", other_than="default")


@rule(
    "rds-storage-encrypted",
    "Databases encrypt their storage with a customer-managed key",
    on=(*_DATABASES, "aws.rds.GlobalCluster"),
    requirements="3.5.1 3.5.1.2 8.3.2",
    controls="RDS_STORAGE_ENCRYPTED RDS_CLUSTER_ENCRYPTED_AT_REST RDS_SNAPSHOT_ENCRYPTED",
    severity=HIGH,
    remedy="set storageEncrypted to true and kmsKeyId to the ARN of a customer-managed key",
)
def storage_encrypted(database: Resource) -> Findings:
    encrypted = database["storageEncrypted"].must_be(True)
    if encrypted or database.kind == "aws.rds.GlobalCluster":
        return encrypted
    return database["kmsKeyId"].must_name_own_key()


@rule(
    "rds-snapshot-copy-encrypted",
    "Copies and exports of snapshots are encrypted with a customer-managed key",
    on=("aws.rds.SnapshotCopy", "aws.rds.ClusterSnapshotCopy", "aws.rds.ExportTask"),
    requirements="3.5.1 3.5.1.2 8.3.2",
    controls="RDS_SNAPSHOT_ENCRYPTED",
    severity=HIGH,
    remedy="set kmsKeyId to the ARN of a customer-managed key",
)
def snapshot_copy_encrypted(copy: Resource) -> Findings:
    return copy["kmsKeyId"].must_name_own_key()


@rule(
    "rds-snapshot-not-public",
    "Snapshots are not shared with everyone",
    on=("aws.rds.Snapshot", "aws.rds.ClusterSnapshot", "aws.rds.SnapshotCopy", "aws.rds.ClusterSnapshotCopy"),
    requirements="3.5.1.3 10.3.2 7.2.1",
    controls="RDS_SNAPSHOTS_PUBLIC_PROHIBITED",
    severity=CRITICAL,
    remedy="name the accounts in sharedAccounts",
)
def snapshot_not_public(snapshot: Resource) -> Findings:
    return [
        finding
        for account in snapshot["sharedAccounts"]
        for finding in account.must_not_be("all", wanted="account numbers")
    ]


@rule(
    "rds-tls-required",
    "Parameter groups refuse connections without TLS",
    on=_PARAMETER_GROUPS,
    requirements="4.2.1 2.2.7 8.3.2",
    severity=HIGH,
    remedy="set require_secure_transport to ON (MySQL, MariaDB) or rds.force_ssl to 1 (PostgreSQL)",
)
def tls_required(group: Resource) -> Findings:
    if group["family"].unknown:
        return group["family"].unjudged("a family whose group requires TLS")
    family = str(group["family"].value)
    # An Aurora instance takes these parameters from its cluster's group.
    if family.startswith("aurora") and group.kind == "aws.rds.ParameterGroup":
        return []
    if "postgres" in family:
        newest = _POSTGRES_FAMILY.search(family)
        return parameter(group, "rds.force_ssl").must_be(
            "1", "ON", default="1" if newest and int(newest[1]) >= 15 else None
        )
    if "mysql" in family or "mariadb" in family:
        # MySQL 8.4 requires TLS on RDS and Aurora unless told otherwise; 8.0 does not.
        return parameter(group, "require_secure_transport").must_be(
            "ON", "1", default="ON" if "8.4" in family else None
        )
    if family.startswith("sqlserver"):
        return parameter(group, "rds.force_ssl").must_be("1")
    return []


# Parameters that name the oldest version of TLS, by the texts that must not stand in them.
_OLD_TLS: Final = {
    "tls_version": ("TLSV1,", "TLSV1.0", "TLSV1.1"),
    "ssl_min_protocol_version": ("TLSV1,", "TLSV1.0", "TLSV1.1"),
    "sqlnet.ssl_version": ("1.0",),
}
_SWITCHES_OF_OLD_TLS: Final = ("rds.tls10", "rds.tls11", "rds.rc4", "rds.3des168")  # SQL Server


@rule(
    "rds-tls-version",
    "Parameter groups allow TLS 1.2 and newer only",
    on=_PARAMETER_GROUPS,
    requirements="4.2.1 2.2.7",
    severity=HIGH,
    remedy="set tls_version to TLSv1.2,TLSv1.3, or ssl_min_protocol_version to TLSv1.2",
)
def tls_version(group: Resource) -> Findings:
    findings: Findings = []
    for name, old in _OLD_TLS.items():
        value = parameter(group, name)
        if value.known:
            found = any(version in f"{value.value}," for version in old)
            findings += value.breach("TLS 1.2 and newer") if found else []
    for name in _SWITCHES_OF_OLD_TLS:
        findings += parameter(group, name).must_not_be("ENABLED", wanted="disabled", default="DISABLED")
    return findings


@rule(
    "rds-own-parameter-group",
    "Databases use a parameter group of their own, which says that TLS is required",
    on=_DATABASES,
    requirements="4.2.1 2.2.1 2.2.7",
    severity=HIGH,
    remedy="set dbClusterParameterGroupName (or parameterGroupName) to a group that requires TLS",
)
def own_parameter_group(database: Resource) -> Findings:
    name = database["dbClusterParameterGroupName" if database.kind == _CLUSTER else "parameterGroupName"]
    if name.unknown:
        return []
    return name.must(lambda value: not str(value).startswith("default."), "a parameter group of its own")


@rule(
    "rds-access-audited",
    "Aurora MySQL records who connects and who changes tables and rights",
    on="aws.rds.ClusterParameterGroup",
    requirements="10.2.1 10.2.1.2 10.2.1.5 10.2.1.7",
    severity=HIGH,
    remedy=f"set server_audit_logging to 1 and server_audit_events to {','.join(_ACCESS_EVENTS)}",
)
def access_audited(group: Resource) -> Findings:
    events = parameter(group, "server_audit_events")
    findings = parameter(group, "server_audit_logging").must_be("1", "ON") + events.must(
        lambda value: set(_ACCESS_EVENTS) <= _events(value) or "QUERY" in _events(value),
        f"with {', '.join(_ACCESS_EVENTS)}",
    )
    return group["family"].guards(lambda family: str(family).startswith("aurora-mysql"), findings)


@rule(
    "rds-no-statement-text",
    "Logs hold no text of statements, which can carry card numbers",
    on=_PARAMETER_GROUPS,
    requirements="3.3.1 3.5.1 10.3.1",
    severity=HIGH,
    remedy="take QUERY and QUERY_DML out of server_audit_events, and set general_log to 0 and log_statement to ddl",
)
def no_statement_text(group: Resource) -> Findings:
    audited = parameter(group, "server_audit_events").must(
        lambda value: not _events(value) & _STATEMENT_TEXT, "events without statement text", default="CONNECT"
    )
    general = parameter(group, "general_log").must_be("0", "OFF", default="0")
    slow = parameter(group, "log_min_duration_statement").must_not_be(0, wanted="-1, or a time", default="-1")
    return audited + general + slow + parameter(group, "log_statement").must_be("NONE", "DDL", default="NONE")


def _events(value: object) -> set[str]:
    return {event.strip().upper() for event in str(value).split(",")}


@rule(
    "rds-logs-exported",
    "Databases send their logs to CloudWatch, without the text of statements",
    on=_DATABASES,
    requirements="10.2.1 10.2.2 10.3.3 10.4.2",
    controls="RDS.9 RDS.34 RDS_LOGGING_ENABLED RDS_AURORA_MYSQL_AUDIT_LOGGING_ENABLED RDS.36 RDS.37",
    severity=MEDIUM,
    remedy="list audit and error (PostgreSQL: postgresql) in enabledCloudwatchLogsExports, and not general",
)
def logs_exported(database: Resource) -> Findings:
    if database["engine"].unknown:
        return database["engine"].unjudged("an engine whose logs are exported")
    needed = _LOGS.get(_engine(database), ())
    if database.kind == _CLUSTER and _engine(database) == "mysql":
        needed = ("error",)  # a Multi-AZ DB cluster has no audit log
    exports = database["enabledCloudwatchLogsExports"]
    findings = exports.must_include(*needed) if needed else []
    return findings + [f for name in exports for f in name.must_not_be("general", wanted="without the general log")]


@rule(
    "rds-managed-password",
    "RDS itself makes, keeps and rotates the master password",
    on=_DATABASES,
    requirements="8.6.2 8.6.3 8.3.2",
    severity=HIGH,
    remedy="set manageMasterUserPassword to true, and remove the password",
)
def managed_password(database: Resource) -> Findings:
    given = [database["masterPassword"], database["password"], database["masterPasswordWo"], database["passwordWo"]]
    findings = [finding for password in given for finding in password.must_not_be_given("no password")]
    if findings or _is_copy(database):
        return findings
    return database["manageMasterUserPassword"].must_be(True)


@rule(
    "rds-own-administrator-name",
    "The master user has a name of its own",
    on=_DATABASES,
    requirements="2.2.2",
    controls="RDS.24 RDS.25 RDS_CLUSTER_DEFAULT_ADMIN_CHECK RDS_INSTANCE_DEFAULT_ADMIN_CHECK",
    severity=MEDIUM,
    remedy="set masterUsername (or username) to a name that is not the default",
)
def own_administrator_name(database: Resource) -> Findings:
    if _is_copy(database):
        return []
    name = database["masterUsername" if database.kind == _CLUSTER else "username"]
    return name.must(lambda value: str(value).lower() not in _DEFAULT_ADMINISTRATORS, "a name other than the default")


@rule(
    "rds-iam-authentication",
    "Databases accept IAM authentication",
    on=_DATABASES,
    requirements="7.2.1 7.2.2 8.3.1 8.6.2",
    controls="RDS_CLUSTER_IAM_AUTHENTICATION_ENABLED RDS_INSTANCE_IAM_AUTHENTICATION_ENABLED",
    severity=MEDIUM,
    remedy="set iamDatabaseAuthenticationEnabled to true",
)
def iam_authentication(database: Resource) -> Findings:
    findings = database["iamDatabaseAuthenticationEnabled"].must_be(True)
    return database["engine"].guards(lambda engine: not str(engine).startswith(_WITHOUT_IAM), findings)


@rule(
    "rds-backups",
    "Databases are backed up by themselves, far enough back",
    on=_DATABASES,
    requirements="10.3.3",
    controls="DB_INSTANCE_BACKUP_ENABLED",
    severity=MEDIUM,
    remedy="set backupRetentionPeriod to 7 days or more",
)
def backups(database: Resource, *, minimum_days: int = 7) -> Findings:
    if not database["replicateSourceDb"].absent:
        return []
    # AWS default: 1 day for a cluster, none for an instance.
    default = 1 if database.kind == _CLUSTER else 0
    return database["backupRetentionPeriod"].must_be_at_least(minimum_days, "days", default=default)


@rule(
    "rds-final-snapshot",
    "Production databases leave a final snapshot when they are deleted",
    on=_DATABASES,
    severity=MEDIUM,
    remedy="set skipFinalSnapshot to false and finalSnapshotIdentifier",
    production_only=True,
)
def final_snapshot(database: Resource) -> Findings:
    return database["skipFinalSnapshot"].must_be(False, default=False)  # provider default


@rule(
    "rds-deletion-protection",
    "Production databases cannot be deleted by mistake",
    on=(*_DATABASES, "aws.rds.GlobalCluster"),
    severity=MEDIUM,
    remedy="set deletionProtection to true",
    production_only=True,
)
def deletion_protection(database: Resource) -> Findings:
    return database["deletionProtection"].must_be(True)


@rule(
    "rds-multi-az",
    "Production instances have a standby in another availability zone",
    on=_INSTANCE,
    severity=LOW,
    remedy="set multiAz to true",
    production_only=True,
)
def multi_az(instance: Resource) -> Findings:
    return [] if not instance["replicateSourceDb"].absent else instance["multiAz"].must_be(True)


@rule(
    "rds-cluster-has-reader",
    "Production Aurora clusters have a reader that can take over",
    about=_CLUSTER,
    severity=LOW,
    remedy="add a second rds.ClusterInstance in another availability zone",
    production_only=True,
)
def cluster_has_reader(stack: Stack) -> StackFindings:
    members, blurred = stack.linked(("aws.rds.ClusterInstance",), "clusterIdentifier", (_CLUSTER,))
    return [
        (cluster, Breach("", f"{len(members.get(cluster.urn, []))} instances", "at least 2 instances"))
        for cluster in stack.of(_CLUSTER)
        if _engine(cluster).startswith("aurora") and len(members.get(cluster.urn, [])) < 2 and not blurred
    ]


@rule(
    "rds-minor-upgrades",
    "Databases take over minor versions, which carry security fixes, by themselves",
    on=(_INSTANCE, "aws.rds.ClusterInstance", _CLUSTER),
    requirements="6.3.3",
    controls="RDS.13 RDS.35 RDS_AUTOMATIC_MINOR_VERSION_UPGRADE_ENABLED",
    severity=MEDIUM,
    remedy="leave autoMinorVersionUpgrade out, or set it to true",
)
def minor_upgrades(database: Resource) -> Findings:
    return database["autoMinorVersionUpgrade"].must_be(True, default=True)  # provider default


@rule(
    "rds-supported-engine",
    "Database engines are in standard support",
    on=_DATABASES,
    requirements="6.3.3 12.3.4",
    severity=MEDIUM,
    remedy="use a newer engineVersion",
)
def supported_engine(database: Resource) -> Findings:
    if database["engine"].unknown:
        return database["engine"].unjudged("an engine in standard support")
    return [] if _is_copy(database) else must_be_supported(database["engineVersion"], _engine(database))


@rule(
    "rds-certificate-authority",
    "Database certificates come from an authority that clients still trust",
    on=(_INSTANCE, "aws.rds.ClusterInstance", _CLUSTER),
    requirements="4.2.1.1 4.2.1",
    severity=MEDIUM,
    remedy="set the certificate authority to rds-ca-rsa2048-g1 or newer",
)
def certificate_authority(database: Resource) -> Findings:
    name = database["caCertificateIdentifier" if database.kind == _CLUSTER else "caCertIdentifier"]
    # rds-ca-2019 expired in August 2024. AWS default: rds-ca-rsa2048-g1.
    return name.must_not_be(
        "rds-ca-2015", "rds-ca-2019", wanted="rds-ca-rsa2048-g1 or newer", default="rds-ca-rsa2048-g1"
    )


@rule(
    "rds-event-subscription-complete",
    "Subscriptions to database events are on and leave no kind of event out",
    on="aws.rds.EventSubscription",
    requirements="11.5.2",
    controls="RDS.20 RDS.21 RDS.22",
    severity=LOW,
    remedy="set enabled to true and list at least the events that the control names",
)
def event_subscription_complete(subscription: Resource) -> Findings:
    enabled = subscription["enabled"].must_be(True, default=True)  # provider default
    source, categories = subscription["sourceType"], subscription["eventCategories"]
    if categories.absent:
        return enabled  # no categories: all of them
    if source.unknown:
        return enabled + source.unjudged("a source whose events are all subscribed to")
    _, events = _EVENTS.get(str(source.value), ("", ()))
    return enabled + (categories.must_include(*events) if events else [])


@rule(
    "rds-event-subscriptions",
    "Somebody is told of failures and changes of databases, their parameter groups and security groups",
    about=_DATABASES,
    requirements="11.5.2",
    controls="RDS.20 RDS.21 RDS.22",
    severity=LOW,
    remedy="add an rds.EventSubscription for each source type, to a topic that people read",
)
def event_subscriptions(stack: Stack) -> StackFindings:
    sources = {subscription["sourceType"].text for subscription in stack.of("aws.rds.EventSubscription")}
    if None in sources:  # no source type: all of them
        return []
    return [
        (None, Breach("", f"without an event subscription for {source} ({control})", "an rds.EventSubscription"))
        for source, (control, _) in _EVENTS.items()
        if source not in sources
    ]
