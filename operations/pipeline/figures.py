"""From done to deployed: what a merge takes until it runs, the pipeline's own steps and the deployment's forecast.

Waiting for a free runner and for a reviewer is not counted: nobody can forecast it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from operations.pipeline.changes import Change
from operations.pipeline.forecast import forecast_change
from operations.plan.forecast import APPLICATION
from recording.program import Recording

STEPS: Mapping[str, tuple[float, str]] = {
    "runner starts, checkout": (15, "assumed"),
    "Pulumi CLI": (8, "assumed"),
    "locked packages, beside them the provider plugins": (90, "measured: 81 s of one processor, nothing cached"),
    "engine, program and policy pack start": (
        15,
        "estimated from measured previews: 300 resources took 6 s, 9 s with rules",
    ),
    "smoke test": (8, "estimated: a closed port costs five seconds of patience, all at once"),
}
"""Seconds of a deploying job beside the deployment, and where they come from."""
NODES = "aws:eks/nodeGroup:NodeGroup"
DONE_TO_DEPLOYED = "<= 20"


@dataclass(frozen=True)
class PipelineFigure:
    """One forecast in minutes, against its target."""

    name: str
    minutes: float
    target: str


def figures(dev: Recording, prod: Recording, environment: Recording) -> Iterator[PipelineFigure]:
    """What a merge takes to be deployed to dev, and from there to prod; and what `env up` takes."""
    own = sum(seconds for seconds, _ in STEPS.values())
    yield PipelineFigure("pipeline's own steps of a deployment", own / 60, "")
    yield PipelineFigure("merge to dev deployed, from zero", (own + whole(dev)) / 60, DONE_TO_DEPLOYED)
    # A dev that stands is deployed without a change before; check and plan run beside it.
    yield PipelineFigure("merge to prod deployed, from zero", (2 * own + whole(prod)) / 60, DONE_TO_DEPLOYED)
    for what, changes in (("new image", new_image), ("node count", node_count)):
        in_dev, in_prod = (own + forecast_change(one, changes(one)).change for one in (dev, prod))
        target = "<= 4" if what == "new image" else ""
        yield PipelineFigure(f"merge to dev deployed, {what}", in_dev / 60, target)
        yield PipelineFigure(f"merge to prod deployed, {what}", (in_dev + in_prod) / 60, DONE_TO_DEPLOYED)
    up = STEPS["engine, program and policy pack start"][0] + whole(environment)
    yield PipelineFigure("env up, from zero", up / 60, "<= 15")


def whole(recording: Recording) -> float:
    """Seconds of a deployment from nothing."""
    return forecast_change(recording, ()).from_zero


def new_image(recording: Recording) -> list[Change]:
    """What a new image of the application changes."""
    return [
        Change("update", resource.urn, ("spec",)) for resource in recording.resources if APPLICATION in resource.urn
    ]


def node_count(recording: Recording) -> list[Change]:
    """What another number of nodes changes."""
    return [Change("update", resource.urn, ("scalingConfig",)) for resource in recording.of(NODES)]
