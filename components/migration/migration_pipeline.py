"""The live migration of the on-premises MySQL: a replication instance, a way there and a way back, both at rest.

Creates, in the phases that move data, DMS's roles, a security group, log group, subnet group and replication
instance, the endpoints with their secrets, the two tasks, alarms and events. Always, the table in which the cutover
tool keeps its record: evidence that outlives the migration.

Trust boundary: the replication instance has no public address and nobody reaches it. It reaches the data centre on the
source's port, the database, and AWS's endpoints, nothing else; it admits itself to the database by a rule of its own
and takes it along when it goes. So the migration is removed by one setting, and no resource of the database changes.
No task ever starts by itself: cardholder data moves when the cutover tool says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from ..data.database_engine import EngineName
from ..foundations.alarms import Alarms
from ..foundations.log_storage import LogStorage
from ..foundations.migration_settings import MigrationSettings
from ..foundations.placement import DataClass, Placement
from .migration_alarms import announce_events, watch_instance, watch_log, watch_task
from .migration_endpoints import MigrationEndpoints
from .migration_roles import provide_service_roles
from .migration_task import table_mappings, task_settings

HTTPS = 443
MAINTENANCE_WINDOW = "sun:04:30-sun:05:30"
"""UTC; after the database's."""


@dataclass(frozen=True, kw_only=True)
class MigrationPipelineArgs:
    """Inputs of `MigrationPipeline`."""

    placement: Placement
    logs: LogStorage
    alarms: Alarms
    settings: MigrationSettings
    vpc_id: pulumi.Input[str]
    """Id of the VPC."""
    endpoints_security_group_id: pulumi.Input[str]
    """The group before the interface endpoints of AWS services."""
    data_subnet_ids: Sequence[pulumi.Input[str]]
    """Subnets without a route to the internet, one per zone."""
    key_arn: pulumi.Input[str]
    """Customer-managed key of the migration."""
    database_engine: EngineName
    """Engine of the target database."""
    database_security_group_id: pulumi.Input[str]
    """Security group of the target database."""
    database_port: int
    """TCP port of the target database."""
    vpn_ready: Sequence[pulumi.Resource]
    """What the VPN consists of; it exists before any endpoint or task does."""


@dataclass(frozen=True)
class _Task:
    """One direction: which ends it joins, and whether it begins with what is there or only with what changes."""

    role: str
    migration_type: str
    source: str
    target: str


TASKS = (
    _Task("forward", "full-load-and-cdc", "source", "target"),
    _Task("reverse", "cdc", "reverse-source", "reverse-target"),
)
CUTOVER_OUTPUTS = {
    "source_secret_arn": "source",
    "target_secret_arn": "target",
    "source_operator_secret_arn": "operator-source",
    "target_operator_secret_arn": "operator-target",
}
"""The cutover tool's word for a secret, and the role of who uses it."""


class MigrationPipeline(pulumi.ComponentResource):
    """The migration; in the phases without one, its record."""

    state_table_name: str
    """DynamoDB table in which the cutover keeps its record."""
    task_names: tuple[str, ...]
    """Names of the DMS tasks; none in the other phases."""
    replication_instance_id: str | None
    """Name of the replication instance; None in the other phases."""
    outputs: dict[str, pulumi.Input[str]]
    """ARNs by the cutover tool's names for them; empty in the other phases."""

    def __init__(self, name: str, args: MigrationPipelineArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("softpos:data:MigrationPipeline", name, {}, opts)
        self._name = name
        self._args = args
        self._children = pulumi.ResourceOptions(parent=self)
        self.state_table_name = self._create_state_table()
        self.task_names = ()
        self.replication_instance_id = None
        self.outputs = {}
        if args.settings.facts.moves_data:
            self._migrate()
        self.register_outputs({"stateTableName": self.state_table_name, "taskNames": list(self.task_names)})

    def describe(self, **facts: pulumi.Input[str] | Sequence[str] | int) -> dict[str, object] | None:
        """What the cutover tool reads of the stack, with `facts` that only the wiring knows; None without migration."""
        if not self._args.settings.facts.moves_data:
            return None
        schemas = list(self._args.settings.schemas)
        return {"state_table_name": self.state_table_name, "schemas": schemas, **self.outputs, **facts}

    def _tags(self, name: str, data_class: DataClass = DataClass.OPERATIONS) -> dict[str, str]:
        return self._args.placement.tags(name, data_class)

    def _migrate(self) -> None:
        args, name = self._args, self._name
        self.replication_instance_id = instance_id = args.placement.name(name)
        log_group_name = f"dms-tasks-{instance_id}"
        # DMS would create the group itself, by this name, unencrypted and kept for ever.
        log_group = args.logs.group(f"{name}-log", log_group_name, self)
        instance = self._create_instance(instance_id)
        endpoints, secrets = MigrationEndpoints(
            name=name,
            placement=args.placement,
            key_arn=args.key_arn,
            engine=args.database_engine,
            source_ca=args.settings.source_ca,
            after=args.vpn_ready,
            parent=self,
        ).create()
        tasks = {task.role: self._create_task(task, instance, endpoints, log_group) for task in TASKS}
        self.task_names = tuple(args.placement.name(f"{name}-{task.role}") for task in TASKS)
        self.outputs = {
            "replication_instance_arn": instance.replication_instance_arn,
            **{f"{role}_task_arn": task.replication_task_arn for role, task in tasks.items()},
            **{f"{role.replace('-', '_')}_endpoint_arn": end.endpoint_arn for role, end in endpoints.items()},
            **{output: secrets[role].arn for output, role in CUTOVER_OUTPUTS.items()},
            "reverse_source_secret_arn": secrets["reverse-source"].arn,
            "reverse_target_secret_arn": secrets["reverse-target"].arn,
        }
        watch_instance(name, instance_id, args.settings.storage_gib, args.alarms, self)
        for role, task in tasks.items():
            watch_task(f"{name}-{role}", instance_id, task, args.alarms, self)
        watch_log(name, log_group, log_group_name, args.alarms, self)
        sources = {
            "replication-instance": [instance.replication_instance_id],
            "replication-task": [task.replication_task_id for task in tasks.values()],
        }
        announce_events(name, args.placement, sources, args.alarms.topic_arn, self)

    def _create_state_table(self) -> str:
        name = f"{self._name}-state"
        table_name = self._args.placement.name(name)
        # Holds data: who cut over, when, and what was compared. It stays when the migration is removed.
        aws.dynamodb.Table(
            name,
            name=table_name,
            billing_mode="PAY_PER_REQUEST",
            hash_key="stack",
            attributes=[aws.dynamodb.TableAttributeArgs(name="stack", type="S")],
            point_in_time_recovery=aws.dynamodb.TablePointInTimeRecoveryArgs(enabled=True),
            server_side_encryption=aws.dynamodb.TableServerSideEncryptionArgs(
                enabled=True, kms_key_arn=self._args.key_arn
            ),
            deletion_protection_enabled=self._args.placement.production,
            tags=self._tags(name, DataClass.AUDIT),
            opts=pulumi.ResourceOptions(parent=self, protect=self._args.placement.production),
        )
        return table_name

    def _create_security_group(self) -> pulumi.Output[str]:
        args = self._args
        group_name = f"{self._name}-security-group"
        group = aws.ec2.SecurityGroup(
            group_name,
            description="The replication instance: to source, database and AWS endpoints only",
            vpc_id=args.vpc_id,
            tags=self._tags(group_name),
            opts=self._children,
        )
        for index, address in enumerate(args.settings.source_addresses, start=1):
            self._allow(group, f"source-{index}", "To source", args.settings.source_port, cidr_ipv4=f"{address}/32")
        for peer, does, port, peer_group in (
            ("aws-endpoints", "To the endpoints of AWS", HTTPS, args.endpoints_security_group_id),
            ("database", "MySQL to the payment database", args.database_port, args.database_security_group_id),
        ):
            self._allow(group, peer, does, port, referenced_security_group_id=peer_group)
        admission = f"{self._name}-into-database"
        aws.vpc.SecurityGroupIngressRule(
            admission,
            security_group_id=args.database_security_group_id,
            referenced_security_group_id=group.id,
            description="MySQL from the migration, for as long as it exists",
            ip_protocol="tcp",
            from_port=args.database_port,
            to_port=args.database_port,
            tags=self._tags(admission),
            opts=self._children,
        )
        return group.id

    def _allow(
        self, group: aws.ec2.SecurityGroup, peer: str, does: str, port: int, **target: pulumi.Input[str]
    ) -> None:
        name = f"{self._name}-to-{peer}"
        aws.vpc.SecurityGroupEgressRule(
            name,
            security_group_id=group.id,
            description=does,
            ip_protocol="tcp",
            from_port=port,
            to_port=port,
            tags=self._tags(name),
            opts=self._children,
            **target,
        )

    def _create_instance(self, instance_id: str) -> aws.dms.ReplicationInstance:
        args, settings = self._args, self._args.settings
        roles = provide_service_roles(self._name, args.placement, settings.service_roles, self)
        # Only endpoints and tasks wait for the VPN (docs/adr/0010): an instance alone moves nothing.
        subnets_name = f"{self._name}-subnets"
        subnets = aws.dms.ReplicationSubnetGroup(
            subnets_name,
            replication_subnet_group_id=args.placement.name(self._name),
            replication_subnet_group_description="Data tier, without a route to the internet",
            subnet_ids=args.data_subnet_ids,
            tags=self._tags(subnets_name),
            opts=pulumi.ResourceOptions(parent=self, depends_on=roles),
        )
        name = f"{self._name}-instance"
        return aws.dms.ReplicationInstance(
            name,
            replication_instance_id=instance_id,
            replication_instance_class=settings.instance_class,
            allocated_storage=settings.storage_gib,
            multi_az=settings.multi_az,
            publicly_accessible=False,
            kms_key_arn=args.key_arn,
            replication_subnet_group_id=subnets.replication_subnet_group_id,
            vpc_security_group_ids=[self._create_security_group()],
            auto_minor_version_upgrade=True,
            preferred_maintenance_window=MAINTENANCE_WINDOW,
            tags=self._tags(name, DataClass.CARDHOLDER),
            opts=pulumi.ResourceOptions(parent=self, depends_on=roles),
        )

    def _create_task(
        self,
        task: _Task,
        instance: aws.dms.ReplicationInstance,
        endpoints: dict[str, aws.dms.Endpoint],
        log_group: aws.cloudwatch.LogGroup,
    ) -> aws.dms.ReplicationTask:
        """A task at rest. Its checkpoint lives and dies with it, so that replacing it would start the migration again.

        It is not protected, for the phase `after` is to remove it. Its fixed id protects it instead: a
        replacement is created before the old one is deleted, and AWS refuses a second task of the same id.

        Changed mappings or settings stop a running task, and only the cutover tool starts it again; a change of tags or
        of the instance does not.
        """
        name = f"{self._name}-{task.role}"
        return aws.dms.ReplicationTask(
            name,
            replication_task_id=self._args.placement.name(name),
            migration_type=task.migration_type,
            replication_instance_arn=instance.replication_instance_arn,
            source_endpoint_arn=endpoints[task.source].endpoint_arn,
            target_endpoint_arn=endpoints[task.target].endpoint_arn,
            table_mappings=table_mappings(self._args.settings.schemas),
            replication_task_settings=task_settings(),
            start_replication_task=False,
            tags=self._tags(name, DataClass.CARDHOLDER),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[*self._args.vpn_ready, log_group]),
        )
