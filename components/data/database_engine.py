"""What the two engines of `PaymentDatabase` differ in, and the parameters that make each of them safe: tables only.

Statement text can carry card numbers, and logs are read by more people than the database is. So the logs that hold it
(general, slow query) are off and not exported, and the audit log records who connected and who changed schema or
rights, not what was queried. AWS's control RDS.9 asks for all log types all the same: it is answered by this reason.
Slow statements are found in Performance Insights, which shows them without their values.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

EngineName = Literal["aurora-mysql", "mysql"]

TRANSPORT: Mapping[str, str] = {
    "require_secure_transport": "ON",
    # Not TLS 1.3 alone: AWS DMS speaks 1.2 to MySQL. Versions 1.0 and 1.1 are refused (PCI DSS 4.2.1).
    "tls_version": "TLSv1.2,TLSv1.3",
}
REPLICATION: Mapping[str, str] = {
    # The way back to the data centre reads whole rows from the binary log. Both are static on Aurora, so they are set
    # from the first day: switching them on later would restart the database in the middle of the migration.
    "binlog_format": "ROW",
    "binlog_row_image": "FULL",
}
NO_STATEMENT_TEXT: Mapping[str, str] = {
    "general_log": "0",
    "slow_query_log": "0",
    # LOAD DATA LOCAL lets a forged server read a client's files. DMS is told to load by INSERT instead.
    "local_infile": "0",
}
AUDIT: Mapping[str, str] = {
    "server_audit_logging": "1",
    # Neither QUERY nor QUERY_DML: both record the text of statements.
    "server_audit_events": "CONNECT,QUERY_DCL,QUERY_DDL",
}
CHARACTER_SET: Mapping[str, str] = {"character_set_server": "utf8mb4"}

LOWEST_PROMOTION_TIER = 15
STATIC_PARAMETERS = frozenset({"tls_version", "binlog_format"})
"""Parameters that need a restart; the others take effect at once."""


@dataclass(frozen=True, kw_only=True)
class Engine:
    """One engine, as far as the component has to know it."""

    cluster_parameters: Mapping[str, str]
    instance_parameters: Mapping[str, str]
    """What Aurora reads from an instance's group; a Multi-AZ DB cluster has no such group."""
    exported_logs: tuple[str, ...]
    replica_lag_metric: str
    replica_lag_limit: float
    """In the metric's own unit: Aurora reports milliseconds, RDS seconds."""
    local_storage_metric: str
    has_login_metric: bool
    """Whether the engine publishes failed logins (`LoginFailures`) as a metric."""


ENGINES: Mapping[EngineName, Engine] = {
    "aurora-mysql": Engine(
        cluster_parameters={**TRANSPORT, **REPLICATION, **AUDIT, **CHARACTER_SET},
        instance_parameters=NO_STATEMENT_TEXT,
        exported_logs=("audit", "error", "iam-db-auth-error"),
        replica_lag_metric="AuroraReplicaLagMaximum",
        replica_lag_limit=1_000,
        local_storage_metric="FreeLocalStorage",
        has_login_metric=True,
    ),
    "mysql": Engine(
        # A Multi-AZ DB cluster takes no option group, hence no audit plug-in.
        cluster_parameters={**TRANSPORT, **REPLICATION, **NO_STATEMENT_TEXT, **CHARACTER_SET},
        instance_parameters={},
        exported_logs=("error", "iam-db-auth-error"),
        replica_lag_metric="ReplicaLag",
        replica_lag_limit=5,
        local_storage_metric="FreeStorageSpace",
        has_login_metric=False,
    ),
}


def parameter_family(engine: EngineName, engine_version: str) -> str:
    """The parameter group family of a version: ``8.4.mysql_aurora.8.4.8`` gives ``aurora-mysql8.4``."""
    major, minor = engine_version.split(".")[:2]
    return f"{engine}{major}.{minor}"


def parameter_group_name(prefix: str, family: str) -> str:
    """A physical name that changes with the family: a major upgrade makes the new group before it leaves the old."""
    return f"{prefix}-{family.replace('.', '-')}"
