"""How long a thing takes to be created: the times of the forecast, for what really happens at the moment."""

from __future__ import annotations

from collections.abc import Iterable

from facts.durations import measured
from operations.plan.forecast import ASSUMED_SECONDS, INSTANCE
from tools.engine.thing import Thing


def creation_seconds(thing: Thing, under_way: Iterable[Thing]) -> float:
    """Median seconds.

    Args:
        under_way: what else is being created at this moment: a database instance created beside another of its
            cluster takes as long as both.
    """
    if thing.type.startswith("pulumi:"):
        return 0.0
    return (measured(thing.type, _situation(thing, under_way)) or ASSUMED_SECONDS)["median"]


def _situation(thing: Thing, under_way: Iterable[Thing]) -> str:
    match thing.type:
        case "aws:eks/addon:Addon":
            return str(thing.inputs["addonName"])
        case "aws:ec2/vpcEndpoint:VpcEndpoint":
            return str(thing.inputs.get("vpcEndpointType", "Gateway"))
        case "aws:rds/cluster:Cluster":
            return str(thing.inputs["engine"])
        case str() if thing.type == INSTANCE:
            cluster = thing.inputs["clusterIdentifier"]
            beside = any(one.type == INSTANCE and one.inputs["clusterIdentifier"] == cluster for one in under_way)
            return "beside another" if beside else "alone"
    return ""
