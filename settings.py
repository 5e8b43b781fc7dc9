"""The stack's configuration as frozen, typed values: the only reader of `pulumi.Config`.

A setting's key is its group and field in camel case: ``database.instance_class`` is ``softpos:databaseInstanceClass``.
Defaults and descriptions stand in `Pulumi.yaml`; what a value may be stands here, in each field's annotation.
`load` refuses bad values before anything is registered and names all problems at once, one line each.
"""

from __future__ import annotations

import base64
import difflib
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from ipaddress import IPv4Address, IPv4Network
from itertools import combinations
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, TypeVar, cast, get_args, get_type_hints

import pulumi

from setting_values import (
    DOCUMENTATION_RANGES,
    LONGEST_SHOWN,
    Between,
    ListOf,
    Matching,
    OneOf,
    OneOfNumbers,
    Optionally,
    PrivateRange,
    Refused,
    certificate_name,
    certificate_pem,
    domain,
    email,
    image_by_digest,
    is_private,
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
RDS_AUTHORITIES = Path(__file__).parent / "components" / "rds_certificates"
EXAMPLE_ACCOUNTS = ("123456789012", "111122223333")
"""Account numbers of AWS's documentation."""
ENGINES_OWN = "pulumi:"
"""Keys that the engine reads itself, such as ``pulumi:tags``."""
REHEARSAL = "SOFTPOS_REHEARSAL"
"""Environment variable set by the rehearsals: example values are then flagged, not refused."""

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


class Problem(NamedTuple):
    """One setting that cannot be used, as the user reads it."""

    key: str
    value: str
    allowed: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.key}: {self.value} is not allowed; allowed: {self.allowed}; {self.remedy}."


class SettingsError(pulumi.RunError):
    """The configuration cannot be used; `problems` holds every reason, one line each.

    The engine shows a `RunError` without a traceback.
    """

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems


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
                yield Key(f"{PROJECT}:{_camel(name, field)}", name, field, get_args(member)[1])
        elif get_args(hint) and hasattr(hint, "__metadata__"):
            yield Key(f"{PROJECT}:{_camel(name)}", "", name, get_args(hint)[1])
    yield Key("aws:region", "", "region", region)


def load() -> Settings:
    """Read this stack's settings.

    Raises:
        SettingsError: with every problem found, when any value cannot be used; also when a value is still an example
            and the deployment is a real one.
    """
    settings, problems = read(_given(), pulumi.get_stack())
    if settings is None:
        raise SettingsError(problems)
    examples = tuple(example_values(settings))
    if examples and os.environ.get(REHEARSAL) != "1":
        raise SettingsError(examples)
    return settings


def read(given: Mapping[str, str], stack: str) -> tuple[Settings | None, tuple[Problem, ...]]:
    """Turn configuration text, by full key, into settings, or into all the reasons why it cannot be."""
    known = {key.name: key for key in known_keys()}
    problems = [_unknown(name, known) for name in given if name not in known and not name.startswith(ENGINES_OWN)]
    values: dict[tuple[str, str], Any] = {}
    for key in known.values():
        if key.name not in given:
            problems.append(Problem(key.name, "nothing", "a value", f"run `pulumi config set {key.name} VALUE`"))
            continue
        try:
            values[key.group, key.field] = key.kind(given[key.name])
        except Refused as refusal:
            problems.append(Problem(key.name, _shown(given[key.name]), refusal.allowed, refusal.remedy))
    draft = _Draft(values, stack)
    for check in CHECKS:
        try:
            problems.extend(check(draft))
        except _NotRead:
            continue  # a value that the check needs is itself a problem, and named already
    if problems:
        return None, tuple(problems)
    members: dict[str, Any] = {field: value for (group, field), value in values.items() if group == ""}
    for name, hint in get_type_hints(Settings).items():
        if isinstance(hint, type) and is_dataclass(hint):
            members[name] = hint(**{field.name: values[name, field.name] for field in fields(hint)})
    return Settings(**members, stack=stack), ()


def example_values(settings: Settings) -> Iterator[Problem]:
    """Each value that is an example (documentation ranges, example.com, AWS's documentation account)."""
    remedy = "replace the example by your own value before a real deployment"
    for key in known_keys():
        group = getattr(settings, key.group) if key.group else settings
        found = getattr(group, key.field)
        for item in found if isinstance(found, tuple) else (found,):
            if _is_example(item):
                yield Problem(key.name, f"the example {_shown(str(item))}", "a value of your own", remedy)
                break


def _is_example(item: object) -> bool:
    if isinstance(item, IPv4Address):
        item = IPv4Network(item)
    if isinstance(item, IPv4Network):
        return any(item.subnet_of(known) for known in DOCUMENTATION_RANGES)
    if not isinstance(item, str):
        return False
    if item.startswith("-----BEGIN CERTIFICATE"):
        encoded = item.removeprefix("-----BEGIN CERTIFICATE-----").partition("-----END")[0]
        item = base64.b64decode(encoded).decode("latin-1")
    return any(word in item for word in ("example.com", "example.net", "example.org", *EXAMPLE_ACCOUNTS))


def _given() -> dict[str, str]:
    """All configuration of the running stack, by full key."""
    return {**pulumi.runtime.get_config_env(), **pulumi.runtime.config.CONFIG.get()}


def _unknown(name: str, known: Mapping[str, Key]) -> Problem:
    if not name.startswith(f"{PROJECT}:"):
        return Problem(
            _shown_key(name),
            "this key",
            "the keys of Pulumi.yaml and aws:region, because every provider is made from these alone",
            "remove it, and choose credentials by the environment (AWS_PROFILE)",
        )
    own_words = [key.removeprefix(f"{PROJECT}:") for key in known]
    near = difflib.get_close_matches(name.removeprefix(f"{PROJECT}:"), own_words, n=1)
    return Problem(
        _shown_key(name),
        "this key",
        f"the keys of Pulumi.yaml{f', nearest: {PROJECT}:{near[0]}' if near else ''}",
        f"correct or remove it (`pulumi config rm {_shown_key(name)}`)",
    )


def _camel(*names: str) -> str:
    head, *rest = "_".join(names).split("_")
    return head + "".join(map(str.capitalize, rest))


def _shown_key(name: str) -> str:
    return name if name.isprintable() and len(name) <= LONGEST_SHOWN else repr(name[:LONGEST_SHOWN])


def _shown(value: str) -> str:
    """A value as a problem may show it: short, on one line, and never key material."""
    if "PRIVATE KEY" in value:
        return "[withheld: key material]"
    flat = re.sub(r"\s+", " ", value)
    return repr(flat if len(flat) <= LONGEST_SHOWN else f"{flat[: LONGEST_SHOWN - 3]}...")


# ---- What values must be together -----------------------------------------------------------------------------------

T = TypeVar("T")


class _NotRead(Exception):  # noqa: N818
    """A check asked for a value that could not be read."""


class _Draft:
    """The values read so far, some of which may be missing."""

    def __init__(self, values: Mapping[tuple[str, str], Any], stack: str) -> None:
        self._values = values
        self.stack = stack

    def get(self, path: str, as_type: type[T]) -> T:  # noqa: ARG002 (the type is for the reader and the type checker)
        """The value at ``group.field`` or ``field``; `_NotRead` when it is itself a problem."""
        group, _, field = path.rpartition(".")
        if (group, field) not in self._values:
            raise _NotRead
        return cast("T", self._values[group, field])

    def problem(self, path: str, allowed: str, remedy: str) -> Problem:
        found = self.get(path, object)
        shown = json.dumps(list(map(str, found))) if isinstance(found, tuple) else str(found)
        return Problem(f"{PROJECT}:{_camel(*path.split('.'))}", _shown(shown), allowed, remedy)


def _ordered(lower: str, upper: str) -> Callable[[_Draft], Iterator[Problem]]:
    def check(draft: _Draft) -> Iterator[Problem]:
        most = draft.get(upper, int)
        if draft.get(lower, int) > most:
            bound = f"at most {PROJECT}:{_camel(*upper.split('.'))} ({most})"
            yield draft.problem(lower, bound, "lower this value or raise the other")

    return check


def _disjoint_ranges(draft: _Draft) -> Iterator[Problem]:
    named = [(path, draft.get(path, IPv4Network)) for path in ("network.vpc_cidr", "cluster.service_cidr")]
    named += [("vpn.on_premises_cidrs", found) for found in draft.get("vpn.on_premises_cidrs", tuple)]
    for (path, one), (other_path, other) in combinations(named, 2):
        if one.version == other.version and one.overlaps(other):
            key = f"{PROJECT}:{_camel(*other_path.split('.'))}"
            yield draft.problem(path, f"a range apart from {other} of {key}", "move one of the two ranges")


def _private_on_premises(draft: _Draft) -> Iterator[Problem]:
    for found in draft.get("vpn.on_premises_cidrs", tuple):
        if not isinstance(found, IPv4Network) or not is_private(found):
            yield draft.problem("vpn.on_premises_cidrs", f"private IPv4 ranges, which {found} is not", "correct it")


def _host_in_zone(draft: _Draft) -> Iterator[Problem]:
    zone = draft.get("edge.zone_name", str)
    if not draft.get("edge.host_name", str).endswith(f".{zone}"):
        yield draft.problem("edge.host_name", f"a name within the zone {zone}", "correct the name or the zone")


def _zones_in_region(draft: _Draft) -> Iterator[Problem]:
    region = draft.get("region", str)
    if not all(re.fullmatch(rf"{region}[a-z]", zone) for zone in draft.get("network.availability_zones", tuple)):
        yield draft.problem("network.availability_zones", f"zones of {region}", f"write {region}a and so on")


def _engine_has_version(draft: _Draft) -> Iterator[Problem]:
    aurora = draft.get("database.engine", str) == "aurora-mysql"
    if aurora != ("aurora" in draft.get("database.engine_version", str)):
        allowed = "8.4.mysql_aurora.8.4.8 or its like" if aurora else "8.4.7 or 8.4.8"
        yield draft.problem("database.engine_version", f"{allowed} for this engine", "change the version or the engine")


def _multi_az_cluster_is_fixed(draft: _Draft) -> Iterator[Problem]:
    if draft.get("database.engine", str) == "mysql":
        for path in ("database.readers", "database.readers_max"):
            if draft.get(path, int) != 2:
                yield draft.problem(path, "2 with the engine mysql, whose cluster has two fixed readers", "set it to 2")


def _class_of_engine(draft: _Draft) -> Iterator[Problem]:
    local_disks = re.match(r"db\.[a-z]\d[a-z]*d[a-z]*\.", draft.get("database.instance_class", str)) is not None
    if local_disks != (draft.get("database.engine", str) == "mysql"):
        allowed = "a class with local disks, such as db.m6gd.large" if not local_disks else "such as db.r7g.large"
        yield draft.problem("database.instance_class", f"{allowed} for this engine", "change the class or the engine")


def _authority_of_region_known(draft: _Draft) -> Iterator[Problem]:
    region = draft.get("region", str)
    if draft.get("migration.enabled", bool) and not (RDS_AUTHORITIES / f"{region}.pem").is_file():
        allowed = f"a Region whose RDS authority is in {RDS_AUTHORITIES.name}/"
        yield Problem("aws:region", repr(region), allowed, "add its certificate, or set migrationEnabled to false")


def _short_stack_name(draft: _Draft) -> Iterator[Problem]:
    if not re.fullmatch(rf"[a-z][a-z0-9-]{{0,{LONGEST_STACK_NAME - 1}}}", draft.stack):
        allowed = f"1 to {LONGEST_STACK_NAME} lower-case letters, digits and hyphens, a letter first"
        yield Problem("stack", _shown(draft.stack), allowed, "choose another name; it is part of every AWS name")


def _image_in_account_region(draft: _Draft) -> Iterator[Problem]:
    region, image = draft.get("region", str), draft.get("service.image", str)
    if f".ecr.{region}." not in image:
        yield draft.problem(
            "service.image", f"a registry in {region}", "replicate the image so that a rollout does not cross Regions"
        )
    account = draft.get("image_account_id", str) or draft.get("account_id", str)
    if not image.startswith(f"{account}."):
        yield draft.problem(
            "service.image",
            f"a registry of account {account}",
            f"take the image from there, or name its account in {PROJECT}:imageAccountId",
        )


def _migration_has_a_way(draft: _Draft) -> Iterator[Problem]:
    if draft.get("migration.enabled", bool) and not draft.get("vpn.enabled", bool):
        yield draft.problem(
            "vpn.enabled", "true while softpos:migrationEnabled is true", "turn the migration off first"
        )


PRODUCTION_NEEDS: tuple[tuple[str, object, str], ...] = (
    ("database.deletion_protection", True, "true in production"),
    ("network.nat", "per-zone", "per-zone in production, so that no zone depends on another"),
    ("edge.waf_mode", "block", "block in production"),
    ("audit.trail", "create", "create in production, so that its diary does not end with another stack"),
    ("temporary.until", "", "nothing in production, which never expires"),
)


def _production_is_production(draft: _Draft) -> Iterator[Problem]:
    production = draft.get("environment", str) == "production"
    if draft.stack == "prod" and not production:
        yield draft.problem("environment", "production in the stack prod", "correct it or use another stack")
    if production:
        for path, wanted, allowed in PRODUCTION_NEEDS:
            if draft.get(path, object) != wanted:
                yield draft.problem(path, allowed, f"set it to {json.dumps(wanted)}, or use a stack of development")


CHECKS: tuple[Callable[[_Draft], Iterator[Problem]], ...] = (
    _ordered("cluster.nodes_min", "cluster.nodes_desired"),
    _ordered("cluster.nodes_desired", "cluster.nodes_max"),
    _ordered("service.replicas_min", "service.replicas_max"),
    _ordered("database.readers", "database.readers_max"),
    _disjoint_ranges,
    _private_on_premises,
    _host_in_zone,
    _zones_in_region,
    _engine_has_version,
    _class_of_engine,
    _authority_of_region_known,
    _short_stack_name,
    _multi_az_cluster_is_fixed,
    _image_in_account_region,
    _migration_has_a_way,
    _production_is_production,
)
