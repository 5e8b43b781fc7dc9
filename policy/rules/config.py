"""AWS Config."""

from __future__ import annotations

from ..reading import Findings
from ..rule import HIGH, MEDIUM, Resource, rule


@rule(
    "config-recorder-on",
    "The configuration recorder is on",
    on="aws.cfg.RecorderStatus",
    requirements="10.2.1 11.5.2 2.2.1",
    severity=HIGH,
    remedy="set isEnabled to true",
)
def recorder_on(status: Resource) -> Findings:
    return status["isEnabled"].must_be(True)


@rule(
    "config-records-everything",
    "The configuration recorder records every kind of resource, the global ones too",
    on="aws.cfg.Recorder",
    requirements="10.2.1 11.5.2 2.2.1",
    severity=MEDIUM,
    remedy="set recordingGroup.allSupported and includeGlobalResourceTypes to true",
)
def records_everything(recorder: Resource) -> Findings:
    group = recorder["recordingGroup"]
    strategy = group["recordingStrategies"]["useOnly"]
    if strategy.known and group["allSupported"].absent:
        return strategy.must_be("ALL_SUPPORTED_RESOURCE_TYPES")
    if not group["exclusionByResourceTypes"]["resourceTypes"].absent:
        return group["exclusionByResourceTypes"]["resourceTypes"].breach("no type left out")
    # Provider defaults: all supported types, without the global ones. One Region of an account records those, so that a
    # recorder which says no is that of another Region.
    findings = group["allSupported"].must_be(True, default=True)
    explicit = group["includeGlobalResourceTypes"]
    return findings + ([] if explicit.value is False else explicit.must_be(True))
