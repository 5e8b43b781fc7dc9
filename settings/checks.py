"""What several values must be together; each check is one rule."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from ipaddress import IPv4Network
from itertools import combinations
from typing import Any, TypeVar, cast

from components.foundations.values import is_private
from facts.rds_authority import DIRECTORY as RDS_AUTHORITIES
from settings.groups import LONGEST_STACK_NAME, PROJECT
from settings.problems import Problem, camel, shown

T = TypeVar("T")


class NotRead(Exception):  # noqa: N818
    """A check asked for a value that could not be read."""


class Draft:
    """The values read so far, some of which may be missing."""

    def __init__(self, values: Mapping[tuple[str, str], Any], stack: str) -> None:
        self._values = values
        self.stack = stack

    def get(self, path: str, as_type: type[T]) -> T:  # noqa: ARG002 (the type is for the reader and the type checker)
        """The value at ``group.field`` or ``field``; `NotRead` when it is itself a problem."""
        group, _, field = path.rpartition(".")
        if (group, field) not in self._values:
            raise NotRead
        return cast("T", self._values[group, field])

    def problem(self, path: str, allowed: str, remedy: str) -> Problem:
        found = self.get(path, object)
        text = json.dumps(list(map(str, found))) if isinstance(found, tuple) else str(found)
        return Problem(f"{PROJECT}:{camel(*path.split('.'))}", shown(text), allowed, remedy)


def _ordered(lower: str, upper: str) -> Callable[[Draft], Iterator[Problem]]:
    def check(draft: Draft) -> Iterator[Problem]:
        most = draft.get(upper, int)
        if draft.get(lower, int) > most:
            bound = f"at most {PROJECT}:{camel(*upper.split('.'))} ({most})"
            yield draft.problem(lower, bound, "lower this value or raise the other")

    return check


def _disjoint_ranges(draft: Draft) -> Iterator[Problem]:
    named = [(path, draft.get(path, IPv4Network)) for path in ("network.vpc_cidr", "cluster.service_cidr")]
    named += [("vpn.on_premises_cidrs", found) for found in draft.get("vpn.on_premises_cidrs", tuple)]
    for (path, one), (other_path, other) in combinations(named, 2):
        if one.version == other.version and one.overlaps(other):
            key = f"{PROJECT}:{camel(*other_path.split('.'))}"
            yield draft.problem(path, f"a range apart from {other} of {key}", "move one of the two ranges")


def _private_on_premises(draft: Draft) -> Iterator[Problem]:
    for found in draft.get("vpn.on_premises_cidrs", tuple):
        if not isinstance(found, IPv4Network) or not is_private(found):
            yield draft.problem("vpn.on_premises_cidrs", f"private IPv4 ranges, which {found} is not", "correct it")


def _host_in_zone(draft: Draft) -> Iterator[Problem]:
    zone = draft.get("edge.zone_name", str)
    if not draft.get("edge.host_name", str).endswith(f".{zone}"):
        yield draft.problem("edge.host_name", f"a name within the zone {zone}", "correct the name or the zone")


def _zones_in_region(draft: Draft) -> Iterator[Problem]:
    region = draft.get("region", str)
    if not all(re.fullmatch(rf"{region}[a-z]", zone) for zone in draft.get("network.availability_zones", tuple)):
        yield draft.problem("network.availability_zones", f"zones of {region}", f"write {region}a and so on")


def _engine_has_version(draft: Draft) -> Iterator[Problem]:
    aurora = draft.get("database.engine", str) == "aurora-mysql"
    if aurora != ("aurora" in draft.get("database.engine_version", str)):
        allowed = "8.4.mysql_aurora.8.4.8 or its like" if aurora else "8.4.7 or 8.4.8"
        yield draft.problem("database.engine_version", f"{allowed} for this engine", "change the version or the engine")


def _multi_az_cluster_is_fixed(draft: Draft) -> Iterator[Problem]:
    if draft.get("database.engine", str) == "mysql":
        for path in ("database.readers", "database.readers_max"):
            if draft.get(path, int) != 2:
                yield draft.problem(path, "2 with the engine mysql, whose cluster has two fixed readers", "set it to 2")


def _class_of_engine(draft: Draft) -> Iterator[Problem]:
    local_disks = re.match(r"db\.[a-z]\d[a-z]*d[a-z]*\.", draft.get("database.instance_class", str)) is not None
    if local_disks != (draft.get("database.engine", str) == "mysql"):
        allowed = "a class with local disks, such as db.m6gd.large" if not local_disks else "such as db.r7g.large"
        yield draft.problem("database.instance_class", f"{allowed} for this engine", "change the class or the engine")


def _authority_of_region_known(draft: Draft) -> Iterator[Problem]:
    region = draft.get("region", str)
    if draft.get("migration.enabled", bool) and not (RDS_AUTHORITIES / f"{region}.pem").is_file():
        allowed = f"a Region whose RDS authority is in {RDS_AUTHORITIES.name}/"
        yield Problem("aws:region", repr(region), allowed, "add its certificate, or set migrationEnabled to false")


def _short_stack_name(draft: Draft) -> Iterator[Problem]:
    if not re.fullmatch(rf"[a-z][a-z0-9-]{{0,{LONGEST_STACK_NAME - 1}}}", draft.stack):
        allowed = f"1 to {LONGEST_STACK_NAME} lower-case letters, digits and hyphens, a letter first"
        yield Problem("stack", shown(draft.stack), allowed, "choose another name; it is part of every AWS name")


def _image_in_account_region(draft: Draft) -> Iterator[Problem]:
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


def _migration_has_a_way(draft: Draft) -> Iterator[Problem]:
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


def _production_is_production(draft: Draft) -> Iterator[Problem]:
    production = draft.get("environment", str) == "production"
    if draft.stack == "prod" and not production:
        yield draft.problem("environment", "production in the stack prod", "correct it or use another stack")
    if production:
        for path, wanted, allowed in PRODUCTION_NEEDS:
            if draft.get(path, object) != wanted:
                yield draft.problem(path, allowed, f"set it to {json.dumps(wanted)}, or use a stack of development")


CHECKS: tuple[Callable[[Draft], Iterator[Problem]], ...] = (
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
