"""What a deployed stack lives through later: people leave, versions move, in AWS's own order."""

from collections.abc import Callable
from typing import Any

import pytest

from operations.upgrade.carrying_out import with_settings
from operations.upgrade.living import Living
from operations.upgrade.steps import Step, Targets, steps
from tools.engine.stack import EngineStack

StackOf = Callable[..., EngineStack]
ENTRY = "aws:eks/accessEntry:AccessEntry"
ADMINISTRATORS = "softpos:clusterAdminRoleArns"


def succeeded(run: Any) -> None:
    assert run.code == 0, run.diagnostics() or run.output


@pytest.mark.slow
def test_an_administrator_who_leaves_loses_the_way_into_production(stack_of: StackOf) -> None:
    engine = stack_of("prod")
    stays, leaves = (f"arn:aws:iam::{engine.account.number}:role/{name}" for name in ("platform", "leaver"))
    engine.set(ADMINISTRATORS, [stays, leaves])
    succeeded(engine.up())
    assert {entry.inputs["principalArn"] for entry in engine.account.of(ENTRY)} == {stays, leaves}
    engine.set(ADMINISTRATORS, [stays])
    succeeded(engine.up())
    assert {entry.inputs["principalArn"] for entry in engine.account.of(ENTRY)} == {stays}


CLUSTER, NODES = "aws:eks/cluster:Cluster", "aws:eks/nodeGroup:NodeGroup"
CACHE = "aws:elasticache/replicationGroup:ReplicationGroup"
ADDON, DATABASE = "aws:eks/addon:Addon", "aws:rds/cluster:Cluster"
GROUPS = ("aws:rds/clusterParameterGroup:ClusterParameterGroup", "aws:rds/parameterGroup:ParameterGroup")


def versions(engine: EngineStack, type_: str, property_: str) -> set[Any]:
    return {thing.inputs.get(property_) for thing in engine.account.of(type_)}


def kube_proxy(engine: EngineStack) -> str:
    [addon] = [one for one in engine.account.of(ADDON) if one.inputs["addonName"] == "kube-proxy"]
    return str(addon.inputs["addonVersion"])


def step_to(engine: EngineStack, targets: Targets) -> Step:
    """The next step of an upgrade, planned from what the account holds and written into the stack's file."""
    [cluster], [cache] = engine.account.of(CLUSTER), engine.account.of(CACHE)
    redis = cache.inputs["engine"] == "redis"
    living = Living(
        kubernetes=cluster.inputs["version"],
        nodes=str(min(versions(engine, NODES, "version"))),
        node_release="",
        database=str(min(versions(engine, DATABASE, "engineVersion"))),
        cache=cache.inputs["engineVersion"] if redis else f"{cache.inputs['engine']}-{cache.inputs['engineVersion']}",
        source="the stand-in account",
    )
    step = steps(living, targets)[0]
    engine.edit(f"Pulumi.{engine.stack}.yaml", lambda text: with_settings(text, step))
    return step


@pytest.mark.slow
def test_kubernetes_moves_one_minor_version_control_plane_first(stack_of: StackOf) -> None:
    engine = stack_of("dev", overrides={"softpos:clusterVersion": "1.35"})
    succeeded(engine.up())
    created = engine.account.created()
    assert kube_proxy(engine).startswith("v1.35.")
    step_to(engine, Targets(kubernetes="1.36"))
    succeeded(engine.up())
    assert (versions(engine, CLUSTER, "version"), versions(engine, NODES, "version")) == ({"1.36"}, {"1.35"})
    assert kube_proxy(engine).startswith("v1.35.")
    step_to(engine, Targets(kubernetes="1.36"))
    succeeded(engine.up())
    assert versions(engine, NODES, "version") == {"1.36"}
    assert kube_proxy(engine).startswith("v1.36.")
    assert engine.account.created() == created


@pytest.mark.slow
def test_database_moves_to_another_major_version_only_when_told_and_keeps_the_old_groups_until_then(
    stack_of: StackOf,
) -> None:
    old, new = "8.0.mysql_aurora.3.10.4", "8.4.mysql_aurora.8.4.8"
    engine = stack_of("dev", overrides={"softpos:databaseEngineVersion": old})
    succeeded(engine.up())
    database = engine.account.created()
    engine.set("softpos:databaseEngineVersion", new)
    refused = engine.up()
    assert refused.code != 0
    assert "AllowMajorVersionUpgrade" in refused.output
    assert versions(engine, DATABASE, "engineVersion") == {old}
    assert {thing.inputs["family"] for type_ in GROUPS for thing in engine.account.of(type_)} >= {"aurora-mysql8.0"}
    assert step_to(engine, Targets(database=new)).settings["databaseMajorUpgrade"] == "true"
    succeeded(engine.up())
    assert versions(engine, DATABASE, "engineVersion") == {new}
    assert {thing.inputs["family"] for type_ in GROUPS for thing in engine.account.of(type_)} == {"aurora-mysql8.4"}
    engine.set("softpos:databaseMajorUpgrade", "false")
    succeeded(engine.up())
    assert {urn for urn in engine.account.created() if urn not in database} == {
        urn for urn in engine.account.created() if "arameterGroup" in urn and urn not in database
    }


@pytest.mark.slow
def test_the_cache_moves_from_redis_to_valkey_in_place(stack_of: StackOf) -> None:
    engine = stack_of("dev")
    succeeded(engine.up())
    [before] = [urn for urn in engine.account.created() if f"${CACHE}::" in urn]
    step_to(engine, Targets(cache="valkey-8.0"))
    succeeded(engine.up())
    assert versions(engine, CACHE, "engine") == {"valkey"}
    assert [urn for urn in engine.account.created() if f"${CACHE}::" in urn] == [before]
    families = [group.inputs["family"] for group in engine.account.of("aws:elasticache/parameterGroup:ParameterGroup")]
    assert families == ["valkey8"]


NETWORK_CHANGES = {
    "range": ("softpos:networkVpcCidr", "10.44.0.0/16"),
    "zones": ("softpos:networkAvailabilityZones", ["eu-central-1b", "eu-central-1a", "eu-central-1c"]),
}


@pytest.mark.slow
@pytest.mark.parametrize("change", NETWORK_CHANGES)
def test_production_does_not_move_to_another_network_and_says_so_before_an_operation(
    stack_of: StackOf, change: str
) -> None:
    engine = stack_of("prod")
    succeeded(engine.up())
    before = len(engine.account.operations)
    key, value = NETWORK_CHANGES[change]
    engine.set(key, value)
    run = engine.up(preview=True)
    assert run.code != 0
    assert "protect" in run.output
    assert len(engine.account.operations) == before
