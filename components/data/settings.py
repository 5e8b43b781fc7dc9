"""What may be set of the database and the cache."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from ..foundations.declared import Conflict, Declared, ordered
from ..foundations.values import Between, Matching, OneOf, OneOfNumbers, Optionally

FIXED_READERS = 2
"""An RDS Multi-AZ DB cluster has this many readers, always."""


def engine_has_version(settings: DatabaseSettings) -> Iterator[Conflict]:
    """Each engine has versions of its own."""
    aurora = settings.engine == "aurora-mysql"
    if aurora != ("aurora" in settings.engine_version):
        allowed = "8.4.mysql_aurora.8.4.8 or its like" if aurora else "8.4.7 or 8.4.8"
        yield Conflict("engine_version", f"{allowed} for this engine", "change the version or the engine")


def class_of_engine(settings: DatabaseSettings) -> Iterator[Conflict]:
    """A Multi-AZ DB cluster runs on classes with local disks only, and Aurora on the others."""
    local_disks = re.match(r"db\.[a-z]\d[a-z]*d[a-z]*\.", settings.instance_class) is not None
    if local_disks != (settings.engine == "mysql"):
        allowed = "a class with local disks, such as db.m6gd.large" if not local_disks else "such as db.r7g.large"
        yield Conflict("instance_class", f"{allowed} for this engine", "change the class or the engine")


def multi_az_cluster_is_fixed(settings: DatabaseSettings) -> Iterator[Conflict]:
    """A Multi-AZ DB cluster has two readers, no more and no less."""
    if settings.engine == "mysql":
        for field in ("readers", "readers_max"):
            if getattr(settings, field) != FIXED_READERS:
                yield Conflict(field, "2 with the engine mysql, whose cluster has two fixed readers", "set it to 2")


@dataclass(frozen=True, kw_only=True)
class DatabaseSettings(Declared):
    RULES = (ordered("readers", "readers_max"), engine_has_version, class_of_engine, multi_az_cluster_is_fixed)
    IN_PRODUCTION: ClassVar = {"deletion_protection": (True, "true in production")}

    engine: Literal["aurora-mysql", "mysql"] = "aurora-mysql"
    engine_version: Annotated[
        str, OneOf(("8.4.mysql_aurora.8.4.7", "8.4.mysql_aurora.8.4.8", "8.0.mysql_aurora.3.10.4", "8.4.7", "8.4.8"))
    ] = "8.4.mysql_aurora.8.4.8"
    major_upgrade: bool = False
    """Whether the next deployment may move the database to another major version. It does so at once, with an
    interruption, and there is no way back but a snapshot."""
    instance_class: Annotated[
        str, Matching(r"db\.[a-z0-9-]+\.[a-z0-9]+", "an RDS instance class such as db.r7g.large")
    ] = "db.r7g.large"
    readers: Annotated[int, Between(0, 15, "readers")] = 1
    readers_max: Annotated[int, Between(1, 15, "readers")] = 3
    backup_retention_days: Annotated[int, Between(7, 35, "days")] = 35
    deletion_protection: bool = True
    snapshot: Annotated[
        str,
        Optionally(Matching(r"[A-Za-z][\w:/-]{0,254}", "the name or ARN of a cluster snapshot", "copy it from RDS")),
    ] = ""


@dataclass(frozen=True, kw_only=True)
class CacheSettings(Declared):
    engine_version: Annotated[str, OneOf(("7.0", "7.1", "valkey-8.0", "valkey-8.1"))] = "7.1"
    """A number alone is Redis. ElastiCache moves Redis 7 to Valkey in place, and never back."""
    node_type: Annotated[
        str, Matching(r"cache\.[a-z0-9-]+\.[a-z0-9]+", "a cache node type such as cache.t4g.small")
    ] = "cache.r7g.large"
    replicas: Annotated[
        int, OneOfNumbers((2, 4), "replicas", "with the primary an odd number, so a quorum survives")
    ] = 2
    snapshot_retention_days: Annotated[int, Between(7, 35, "days")] = 7
