"""The four ends of the migration, each with an account of its own in a secret of its own.

Forward, the data centre is the source and the cluster the target; for the way back it is the other way round. Pulumi
makes the secrets without a value. DMS reads one when a connection is tested or a task starts, not when an endpoint is
created, so that the operator puts the value in between (``aws secretsmanager put-secret-value``): a JSON object of
``host``, ``port``, ``username`` and ``password``. It is in no state file and no plan.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import pulumi
import pulumi_aws as aws

from ..data.database_engine import EngineName
from ..foundations.placement import DataClass, Placement
from ..foundations.rds_authority import root_certificate
from ..foundations.roles import GrantedRole, create_service_role

Side = Literal["on-premises", "aws"]

DMS_ENGINES: Mapping[EngineName, str] = {"aurora-mysql": "aurora", "mysql": "mysql"}
CAPTURE = aws.dms.EndpointMysqlSettingsArgs(events_poll_interval=1)
"""Seconds between looks at an idle binary log; the default of 5 would lengthen the cutover."""
LOAD = aws.dms.EndpointMysqlSettingsArgs(after_connect_script="SET FOREIGN_KEY_CHECKS=0")
"""Tables arrive in any order, so foreign keys are not checked in DMS's own sessions; validation compares every row."""
LOAD_ATTRIBUTES = "loadUsingCSV=false"
"""Rows arrive by INSERT: LOAD DATA LOCAL would want ``local_infile`` on the server, and it hides rows that it drops.
INSERT caps TIME values beyond 24 hours (DMS user guide, MySQL as a target); the validation names such rows."""


@dataclass(frozen=True, kw_only=True)
class End:
    """One end of one direction."""

    role: str
    side: Side
    type: Literal["source", "target"]
    account: str
    """What the account in the secret may do."""


ENDS = (
    End(role="source", side="on-premises", type="source", account="reads tables and binary log in the data centre"),
    End(role="target", side="aws", type="target", account="writes tables on the cluster"),
    End(role="reverse-source", side="aws", type="source", account="reads tables and binary log of the cluster"),
    End(role="reverse-target", side="on-premises", type="target", account="writes tables in the data centre"),
)
OPERATORS: Mapping[str, str] = {
    "operator-source": "freezes and compares in the data centre, for the cutover tool",
    "operator-target": "freezes and compares on the cluster, for the cutover tool",
}
"""Accounts that DMS never sees: their secrets are not among what its role may read."""
RECOVERY_DAYS = 30
"""The longest that Secrets Manager waits before a deleted secret is gone."""


@dataclass(frozen=True, kw_only=True)
class MigrationEndpoints:
    """Creates secrets, certificates and endpoints; all are children of `parent`."""

    name: str
    placement: Placement
    key_arn: pulumi.Input[str]
    engine: EngineName
    source_ca: str
    """PEM certificate of the authority that signed the data centre's server certificate."""
    after: Sequence[pulumi.Resource]
    """What must exist before anything of DMS: the VPN."""
    parent: pulumi.Resource

    def create(self) -> tuple[dict[str, aws.dms.Endpoint], dict[str, aws.secretsmanager.Secret]]:
        """Endpoints by the role of their end, secrets by the role of who uses them."""
        secrets = {end.role: self._create_secret(end.role, end.account) for end in ENDS}
        reader = self._create_secret_reader()
        authorities: dict[Side, aws.dms.Certificate] = {
            "on-premises": self._create_certificate("on-premises", self.source_ca),
            "aws": self._create_certificate("aws", root_certificate(self.placement.region)),
        }
        endpoints = {
            end.role: self._create_endpoint(end, secrets[end.role], reader, authorities[end.side]) for end in ENDS
        }
        operators = {role: self._create_secret(role, account) for role, account in OPERATORS.items()}
        return endpoints, {**secrets, **operators}

    def _secret_prefix(self, role: str) -> str:
        return f"{self.placement.path('migration', role)}-"

    def _create_secret(self, role: str, account: str) -> aws.secretsmanager.Secret:
        name = f"{self.name}-secret-{role}"
        return aws.secretsmanager.Secret(
            name,
            # A prefix and not a name: a name stays taken for the recovery days, should the migration be set up again.
            name_prefix=self._secret_prefix(role),
            description=f"SoftPOS migration: the MySQL account that {account}",
            kms_key_id=self.key_arn,
            recovery_window_in_days=RECOVERY_DAYS,
            tags=self.placement.tags(name, DataClass.CREDENTIALS),
            opts=pulumi.ResourceOptions(parent=self.parent),
        )

    def _create_secret_reader(self) -> GrantedRole:
        secrets = [self.placement.arn("secretsmanager", f"secret:{self._secret_prefix(end.role)}*") for end in ENDS]
        return create_service_role(
            f"{self.name}-secrets-role",
            self.placement,
            # DMS reads secrets as its Region's own principal, not as dms.amazonaws.com.
            service=f"dms.{self.placement.region}.amazonaws.com",
            does="Lets DMS read the accounts of its endpoints",
            statements=(
                {
                    "Sid": "ReadAccounts",
                    "Effect": "Allow",
                    "Action": ["secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret"],
                    "Resource": secrets,
                },
                {
                    "Sid": "DecryptAccounts",
                    "Effect": "Allow",
                    "Action": "kms:Decrypt",
                    # Any key, but nothing else than these secrets' values, and by Secrets Manager only.
                    "Resource": self.placement.arn("kms", "key/*"),
                    "Condition": {
                        "StringEquals": {"kms:ViaService": f"secretsmanager.{self.placement.region}.amazonaws.com"},
                        "StringLike": {"kms:EncryptionContext:SecretARN": secrets},
                    },
                },
            ),
            # DMS documents this trust without a source account. Roles are never passed to another account's DMS.
            confused_deputy_guard=False,
            parent=self.parent,
        )

    def _create_certificate(self, side: Side, pem: str) -> aws.dms.Certificate:
        name = f"{self.name}-ca-{side}"
        return aws.dms.Certificate(
            name,
            certificate_id=self.placement.name(name),
            certificate_pem=pem,
            tags=self.placement.tags(name),
            opts=pulumi.ResourceOptions(parent=self.parent, depends_on=list(self.after)),
        )

    def _create_endpoint(
        self, end: End, secret: aws.secretsmanager.Secret, reader: GrantedRole, authority: aws.dms.Certificate
    ) -> aws.dms.Endpoint:
        name = f"{self.name}-endpoint-{end.role}"
        return aws.dms.Endpoint(
            name,
            endpoint_id=self.placement.name(name),
            endpoint_type=end.type,
            engine_name=DMS_ENGINES[self.engine] if end.side == "aws" else "mysql",
            # Not verify-full: the certificate that a MySQL server makes for itself names no host.
            ssl_mode="verify-ca",
            certificate_arn=authority.certificate_arn,
            secrets_manager_arn=secret.arn,
            secrets_manager_access_role_arn=reader.arn,
            kms_key_arn=self.key_arn,
            mysql_settings=CAPTURE if end.type == "source" else LOAD,
            extra_connection_attributes=None if end.type == "source" else LOAD_ATTRIBUTES,
            # AWS refuses to change an endpoint under a running task; it is stopped for that and resumed.
            pause_replication_tasks=True,
            tags=self.placement.tags(name, DataClass.CARDHOLDER),
            opts=pulumi.ResourceOptions(
                parent=self.parent,
                # AWS gives both back in words of its own; that difference would pause a running task at each update.
                ignore_changes=["extraConnectionAttributes", "mysqlSettings"],
                depends_on=[*self.after, *reader.ready],
            ),
        )
