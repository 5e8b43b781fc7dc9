"""Settings that AWS's limits forbid are refused before anything is registered."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest

from operations.plan.stack_recording import stack_settings
from settings import read

MANY = [f"10.{number}.0.0/16" for number in range(200, 220)]


def problems(**changes: str) -> list[str]:
    configuration, _ = stack_settings("prod")
    values: Mapping[str, str] = {
        **configuration.values,
        **{f"softpos:{key}": value for key, value in changes.items()},
    }
    return [str(one) for one in read(values, "prod")[1]]


def test_twenty_ranges_of_the_data_centre_need_more_acl_rules_than_aws_allows() -> None:
    [said] = problems(vpnOnPremisesCidrs=json.dumps(MANY))
    assert "softpos:vpnOnPremisesCidrs" in said
    assert "at most 40 rules" in said
    assert "these need 44" in said


def test_eighteen_ranges_fit() -> None:
    assert problems(vpnOnPremisesCidrs=json.dumps(MANY[:18])) == []


@pytest.mark.parametrize(("version", "release"), [("1.36", "1.35.2-20261105"), ("1.35", "1.36.1-20261105")])
def test_a_node_release_of_another_version_is_refused(version: str, release: str) -> None:
    [said] = problems(clusterVersion=version, clusterNodeReleaseVersion=release)
    assert said.startswith(f"softpos:clusterNodeReleaseVersion: '{release}' is not allowed")


def test_a_node_release_of_the_version_fits() -> None:
    assert problems(clusterVersion="1.36", clusterNodeReleaseVersion="1.36.1-20261105") == []
