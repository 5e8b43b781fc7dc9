"""What somebody else changes behind the program, the traffic command or an autoscaler, stays as they left it."""

from collections.abc import Callable
from typing import Any

import pytest

from operations.pipeline.runs import Runs
from tools.engine.account import Account
from tools.engine.stack import EngineStack
from tools.engine.thing import Thing

StackOf = Callable[..., EngineStack]
RULE = "aws:lb/listenerRule:ListenerRule"
NODES = "aws:eks/nodeGroup:NodeGroup"


def weights(rule: Thing) -> list[int]:
    return [int(group["weight"]) for group in rule.inputs["actions"][0]["forward"]["targetGroups"]]


def shift(account: Account, percent: int) -> list[Thing]:
    """What `operations traffic shift` does to the rules: other weights, nothing else."""
    rules = [rule for rule in account.of(RULE) if rule.name.startswith("edge-shift")]
    for rule in rules:
        old, new = rule.inputs["actions"][0]["forward"]["targetGroups"]
        forward = {
            **rule.inputs["actions"][0]["forward"],
            "targetGroups": [{**old, "weight": 100 - percent}, {**new, "weight": percent}],
        }
        account.change(rule, actions=[{**rule.inputs["actions"][0], "forward": forward}])
    return rules


def succeeded(run: Any) -> None:
    assert run.code == 0, run.diagnostics() or run.output


RULE_ALONE = """
import pulumi
import pulumi_aws as aws

groups = [aws.lb.TargetGroup(name, port=443, protocol="HTTPS") for name in ("old", "new")]
aws.lb.ListenerRule(
    "edge-shift",
    listener_arn=aws.lb.Listener(
        "https", load_balancer_arn=aws.lb.LoadBalancer("balancer", internal=True).arn, port=443, default_actions=[]
    ).arn,
    priority=1,
    conditions=[{"host_header": {"values": [pulumi.Config().require("edgeHostName")]}}],
    actions=[{
        "type": "forward",
        "forward": {
            "target_groups": [{"arn": g.arn, "weight": w} for g, w in zip(groups, (100, 0))],
            "stickiness": {"enabled": True, "duration": 300},
        },
    }],
    opts=pulumi.ResourceOptions(ignore_changes=["actions"]),
)
"""


def test_an_update_of_a_rule_moves_no_traffic_and_nobody_calls_the_shift_drift(stack_of: StackOf) -> None:
    engine = stack_of("dev")
    engine.edit("__main__.py", lambda _: RULE_ALONE)
    succeeded(engine.up())
    for percent, host in ((10, "one.example.com"), (50, "two.example.com")):
        [rule] = shift(engine.account, percent)
        run = engine.up()
        succeeded(run)
        assert run.steps() == []
        engine.set("softpos:edgeHostName", host)
        run = engine.up()
        succeeded(run)
        assert [operation for operation, _ in run.steps()] == ["update"]
        assert rule.inputs["conditions"][0]["hostHeader"]["values"] == [host]
        assert weights(rule) == [100 - percent, percent]
        succeeded(engine.refresh("--expect-no-changes"))
        assert weights(rule) == [100 - percent, percent]


NODES_ALONE = """
import pulumi
import pulumi_aws as aws

role = "arn:aws:iam::123456789012:role/given"
cluster = aws.eks.Cluster("cluster", role_arn=role, vpc_config={"subnet_ids": []})
aws.eks.NodeGroup(
    "nodes",
    cluster_name=cluster.name,
    node_role_arn=role,
    subnet_ids=[],
    scaling_config={
        "min_size": 3, "desired_size": 3, "max_size": pulumi.Config().require_int("clusterNodesMax")
    },
    opts=pulumi.ResourceOptions(ignore_changes=["scalingConfig.desiredSize"]),
)
"""


def test_other_limits_of_nodes_do_not_take_the_autoscalers_nodes_away(
    stack_of: StackOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three nodes at creation, six now, a higher limit: the update asks for six."""
    engine = stack_of("dev", overrides={"softpos:clusterNodesMax": "6"})
    engine.edit("__main__.py", lambda _: NODES_ALONE)
    succeeded(engine.up())
    [nodes] = engine.account.of(NODES)
    engine.account.change(nodes, scalingConfig={**nodes.inputs["scalingConfig"], "desiredSize": 6})
    succeeded(engine.run("refresh", "--preview-only", "--expect-no-changes"))
    engine.set("softpos:clusterNodesMax", "8")
    for name, value in engine.environment().items():
        monkeypatch.setenv(name, value)
    said: list[str] = []
    Runs(engine.stack, engine.project).take_over(said.append)
    assert said == ["reading what others may have moved: nodes"]
    succeeded(engine.up())
    assert nodes.inputs["scalingConfig"] == {"minSize": 3, "desiredSize": 6, "maxSize": 8}
