"""What AWS does not change in place, although a plan says "update": each refusal with its source."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from tools.engine.thing import Refused, Thing

CLUSTER, NODES, ADDON = "aws:eks/cluster:Cluster", "aws:eks/nodeGroup:NodeGroup", "aws:eks/addon:Addon"
DATABASE, INSTANCE = "aws:rds/cluster:Cluster", "aws:rds/clusterInstance:ClusterInstance"

CACHE, CACHE_PARAMETERS = (
    "aws:elasticache/replicationGroup:ReplicationGroup",
    "aws:elasticache/parameterGroup:ParameterGroup",
)


def changing(thing: Thing, inputs: Mapping[str, Any], others: Iterable[Thing]) -> None:
    """Refuse a change of `thing` to `inputs`.

    Raises:
        Refused: with AWS's own error name.
    """
    if rule := _RULES.get(thing.type):
        rule(thing, inputs, list(others))


def _control_plane(thing: Thing, inputs: Mapping[str, Any], others: Sequence[Thing]) -> None:
    """One minor version at a time, from node groups of the cluster's own version (API UpdateClusterVersion)."""
    before, after = _minor(thing.inputs.get("version")), _minor(inputs.get("version"))
    if before == after:
        return
    if after != before + 1:
        raise Refused(
            f"InvalidParameterException: unsupported Kubernetes minor version update from {before} to {after}"
        )
    behind = [group.name for group in _nodes(thing, others) if _minor(group.inputs.get("version")) != before]
    if behind:
        raise Refused(f"InvalidRequestException: node groups {behind} must match the cluster's version first")


def _node_group(_thing: Thing, inputs: Mapping[str, Any], others: Sequence[Thing]) -> None:
    """Nodes are never newer than the control plane (Kubernetes version skew policy; API UpdateNodegroupVersion)."""
    newest = [_minor(one.inputs.get("version")) for one in others if one.type == CLUSTER]
    if newest and _minor(inputs.get("version")) > newest[0]:
        raise Refused("InvalidParameterException: the node group's version is newer than the cluster's")


def _addon(_thing: Thing, inputs: Mapping[str, Any], others: Sequence[Thing]) -> None:
    """kube-proxy is never newer than the API server (Kubernetes version skew policy)."""
    if inputs.get("addonName") != "kube-proxy":
        return
    newest = [_minor(one.inputs.get("version")) for one in others if one.type == CLUSTER]
    if newest and _minor(inputs.get("addonVersion")) > newest[0]:
        raise Refused("InvalidParameterException: the add-on's version is not supported by the cluster's version")


def _database(thing: Thing, inputs: Mapping[str, Any], others: Sequence[Thing]) -> None:
    """A major upgrade is asked for, and names the instances' group where theirs is custom (API ModifyDBCluster)."""
    before, after = (str(one.get("engineVersion", "")).split(".")[:2] for one in (thing.inputs, inputs))
    if before == after:
        return
    if not inputs.get("allowMajorVersionUpgrade"):
        raise Refused(
            "InvalidParameterCombination: the AllowMajorVersionUpgrade flag must be present when upgrading to a new "
            "major version"
        )
    custom = any(one.type == INSTANCE and one.inputs.get("dbParameterGroupName") for one in others)
    if custom and not inputs.get("dbInstanceParameterGroupName"):
        raise Refused(
            "InvalidParameterCombination: the current DB instance parameter group is custom; specify a new one"
        )


def _cache(thing: Thing, inputs: Mapping[str, Any], others: Sequence[Thing]) -> None:
    """Valkey never becomes Redis again, and each family needs a parameter group of its own (ElastiCache user guide)."""
    engine = str(inputs.get("engine"))
    if thing.inputs.get("engine") == "valkey" and engine == "redis":
        raise Refused("InvalidParameterValue: a replication group of Valkey cannot be changed to Redis")
    family = f"{engine}{str(inputs.get('engineVersion')).partition('.')[0]}"
    groups = [one for one in others if one.type == CACHE_PARAMETERS]
    for group in groups:
        if group.inputs.get("name") == inputs.get("parameterGroupName") and group.inputs.get("family") != family:
            raise Refused(f"InvalidParameterCombination: the parameter group is not of the family {family}")


def _nodes(cluster: Thing, others: Sequence[Thing]) -> list[Thing]:
    return [one for one in others if one.type == NODES and one.inputs.get("clusterName") == cluster.inputs.get("name")]


def _minor(version: Any) -> int:
    """The minor version in ``1.36`` or ``v1.36.0-eksbuild.21``."""
    found = re.match(r"v?1\.(\d+)", str(version))
    return int(found[1]) if found else 0


_RULES: Mapping[str, Callable[[Thing, Mapping[str, Any], Sequence[Thing]], None]] = {
    CLUSTER: _control_plane,
    NODES: _node_group,
    ADDON: _addon,
    DATABASE: _database,
    CACHE: _cache,
}
