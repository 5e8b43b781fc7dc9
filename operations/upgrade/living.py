"""The versions that a stack runs: as AWS says, or, without credentials, as its settings say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import boto3

from settings import Settings


@dataclass(frozen=True)
class Living:
    """What runs now."""

    kubernetes: str
    """Minor version of the control plane, such as ``1.36``."""
    nodes: str
    """The oldest minor version among the node groups."""
    node_release: str
    """EKS AMI release of the nodes, such as ``1.36.1-20261105``; empty where nobody told."""
    database: str
    """Full engine version, such as ``8.4.mysql_aurora.8.4.8``."""
    cache: str
    """``7.1`` or ``valkey-8.0``."""
    source: str
    """Who says so, in words."""


def declared(settings: Settings) -> Living:
    """The versions of the settings."""
    cluster = settings.cluster
    return Living(
        kubernetes=cluster.version,
        nodes=cluster.of_nodes,
        node_release=cluster.node_release_version,
        database=settings.database.engine_version,
        cache=settings.cache.engine_version,
        source="the stack's settings; without credentials nobody knows what runs",
    )


def deployed(session: boto3.Session, settings: Settings) -> Living:
    """The versions that AWS reports. Four reads of EKS, RDS and ElastiCache.

    Raises:
        botocore.exceptions.ClientError: when something does not exist, or the credentials may not read it.
    """
    name = f"softpos-{settings.stack}"
    eks, rds, cache = session.client("eks"), session.client("rds"), session.client("elasticache")
    control_plane = eks.describe_cluster(name=name)["cluster"]["version"]
    groups = [
        eks.describe_nodegroup(clusterName=name, nodegroupName=group)["nodegroup"]
        for group in eks.list_nodegroups(clusterName=name)["nodegroups"]
    ]
    oldest: Mapping[str, Any] = min(groups, key=lambda group: int(group["version"].partition(".")[2]), default={})
    [database] = rds.describe_db_clusters(DBClusterIdentifier=f"{name}-database")["DBClusters"]
    [group] = cache.describe_replication_groups(ReplicationGroupId=f"{name}-cache")["ReplicationGroups"]
    [node] = cache.describe_cache_clusters(CacheClusterId=group["MemberClusters"][0])["CacheClusters"]
    version = ".".join(node["EngineVersion"].split(".")[:2])
    return Living(
        kubernetes=control_plane,
        nodes=str(oldest.get("version", control_plane)),
        node_release=str(oldest.get("releaseVersion", "")),
        database=database["EngineVersion"],
        cache=version if node["Engine"] == "redis" else f"{node['Engine']}-{version}",
        source=f"AWS, account {settings.account_id}, {settings.region}",
    )
