"""How long a deployment from nothing would take: measured creation times along the program's own dependencies.

A forecast, not a measurement: the times in `facts/durations.csv` were read from public logs of other people's
deployments, and the engine's own work is not counted. A type without a measured time is assumed to take as long as the
usual quick one, and is counted as assumed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from facts.durations import measured
from recording.recorder import Resource

LIMIT_SECONDS = 20 * 60
"""From done to deployed: the case study's promise."""
APPLICATION = "SoftPosApplication$kubernetes:apps/v1:Deployment::"
"""In the URN of the application's deployment."""
ASSUMED_SECONDS = {"median": 2.0, "max": 10.0}
"""For types that nobody has measured: associations, rules, policies and the like, which AWS answers at once."""

Statistic = Literal["median", "max"]


@dataclass(frozen=True)
class Step:
    """One resource in time, in seconds from the start."""

    urn: str
    start: float
    seconds: float
    assumed: bool
    """Whether no measured time stands behind it."""
    waited_for: str
    """URN of the dependency that finished last, or empty."""

    @property
    def end(self) -> float:
        return self.start + self.seconds


@dataclass(frozen=True)
class Forecast:
    """The whole deployment in time."""

    statistic: Statistic
    steps: Mapping[str, Step]

    @property
    def seconds(self) -> float:
        return max((step.end for step in self.steps.values()), default=0.0)

    @property
    def critical_path(self) -> tuple[Step, ...]:
        """The chain that decides the time, first step first; steps that take no time are left out."""
        return self._chain_to(self.steps.values())

    @property
    def service_path(self) -> tuple[Step, ...]:
        """The chain until the application runs, as `critical_path`; empty for a program without it."""
        return self._chain_to(step for step in self.steps.values() if APPLICATION in step.urn)

    def _chain_to(self, ends: Iterable[Step]) -> tuple[Step, ...]:
        """What was waited for until the last of `ends`."""
        chain: list[Step] = []
        step = max(ends, key=lambda one: one.end, default=None)
        while step is not None:
            chain.append(step)
            step = self.steps.get(step.waited_for)
        return tuple(one for one in reversed(chain) if one.seconds > 0)

    @property
    def assumed(self) -> int:
        """How many resources have no measured time."""
        return sum(step.assumed for step in self.steps.values())


def forecast_creation(resources: Iterable[Resource], statistic: Statistic = "median") -> Forecast:
    """Play the creation of `resources` in time, each as soon as what it depends on is there.

    Args:
        statistic: ``median`` of the measured times, or ``max``, the slowest measured.
    """
    by_urn = {resource.urn: resource for resource in resources}
    children: dict[str, list[str]] = {}
    for resource in by_urn.values():
        children.setdefault(resource.parent, []).append(resource.urn)
    steps: dict[str, Step] = {}

    def step_of(urn: str) -> Step:
        if urn not in steps:
            resource = by_urn[urn]
            waits = [step_of(needed) for needed in _needed(resource, by_urn, children)]
            last = max(waits, key=lambda step: step.end, default=None)
            seconds, assumed = _seconds(resource, by_urn, statistic)
            steps[urn] = Step(urn, last.end if last else 0.0, seconds, assumed, last.urn if last else "")
        return steps[urn]

    for urn in by_urn:
        step_of(urn)
    return Forecast(statistic, steps)


def _needed(resource: Resource, by_urn: Mapping[str, Resource], children: Mapping[str, list[str]]) -> list[str]:
    """What must be there first. A remote component is there when all that it creates is."""
    if resource.remote:
        return [*resource.dependencies, *children.get(resource.urn, ())]
    needed = [urn for urn in resource.dependencies if urn in by_urn]
    parent = by_urn.get(resource.parent)
    return [*needed, parent.urn] if parent and parent.custom else needed


def _seconds(resource: Resource, by_urn: Mapping[str, Resource], statistic: Statistic) -> tuple[float, bool]:
    if not resource.custom or resource.type.startswith("pulumi:"):
        return 0.0, False
    tell = SITUATIONS.get(resource.type)
    situation = tell(resource, by_urn) if tell else ""
    found = measured(resource.type, situation)
    return (found[statistic], False) if found else (ASSUMED_SECONDS[statistic], True)


INSTANCE = "aws:rds/clusterInstance:ClusterInstance"


def _beside_another_instance(resource: Resource, by_urn: Mapping[str, Resource]) -> str:
    """An instance created while another of its cluster is, takes as long as both."""
    siblings = [
        other
        for other in by_urn.values()
        if other.type == INSTANCE and other.inputs["clusterIdentifier"] == resource.inputs["clusterIdentifier"]
    ]
    first = siblings[0].urn == resource.urn
    return "alone" if first or siblings[0].urn in resource.dependencies else "beside another"


SITUATIONS: Mapping[str, Callable[[Resource, Mapping[str, Resource]], str]] = {
    "aws:eks/addon:Addon": lambda resource, _: str(resource.inputs["addonName"]),
    "aws:ec2/vpcEndpoint:VpcEndpoint": lambda resource, _: str(resource.inputs.get("vpcEndpointType", "Gateway")),
    "aws:rds/cluster:Cluster": lambda resource, _: str(resource.inputs["engine"]),
    INSTANCE: _beside_another_instance,
}
"""Types whose time depends on what or how, and the word for it in `facts/durations.csv`."""
