"""A change is told by its causes: one for what somebody changed, with all that follows from it below."""

import json
from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from operations.plan.document import Rehearsal, as_document
from operations.rehearsal.page.causes import Cause, group, lines
from operations.rehearsal.page.changes import shown_comparison, way_in
from operations.rehearsal.page.comparison import Difference, Kind, compare
from recording.program import Recording
from tests.operations.rehearsal.page.conftest import rehearse
from tests.operations.rehearsal.page.test_comparison import changed
from tests.operations.sample import record_sample
from tests.recorded import recorded


@cache
def production() -> tuple[Rehearsal, str]:
    """Production, and the same as the text of an older rehearsal."""
    shown = rehearse(recorded("prod"))
    return shown, json.dumps(as_document(shown))


def with_range(document: str) -> dict[str, Any]:
    """The older rehearsal of a network of another range, whose subnets and rules have other addresses too."""
    older: dict[str, Any] = json.loads(document.replace("10.30.", "10.40."))
    return older


def causes_of(rehearsal: Rehearsal, older: dict[str, Any]) -> dict[str, Cause]:
    return {cause.component: cause for cause in group(compare(rehearsal, older).changes)}


@pytest.fixture(scope="module")
def network() -> dict[str, Cause]:
    """A new range of the VPC and a larger database, together."""
    rehearsal, document = production()
    larger = changed(
        changed(rehearsal, "database-writer", instanceClass="db.big"), "database-reader-1", instanceClass="db.big"
    )
    return causes_of(larger, with_range(document))


def test_a_new_range_and_a_size_are_two_causes(network: dict[str, Cause]) -> None:
    assert list(network) == ["network", "database"]
    assert [(change.name, change.kind) for change in network["network"].own] == [("network", Kind.REPLACED)]
    assert {change.name for change in network["database"].own} == {"database-writer", "database-reader-1"}
    assert network["database"].consequences == []
    assert len(network["network"].consequences) > 100


def test_what_is_in_a_replaced_network_cannot_move_and_says_what_it_holds(network: dict[str, Cause]) -> None:
    stuck = {change.name: change.holds for change in network["network"].consequences if change.kind is Kind.STUCK}
    assert stuck == {
        "database-cluster": "payments",
        "cache": "sessions",
        "cluster-control-plane-eksCluster": "workloads",
        "edge-balancer": "the public name",
        "migration-instance": "cached changes",
    }
    assert network["network"].moved


def test_the_first_screen_tells_the_fate_of_data_in_one_sentence_each(network: dict[str, Cause]) -> None:
    rehearsal, document = production()
    shown = shown_comparison(compare(rehearsal, with_range(document)))
    words = {fate["words"]: [one["holds"] for one in fate["members"]] for fate in shown["fates"]}
    assert words["cannot move to another network, so the update stops there"][0] == "payments"
    assert words["are lost"] == ["the host's disk"]


def test_a_rule_that_only_names_the_new_range_is_no_cause(network: dict[str, Cause]) -> None:
    names = {change.name for change in network["network"].consequences}
    assert {"service-network-to-database", "network-endpoints-https", "network-application-a"} <= names
    assert any(name.startswith("cluster-firewall-nodes-to-data-tier-mysql-10.") for name in names)


def test_a_change_that_nothing_explains_is_a_cause_of_its_own(network: dict[str, Cause]) -> None:
    rehearsal, document = production()
    other = changed(rehearsal, "cache", nodeType="cache.big")
    causes = causes_of(other, with_range(document))
    assert set(causes) == {"network", "cache"}
    assert {change.name for change in causes["cache"].own} == {"cache"}


def test_what_is_new_or_gone_is_told_by_its_component(rehearsal: Rehearsal) -> None:
    before = as_document(rehearse(record_sample(name="payments")))
    causes = group(compare(rehearsal, before).changes)
    assert {kind for cause in causes for kind, _ in cause.kinds} == {"deleted", "new"}
    assert sum(len(cause.own) for cause in causes) == 4


def test_every_change_is_in_a_cause(network: dict[str, Cause]) -> None:
    rehearsal, document = production()
    comparison = compare(rehearsal, with_range(document))
    told = {change.urn for cause in group(comparison.changes) for change in cause.every}
    assert told == {change.urn for change in comparison.changes}


LONG = {"Statement": [{"Sid": f"Rule{number}", "Resource": "x" * 90} for number in range(9)]}


def test_a_long_value_is_shown_as_the_lines_that_differ(rehearsal: Rehearsal) -> None:
    other = json.loads(json.dumps(LONG))
    other["Statement"][7]["Sid"] = "Other"
    before, after = (json.dumps(one, indent=1) for one in (LONG, other))
    shown = lines(Difference("policy", before, after, replaces=False))
    assert [line.text.strip() for line in shown if line.sign == "-"] == ['"Sid": "Rule7",']
    assert [line.text.strip() for line in shown if line.sign == "+"] == ['"Sid": "Other",']
    assert len(shown) < 6


def test_a_value_is_compared_whole(rehearsal: Rehearsal) -> None:
    older = as_document(rehearsal)
    policy = "y" * 200
    now = changed(rehearsal, "bastion", userData=f"{policy}A")
    for resource in older["resources"]:
        if resource["name"] == "bastion":
            resource["inputs"] = {**resource["inputs"], "userData": f"{policy}B"}
    (change,) = (one for one in compare(now, older).changes if one.name == "bastion")
    (difference,) = (one for one in change.differences if one.path == "userData")
    assert (difference.before, difference.after) == (f"{policy}B", f"{policy}A")


def test_every_resource_of_the_program_says_where_it_is_registered() -> None:
    resources = recorded("prod").resources
    assert [one.name for one in resources if not one.source] == []
    places = {one.name: one.source for one in resources}
    assert places["database-cluster"][0].startswith("components/data/payment_database.py:")
    assert places["database-cluster"][-1].startswith("__main__.py:")
    assert places["cluster-control-plane-eksCluster"] == places["cluster-control-plane"]


def test_the_way_into_a_registration_names_each_file_once() -> None:
    assert way_in(["a.py:3", "a.py:1", "b.py:9", "__main__.py:4"]) == ["a.py:3", "b.py:9", "__main__.py:4"]


def test_a_protected_resource_of_a_recording_keeps_its_place(recording: Recording) -> None:
    document = as_document(rehearse(replace(recording)))
    assert all(isinstance(one["source"], list) for one in document["resources"])
