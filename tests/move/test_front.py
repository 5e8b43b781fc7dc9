"""The load balancer of the move's test does what AWS's does; each of these claims can make a shift of traffic fail."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from cutover.servers.aws import Aws
from tests.cutover import amazon
from tests.cutover.servers import Authority
from tests.examples.application.instance import Instance
from tests.move.elb_api import as_aws_answers
from tests.move.front import GROUP_COOKIE, TARGET_COOKIE, Front, _set_cookies
from tests.move.stage import GROUP_STICKY_SECONDS, HOST, TEST_HOST, balancer


@dataclass
class Side:
    """The front, its groups, and orders in short. No instance runs: a group without a healthy target fails open."""

    front: Front
    groups: dict[str, str]
    rule: str

    def order(self, sticky: bool, **weights: int) -> None:
        forward: dict[str, Any] = {
            "TargetGroups": [
                {"TargetGroupArn": self.groups[side], "Weight": weight} for side, weight in weights.items()
            ]
        }
        if sticky:
            forward["TargetGroupStickinessConfig"] = {"Enabled": True, "DurationSeconds": GROUP_STICKY_SECONDS}
        self.front.elb.modify_rule(RuleArn=self.rule, Actions=[{"Type": "forward", "ForwardConfig": forward}])
        self.front.settle()


@pytest.fixture
def side(environment: dict[str, str], tmp_path: Path) -> Iterator[Side]:
    elb = Aws(amazon.REGION).client("elbv2")
    nobody = {name: [Instance({}, address)] for name, address in (("openshift", "127.0.0.2"), ("aws", "127.0.0.3"))}
    groups, listener, rule = balancer(elb, nobody)
    front = Front(elb, listener, Authority.create(tmp_path / "authority"))
    with as_aws_answers(front.health):
        front.start()
        yield Side(front, groups, rule)
        front.stop()


def sides(front: Front, cookies: dict[str, str], count: int = 200) -> dict[str, int]:
    """How many of so many requests go to each group."""
    found: dict[str, int] = {}
    for _ in range(count):
        choice = front.choose(HOST, "/payments", cookies)
        assert choice
        found[choice.group.arn] = found.get(choice.group.arn, 0) + 1
    return found


def cookies_of(front: Front) -> dict[str, str]:
    choice = front.choose(HOST, "/payments", {})
    assert choice
    pairs = (value.partition(";")[0].partition("=") for _, value in _set_cookies(choice))
    return {name: value for name, _, value in pairs}


def test_orders_through_the_api_move_requests_as_aws_moves_them(side: Side) -> None:
    front, openshift, aws = side.front, side.groups["openshift"], side.groups["aws"]
    # One group: everybody goes there, and no cookie of a group is set.
    assert sides(front, {}) == {openshift: 200}
    assert set(cookies_of(front)) == {TARGET_COOKIE}
    # Two groups: clients without a cookie go by weight.
    side.order(sticky=True, aws=50, openshift=50)
    found = sides(front, {})
    assert set(found) == {openshift, aws}
    assert min(found.values()) > 50
    # A cookie wins over a changed weight, and over 0 as well.
    kept = cookies_of(front)
    while sides(front, kept, 1) != {aws: 1}:
        kept = cookies_of(front)
    assert GROUP_COOKIE in kept
    side.order(sticky=True, aws=0, openshift=100)
    assert sides(front, {}) == {openshift: 200}
    assert sides(front, kept) == {aws: 200}
    # The way back replaces the action: no cookie is asked.
    side.order(sticky=False, openshift=1)
    assert sides(front, kept) == {openshift: 200}
    # Rules are asked in their order, by host.
    choice = front.choose(TEST_HOST, "/", {})
    assert choice
    assert choice.group.arn == aws


def test_the_api_refuses_what_aws_refuses(side: Side) -> None:
    with pytest.raises(ClientError, match=r"InvalidConfigurationRequest.*group stickiness"):
        side.order(sticky=False, aws=1, openshift=99)
    with pytest.raises(ClientError, match="between 0 and 999"):
        side.order(sticky=True, aws=1000, openshift=1)
    side.order(sticky=True, aws=1, openshift=99)


def test_a_target_that_does_not_answer_is_told_by_the_api_and_gets_a_502(side: Side) -> None:
    [told] = side.front.elb.describe_target_health(TargetGroupArn=side.groups["aws"])["TargetHealthDescriptions"]
    assert told["TargetHealth"]["State"] == "unhealthy"
    at_front = Instance({}, "127.0.0.1", side.front.port)
    assert at_front.ask("GET", "/", headers={"Host": TEST_HOST})[0] == 502
    assert [(sample.group, sample.status) for sample in side.front.samples] == [(side.groups["aws"], 502)]
