"""What must be true before a step, against answers that botocore's own models take for AWS's."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from operations.account.answers import Status
from operations.plan.stack_recording import stack_settings
from operations.upgrade.conditions import conditions
from operations.upgrade.living import deployed
from operations.upgrade.steps import Step

REGION = "eu-central-1"
NAME = "softpos-dev"
CONTROL_PLANE = Step("one", {"clusterVersion": "1.36", "clusterNodeVersion": "1.35"}, "", "")
DATABASE = Step("two", {"databaseEngineVersion": "8.4.mysql_aurora.8.4.8", "databaseMajorUpgrade": "true"}, "", "")


class Played(boto3.Session):
    """A session whose clients answer from a script; an answer that is not of AWS's shape is refused by botocore."""

    def __init__(self) -> None:
        super().__init__(aws_access_key_id="a", aws_secret_access_key="b", region_name=REGION)
        self.stubs: dict[str, Stubber] = {}

    def of(self, service: str) -> Stubber:
        if service not in self.stubs:
            self.stubs[service] = Stubber(super().client(service))  # type: ignore[call-overload]
            self.stubs[service].activate()
        return self.stubs[service]

    def client(self, service_name: str, *_: Any, **__: Any) -> Any:  # type: ignore[override]
        return self.of(service_name).client


@pytest.fixture
def session() -> Iterator[Played]:
    played = Played()
    yield played
    for stub in played.stubs.values():
        stub.assert_no_pending_responses()


def statuses(session: Played, step: Step) -> dict[str, Status]:
    return {one.check: one.status for one in conditions(session, stack_settings("dev")[1], step)}


def control_plane(session: Played, *, insight: str, coredns: str, free: int) -> None:
    eks, ec2 = session.of("eks"), session.of("ec2")
    cluster = {"version": "1.35", "resourcesVpcConfig": {"subnetIds": ["subnet-1"]}}
    eks.add_response("describe_cluster", {"cluster": cluster}, {"name": NAME})
    eks.add_response("list_insights", {"insights": [{"name": "Deprecated APIs", "insightStatus": {"status": insight}}]})
    eks.add_response("list_addons", {"addons": ["coredns"]}, {"clusterName": NAME})
    eks.add_response("describe_addon", {"addon": {"addonVersion": coredns}})
    offered = [{"addonVersion": one} for one in ("v1.14.3-eksbuild.2", "v1.14.3-eksbuild.16")]
    eks.add_response(
        "describe_addon_versions",
        {"addons": [{"addonVersions": offered}]},
        {"addonName": "coredns", "kubernetesVersion": "1.36"},
    )
    ec2.add_response("describe_subnets", {"Subnets": [{"SubnetId": "subnet-1", "AvailableIpAddressCount": free}]})


def test_a_control_plane_that_is_ready_passes_everything(session: Played) -> None:
    control_plane(session, insight="PASSING", coredns="v1.14.3-eksbuild.2", free=200)
    assert statuses(session, CONTROL_PLANE) == {
        "upgrade insights": Status.PASS,
        "add-on coredns": Status.PASS,
        "free addresses": Status.PASS,
    }


def test_each_thing_that_eks_would_refuse_is_named(session: Played) -> None:
    control_plane(session, insight="ERROR", coredns="v1.11.0-eksbuild.1", free=4)
    assert set(statuses(session, CONTROL_PLANE).values()) == {Status.FAIL}


def test_an_insight_that_eks_does_not_know_is_no_pass(session: Played) -> None:
    control_plane(session, insight="UNKNOWN", coredns="v1.14.3-eksbuild.2", free=200)
    assert statuses(session, CONTROL_PLANE)["upgrade insights"] is Status.FAIL


def test_what_aws_does_not_answer_is_a_warning_and_no_pass(session: Played) -> None:
    session.of("eks").add_client_error("describe_cluster", "AccessDeniedException", "no")
    assert statuses(session, CONTROL_PLANE) == {"clusterVersion": Status.WARN}


def database(session: Played, *, targets: list[str], backup: datetime.timedelta) -> None:
    rds = session.of("rds")
    cluster = {
        "Engine": "aurora-mysql",
        "EngineVersion": "8.0.mysql_aurora.3.10.4",
        "Status": "available",
        "LatestRestorableTime": datetime.datetime.now(datetime.UTC) - backup,
    }
    rds.add_response("describe_db_clusters", {"DBClusters": [cluster]}, {"DBClusterIdentifier": f"{NAME}-database"})
    versions = [{"ValidUpgradeTarget": [{"EngineVersion": one} for one in targets]}]
    rds.add_response("describe_db_engine_versions", {"DBEngineVersions": versions})


def test_a_database_goes_only_where_rds_takes_it_and_with_a_fresh_backup(session: Played) -> None:
    database(session, targets=["8.4.mysql_aurora.8.4.8"], backup=datetime.timedelta(minutes=5))
    assert statuses(session, DATABASE) == {
        "upgrade target": Status.PASS,
        "backup": Status.PASS,
        "prechecks": Status.WARN,
    }
    database(session, targets=["8.0.mysql_aurora.3.12.0"], backup=datetime.timedelta(hours=3))
    found = statuses(session, DATABASE)
    assert (found["upgrade target"], found["backup"]) == (Status.FAIL, Status.FAIL)


def test_what_runs_is_read_from_aws_the_oldest_nodes_first(session: Played) -> None:
    eks, rds, cache = (session.of(service) for service in ("eks", "rds", "elasticache"))
    eks.add_response("describe_cluster", {"cluster": {"version": "1.36"}})
    eks.add_response("list_nodegroups", {"nodegroups": ["new", "old"]})
    for version in ("1.36", "1.35"):
        group = {"version": version, "releaseVersion": f"{version}.1-20261105"}
        eks.add_response("describe_nodegroup", {"nodegroup": group})
    rds.add_response("describe_db_clusters", {"DBClusters": [{"EngineVersion": "8.4.mysql_aurora.8.4.8"}]})
    cache.add_response("describe_replication_groups", {"ReplicationGroups": [{"MemberClusters": ["one"]}]})
    cache.add_response("describe_cache_clusters", {"CacheClusters": [{"Engine": "valkey", "EngineVersion": "8.0.1"}]})
    found = deployed(session, stack_settings("dev")[1])
    assert (found.kubernetes, found.nodes, found.node_release) == ("1.36", "1.35", "1.35.1-20261105")
    assert (found.database, found.cache) == ("8.4.mysql_aurora.8.4.8", "valkey-8.0")
