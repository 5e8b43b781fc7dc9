import json
from dataclasses import replace
from typing import Any

import pytest

from components.audit.dashboard import CHARTS, Dashboard, DashboardArgs
from components.foundations.placement import Placement
from recording.program import Recording
from tests.components.conftest import REGION, Play


@pytest.fixture(scope="module")
def arguments(placement: Placement) -> DashboardArgs:
    return DashboardArgs(
        placement=placement,
        load_balancer_arn_suffix="app/balancer/1",
        target_group_arn_suffix="targetgroup/nodes/2",
        firewall_metric_name="softpos-test-edge-firewall",
        autoscaling_group_names=["nodes-1"],
        database_cluster_identifier="payments",
        replication_group_id="sessions",
        vpn_connection_id="vpn-1",
        replication_instance_id="moving",
    )


def widgets(recording: Recording) -> list[dict[str, Any]]:
    (dashboard,) = recording.of("aws:cloudwatch/dashboard:Dashboard")
    found: list[dict[str, Any]] = json.loads(dashboard.inputs["dashboardBody"])["widgets"]
    return found


def test_every_line_plots_this_stacks_part_of_the_platform(play: Play, arguments: DashboardArgs) -> None:
    parts = {
        "Firewall": "softpos-test-edge-firewall",
        "Requests": "app/balancer/1",
        "Answer time": "targetgroup/nodes/2",
        "Healthy targets": "targetgroup/nodes/2",
        "Processors of the nodes": "nodes-1",
        "Writer": "payments",
        "Readers": "payments",
        "Cache": "sessions",
        "Tunnels up": "vpn-1",
        "Migration, seconds behind": "moving",
    }
    plotted = {
        w["properties"]["title"]: w["properties"]["metrics"]
        for w in widgets(play(lambda: Dashboard("dashboard", arguments)))
    }
    assert plotted.keys() == parts.keys()
    for title, lines in plotted.items():
        assert all(parts[title] in json.dumps(line) for line in lines), title


def test_charts_do_not_cover_each_other(play: Play, arguments: DashboardArgs) -> None:
    places = [(w["x"], w["y"]) for w in widgets(play(lambda: Dashboard("dashboard", arguments)))]
    assert len(places) == len(set(places)) == len(CHARTS)
    assert max(x for x, _ in places) + 8 <= 24


def test_search_is_written_as_cloudwatch_reads_it(play: Play, arguments: DashboardArgs) -> None:
    found = widgets(play(lambda: Dashboard("dashboard", arguments)))
    (cache,) = [w for w in found if w["properties"]["title"] == "Cache"]
    assert cache["properties"]["metrics"] == [
        [
            {
                "expression": "SEARCH('{AWS/ElastiCache,CacheClusterId,CacheNodeId} "
                "MetricName=\"EngineCPUUtilization\" sessions', 'Average')"
            }
        ]
    ]


def test_finished_migration_leaves_the_page(play: Play, arguments: DashboardArgs) -> None:
    found = widgets(play(lambda: Dashboard("dashboard", replace(arguments, replication_instance_id=None))))
    assert len(found) == len(CHARTS) - 1
    assert "AWS/DMS" not in json.dumps(found)


def test_link_opens_this_stacks_page(play: Play, arguments: DashboardArgs) -> None:
    links: list[str] = []
    recording = play(lambda: links.append(Dashboard("dashboard", arguments).url))
    (dashboard,) = recording.of("aws:cloudwatch/dashboard:Dashboard")
    assert links == [
        f"https://{REGION}.console.aws.amazon.com/cloudwatch/home?region={REGION}"
        f"#dashboards/dashboard/{dashboard.inputs['dashboardName']}"
    ]
