"""What may be set of the database and the cache."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from ..foundations.values import Between, Matching, OneOf, OneOfNumbers, Optionally


@dataclass(frozen=True, kw_only=True)
class DatabaseSettings:
    engine: Literal["aurora-mysql", "mysql"]
    engine_version: Annotated[
        str, OneOf(("8.4.mysql_aurora.8.4.7", "8.4.mysql_aurora.8.4.8", "8.0.mysql_aurora.3.10.4", "8.4.7", "8.4.8"))
    ]
    instance_class: Annotated[str, Matching(r"db\.[a-z0-9-]+\.[a-z0-9]+", "an RDS instance class such as db.r7g.large")]
    readers: Annotated[int, Between(0, 15, "readers")]
    readers_max: Annotated[int, Between(1, 15, "readers")]
    backup_retention_days: Annotated[int, Between(7, 35, "days")]
    deletion_protection: bool
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
