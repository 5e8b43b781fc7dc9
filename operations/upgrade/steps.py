"""The steps of an upgrade: which settings change together, what that interrupts, and the way back.

The order is AWS's: a control plane moves one minor version at a time, and only when the nodes have its version. What
each step interrupts is told from AWS's documents; how long it takes in an account only that account tells.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from components.cluster.settings import KUBERNETES_VERSIONS
from operations.upgrade.living import Living


@dataclass(frozen=True)
class Step:
    """One deployment of an upgrade."""

    name: str
    """Short and stable: it names the pull request's branch too."""
    settings: Mapping[str, str]
    """Keys without their namespace, and the values to set."""
    interrupts: str
    way_back: str


@dataclass(frozen=True)
class Targets:
    """What the person asks for; empty is no change."""

    kubernetes: str = ""
    node_release: str = ""
    database: str = ""
    cache: str = ""


class NotPossible(ValueError):  # noqa: N818 (reads as the sentence that it carries)
    """An upgrade that AWS does not do; the message is one sentence."""


def steps(living: Living, targets: Targets) -> list[Step]:
    """What is still to do, in order. What is done already makes no step, so a plan resumes where it stopped.

    Raises:
        NotPossible: when AWS has no such upgrade.
    """
    return [
        *(_kubernetes(living, targets.kubernetes) if targets.kubernetes else ()),
        *(_node_release(living, targets) if targets.node_release else ()),
        *(_database(living, targets.database) if targets.database else ()),
        *(_cache(living, targets.cache) if targets.cache else ()),
    ]


def _kubernetes(living: Living, target: str) -> Iterator[Step]:
    if target not in KUBERNETES_VERSIONS:
        allowed = " or ".join(KUBERNETES_VERSIONS)
        raise NotPossible(
            f"--to-kubernetes: {target!r} is not allowed; allowed: {allowed}; a newer version first needs its rows in "
            "components/cluster/addon_versions.csv and the autoscaler's image."
        )
    control_plane, nodes, wanted = (_minor(version) for version in (living.kubernetes, living.nodes, target))
    if wanted < control_plane:
        raise NotPossible(
            f"--to-kubernetes: {target!r} is not allowed; allowed: {living.kubernetes} or newer; EKS goes back one "
            "minor version within seven days, by the AWS CLI only (docs/upgrades.md)."
        )
    while nodes < wanted:
        if nodes == control_plane:
            control_plane += 1
            yield Step(
                f"control-plane-to-1.{control_plane}",
                {"clusterVersion": f"1.{control_plane}", "clusterNodeVersion": f"1.{nodes}"},
                "nothing that takes payments: pods run on, and for some minutes the Kubernetes API may refuse a call",
                "within seven days, one minor version, by the AWS CLI (EKS user guide, rollback)",
            )
        nodes += 1
        yield Step(
            f"nodes-and-add-ons-to-1.{nodes}",
            {"clusterVersion": f"1.{control_plane}", "clusterNodeVersion": "", "clusterNodeReleaseVersion": ""},
            "no payment: one node after the other is drained under the disruption budgets, and pods start elsewhere",
            "none by this program: EKS rolls no node group back; a new group would be needed",
        )


def _node_release(living: Living, targets: Targets) -> Iterator[Step]:
    if targets.node_release != living.node_release:
        yield Step(
            f"nodes-to-image-{targets.node_release}",
            {"clusterNodeReleaseVersion": targets.node_release},
            "no payment: one node after the other is drained under the disruption budgets, and pods start elsewhere",
            "set the former release; EKS replaces the nodes again",
        )


def _database(living: Living, target: str) -> Iterator[Step]:
    before, after = _release(living.database), _release(target)
    if ("aurora" in living.database) != ("aurora" in target):
        raise NotPossible(
            f"--to-database: {target!r} is not allowed; allowed: a version of the engine that runs "
            f"({living.database}); another engine is a migration, not an upgrade."
        )
    if after < before:
        raise NotPossible(
            f"--to-database: {target!r} is not allowed; allowed: {living.database} or newer; RDS has no way back but "
            "a snapshot, which is another cluster."
        )
    if after == before:
        return
    if after[:2] == before[:2]:
        yield Step(
            f"database-to-{target}",
            {"databaseEngineVersion": target},
            "all connections, 20 to 30 seconds, in the maintenance window in production (Aurora user guide)",
            "none in place; restore to a point before it",
        )
        return
    if "aurora" not in target:
        raise NotPossible(
            f"--to-database: {target!r} is not allowed; allowed: a minor version of "
            f"{'.'.join(living.database.split('.')[:2])}; a Multi-AZ DB cluster has no major upgrade (RDS user guide)."
        )
    yield Step(
        f"database-to-{target}",
        {"databaseEngineVersion": target, "databaseMajorUpgrade": "true"},
        "the database is shut down for the upgrade: no payment is taken for minutes to an hour, by the size of the "
        "dictionary; rehearse it on a clone, and announce a window",
        "none in place; a snapshot from before it loses what was written after",
    )
    yield Step("database-major-upgrade-closed", {"databaseMajorUpgrade": "false"}, "nothing", "not needed")


def _cache(living: Living, target: str) -> Iterator[Step]:
    if living.cache.startswith("valkey") and not target.startswith("valkey"):
        raise NotPossible(
            f"--to-cache: {target!r} is not allowed; allowed: Valkey, {living.cache} or newer; ElastiCache has no way "
            "back from Valkey to Redis."
        )
    if target != living.cache:
        yield Step(
            f"cache-to-{target}",
            {"cacheEngineVersion": target},
            "connections of the primary, a few seconds; endpoints and sessions stay",
            "none to an older engine; sessions begin anew with a new cache",
        )


def _minor(version: str) -> int:
    return int(version.partition(".")[2] or 0)


def _release(version: str) -> tuple[int, ...]:
    """The numbers of a version, to compare: ``8.4.mysql_aurora.8.4.8`` gives ``(8, 4, 8, 4, 8)``."""
    return tuple(int(part) for part in version.replace("mysql_aurora.", "").split(".") if part.isdigit())
