"""The proof of who can reach whom, held against the real program with one thing changed at a time."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from components.foundations.phases import PHASES
from operations.journeys.proof import Proof, prove_stack
from operations.journeys.table import ROWS, journeys
from operations.plan.stack_recording import record_stack, stack_settings
from recording.recorder import Resource

ACL = "aws:ec2/networkAcl:NetworkAcl"
POLICY = "kubernetes:networking.k8s.io/v1:NetworkPolicy"
Change = Callable[[Resource], Resource | None]
RECORDED: dict[str, tuple[Resource, ...]] = {}


def resources(phase: str) -> tuple[Resource, ...]:
    """Prod in a phase; each is recorded once."""
    if phase not in RECORDED:
        RECORDED[phase] = record_stack("prod", {"migrationPhase": phase}).resources
    return RECORDED[phase]


def proof(phase: str, change: Change = lambda one: one, judged_as: str = "") -> Proof:
    """The proof of prod in a phase after `change`, which answers nothing for what it takes away."""
    _, settings = stack_settings("prod", {"migrationPhase": judged_as or phase})
    changed = [found for one in resources(phase) if (found := change(one)) is not None]
    return prove_stack(changed, settings)


def without(*names: str) -> Change:
    return lambda one: None if one.name in names else one


def with_inputs(name: str, alter: Callable[[Mapping[str, Any]], Mapping[str, Any]]) -> Change:
    return lambda one: replace(one, inputs={**one.inputs, **alter(one.inputs)}) if one.name == name else one


def told(found: Proof, *words: str) -> list[str]:
    return [problem for problem in found.problems if all(word in problem for word in words)]


@pytest.mark.parametrize("phase", PHASES)
def test_every_journey_is_possible_and_nothing_else_is(phase: str) -> None:
    found = proof(phase)
    assert found.problems == ()
    assert found.possible == len(found.expected) >= 20


def test_a_program_without_the_way_to_the_source_fails_by_every_layer_that_stops_it() -> None:
    found = proof("none", judged_as="beside")
    (problem,) = told(found, "pods of softpos -> source")
    for layer in ("security group of pods", "network policy of pods", "network ACL of pods", "name mysql."):
        assert layer in problem
    assert found.possible < len(found.expected)


def test_the_way_to_the_source_that_outlives_its_phase_is_found() -> None:
    found = proof("beside", judged_as="after")
    assert told(found, "pods of softpos -> ", "3306", "no journey needs it")
    assert told(found, "bastion -> ", "3306", "no journey needs it")


@pytest.mark.parametrize(
    ("phase", "change", "words"),
    [
        ("beside", without("source-from-cluster-1"), ("pods of softpos -> source", "security group of pods")),
        ("beside", without("service-network-to-source"), ("pods of softpos -> source", "network policy of pods")),
        ("beside", without("source-name-addresses"), ("pods of softpos -> source", "name mysql.")),
        (
            "beside",
            with_inputs("source-name", lambda _: {"vpcs": [{"vpcId": "vpc-another"}]}),
            ("pods of softpos -> source", "name mysql."),
        ),
        ("beside", without("vpn-propagation-1"), ("pods of softpos -> source", "route of pods of softpos to source")),
        ("beside", without("source-route-1-1"), ("bastion -> source", "route of bastion to source")),
        (
            "beside",
            with_inputs(
                "network-application-acl",
                lambda old: {"egress": [one for one in old["egress"] if one["cidrBlock"] != "10.80.16.10/32"]},
            ),
            ("pods of softpos -> source", "network ACL of pods of softpos, outwards"),
        ),
        (
            "beside",
            with_inputs(
                "network-application-acl",
                lambda old: {"ingress": [one for one in old["ingress"] if one["cidrBlock"] != "0.0.0.0/0"]},
            ),
            ("pods of softpos -> source", "network ACL of pods of softpos, for replies"),
        ),
        (
            "beside",
            with_inputs(
                "network-data-acl",
                lambda old: {"egress": [one for one in old["egress"] if one["cidrBlock"] != "10.30.0.0/16"]},
            ),
            ("pods of softpos -> database", "network ACL of database, for replies"),
        ),
        (
            "beside",
            with_inputs("network-public-acl", lambda _: {"ingress": []}),
            ("nodes -> internet", "network ACL of the NAT gateway"),
        ),
        ("shifting", without("edge-data-centre-health-1"), ("load balancer -> data centre's router on tcp 1936",)),
        ("shifting", without("edge-data-centre-route-2-1"), ("load balancer -> data centre's router", "route")),
        ("none", without("service-service"), ("load balancer -> pods of softpos", "Service")),
        ("none", without("edge-nodes-0"), ("load balancer -> pods of softpos", "Auto Scaling group")),
        ("none", without("edge-https"), ("load balancer -> pods of softpos", "listener")),
        ("none", without("cluster-firewall-nodes-to-anywhere-https"), ("nodes -> internet", "security group of nodes")),
    ],
)
def test_each_missing_part_of_a_way_is_named(phase: str, change: Change, words: tuple[str, ...]) -> None:
    found = proof(phase, change)
    assert told(found, *words), found.problems
    assert found.possible < len(found.expected)


def open_group(name: str, **rule: Any) -> Change:
    """The rule of that name with other ports or another peer."""
    return with_inputs(name, lambda _: rule)


@pytest.mark.parametrize(
    ("phase", "change", "words"),
    [
        (
            "none",
            open_group("cluster-firewall-nodes-from-bastion-ssh", toPort=443),
            ("bastion -> nodes on tcp 443",),
        ),
        (
            "none",
            with_inputs(
                "service-network-to-aws-endpoints",
                lambda old: {"spec": {**old["spec"], "egress": [{"ports": [{"protocol": "TCP", "port": 443}]}]}},
            ),
            ("pods of softpos -> internet on tcp 443",),
        ),
        (
            "none",
            lambda one: None if one.type == POLICY else one,
            ("pods of softpos -> instance metadata",),
        ),
        (
            "none",
            with_inputs(
                "network-application-acl",
                lambda old: {"egress": [one for one in old["egress"] if one["action"] == "allow"]},
            ),
            ("nodes -> data centre on tcp 443",),
        ),
    ],
)
def test_each_way_that_nobody_needs_is_named(phase: str, change: Change, words: tuple[str, ...]) -> None:
    found = proof(phase, change)
    assert told(found, *words, "possible, and no journey needs it"), found.problems
    assert found.possible == len(found.expected)


def test_what_one_layer_opens_another_may_still_close() -> None:
    change = open_group("database-from-bastion", fromPort=0, toPort=3306)
    assert proof("none", change).problems == ()


def test_a_range_that_nobody_named_is_found_although_no_rule_opens_the_whole_internet() -> None:
    def change(one: Resource) -> Resource:
        if one.name == "bastion-security-group-ssh-from-203.0.113.0/28":
            return replace(one, inputs={**one.inputs, "cidrIpv4": "198.51.100.0/24"})
        if one.name == "network-public-acl":
            entry = {
                "ruleNo": 50,
                "action": "allow",
                "protocol": "tcp",
                "cidrBlock": "198.51.100.0/25",
                "fromPort": 22,
                "toPort": 22,
            }
            return replace(one, inputs={**one.inputs, "ingress": [entry, *one.inputs["ingress"]]})
        return one

    assert told(proof("none", change), "internet -> bastion on tcp 22", "no journey needs it")


def test_an_acl_that_denies_first_stops_what_it_allows_later() -> None:
    deny = {
        "ruleNo": 1,
        "action": "deny",
        "protocol": "tcp",
        "cidrBlock": "10.30.0.0/16",
        "fromPort": 3306,
        "toPort": 3306,
    }
    change = with_inputs("network-data-acl", lambda old: {"ingress": [*old["ingress"], deny]})
    assert told(proof("none", change), "pods of softpos -> database", "network ACL of database, inwards")


def test_a_security_group_of_a_kind_that_nobody_knows_is_a_problem() -> None:
    change = without("migration-instance")
    assert told(proof("beside", change), "security group migration-security-group", "cannot be judged")


def test_the_phase_decides_which_rows_are_asked_for() -> None:
    counts = {}
    for phase in PHASES:
        _, settings = stack_settings("prod", {"migrationPhase": phase})
        counts[phase] = len([one for one in journeys(settings) if not one.tolerated])
    assert counts["none"] == counts["after"] < counts["beside"] < counts["shifting"]


def test_every_tolerated_way_says_why_it_is_open() -> None:
    tolerated = [row for row in ROWS if row.tolerated]
    assert tolerated
    assert [row for row in tolerated if len(row.why) < 20] == []
