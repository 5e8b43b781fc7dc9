"""How long a change takes: the deployment played in time, in which only what changes takes any."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from operations.pipeline.changes import Change
from operations.pipeline.comment import Forecast
from operations.plan.forecast import Statistic, forecast_creation
from recording.program import Recording
from recording.recorder import Resource

LIKE_CREATION = frozenset(
    {
        "aws:dms/replicationInstance:ReplicationInstance",
        "aws:eks/nodeGroup:NodeGroup",
        "aws:elasticache/replicationGroup:ReplicationGroup",
        "aws:rds/clusterInstance:ClusterInstance",
        "kubernetes:apps/v1:Deployment",
    }
)
"""Types whose update starts machines or pods anew and is waited for: as long as a creation, as nobody has measured it.
Every other update is assumed to be answered at once, as unmeasured creations are."""
QUICK_UPDATE = "update"


def forecast_change(recording: Recording, changes: Iterable[Change], statistic: Statistic = "median") -> Forecast:
    """Seconds of `changes` and of the whole stack. Deletions come last in an update and are not counted."""
    verbs = {_key(change.urn): change.verb for change in changes if change.verb != "delete"}
    played = [_as_changed(resource, verbs) for resource in recording.resources]
    return Forecast(
        change=forecast_creation(played, statistic).seconds,
        from_zero=forecast_creation(recording.resources, statistic).seconds,
    )


def _as_changed(resource: Resource, verbs: Mapping[str, str]) -> Resource:
    verb = verbs.get(_key(resource.urn))
    if verb is None:
        return replace(resource, custom=False, remote=False)
    if verb == "update" and resource.type not in LIKE_CREATION:
        return replace(resource, type=f"{QUICK_UPDATE}:{resource.type}")
    return resource


def _key(urn: str) -> str:
    """What names a resource in a rehearsal and on the engine alike: type and name."""
    parts = urn.split("::")
    return f"{parts[2].rpartition('$')[2]}::{parts[-1]}"
