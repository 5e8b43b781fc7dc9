"""The MySQL cluster that holds the payments: one writer, readers beside it, an endpoint for each.

Creates a subnet group, a security group, parameter groups, log groups, the cluster with its instances (Aurora) or as
an RDS Multi-AZ DB cluster, reader autoscaling (Aurora), the rotation of the master password, alarms and events.

Trust boundary: only the named clients reach port 3306, only by TLS, and the database reaches nobody. Storage,
backups, the master secret and Performance Insights are encrypted with the database key. The master user's password is
made and kept by AWS; applications log in by IAM (``rds-db:connect`` on `cluster_resource_id`), never as master.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws
import pulumi_random as random

from ..foundations.alarms import Alarms
from ..foundations.declared import Conflict, Declared
from ..foundations.log_storage import LogStorage
from ..foundations.placement import DataClass, Placement
from ..foundations.rds_authority import CERTIFICATE_AUTHORITY
from ..foundations.subnet_plan import ZONES
from .addresses import DatabaseAddress
from .aurora_instances import AuroraInstances
from .client_access import admit_clients
from .database_alarms import announce_events, watch_database
from .database_engine import (
    ENGINES,
    STATIC_PARAMETERS,
    EngineName,
    parameter_family,
    parameter_group_name,
)
from .database_observation import DatabaseObservation
from .settings import DatabaseSettings

PORT = 3306
DATABASE_NAME = "softpos"
MASTER_USER = "softpos_master"
"""Not the engine's customary ``admin``: PCI DSS 2.2.2 wants vendor defaults gone."""
MASTER_ROTATION = "rate(30 days)"
"""PCI DSS 8.3.9 allows 90 days; AWS's own default of 7 days would rotate during a migration window."""
BACKUP_WINDOW = "01:00-02:00"
MAINTENANCE_WINDOW = "sun:02:30-sun:03:30"
"""UTC; after the backup, in the quietest night."""
MULTI_AZ_STORAGE = {"storage_type": "io1", "allocated_storage": 100, "iops": 3_000}
"""GiB and IOPS of each instance of a Multi-AZ DB cluster, which knows no storage autoscaling; ``iops`` is mandatory
there, at most 50 a GiB. Aurora's storage grows by itself."""


def a_subnet_per_zone(args: PaymentDatabaseArgs) -> Iterator[Conflict]:
    """A writer and two readers, each in a zone of its own."""
    if (amount := len(args.data_subnet_ids)) != ZONES:
        allowed = "three subnets, one per zone"
        yield Conflict("data_subnet_ids", allowed, "give the data subnets of SecureVpc", found=f"a list of {amount}")


@dataclass(frozen=True, kw_only=True)
class PaymentDatabaseArgs(Declared):
    """Inputs of `PaymentDatabase`."""

    RULES = (a_subnet_per_zone,)

    placement: Placement
    logs: LogStorage
    alarms: Alarms
    settings: DatabaseSettings
    vpc_id: pulumi.Input[str]
    """Id of the VPC."""
    data_subnet_ids: Sequence[pulumi.Input[str]]
    """Subnets without a route to the internet, one a zone; a Multi-AZ DB cluster needs exactly three."""
    key_arn: pulumi.Input[str]
    """Customer-managed key of the database."""
    clients: Mapping[str, pulumi.Input[str]]
    """Security group of each lasting client, by the role it plays. A temporary one (the migration) brings its own rule
    for `PaymentDatabase.security_group_id` and takes it along when it goes."""


class PaymentDatabase(pulumi.ComponentResource):
    """One MySQL cluster."""

    engine: EngineName
    cluster_identifier: str
    """Name of the cluster in RDS."""
    cluster_resource_id: pulumi.Output[str]
    """What ``rds-db:connect`` names in ``dbuser:<id>/<user>``."""
    endpoint: pulumi.Output[str]
    """Always the writer."""
    reader_endpoint: pulumi.Output[str]
    """Any reader."""
    port: int
    """TCP port of MySQL."""
    database_name: str
    """Name of the database that exists from the start."""
    master_secret_arn: pulumi.Output[str]
    """Secret with ``username`` and ``password`` of the master user; for administration only."""
    security_group_id: pulumi.Output[str]
    """Security group of the database."""
    writable: list[pulumi.Resource]
    """What must exist before a client can write. Readers are not among it."""

    def __init__(self, name: str, args: PaymentDatabaseArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("softpos:data:PaymentDatabase", name, {}, opts)
        self._name = name
        self._args = args
        self._children = pulumi.ResourceOptions(parent=self)
        # RDS deletes no parameter group that the database still uses, so the old one stays until the upgrade is done.
        # The provider would delete it first, since it has a name of its own.
        self._replaced_after_use = pulumi.ResourceOptions(parent=self, delete_before_replace=False)
        self.engine = args.settings.engine
        self._engine = ENGINES[self.engine]
        self.port = PORT
        self.database_name = DATABASE_NAME
        self.cluster_identifier = args.placement.name(name)
        self.security_group_id = admit_clients(
            name,
            args.placement,
            vpc_id=args.vpc_id,
            speaks="MySQL",
            port=PORT,
            clients=args.clients,
            parent=self,
        )
        self._observation = DatabaseObservation(name, args.placement, args.key_arn, self)
        self._instance_parameters = self._create_instance_parameters()
        self._cluster = self._create_cluster()
        self.cluster_resource_id = self._cluster.cluster_resource_id
        self.endpoint = self._cluster.endpoint
        self.reader_endpoint = self._cluster.reader_endpoint
        self.master_secret_arn = self._cluster.master_user_secrets[0].secret_arn
        parameters = self._instance_parameters
        self.writable = [self._cluster if parameters is None else self._create_aurora_instances(parameters)]
        self._rotate_master_password()
        announce_events(name, args.placement, args.alarms.topic_arn, self)
        watch_database(name, self.engine, args.settings.instance_class, self.cluster_identifier, args.alarms, self)
        self.register_outputs({"endpoint": self.endpoint, "readerEndpoint": self.reader_endpoint})

    @property
    def address(self) -> DatabaseAddress:
        """Where the application finds the database."""
        return DatabaseAddress(
            cluster_resource_id=self.cluster_resource_id,
            endpoint=self.endpoint,
            reader_endpoint=self.reader_endpoint,
            port=self.port,
            name=self.database_name,
        )

    def _tags(self, name: str, data_class: DataClass = DataClass.OPERATIONS) -> dict[str, str]:
        return self._args.placement.tags(name, data_class)

    def _create_cluster(self) -> aws.rds.Cluster:
        args, settings, placement = self._args, self._args.settings, self._args.placement
        name = f"{self._name}-cluster"
        # Holds data: the payments. A change that would replace the cluster is refused in production.
        return aws.rds.Cluster(
            name,
            cluster_identifier=self.cluster_identifier,
            engine=self.engine,
            engine_version=settings.engine_version,
            engine_lifecycle_support="open-source-rds-extended-support-disabled",
            snapshot_identifier=settings.snapshot or None,
            database_name=DATABASE_NAME,
            port=PORT,
            db_subnet_group_name=self._create_subnet_group(),
            vpc_security_group_ids=[self.security_group_id],
            db_cluster_parameter_group_name=self._create_cluster_parameters(),
            master_username=MASTER_USER,
            manage_master_user_password=True,
            master_user_secret_kms_key_id=args.key_arn,
            iam_database_authentication_enabled=True,
            storage_encrypted=True,
            kms_key_id=args.key_arn,
            enabled_cloudwatch_logs_exports=list(self._engine.exported_logs),
            backup_retention_period=settings.backup_retention_days,
            preferred_backup_window=BACKUP_WINDOW,
            preferred_maintenance_window=MAINTENANCE_WINDOW,
            copy_tags_to_snapshot=True,
            # A test environment leaves nothing: the account's snapshots (quota 100) are for what stays.
            delete_automated_backups=bool(placement.until),
            deletion_protection=settings.deletion_protection,
            skip_final_snapshot=bool(placement.until),
            final_snapshot_identifier=None if placement.until else self._final_snapshot(),
            database_insights_mode="standard",
            # A major upgrade is a decision for this deployment, not for the next maintenance window.
            apply_immediately=not placement.production or settings.major_upgrade,
            allow_major_version_upgrade=settings.major_upgrade or None,
            tags=self._tags(name, DataClass.CARDHOLDER),
            opts=pulumi.ResourceOptions(
                parent=self,
                protect=placement.production,
                # Where a database once began is history: a later setting must not replace it.
                ignore_changes=["snapshotIdentifier"],
                depends_on=[*self._create_log_groups(), *self._observation.ready],
            ),
            **self._instance_arguments(),
        )

    def _final_snapshot(self) -> pulumi.Output[str]:
        """A name that no earlier database of this stack left."""
        name = random.RandomId(
            f"{self._name}-final-snapshot",
            byte_length=4,
            keepers={"cluster": self.cluster_identifier, "engine": self.engine},
            opts=self._children,
        )
        return pulumi.Output.concat(self.cluster_identifier, "-final-", name.hex)

    def _instance_arguments(self) -> dict[str, Any]:
        """What the cluster is told about its instances.

        Aurora is told most of it in each instance. It takes their parameter group in a major upgrade only, and then
        it needs it: instances with a group of the old version stop the upgrade (RDS API, ModifyDBCluster).
        """
        if self._instance_parameters is not None:
            upgrading = self._args.settings.major_upgrade
            return {"db_instance_parameter_group_name": self._instance_parameters} if upgrading else {}
        return {
            "db_cluster_instance_class": self._args.settings.instance_class,
            "ca_certificate_identifier": CERTIFICATE_AUTHORITY,
            "auto_minor_version_upgrade": True,
            **MULTI_AZ_STORAGE,
            **self._observation.arguments,
        }

    def _create_aurora_instances(self, parameters: pulumi.Output[str]) -> aws.rds.ClusterInstance:
        return AuroraInstances(
            name=self._name,
            cluster=self._cluster,
            cluster_identifier=self.cluster_identifier,
            settings=self._args.settings,
            placement=self._args.placement,
            observation=self._observation,
            parameters=parameters,
            parent=self,
        ).create()

    def _create_subnet_group(self) -> pulumi.Output[str]:
        name = f"{self._name}-subnets"
        return aws.rds.SubnetGroup(
            name,
            name=self.cluster_identifier,
            description="Data tier, without a route to the internet",
            subnet_ids=self._args.data_subnet_ids,
            tags=self._tags(name),
            opts=self._children,
        ).name

    def _create_cluster_parameters(self) -> pulumi.Output[str]:
        name = f"{self._name}-cluster-parameters"
        family = parameter_family(self.engine, self._args.settings.engine_version)
        return aws.rds.ClusterParameterGroup(
            name,
            name=parameter_group_name(self.cluster_identifier, family),
            description="TLS required, connections audited, no statement text in logs",
            family=family,
            parameters=[
                aws.rds.ClusterParameterGroupParameterArgs(
                    name=parameter,
                    value=value,
                    apply_method="pending-reboot" if parameter in STATIC_PARAMETERS else "immediate",
                )
                for parameter, value in self._engine.cluster_parameters.items()
            ],
            tags=self._tags(name),
            opts=self._replaced_after_use,
        ).name

    def _create_instance_parameters(self) -> pulumi.Output[str] | None:
        """The name of the instances' parameter group; a Multi-AZ DB cluster has none."""
        if self.engine != "aurora-mysql":
            return None
        name = f"{self._name}-instance-parameters"
        family = parameter_family(self.engine, self._args.settings.engine_version)
        return aws.rds.ParameterGroup(
            name,
            name=parameter_group_name(f"{self.cluster_identifier}-instance", family),
            description="No statement text in logs",
            family=family,
            parameters=[
                aws.rds.ParameterGroupParameterArgs(name=parameter, value=value, apply_method="immediate")
                for parameter, value in self._engine.instance_parameters.items()
            ],
            tags=self._tags(name),
            opts=self._replaced_after_use,
        ).name

    def _create_log_groups(self) -> list[pulumi.Resource]:
        """RDS would create these groups itself, unencrypted and kept for ever."""
        return [
            self._args.logs.group(f"{self._name}-log-{log}", f"/aws/rds/cluster/{self.cluster_identifier}/{log}", self)
            for log in self._engine.exported_logs
        ]

    def _rotate_master_password(self) -> None:
        aws.secretsmanager.SecretRotation(
            f"{self._name}-master-rotation",
            secret_id=self.master_secret_arn,
            rotation_rules=aws.secretsmanager.SecretRotationRotationRulesArgs(schedule_expression=MASTER_ROTATION),
            rotate_immediately=False,
            # RDS rotates the password itself, on the writer.
            opts=pulumi.ResourceOptions(parent=self, depends_on=self.writable),
        )
