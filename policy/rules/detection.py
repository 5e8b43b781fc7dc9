"""What watches: Config, GuardDuty, Inspector, Security Hub."""

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
    # Provider defaults: all supported types, without the global ones.
    return group["allSupported"].must_be(True, default=True) + group["includeGlobalResourceTypes"].must_be(True)


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


@rule(
    "inspector-scans",
    "Inspector scans instances and images for vulnerabilities",
    on="aws.inspector2.Enabler",
    requirements="11.3.1 6.3.1",
    controls="Inspector.1 Inspector.2",
    severity=MEDIUM,
    remedy="list EC2 and ECR in resourceTypes",
)
def inspector_scans(enabler: Resource) -> Findings:
    return enabler["resourceTypes"].must_include("EC2", "ECR")


@rule(
    "inspector-scans-functions",
    "Where the stack has functions, Inspector scans them and their code",
    requirements="6.2.4 6.3.1",
    controls="Inspector.3 Inspector.4",
    severity=MEDIUM,
    remedy="list LAMBDA and LAMBDA_CODE in resourceTypes",
)
def inspector_scans_functions(stack: Stack) -> StackFindings:
    if not any(stack.of("aws.lambda.Function")):
        return []
    return [
        (enabler, finding)
        for enabler in stack.of("aws.inspector2.Enabler")
        for finding in enabler["resourceTypes"].must_include("LAMBDA", "LAMBDA_CODE")
    ]


@rule(
    "securityhub-pci-standard",
    "Security Hub, where it is on, judges by PCI DSS v4.0.1",
    requirements="10.4.1 10.4.1.1 10.4.2",
    controls="SECURITYHUB_ENABLED",
    severity=MEDIUM,
    remedy="add a securityhub.StandardsSubscription to pci-dss/v/4.0.1",
)
def pci_standard(stack: Stack) -> StackFindings:
    subscriptions = [subscription["standardsArn"] for subscription in stack.of("aws.securityhub.StandardsSubscription")]
    if any(arn.unknown or "pci-dss/v/4" in str(arn.value) for arn in subscriptions):
        return []
    return [
        (account, Breach("", "without PCI DSS v4.0.1", "a subscription to the standard"))
        for account in stack.of("aws.securityhub.Account")
    ]
