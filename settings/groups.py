"""Every setting, by group: its type, and in the annotation what its value may be.

A setting's key is its group and field in camel case: ``database.instance_class`` is ``softpos:databaseInstanceClass``.
Defaults and descriptions are in `Pulumi.yaml`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, is_dataclass
from ipaddress import IPv4Address, IPv4Network
from typing import Annotated, Any, Literal, NamedTuple, get_args, get_type_hints

from settings.problems import camel
from settings.values import (
    Between,
    ListOf,
    Matching,
    OneOf,
    OneOfNumbers,
    Optionally,
    PrivateRange,
    certificate_name,
    certificate_pem,
    domain,
    email,
    image_by_digest,
    moment,
    network,
    public_address,
    region,
    role_arn,
    ssh_public_key,
    tag_value,
    trusted_range,
    yes_or_no,
)

PROJECT = "softpos"
PCI_LOG_RETENTION_DAYS = 365
"""PCI DSS v4.0.1, requirement 10.5.1: audit logs are kept for at least 12 months."""
LONGEST_STACK_NAME = 20
"""ElastiCache allows 40 characters in a user's id, of which the project's words take half."""

Singleton = Literal["create", "adopt", "off"]
singleton = OneOf(("create", "adopt", "off"))
version = Matching(r"\d+\.\d+", "a minor version such as 1.36", "write major.minor")


@dataclass(frozen=True, kw_only=True)
class NetworkSettings:
    vpc_cidr: Annotated[IPv4Network, PrivateRange(16, 20)]
    availability_zones: Annotated[tuple[str, ...], ListOf(Matching(r"[a-z]{2}(-[a-z]+)+-\d[a-z]", "a zone"), 3, 3)]
    nat: Annotated[Literal["single", "per-zone"], OneOf(("single", "per-zone"))]


@dataclass(frozen=True, kw_only=True)
class BastionSettings:
    instance_type: Annotated[str, Matching(r"[a-z0-9-]+\.[a-z0-9]+", "an EC2 instance type such as t3.micro")]
    image: Annotated[str, Matching(r"al2023|cis-level1|ami-[0-9a-f]{8,17}", "al2023, cis-level1 or an AMI id")]
    public_key: Annotated[str, ssh_public_key]
    trusted_cidrs: Annotated[tuple[IPv4Network, ...], ListOf(trusted_range, 1, 20)]


@dataclass(frozen=True, kw_only=True)
class EdgeSettings:
    zone_name: Annotated[str, domain]
    zone_id: Annotated[
        str, Optionally(Matching(r"Z[A-Z0-9]{5,31}", "a Route 53 hosted zone id such as Z0123456789ABC"))
    ]
    host_name: Annotated[str, certificate_name]
    idle_timeout_seconds: Annotated[int, Between(1, 4000, "seconds")]
    stickiness_seconds: Annotated[int, Between(1, 604800, "seconds", "at most 7 days")]
    waf_rules: Annotated[Literal["fortinet", "aws"], OneOf(("fortinet", "aws"))]
    waf_mode: Annotated[Literal["block", "count"], OneOf(("block", "count"))]
    waf_requests_per_five_minutes: Annotated[int, Between(100, 2_000_000, "requests")]


@dataclass(frozen=True, kw_only=True)
class ClusterSettings:
    version: Annotated[str, OneOf(("1.35", "1.36"))]
    service_cidr: Annotated[IPv4Network, PrivateRange(12, 24)]
    api_public_cidrs: Annotated[tuple[IPv4Network, ...], ListOf(trusted_range, 0, 40)]
    api_private_cidrs: Annotated[tuple[IPv4Network, ...], ListOf(PrivateRange(16, 32), 0, 20)]
    admin_role_arns: Annotated[tuple[str, ...], ListOf(role_arn, 1, 10)]
    node_instance_type: Annotated[str, Matching(r"[a-z0-9-]+\.[a-z0-9]+", "an EC2 instance type such as m7i.large")]
    node_release_version: Annotated[
        str, Optionally(Matching(r"1\.\d+\.\d+-\d{8}", "an EKS AMI release such as 1.36.1-20261105"))
    ]
    nodes_min: Annotated[int, Between(1, 100, "nodes")]
    nodes_desired: Annotated[int, Between(1, 100, "nodes")]
    nodes_max: Annotated[int, Between(1, 100, "nodes")]


@dataclass(frozen=True, kw_only=True)
class AgentSettings:
    product: Annotated[Literal["cloud-one", "vision-one"], OneOf(("cloud-one", "vision-one"))]
    activation_url: Annotated[str, Matching(r"dsm://[a-z0-9.-]+:443/", "dsm://<host>:443/")]
    manager_url: Annotated[str, Matching(r"https://[a-z0-9.-]+(:443)?", "https://<host>[:443]")]
    policy_id: Annotated[int, Between(1, 10_000_000, "the policy's number")]
    secret_name: Annotated[str, Matching(r"[\w/+=.@-]{1,512}", "the name of a secret in Secrets Manager")]


@dataclass(frozen=True, kw_only=True)
class ServiceSettings:
    image: Annotated[str, image_by_digest]
    health_path: Annotated[str, Matching(r"/[\w./-]*", "a path such as /health")]
    replicas_min: Annotated[int, Between(2, 200, "pods", "two survive the loss of a node")]
    replicas_max: Annotated[int, Between(2, 200, "pods")]


@dataclass(frozen=True, kw_only=True)
class DatabaseSettings:
    engine: Annotated[Literal["aurora-mysql", "mysql"], OneOf(("aurora-mysql", "mysql"))]
    engine_version: Annotated[
        str, OneOf(("8.4.mysql_aurora.8.4.7", "8.4.mysql_aurora.8.4.8", "8.0.mysql_aurora.3.10.4", "8.4.7", "8.4.8"))
    ]
    instance_class: Annotated[str, Matching(r"db\.[a-z0-9-]+\.[a-z0-9]+", "an RDS instance class such as db.r7g.large")]
    readers: Annotated[int, Between(0, 15, "readers")]
    readers_max: Annotated[int, Between(1, 15, "readers")]
    backup_retention_days: Annotated[int, Between(7, 35, "days")]
    deletion_protection: Annotated[bool, yes_or_no]
    snapshot: Annotated[
        str,
        Optionally(Matching(r"[A-Za-z][\w:/-]{0,254}", "the name or ARN of a cluster snapshot", "copy it from RDS")),
    ]


@dataclass(frozen=True, kw_only=True)
class CacheSettings:
    engine_version: Annotated[str, OneOf(("7.0", "7.1"))]
    node_type: Annotated[str, Matching(r"cache\.[a-z0-9-]+\.[a-z0-9]+", "a cache node type such as cache.t4g.small")]
    replicas: Annotated[int, OneOfNumbers((2, 4), "replicas", "with the primary an odd number, so a quorum survives")]
    snapshot_retention_days: Annotated[int, Between(7, 35, "days")]


@dataclass(frozen=True, kw_only=True)
class VpnSettings:
    enabled: Annotated[bool, yes_or_no]
    customer_gateway_ip: Annotated[IPv4Address, public_address]
    customer_gateway_asn: Annotated[int, Between(1, 4_294_967_294, "the BGP autonomous system number")]
    routing: Annotated[Literal["bgp", "static"], OneOf(("bgp", "static"))]
    on_premises_cidrs: Annotated[tuple[IPv4Network, ...], ListOf(network, 1, 20)]


@dataclass(frozen=True, kw_only=True)
class MigrationSettings:
    enabled: Annotated[bool, yes_or_no]
    instance_class: Annotated[str, Matching(r"dms\.[a-z0-9-]+\.[a-z0-9]+", "a DMS class such as dms.r6i.large")]
    storage_gib: Annotated[int, Between(50, 6144, "GiB")]
    multi_az: Annotated[bool, yes_or_no]
    source_host: Annotated[str, Matching(r"[a-z0-9.-]{1,253}", "a host name or an address")]
    source_port: Annotated[int, Between(1, 65535, "the TCP port")]
    source_ca: Annotated[str, certificate_pem]
    schemas: Annotated[tuple[str, ...], ListOf(Matching(r"[A-Za-z0-9_$]{1,64}", "a schema named in full"), 1, 50)]
    service_roles: Annotated[Singleton, singleton]


@dataclass(frozen=True, kw_only=True)
class AuditSettings:
    alarm_emails: Annotated[tuple[str, ...], ListOf(email, 1, 10)]
    log_retention_days: Annotated[
        int,
        OneOfNumbers(
            (365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653),
            "days",
            f"PCI DSS 10.5.1 asks for {PCI_LOG_RETENTION_DAYS} at least; CloudWatch Logs knows only these",
        ),
    ]
    bucket_lock: Annotated[Literal["governance", "compliance"], OneOf(("governance", "compliance"))]
    trail: Annotated[Singleton, singleton]
    config: Annotated[Singleton, singleton]
    guardduty: Annotated[Singleton, singleton]
    security_hub: Annotated[Singleton, singleton]
    inspector: Annotated[Singleton, singleton]
    account_baseline: Annotated[Singleton, singleton]


@dataclass(frozen=True, kw_only=True)
class TemporarySettings:
    """Test environments: what one of them is for and until when, and what the account allows of them."""

    until: Annotated[str, Optionally(moment)]
    """When the stack may be destroyed; empty for a stack that stays."""
    purpose: Annotated[str, Optionally(tag_value)]
    limit: Annotated[int, Between(0, 200, "environments")]
    hours_max: Annotated[int, Between(1, 336, "hours", "at most 14 days")]
    cidrs: Annotated[IPv4Network, PrivateRange(10, 19)]


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Everything that a stack can choose. Security is not among it."""

    account_id: Annotated[str, Matching(r"\d{12}", "the 12 digits of the AWS account", "quote the number in YAML")]
    environment: Annotated[Literal["production", "development"], OneOf(("production", "development"))]
    owner: Annotated[str, tag_value]
    cost_centre: Annotated[str, tag_value]
    image_account_id: Annotated[
        str, Optionally(Matching(r"\d{12}", "the 12 digits of the AWS account", "quote the number in YAML"))
    ]
    network: NetworkSettings
    bastion: BastionSettings
    edge: EdgeSettings
    cluster: ClusterSettings
    agent: AgentSettings
    service: ServiceSettings
    database: DatabaseSettings
    cache: CacheSettings
    vpn: VpnSettings
    migration: MigrationSettings
    audit: AuditSettings
    temporary: TemporarySettings
    stack: str
    region: str

    @property
    def production(self) -> bool:
        return self.environment == "production"


class Key(NamedTuple):
    """One configuration key: its full name, where its value goes and what the value may be."""

    name: str
    group: str
    field: str
    kind: Callable[[str], Any]


def known_keys() -> Iterator[Key]:
    """Every key that the program knows, in the order of `Settings`."""
    for name, hint in get_type_hints(Settings, include_extras=True).items():
        if is_dataclass(hint):
            for field, member in get_type_hints(hint, include_extras=True).items():
                yield Key(f"{PROJECT}:{camel(name, field)}", name, field, get_args(member)[1])
        elif get_args(hint) and hasattr(hint, "__metadata__"):
            yield Key(f"{PROJECT}:{camel(name)}", "", name, get_args(hint)[1])
    yield Key("aws:region", "", "region", region)
