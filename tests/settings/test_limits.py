"""Settings that AWS's limits forbid are refused before anything is registered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest

from components.foundations.phases import PHASES
from operations.plan.stack_recording import stack_settings
from settings import read
from settings.checks import (
    NODES_OWN_RULES,
    Draft,
    _fits_network_acls,
    _paths_fit_the_load_balancer,
    _services_fit_the_nodes_group,
)
from tests.judges.programs import played

MANY = [f"10.{number}.0.0/16" for number in range(200, 220)]


def problems(**changes: str) -> list[str]:
    configuration, _ = stack_settings("prod")
    values: Mapping[str, str] = {
        **configuration.values,
        **{f"softpos:{key}": value for key, value in changes.items()},
    }
    return [str(one) for one in read(values, "prod")[1]]


def draft(on_premises: int, trusted: int) -> Draft:
    values: dict[tuple[str, str], Any] = {
        ("vpn", "enabled"): True,
        ("vpn", "on_premises_cidrs"): (),
        ("bastion", "trusted_cidrs"): (),
    }
    values["vpn", "on_premises_cidrs"] = tuple(MANY[:on_premises])
    values["bastion", "trusted_cidrs"] = tuple(MANY[:trusted])
    return Draft(values, "prod")


def test_ranges_that_need_more_acl_rules_than_aws_allows_are_refused() -> None:
    [said] = map(str, _fits_network_acls(draft(20, 20)))
    assert "softpos:vpnOnPremisesCidrs" in said
    assert "at most 40 rules of a network ACL; these need 4" in said


def test_the_most_ranges_that_settings_allow_fit() -> None:
    assert list(_fits_network_acls(draft(5, 20))) == []


@pytest.mark.parametrize(("version", "release"), [("1.36", "1.35.2-20261105"), ("1.35", "1.36.1-20261105")])
def test_a_node_release_of_another_version_is_refused(version: str, release: str) -> None:
    [said] = problems(clusterVersion=version, clusterNodeReleaseVersion=release)
    assert said.startswith(f"softpos:clusterNodeReleaseVersion: '{release}' is not allowed")


def test_a_node_release_of_the_version_fits() -> None:
    assert problems(clusterVersion="1.36", clusterNodeReleaseVersion="1.36.1-20261105") == []


def service(paths: int = 1, ranges: int = 0, ports: tuple[int, ...] = (8443,)) -> SimpleNamespace:
    outside = [SimpleNamespace(cidrs=MANY[:ranges], ports=ports)]
    return SimpleNamespace(paths=[f"/{number}" for number in range(paths)], public=bool(paths), outside=outside)


def declared(*services: SimpleNamespace, phase: str = "none") -> Draft:
    return Draft({("", "services"): services, ("migration", "phase"): phase}, "prod")


def test_ranges_outside_that_need_more_rules_than_a_security_group_has_are_refused() -> None:
    assert list(_services_fit_the_nodes_group(declared(service(ranges=15, ports=(443, 8443, 9443, 9444))))) == []
    [said] = map(str, _services_fit_the_nodes_group(declared(service(ranges=16, ports=(443, 8443, 9443, 9444)))))
    assert "softpos:services: 48 rules is not allowed" in said
    assert "at most 45 rules of the nodes' security group out" in said


def test_more_public_services_than_a_security_group_has_rules_are_refused() -> None:
    assert list(_services_fit_the_nodes_group(declared(*[service()] * 45))) == []
    [said] = map(str, _services_fit_the_nodes_group(declared(*[service()] * 46)))
    assert "security group in" in said


@pytest.mark.parametrize(("phase", "most"), [("none", 25), ("shifting", 12)])
def test_paths_that_need_more_rules_than_a_load_balancer_has_are_refused(phase: str, most: int) -> None:
    assert list(_paths_fit_the_load_balancer(declared(*[service(paths=4)] * most, phase=phase))) == []
    [said] = map(str, _paths_fit_the_load_balancer(declared(*[service(paths=4)] * (most + 1), phase=phase)))
    assert "at most 100 rules of a load balancer" in said


@pytest.mark.parametrize("phase", PHASES)
def test_the_nodes_own_rules_leave_the_room_that_services_are_promised(phase: str) -> None:
    """Of what the program writes by itself; up to three more addresses of the source may follow."""
    resources = played("prod" if phase == "beside" else f"prod, phase {phase}")
    for way in ("Ingress", "Egress"):
        rules = resources.of(f"aws:vpc/securityGroup{way}Rule:SecurityGroup{way}Rule")
        amounts = Counter(str(one.inputs["securityGroupId"]) for one in rules)
        assert max(amounts.values()) <= NODES_OWN_RULES - 3, way
