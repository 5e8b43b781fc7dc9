from google.protobuf import struct_pb2

from operations.plan.forecast import ASSUMED_SECONDS, INSTANCE, forecast_creation
from recording.recorder import Resource

KEY = "aws:kms/key:Key"
KEY_SECONDS = 23
CLUSTER = "aws:eks/cluster:Cluster"
CLUSTER_SECONDS = 563


def resource(type_: str, name: str, *needs: str, parent: str = "", remote: bool = False, **inputs: object) -> Resource:
    return Resource(
        urn=name,
        type=type_,
        name=name,
        parent=parent,
        dependencies=needs,
        inputs=inputs,
        wire_inputs=struct_pb2.Struct(),
        property_dependencies={},
        provider="",
        custom=not remote,
        remote=remote,
    )


def test_what_depends_on_nothing_runs_at_the_same_time() -> None:
    forecast = forecast_creation([resource(KEY, "one"), resource(KEY, "two")])
    assert forecast.seconds == KEY_SECONDS


def test_a_dependency_is_waited_for() -> None:
    forecast = forecast_creation([resource(KEY, "first"), resource(CLUSTER, "second", "first")])
    assert forecast.seconds == KEY_SECONDS + CLUSTER_SECONDS
    assert [step.urn for step in forecast.critical_path] == ["first", "second"]


def test_the_longest_chain_decides() -> None:
    chain = [resource(KEY, "a"), resource(CLUSTER, "b", "a"), resource(KEY, "c"), resource(KEY, "d", "c")]
    assert [step.urn for step in forecast_creation(chain).critical_path] == ["a", "b"]


def test_a_child_waits_for_a_resource_that_is_its_parent() -> None:
    forecast = forecast_creation([resource(KEY, "parent"), resource(KEY, "child", parent="parent")])
    assert forecast.seconds == 2 * KEY_SECONDS


def test_a_remote_component_is_there_when_all_its_children_are() -> None:
    resources = [
        resource("eks:index:Cluster", "component", remote=True),
        resource(CLUSTER, "child", parent="component"),
        resource(KEY, "after", "component"),
    ]
    assert forecast_creation(resources).seconds == CLUSTER_SECONDS + KEY_SECONDS


def test_a_reader_started_beside_the_writer_is_slower_than_one_after_it() -> None:
    writer = resource(INSTANCE, "writer", clusterIdentifier="db")
    beside = forecast_creation([writer, resource(INSTANCE, "reader", clusterIdentifier="db")])
    after = forecast_creation([writer, resource(INSTANCE, "reader", "writer", clusterIdentifier="db")])
    assert (beside.seconds, after.seconds) == (954, 2 * 393)


def test_types_without_a_measured_time_are_assumed_and_counted() -> None:
    forecast = forecast_creation([resource("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule", "rule")])
    assert (forecast.seconds, forecast.assumed) == (ASSUMED_SECONDS["median"], 1)


def test_the_worst_case_takes_the_slowest_measured_times() -> None:
    assert forecast_creation([resource(KEY, "one")], "max").seconds == 29


def test_an_empty_deployment_takes_no_time() -> None:
    forecast = forecast_creation([])
    assert (forecast.seconds, forecast.critical_path) == (0.0, ())
