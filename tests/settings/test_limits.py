"""Settings that AWS's limits forbid are refused before anything is registered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from operations.plan.stack_recording import stack_settings
from settings import read
from settings.checks import Draft, _fits_network_acls

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
