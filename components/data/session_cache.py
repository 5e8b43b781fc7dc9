"""The Redis that holds sessions: a primary, replicas in other zones, automatic failover.

Creates a subnet group, a security group, a parameter group, log groups, the users and their group, the replication
group and alarms.

Trust boundary: only the named clients reach port 6379, only by TLS, and the cache reaches nobody. Nobody has a
password: the application's user proves itself by IAM (``elasticache:Connect`` on replication group and user), and the
user `default`, whom Redis lets in without a name, is off. Data, snapshots and logs are encrypted with our own keys.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import pulumi
import pulumi_aws as aws

from ..foundations.alarms import Alarms
from ..foundations.declared import Conflict, Declared
from ..foundations.log_delivery import delivered_log_group
from ..foundations.log_storage import LogStorage
from ..foundations.placement import DataClass, Placement
from .addresses import CacheAddress
from .cache_alarms import watch_cache
from .client_access import admit_clients
from .settings import CacheSettings

PORT = 6379
LONGEST_NAME = 40
"""Characters in the id of a replication group or user (ElastiCache API)."""
USERS_ENGINE = "redis"
"""A user group of Redis serves Valkey too, and one of Valkey would refuse `default`, which has no password and is off
(ElastiCache user guide, "Role-Based Access Control")."""
PARAMETERS: Mapping[str, str] = {
    # Sessions carry an expiry. When memory runs out, those nearest to it go first; what has none is never dropped.
    "maxmemory-policy": "volatile-ttl",
    # Seconds. Connections that a dead node left behind are closed; 0 would keep them for ever.
    "timeout": "900",
    # Microseconds. Commands slower than 10 ms are logged.
    "slowlog-log-slower-than": "10000",
}
APPLICATION_ACCESS = "on ~* &* -@all +@read +@write +@connection +@transaction +@pubsub +@scripting -@dangerous +info"
"""Data and what clients need around it; nothing that administers the server or empties it."""
NO_ACCESS = "off ~* resetchannels -@all"
"""Written as Redis answers, with the channels that it adds by itself, so that it is no drift."""
LOGS: Mapping[str, str] = {"engine": "engine-log", "slow": "slow-log"}
SNAPSHOT_WINDOW = "02:00-03:00"
MAINTENANCE_WINDOW = "sun:03:30-sun:04:30"
"""UTC; not at the same time as the database's."""


class CacheEngine(NamedTuple):
    """What ElastiCache runs."""

    name: str
    """``redis`` or ``valkey``."""
    version: str
    """``7.1``, without the engine's name."""

    @property
    def parameter_family(self) -> str:
        """The family of parameter groups, such as ``redis7``."""
        return f"{self.name}{self.version.partition('.')[0]}"


def engine_of(engine_version: str) -> CacheEngine:
    """The engine of a setting such as ``7.1`` or ``valkey-8.0``."""
    name, _, version = engine_version.rpartition("-")
    return CacheEngine(name or "redis", version)


def short_user_names(args: SessionCacheArgs) -> Iterator[Conflict]:
    """ElastiCache takes ids of a bounded length."""
    longest = max((args.placement.name(role) for role in ("application", "no-default")), key=len)
    if len(longest) > LONGEST_NAME:
        found = f"the cache's user {longest!r} with {len(longest)} characters"
        allowed = f"at most {LONGEST_NAME} characters"
        yield Conflict("placement", allowed, "choose a shorter name of project or stack", found=found)


@dataclass(frozen=True, kw_only=True)
class SessionCacheArgs(Declared):
    """Inputs of `SessionCache`."""

    RULES = (short_user_names,)

    placement: Placement
    logs: LogStorage
    alarms: Alarms
    settings: CacheSettings
    vpc_id: pulumi.Input[str]
    """Id of the VPC."""
    data_subnet_ids: Sequence[pulumi.Input[str]]
    """Subnets without a route to the internet, one a zone."""
    key_arn: pulumi.Input[str]
    """Customer-managed key of the cache."""
    clients: Mapping[str, pulumi.Input[str]]
    """Security group of each client, by the role it plays."""


class SessionCache(pulumi.ComponentResource):
    """One Redis replication group, without sharding."""

    replication_group_id: str
    """Name of the replication group."""
    primary_endpoint: pulumi.Output[str]
    """Host name that always leads to the primary."""
    reader_endpoint: pulumi.Output[str]
    """Any replica."""
    port: int
    """TCP port of Redis."""
    user_id: str
    """Id and name of the application's user; IAM authentication wants them to be the same."""
    user_name: str
    security_group_id: pulumi.Output[str]
    """Security group of the cache."""

    def __init__(self, name: str, args: SessionCacheArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("softpos:data:SessionCache", name, {}, opts)
        self._name = name
        self._args = args
        self._children = pulumi.ResourceOptions(parent=self)
        self.port = PORT
        self.replication_group_id = args.placement.name(name)
        self.user_id = self.user_name = args.placement.name(args.placement.role(name, "cache", "application"))
        self.security_group_id = admit_clients(
            name,
            args.placement,
            vpc_id=args.vpc_id,
            speaks="Redis",
            port=PORT,
            clients=args.clients,
            parent=self,
        )
        group = self._create_replication_group()
        self.primary_endpoint = group.primary_endpoint_address
        self.reader_endpoint = group.reader_endpoint_address
        watch_cache(name, group, self._node_count, args.alarms, self)
        self.register_outputs({"primaryEndpoint": self.primary_endpoint, "readerEndpoint": self.reader_endpoint})

    @property
    def address(self) -> CacheAddress:
        """Where the application finds the cache, and as whom it enters."""
        return CacheAddress(
            replication_group_id=self.replication_group_id,
            user_id=self.user_id,
            user_name=self.user_name,
            primary_endpoint=self.primary_endpoint,
            reader_endpoint=self.reader_endpoint,
            port=self.port,
        )

    @property
    def _node_count(self) -> int:
        return 1 + self._args.settings.replicas

    def _tags(self, name: str, data_class: DataClass = DataClass.OPERATIONS) -> dict[str, str]:
        return self._args.placement.tags(name, data_class)

    def _create_replication_group(self) -> aws.elasticache.ReplicationGroup:
        args, settings = self._args, self._args.settings
        engine = engine_of(settings.engine_version)
        deliveries, permissions = self._create_logs()
        # Holds data: sessions. Losing them logs every terminal out.
        return aws.elasticache.ReplicationGroup(
            self._name,
            replication_group_id=self.replication_group_id,
            description=f"SoftPOS {args.placement.stack}: sessions",
            engine=engine.name,
            engine_version=engine.version,
            node_type=settings.node_type,
            num_cache_clusters=self._node_count,
            automatic_failover_enabled=True,
            multi_az_enabled=True,
            port=PORT,
            parameter_group_name=self._create_parameters(),
            subnet_group_name=self._create_subnet_group(),
            security_group_ids=[self.security_group_id],
            at_rest_encryption_enabled=True,
            kms_key_id=args.key_arn,
            transit_encryption_enabled=True,
            transit_encryption_mode="required",
            user_group_ids=[self._create_users()],
            snapshot_retention_limit=settings.snapshot_retention_days,
            snapshot_window=SNAPSHOT_WINDOW,
            maintenance_window=MAINTENANCE_WINDOW,
            auto_minor_version_upgrade=True,
            log_delivery_configurations=deliveries,
            apply_immediately=not args.placement.production,
            tags=self._tags(self._name, DataClass.CARDHOLDER),
            opts=pulumi.ResourceOptions(parent=self, protect=args.placement.production, depends_on=permissions),
        )

    def _create_users(self) -> pulumi.Output[str]:
        """The application's user, and a `default` that nobody can be: each Redis user group must hold one."""
        application = aws.elasticache.User(
            f"{self._name}-user-application",
            user_id=self.user_id,
            user_name=self.user_name,
            engine=USERS_ENGINE,
            access_string=APPLICATION_ACCESS,
            authentication_mode=aws.elasticache.UserAuthenticationModeArgs(type="iam"),
            tags=self._tags(f"{self._name}-user-application", DataClass.CREDENTIALS),
            opts=self._children,
        )
        nobody = aws.elasticache.User(
            f"{self._name}-user-default",
            user_id=self._args.placement.name(self._args.placement.role(self._name, "cache", "no-default")),
            user_name="default",
            engine=USERS_ENGINE,
            access_string=NO_ACCESS,
            # The user is off, so that no login succeeds, with a password or without.
            authentication_mode=aws.elasticache.UserAuthenticationModeArgs(type="no-password-required"),
            tags=self._tags(f"{self._name}-user-default", DataClass.CREDENTIALS),
            opts=self._children,
        )
        name = f"{self._name}-users"
        return aws.elasticache.UserGroup(
            name,
            user_group_id=self._args.placement.name(self._name),
            engine=USERS_ENGINE,
            user_ids=[nobody.user_id, application.user_id],
            tags=self._tags(name, DataClass.CREDENTIALS),
            opts=self._children,
        ).user_group_id

    def _create_parameters(self) -> pulumi.Output[str]:
        name = f"{self._name}-parameters"
        family = engine_of(self._args.settings.engine_version).parameter_family
        return aws.elasticache.ParameterGroup(
            name,
            # With the family in its name, a major upgrade makes the new group before it leaves the old.
            name=f"{self.replication_group_id}-{family}",
            description="Expiring sessions first, dead connections closed",
            family=family,
            parameters=[
                aws.elasticache.ParameterGroupParameterArgs(name=parameter, value=value)
                for parameter, value in PARAMETERS.items()
            ],
            tags=self._tags(name),
            # The nodes leave the old group during the upgrade; it is deleted afterwards.
            opts=pulumi.ResourceOptions(parent=self, delete_before_replace=False),
        ).name

    def _create_subnet_group(self) -> pulumi.Output[str]:
        name = f"{self._name}-subnets"
        return aws.elasticache.SubnetGroup(
            name,
            name=self.replication_group_id,
            description="Data tier, without a route to the internet",
            subnet_ids=self._args.data_subnet_ids,
            tags=self._tags(name),
            opts=self._children,
        ).name

    def _create_logs(
        self,
    ) -> tuple[list[aws.elasticache.ReplicationGroupLogDeliveryConfigurationArgs], list[pulumi.Resource]]:
        deliveries, permissions = [], list[pulumi.Resource]()
        for role, log_type in LOGS.items():
            path = f"/{self._args.placement.path(self._name, role)}"
            group, permission = delivered_log_group(self._args.logs, f"{self._name}-log-{role}", path, self)
            permissions.append(permission)
            deliveries.append(
                aws.elasticache.ReplicationGroupLogDeliveryConfigurationArgs(
                    destination=group.name, destination_type="cloudwatch-logs", log_format="json", log_type=log_type
                )
            )
        return deliveries, permissions
