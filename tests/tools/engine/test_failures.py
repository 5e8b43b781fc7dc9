"""What goes wrong in the middle, and that the next deployment makes it good."""

import os
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from recording.program import Recording
from recording.recorder import Resource
from tools.engine.account import Account
from tools.engine.faults import Fault
from tools.engine.stack import EngineStack

StackOf = Callable[..., EngineStack]
Rehearsed = Callable[[str], Recording]
DECISIVE = (
    "network",
    "keys-database",
    "cluster-control-plane-eksCluster",
    "cluster-nodes",
    "database-cluster",
    "database-writer",
    "cache",
    "edge-balancer",
    "service-deployment",
)
"""Resources whose failure is feared most; each fails alone, in the order of a deployment."""


def waves(resources: Iterable[Resource]) -> list[list[Resource]]:
    """All resources of the provider, in groups in which none depends on another of its group."""
    by_urn = {resource.urn: resource for resource in resources}
    depths: dict[str, int] = {}

    def depth(urn: str) -> int:
        if urn not in depths:
            resource = by_urn[urn]
            needed = [one for one in resource.dependencies if one in by_urn]
            if resource.remote:
                needed += [one.urn for one in by_urn.values() if one.parent == urn]
            elif resource.parent in by_urn and by_urn[resource.parent].custom:
                needed.append(resource.parent)
            depths[urn] = 1 + max(map(depth, needed), default=0)
        return depths[urn]

    groups: dict[int, list[Resource]] = {}
    for resource in by_urn.values():
        if resource.custom and not resource.type.startswith("pulumi:"):
            groups.setdefault(depth(resource.urn), []).append(resource)
    return [groups[level] for level in sorted(groups)]


def assert_whole(engine: EngineStack, recording: Recording) -> None:
    """Everything is there, made once, known to the state, and nothing is left under way."""
    created = engine.account.created()
    wanted = [one.urn for one in recording.resources if one.custom and not one.type.startswith("pulumi:")]
    assert sorted(created) == sorted(wanted)
    state = engine.state()["deployment"]
    assert state.get("pending_operations") in (None, [])
    assert set(wanted) <= {one["urn"] for one in state["resources"]}


def fail_once(engine: EngineStack, wave: Iterable[Resource]) -> list[Fault]:
    """Have each of a wave fail at its next creation."""
    return [engine.account.faults.add(Fault("fail", type=one.type, name=one.name)) for one in wave]


def deploy_until_done(engine: EngineStack, at_most: int) -> int:
    """Deploy again until it succeeds, and say how many deployments it took.

    A remote component whose plugin is still at work when the rest has failed is broken off by the engine; its resources
    meet their faults one deployment later.
    """
    for number in range(1, at_most + 1):
        run = engine.up("--continue-on-error")
        if run.code == 0:
            return number
    raise AssertionError(run.diagnostics())


def test_creations_that_fail_once_are_made_good_by_the_next_deployment(
    stack_of: StackOf, rehearsed: Rehearsed, request: pytest.FixtureRequest
) -> None:
    """The widest group of resources that do not depend on one another: all of them fail in one deployment."""
    engine = stack_of("dev")
    recording = rehearsed("dev")
    wave = max(waves(recording.resources), key=len)
    faults = fail_once(engine, wave)
    assert engine.up("--continue-on-error").code != 0
    deploy_until_done(engine, 2)
    assert [fault.happened for fault in faults] == [[one.name] for one in wave]
    assert_whole(engine, recording)
    say(request, f"{len(wave)} creations failed once and were made good")


@pytest.mark.slow
def test_each_creation_fails_once_and_nothing_is_made_twice_or_forgotten(
    stack_of: StackOf, rehearsed: Rehearsed, request: pytest.FixtureRequest
) -> None:
    """Every resource of the stack fails at its first creation: each deployment gets as far as the next failures."""
    engine = stack_of("dev")
    recording = rehearsed("dev")
    groups = waves(recording.resources)
    faults = fail_once(engine, (one for wave in groups for one in wave))
    deployments = deploy_until_done(engine, 2 * len(groups))
    assert [fault.happened for fault in faults] == [[fault.name] for fault in faults]
    assert_whole(engine, recording)
    say(request, f"{len(faults)} creations failed once, each, and were made good, in {deployments} deployments")


@pytest.mark.slow
def test_a_creation_that_fails_alone_stops_the_deployment_and_the_next_goes_on(
    stack_of: StackOf, rehearsed: Rehearsed, request: pytest.FixtureRequest
) -> None:
    """One failure a deployment, without going on after it; with SOFTPOS_FAULTS=each every resource in turn."""
    engine = stack_of("dev")
    recording = rehearsed("dev")
    each = [one for wave in waves(recording.resources) for one in wave]
    every = os.environ.get("SOFTPOS_FAULTS") == "each"
    chosen = [one for one in each if every or one.name in DECISIVE]
    tried = 0
    for one in chosen:
        if one.urn in engine.account.created():
            continue  # made beside an earlier failure
        fault = engine.account.faults.add(Fault("fail", type=one.type, name=one.name))
        run = engine.up()
        assert run.code != 0
        assert fault.happened == [one.name]
        tried += 1
    run = engine.up()
    assert run.code == 0, run.diagnostics()
    assert_whole(engine, recording)
    say(request, f"{tried} creations failed alone and were made good")


@pytest.mark.slow
def test_a_deployment_that_is_killed_goes_on_when_what_was_under_way_is_taken_over(
    stack_of: StackOf, rehearsed: Rehearsed
) -> None:
    """The things that were being made exist in AWS; the state knows only that they were begun."""
    engine = stack_of("dev", checkpoints=True)
    stalled = [
        engine.account.faults.add(Fault("stall", name=name))
        for name in ("database-writer", "cluster-control-plane-eksCluster")
    ]
    started = engine.start("up", "--yes", "--skip-preview")
    wait_until(lambda: all(fault.happened for fault in stalled), 300)
    engine.kill(started)
    engine.account.faults.clear()
    wait_until(lambda: all(thing.ready for thing in engine.account.things.values()), 30)
    engine.cancel()
    state = engine.state()
    pending = state["deployment"]["pending_operations"]
    assert {one["resource"]["urn"].rpartition("::")[2] for one in pending} >= {fault.name for fault in stalled}
    engine.replace_state(taken_over(state, engine.account))
    run = engine.refresh()
    assert run.code == 0, run.diagnostics()
    run = engine.up()
    assert run.code == 0, run.diagnostics()
    assert_whole(engine, rehearsed("dev"))


def taken_over(state: dict[str, Any], account: Account) -> dict[str, Any]:
    """The state with everything that was begun and exists, as docs/upgrades.md says to do it."""
    ids = {thing.urn: thing.id for thing in account.things.values()}
    deployment = state["deployment"]
    for one in deployment.pop("pending_operations"):
        resource = one["resource"]
        if one["type"] == "creating" and resource["urn"] in ids:
            deployment["resources"].append({**resource, "id": ids[resource["urn"]]})
    return state


@pytest.mark.slow
def test_a_thing_whose_answer_was_lost_is_refused_by_name_and_never_made_twice(
    stack_of: StackOf, rehearsed: Rehearsed
) -> None:
    engine = stack_of("dev")
    fault = engine.account.faults.add(Fault("lose-answer", name="database-cluster"))
    assert engine.up().code != 0
    assert fault.happened == ["database-cluster"]
    run = engine.up()
    assert run.code != 0
    assert "AlreadyExists: there is one already: softpos-dev-database" in run.output
    assert len(engine.account.of("aws:rds/cluster:Cluster")) == 1
    orphan = engine.account.of("aws:rds/cluster:Cluster")[0]
    del engine.account.things[orphan.number]
    run = engine.up()
    assert run.code == 0, run.diagnostics()


@pytest.mark.slow
def test_throttling_and_roles_that_spread_slowly_only_cost_time(stack_of: StackOf, rehearsed: Rehearsed) -> None:
    engine = stack_of("dev")
    engine.account.role_propagation_seconds = 20
    engine.account.faults.add(Fault("throttle", type="aws:iam/role:Role", times=5))
    run = engine.up()
    assert run.code == 0, run.diagnostics()
    assert_whole(engine, rehearsed("dev"))


def wait_until(true: Callable[[], bool], seconds: float) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not happen"
        threading.Event().wait(0.1)


def say(request: pytest.FixtureRequest, line: str) -> None:
    reporter = request.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None:
        reporter.write_line(f"\n{request.node.name}: {line}")
