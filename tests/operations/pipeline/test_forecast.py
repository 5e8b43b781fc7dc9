"""The forecast of a change counts what changes and what it waits for, and nothing else."""

from google.protobuf import struct_pb2

from operations.pipeline.changes import Change
from operations.pipeline.forecast import forecast_change
from recording.program import Recording
from recording.recorder import Resource


def resource(type_: str, name: str, *waits_for: str) -> Resource:
    return Resource(
        urn=urn(type_, name, "dev"),
        type=type_,
        name=name,
        parent="",
        dependencies=waits_for,
        inputs={},
        wire_inputs=struct_pb2.Struct(),
        property_dependencies={},
        provider="",
        custom=True,
    )


def urn(type_: str, name: str, stack: str) -> str:
    return f"urn:pulumi:{stack}::softpos::{type_}::{name}"


CLUSTER = resource("aws:eks/cluster:Cluster", "cluster")
NODES = resource("aws:eks/nodeGroup:NodeGroup", "nodes", CLUSTER.urn)
APP = resource("kubernetes:apps/v1:Deployment", "app", NODES.urn)
QUEUE = resource("aws:sns/topic:Topic", "alarms")
RECORDING = Recording(stack="dev", resources=(CLUSTER, NODES, APP, QUEUE), outputs={})


def seconds(*changes: Change) -> float:
    return forecast_change(RECORDING, changes).change


def test_no_change_takes_no_time() -> None:
    assert seconds() == 0


def test_a_new_image_takes_a_rollout_and_no_cluster() -> None:
    found = seconds(Change("update", APP.urn, ("spec",)))
    assert 0 < found < 60
    assert found == forecast_change(Recording("dev", (APP,), {}), [Change("create", APP.urn)]).change


def test_what_a_change_waits_for_is_counted_when_it_changes_too() -> None:
    both = seconds(Change("update", NODES.urn), Change("update", APP.urn))
    assert both == seconds(Change("update", NODES.urn)) + seconds(Change("update", APP.urn))


def test_an_update_that_nothing_is_restarted_for_is_quick() -> None:
    assert seconds(Change("update", CLUSTER.urn)) < 5 < seconds(Change("replace", CLUSTER.urn))


def test_a_deletion_is_not_waited_for() -> None:
    assert seconds(Change("delete", CLUSTER.urn)) == 0


def test_everything_from_nothing_is_the_longest_chain() -> None:
    found = forecast_change(RECORDING, ())
    chain = [Change("create", one.urn) for one in (CLUSTER, NODES, APP)]
    assert found.from_zero == seconds(*chain)


def test_the_engines_names_match_the_rehearsals_where_parents_differ() -> None:
    engines = "urn:pulumi:dev::softpos::softpos:app:Service$kubernetes:apps/v1:Deployment::app"
    assert seconds(Change("update", engines)) == seconds(Change("update", APP.urn))
