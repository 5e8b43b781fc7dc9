"""The settings that a user will change, and what the engine would do about each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from facts.stateful import HOLDS_DATA
from tools.engine.stack import EngineStack, Run


@dataclass(frozen=True)
class Upgrade:
    """One change of settings."""

    what: str
    before: Mapping[str, str]
    """Settings of the deployed stack, where they are not the file's own."""
    after: Mapping[str, Any]


UPGRADES = (
    Upgrade("More nodes", {}, {"clusterNodesMax": "8", "clusterNodesDesired": "4"}),
    Upgrade("Another instance type of the nodes", {}, {"clusterNodeInstanceType": "m7i.xlarge"}),
    Upgrade("Kubernetes version", {"clusterVersion": "1.35"}, {"clusterVersion": "1.36"}),
    Upgrade("Instance class of the database", {}, {"databaseInstanceClass": "db.r7g.xlarge"}),
    Upgrade(
        "Engine version of the database",
        {"databaseEngineVersion": "8.4.mysql_aurora.8.4.7"},
        {"databaseEngineVersion": "8.4.mysql_aurora.8.4.8"},
    ),
    Upgrade("Another reader of the database", {"databaseReaders": "1"}, {"databaseReaders": "2"}),
    Upgrade("Retention of database backups", {}, {"databaseBackupRetentionDays": "21"}),
    Upgrade("Node type of the cache", {}, {"cacheNodeType": "cache.r7g.xlarge"}),
    Upgrade("Engine version of the cache", {"cacheEngineVersion": "7.0"}, {"cacheEngineVersion": "7.1"}),
    Upgrade("Trusted ranges of the bastion", {}, {"bastionTrustedCidrs": ["203.0.113.64/28"]}),
    Upgrade("Instance type of the bastion", {}, {"bastionInstanceType": "t3.small"}),
    Upgrade("Ranges of the data centre", {}, {"vpnOnPremisesCidrs": ["10.80.0.0/16", "10.81.0.0/16"]}),
    Upgrade("Retention of logs", {}, {"auditLogRetentionDays": "731"}),
    Upgrade("Idle timeout and stickiness", {}, {"edgeIdleTimeoutSeconds": "90", "edgeStickinessSeconds": "7200"}),
    Upgrade("The agent's policy", {}, {"agentPolicyId": "99"}),
    Upgrade("More pods", {}, {"serviceReplicasMax": "20"}),
    Upgrade("Class of the replication instance", {}, {"migrationInstanceClass": "dms.r6i.2xlarge"}),
    Upgrade("Migration off after the cutover", {}, {"migrationPhase": "after"}),
)


@dataclass(frozen=True)
class Effect:
    """What one upgrade would do."""

    upgrade: Upgrade
    updated: tuple[str, ...]
    """Types updated in place."""
    created: tuple[str, ...]
    replaced: tuple[str, ...]
    deleted: tuple[str, ...]
    problem: str = ""
    """Why the engine would refuse it."""

    @property
    def data_at_risk(self) -> tuple[str, ...]:
        """Types that hold data and would be replaced or deleted."""
        return tuple(type_ for type_ in (*self.replaced, *self.deleted) if type_ in HOLDS_DATA)


def baseline() -> dict[str, str]:
    """The settings to deploy first, so that every upgrade has something to change."""
    return {_full(key): value for upgrade in UPGRADES for key, value in upgrade.before.items()}


def effect_of(upgrade: Upgrade, stack: EngineStack) -> Effect:
    """Preview one upgrade of a deployed stack; the stack's settings are as before afterwards."""
    before = stack.settings()
    for key, value in upgrade.after.items():
        stack.set(_full(key), value)
    run = stack.preview()
    stack.write_settings(before)
    return _effect(upgrade, run)


def table(effects: Iterable[Effect]) -> str:
    """The effects as a table in Markdown."""
    lines = ["| change | settings | updated in place | created | replaced | deleted |", "|---|---|---|---|---|---|"]
    for effect in effects:
        keys = ", ".join(f"`{key}`" for key in effect.upgrade.after)
        kinds = (effect.updated, effect.created, effect.replaced, effect.deleted)
        lines.append(f"| {effect.upgrade.what} | {keys} | {' | '.join(map(_cell, kinds))} |")
    return "\n".join(lines) + "\n"


def _full(key: str) -> str:
    return f"softpos:{key}"


def _effect(upgrade: Upgrade, run: Run) -> Effect:
    steps = run.steps()

    def types(*operations: str) -> tuple[str, ...]:
        found = [urn.split("::")[2].rpartition("$")[2] for operation, urn in steps if operation in operations]
        return tuple(
            type_
            for type_ in found
            if type_.startswith(("aws:", "kubernetes:", "random:")) and ":providers:" not in type_
        )

    return Effect(
        upgrade=upgrade,
        updated=types("update"),
        created=types("create"),
        replaced=types("replace"),
        deleted=types("delete"),
        problem=(run.diagnostics() or run.output) if run.code else "",
    )


def _cell(types: tuple[str, ...]) -> str:
    counted = Counter(type_.rpartition(":")[2] for type_ in types)
    return ", ".join(f"{type_} ×{amount}" if amount > 1 else type_ for type_, amount in sorted(counted.items())) or "–"  # noqa: RUF001 (typography)
