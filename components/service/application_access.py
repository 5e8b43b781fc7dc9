"""Where the application's database and cache are, and the documents that let it in. No resources.

Neither document holds a password: the role is the way in, by `rds-db:connect` and `elasticache:Connect`.
"""

from __future__ import annotations

from typing import Any

import pulumi

from ..data.addresses import CacheAddress, DatabaseAddress
from ..foundations.migration_settings import MigrationSettings
from ..foundations.placement import Placement
from ..foundations.rds_authority import root_certificate
from .declaration import Service

DATABASE_USER = "softpos_app"
"""The application's database user, made by the DBA with ``IDENTIFIED WITH AWSAuthenticationPlugin AS 'RDS'``."""


def connection(database: DatabaseAddress) -> pulumi.Output[str]:
    """The value of the connection secret, which the application reads to find its database; JSON text."""
    return pulumi.Output.json_dumps(
        {
            "host": database.endpoint,
            "reader_host": database.reader_endpoint,
            "port": database.port,
            "database": database.name,
            "username": DATABASE_USER,
            "auth": "iam",
        }
    )


def database_authorities(region: str, source_authority: str = "") -> str:
    """PEM certificates by which the application verifies its database: RDS's, and the data centre's while data moves.

    Both at once, because the switch of a migration changes the database while the application runs.
    """
    authorities = (root_certificate(region), source_authority)
    return "".join(f"{authority.strip()}\n" for authority in authorities if authority)


def source_connection(migration: MigrationSettings, database: DatabaseAddress) -> pulumi.Output[str]:
    """The secret's first value in the phases that use the data centre's database, which knows no IAM.

    The DBA adds `password` by ``aws secretsmanager put-secret-value``: it is in no state file and no plan. The cutover
    turns address and login to the target's in one new version.
    """
    return pulumi.Output.json_dumps(
        {
            "host": migration.source_host,
            "reader_host": migration.source_host,
            "port": migration.source_port,
            "database": database.name,
            "username": DATABASE_USER,
            "auth": "password",
        }
    )


def access_policy(
    placement: Placement,
    service: Service,
    database: DatabaseAddress,
    cache: CacheAddress,
    *,
    secret_arn: pulumi.Input[str],
    key_arn: pulumi.Input[str],
) -> pulumi.Output[str] | None:
    """What the role of a service may do: only what the service declares; None where that is nothing."""
    user = pulumi.Output.concat(placement.arn("rds-db", "dbuser:"), database.cluster_resource_id, f"/{DATABASE_USER}")
    entered = [
        placement.arn("elasticache", f"replicationgroup:{cache.replication_group_id}"),
        placement.arn("elasticache", f"user:{cache.user_id}"),
    ]
    named = [placement.arn("secretsmanager", f"secret:{name}-??????") for _, name in service.secrets]
    by_secrets_manager = {"StringEquals": {"kms:ViaService": f"secretsmanager.{placement.region}.amazonaws.com"}}
    decrypt = {**_allow("DecryptAddress", "kms:Decrypt", key_arn), "Condition": by_secrets_manager}
    uses_database = "database" in service.uses
    listed: tuple[tuple[bool, dict[str, Any]], ...] = (
        (uses_database, _allow("EnterDatabase", "rds-db:connect", user)),
        ("cache" in service.uses, _allow("EnterCache", "elasticache:Connect", entered)),
        (uses_database, _allow("FindDatabase", "secretsmanager:GetSecretValue", secret_arn)),
        (bool(named), _allow("ReadSecrets", "secretsmanager:GetSecretValue", named)),
        (uses_database or bool(named), decrypt),
        *(
            (True, {**_allow(f"Own{index}", "", list(one.resources)), "Action": list(one.actions)})
            for index, one in enumerate(service.permissions, start=1)
        ),
    )
    statements = [statement for wanted, statement in listed if wanted]
    return pulumi.Output.json_dumps({"Version": "2012-10-17", "Statement": statements}) if statements else None


def _allow(sid: str, action: str, resource: pulumi.Input[Any]) -> dict[str, Any]:
    return {"Sid": sid, "Effect": "Allow", "Action": action, "Resource": resource}
