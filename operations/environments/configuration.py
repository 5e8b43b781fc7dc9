"""An environment's settings: its source stack's, made small, alone and temporary; security is not touched."""

from __future__ import annotations

import json
from collections.abc import Mapping
from ipaddress import IPv4Network

import yaml

from command_line.exits import BAD_INPUT, Stop
from command_line.project import ROOT
from operations.environments.ledger import Environment
from operations.environments.lifetimes import as_text
from operations.environments.names import stack_of
from operations.plan.stack_recording import stack_settings
from recording.configuration import Configuration
from settings import Settings, read

SMALL: Mapping[str, str] = {
    "networkNat": "single",
    "clusterNodeInstanceType": "t3.large",
    "clusterNodesMin": "2",
    "clusterNodesDesired": "2",
    "clusterNodesMax": "3",
    "serviceReplicasMin": "2",
    "serviceReplicasMax": "2",
    "databaseInstanceClass": "db.t4g.medium",
    "databaseReaders": "0",
    "databaseReadersMax": "1",
    "databaseBackupRetentionDays": "7",
    "cacheNodeType": "cache.t4g.small",
    "cacheReplicas": "2",
    "cacheSnapshotRetentionDays": "7",
}
"""Sizes and counts: the least that still has every part in the shape that production has."""
ALONE: Mapping[str, str] = {
    "vpnEnabled": "false",
    "migrationPhase": "none",
    "migrationServiceRoles": "adopt",
    "auditTrail": "adopt",
    "auditConfig": "off",
    "auditGuardduty": "off",
    "auditSecurityHub": "off",
    "auditInspector": "adopt",
    "auditAccountBaseline": "adopt",
}
"""What the account has once belongs to the source stack, and the data centre is not a test environment's business.
Off where adopting would change it: Config's packs, GuardDuty's features and Security Hub's standards watch the whole
account already, and a pair of packs an environment would fill the Region's 1,000 rules."""
AGENT_SECRET = "softpos/environments/workload-security"  # noqa: S105 (a name)
"""Environments have an activation secret of their own, so that a test node reads no other (bootstrap/README.md)."""
TEMPORARY: Mapping[str, str] = {"environment": "development", "databaseDeletionProtection": "false"}
"""What would keep it from being destroyed."""


def source_settings(source: str) -> tuple[Configuration, Settings]:
    """The settings of the stack that environments come from.

    Raises:
        Stop: when there is no such stack, its settings are wrong, or it is production.
    """
    configuration, settings = stack_settings(source)
    if settings.production:
        raise Stop(BAD_INPUT, f"--from: {source} is production; allowed: a development stack; use dev.")
    return configuration, settings


def environment_configuration(
    source: Configuration, environment: Environment, zone_id: str, snapshot: str = ""
) -> Configuration:
    """All settings of one environment.

    Args:
        zone_id: the source's hosted zone, in which the environment gets a name.
        snapshot: a sanitised database snapshot to start from; empty starts with the source's choice, or empty.
    """
    zone_name = source.values["softpos:edgeZoneName"]
    own = {
        **SMALL,
        **ALONE,
        **TEMPORARY,
        "agentSecretName": AGENT_SECRET,
        "owner": environment.owner,
        "networkVpcCidr": str(environment.cidr),
        "edgeZoneId": zone_id,
        "edgeHostName": f"{environment.name}.{zone_name}",
        "temporaryUntil": as_text(environment.until),
        "temporaryPurpose": environment.purpose,
    }
    if environment.image:
        own["serviceImage"] = environment.image
    if snapshot:
        own["databaseSnapshot"] = snapshot
    values = {**source.values, **{f"softpos:{key}": value for key, value in own.items()}}
    return Configuration(project=source.project, stack=stack_of(environment.name), values=values)


def checked(configuration: Configuration) -> Settings:
    """The typed settings.

    Raises:
        Stop: with every problem, when the program would refuse them.
    """
    settings, problems = read(configuration.values, configuration.stack)
    if settings is None:
        raise Stop(BAD_INPUT, *map(str, problems))
    return settings


def ranges_in_use(settings: Settings) -> list[IPv4Network]:
    """Every range that an environment's addresses must stay clear of."""
    return [settings.network.vpc_cidr, settings.cluster.service_cidr, *settings.vpn.on_premises_cidrs]


def as_stack_file(configuration: Configuration) -> dict[str, object]:
    """The settings as Pulumi's stack file holds them: each of the type that `Pulumi.yaml` declares."""
    declared = yaml.safe_load((ROOT / "Pulumi.yaml").read_text(encoding="utf-8"))["config"]
    texts = {key for key in configuration.values if declared.get(key, {}).get("type", "string") == "string"}
    return {key: value if key in texts else json.loads(value) for key, value in configuration.values.items()}
