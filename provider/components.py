"""The package's components: the program's own, with inputs that every Pulumi language can write.

Each creates one component of ``components/`` and passes its outputs on. Plain inputs are checked as the program checks
its settings, so that what the program refuses is refused here too. Annotations are evaluated, not postponed: Pulumi's
schema analyzer reads them.
"""

from ipaddress import IPv4Network
from typing import NotRequired, TypedDict

import pulumi

from components.data.payment_database import PaymentDatabase, PaymentDatabaseArgs
from components.data.session_cache import SessionCache, SessionCacheArgs
from components.network.secure_vpc import SecureVpc, SecureVpcArgs
from provider.placing import Place, alarms, checked, logs, placement
from settings import CacheSettings, DatabaseSettings

NAME = "softpos"
VERSION = "0.1.0"
DATABASE_DEFAULTS = {
    "engine": "aurora-mysql",
    "engine_version": "8.4.mysql_aurora.8.4.8",
    "instance_class": "db.r7g.large",
    "readers": 1,
    "readers_max": 3,
    "backup_retention_days": 35,
    "deletion_protection": True,
    "snapshot": "",
}
CACHE_DEFAULTS = {
    "engine_version": "7.1",
    "node_type": "cache.r7g.large",
    "replicas": 2,
    "snapshot_retention_days": 7,
}


class NetworkArgs(TypedDict):
    """Inputs of Network."""

    place: Place
    """Where it stands."""
    logs_key_arn: pulumi.Input[str]
    """ARN of the customer-managed key for log groups; its policy lets CloudWatch Logs use it."""
    cidr: str
    """The VPC's private range, /16 to /20."""
    availability_zones: list[str]
    """Three zones of the Region."""
    nat_per_zone: NotRequired[bool]
    """A NAT gateway in each zone, so that none depends on another; true unless given."""
    trusted_cidrs: NotRequired[list[str]]
    """Public ranges that may connect to the public tier by SSH; none unless given."""
    on_premises_cidrs: NotRequired[list[str]]
    """Private ranges of a data centre behind a VPN; none unless given."""


class Network(pulumi.ComponentResource):
    """A VPC of three tiers in three zones, closed by default, with endpoints to AWS services and flow logs."""

    vpc_id: pulumi.Output[str]
    """Id of the VPC."""
    public_subnet_ids: pulumi.Output[list[str]]
    """Subnets with a route to the internet, one a zone."""
    application_subnet_ids: pulumi.Output[list[str]]
    """Subnets that reach out through NAT only, one a zone."""
    data_subnet_ids: pulumi.Output[list[str]]
    """Subnets without a route to the internet, one a zone."""

    def __init__(self, name: str, args: NetworkArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("softpos:index:Network", name, {}, opts)
        place = args["place"]
        made = SecureVpc(
            name,
            SecureVpcArgs(
                placement=placement(place),
                logs=logs(place, args["logs_key_arn"]),
                cidr=IPv4Network(args["cidr"]),
                availability_zones=tuple(args["availability_zones"]),
                nat="per-zone" if args.get("nat_per_zone", True) else "single",
                trusted_cidrs=tuple(args.get("trusted_cidrs") or ()),
                on_premises_cidrs=tuple(map(IPv4Network, args.get("on_premises_cidrs") or ())),
            ),
            pulumi.ResourceOptions(parent=self),
        )
        self.vpc_id = made.vpc_id
        self.public_subnet_ids = pulumi.Output.all(*made.public_subnet_ids)
        self.application_subnet_ids = pulumi.Output.all(*made.application_subnet_ids)
        self.data_subnet_ids = pulumi.Output.all(*made.data_subnet_ids)
        self.register_outputs(
            {
                "vpcId": self.vpc_id,
                "publicSubnetIds": self.public_subnet_ids,
                "applicationSubnetIds": self.application_subnet_ids,
                "dataSubnetIds": self.data_subnet_ids,
            }
        )


class DatabaseArgs(TypedDict):
    """Inputs of Database."""

    place: Place
    """Where it stands."""
    logs_key_arn: pulumi.Input[str]
    """ARN of the customer-managed key for log groups; its policy lets CloudWatch Logs use it."""
    alarm_topic_arn: pulumi.Input[str]
    """ARN of the SNS topic that alarms go to."""
    vpc_id: pulumi.Input[str]
    """Id of the VPC."""
    data_subnet_ids: list[pulumi.Input[str]]
    """Three subnets without a route to the internet, one a zone."""
    key_arn: pulumi.Input[str]
    """ARN of the customer-managed key for the data."""
    clients: dict[str, pulumi.Input[str]]
    """Security group of each client, by the role it plays; nobody else reaches the database."""
    engine: NotRequired[str]
    """aurora-mysql (unless given), or mysql for an RDS Multi-AZ DB cluster."""
    engine_version: NotRequired[str]
    """Engine version; 8.4.mysql_aurora.8.4.8 unless given."""
    instance_class: NotRequired[str]
    """Instance class of writer and readers; db.r7g.large unless given."""
    readers: NotRequired[int]
    """Readers that always run; 1 unless given."""
    readers_max: NotRequired[int]
    """Readers that autoscaling may run; 3 unless given."""
    backup_retention_days: NotRequired[int]
    """Days of point-in-time recovery, 7 to 35; 35 unless given."""
    deletion_protection: NotRequired[bool]
    """Whether AWS refuses to delete it; true unless given."""


class Database(pulumi.ComponentResource):
    """A MySQL cluster with a writer, readers and an endpoint for each: encrypted, audited, TLS only."""

    endpoint: pulumi.Output[str]
    """Always the writer."""
    reader_endpoint: pulumi.Output[str]
    """Any reader."""
    security_group_id: pulumi.Output[str]
    """Security group of the database."""
    master_secret_arn: pulumi.Output[str]
    """Secret of the master user, for administration only."""

    def __init__(self, name: str, args: DatabaseArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("softpos:index:Database", name, {}, opts)
        place = args["place"]
        made = PaymentDatabase(
            name,
            PaymentDatabaseArgs(
                placement=placement(place),
                logs=logs(place, args["logs_key_arn"]),
                alarms=alarms(place, args["alarm_topic_arn"]),
                settings=checked(DatabaseSettings, args, DATABASE_DEFAULTS),
                vpc_id=args["vpc_id"],
                data_subnet_ids=[pulumi.Output.from_input(one) for one in args["data_subnet_ids"]],
                key_arn=args["key_arn"],
                clients=args["clients"],
            ),
            pulumi.ResourceOptions(parent=self),
        )
        self.endpoint = made.endpoint
        self.reader_endpoint = made.reader_endpoint
        self.security_group_id = made.security_group_id
        self.master_secret_arn = made.master_secret_arn
        self.register_outputs(
            {
                "endpoint": self.endpoint,
                "readerEndpoint": self.reader_endpoint,
                "securityGroupId": self.security_group_id,
                "masterSecretArn": self.master_secret_arn,
            }
        )


class CacheArgs(TypedDict):
    """Inputs of Cache."""

    place: Place
    """Where it stands."""
    logs_key_arn: pulumi.Input[str]
    """ARN of the customer-managed key for log groups; its policy lets CloudWatch Logs use it."""
    alarm_topic_arn: pulumi.Input[str]
    """ARN of the SNS topic that alarms go to."""
    vpc_id: pulumi.Input[str]
    """Id of the VPC."""
    data_subnet_ids: list[pulumi.Input[str]]
    """Subnets without a route to the internet, one a zone."""
    key_arn: pulumi.Input[str]
    """ARN of the customer-managed key for the data."""
    clients: dict[str, pulumi.Input[str]]
    """Security group of each client, by the role it plays; nobody else reaches the cache."""
    engine_version: NotRequired[str]
    """Redis version; 7.1 unless given."""
    node_type: NotRequired[str]
    """Node type of primary and replicas; cache.r7g.large unless given."""
    replicas: NotRequired[int]
    """Replicas beside the primary, 2 or 4; 2 unless given."""
    snapshot_retention_days: NotRequired[int]
    """Days that daily snapshots are kept, 7 to 35; 7 unless given."""


class Cache(pulumi.ComponentResource):
    """A Redis replication group: encrypted, TLS only, log-in by IAM, automatic failover."""

    primary_endpoint: pulumi.Output[str]
    """The primary, for reads and writes."""
    reader_endpoint: pulumi.Output[str]
    """Any replica."""
    security_group_id: pulumi.Output[str]
    """Security group of the cache."""

    def __init__(self, name: str, args: CacheArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("softpos:index:Cache", name, {}, opts)
        place = args["place"]
        made = SessionCache(
            name,
            SessionCacheArgs(
                placement=placement(place),
                logs=logs(place, args["logs_key_arn"]),
                alarms=alarms(place, args["alarm_topic_arn"]),
                settings=checked(CacheSettings, args, CACHE_DEFAULTS),
                vpc_id=args["vpc_id"],
                data_subnet_ids=args["data_subnet_ids"],
                key_arn=args["key_arn"],
                clients=args["clients"],
            ),
            pulumi.ResourceOptions(parent=self),
        )
        self.primary_endpoint = made.primary_endpoint
        self.reader_endpoint = made.reader_endpoint
        self.security_group_id = made.security_group_id
        self.register_outputs(
            {
                "primaryEndpoint": self.primary_endpoint,
                "readerEndpoint": self.reader_endpoint,
                "securityGroupId": self.security_group_id,
            }
        )


COMPONENTS: list[type[pulumi.ComponentResource]] = [Network, Database, Cache]
