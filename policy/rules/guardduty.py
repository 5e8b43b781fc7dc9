"""GuardDuty."""

from __future__ import annotations

from typing import Final

from ..reading import Breach, Findings
from ..rule import HIGH, MEDIUM, Resource, StackFindings, rule
from ..stack import Stack

_DETECTOR: Final = "aws.guardduty.Detector"
_FEATURES: Final = {
    "RDS_LOGIN_EVENTS": "GuardDuty.9",
    "S3_DATA_EVENTS": "GuardDuty.10",
    "RUNTIME_MONITORING": "GuardDuty.7",
}


@rule(
    "guardduty-on",
    "The threat detector is on",
    on=_DETECTOR,
    requirements="11.5.1",
    controls="GuardDuty.1 GUARDDUTY_ENABLED_CENTRALIZED",
    severity=HIGH,
    remedy="leave enable out, or set it to true",
)
def guardduty_on(detector: Resource) -> Findings:
    return detector["enable"].must_be(True, default=True)  # provider default


@rule(
    "guardduty-feature-on",
    "Features of the threat detector that are declared are on",
    on="aws.guardduty.DetectorFeature",
    requirements="11.5.1",
    controls="GuardDuty.7 GuardDuty.9 GuardDuty.10",
    severity=MEDIUM,
    remedy="set status to ENABLED",
)
def guardduty_feature_on(feature: Resource) -> Findings:
    return feature["status"].must_be("ENABLED")


@rule(
    "guardduty-features",
    "The threat detector watches databases, buckets and what runs on nodes",
    about=_DETECTOR,
    requirements="11.5.1",
    controls="GuardDuty.7 GuardDuty.9 GuardDuty.10",
    severity=MEDIUM,
    remedy="add a guardduty.DetectorFeature of that name with status ENABLED",
)
def guardduty_features(stack: Stack) -> StackFindings:
    names = {feature["name"].text for feature in stack.of("aws.guardduty.DetectorFeature")}
    if "EKS_RUNTIME_MONITORING" in names:
        names.add("RUNTIME_MONITORING")
    return [
        (detector, Breach("", f"without the feature {name} ({control})", "the feature"))
        for detector in stack.of(_DETECTOR)
        for name, control in _FEATURES.items()
        if name not in names
    ]
