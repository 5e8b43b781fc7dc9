"""Who watches: GuardDuty for attacks, Inspector for vulnerabilities, Security Hub for the PCI DSS standard.

Each is one per account and Region, so that each is `create`, `adopt` or `off` in `AuditSettings`: `adopt` leaves the
service itself to its owner and adds what PCI DSS asks of it; `off` is for an account whose organization manages the
service centrally, or for a second stack in it. What is switched on for the account stays on when the stack goes.
Findings that cannot wait go to the alarm topic in every case but `off`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from ..foundations.placement import DataClass, Placement
from .settings import AuditSettings

PCI_STANDARD = "standards/pci-dss/v/4.0.1"
INSPECTED = ("EC2", "ECR", "LAMBDA")
"""Controls Inspector.3 and .4 ask for functions too; the platform has none, so that these cost nothing."""
INSPECTED_CODE = "LAMBDA_CODE"
REGIONS_WITH_CODE_SCANNING = frozenset(
    ("ap-northeast-1", "ap-southeast-1", "ap-southeast-2", "eu-central-1", "eu-north-1", "eu-west-1", "eu-west-2",
     "us-east-1", "us-east-2", "us-west-2")
)  # fmt: skip
"""Where Inspector scans the code of functions; elsewhere AWS refuses to enable it (AWS Config developer guide, rule
inspector-lambda-code-scan-enabled, Regions; read on 2026-12-01)."""
GUARDDUTY_FEATURES: Mapping[str, tuple[str, ...]] = {
    "S3_DATA_EVENTS": (),
    "EKS_AUDIT_LOGS": (),
    "EBS_MALWARE_PROTECTION": (),
    "RDS_LOGIN_EVENTS": (),
    "LAMBDA_NETWORK_LOGS": (),
    "RUNTIME_MONITORING": ("EKS_ADDON_MANAGEMENT", "ECS_FARGATE_AGENT_MANAGEMENT", "EC2_AGENT_MANAGEMENT"),
}
"""Each protection plan and what GuardDuty manages for it: all that GuardDuty answers with (API reference of
DetectorAdditionalConfiguration), because what the program leaves out would be drift each night. The platform has no
Fargate, so that its agent costs nothing."""

MEDIUM_SEVERITY = 4
"""GuardDuty's scale runs from 1 to 10; below 4 is low."""

FINDINGS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "guardduty": (
        "guardduty",
        {
            "source": ["aws.guardduty"],
            "detail-type": ["GuardDuty Finding"],
            "detail": {"severity": [{"numeric": [">=", MEDIUM_SEVERITY]}]},
        },
    ),
    "security-hub": (
        "security_hub",
        {
            "source": ["aws.securityhub"],
            "detail-type": ["Security Hub Findings - Imported"],
            "detail": {
                "findings": {
                    "Severity": {"Label": ["CRITICAL"]},
                    "Workflow": {"Status": ["NEW"]},
                    "RecordState": ["ACTIVE"],
                    # GuardDuty and Inspector tell by themselves.
                    "ProductName": ["Security Hub", "IAM Access Analyzer"],
                }
            },
        },
    ),
    "inspector": (
        "inspector",
        {
            "source": ["aws.inspector2"],
            "detail-type": ["Inspector2 Finding"],
            "detail": {"severity": ["CRITICAL"], "status": ["ACTIVE"]},
        },
    ),
}
"""What cannot wait for the daily review (PCI DSS 10.4.1): the setting that it belongs to and the event's pattern."""


@dataclass(frozen=True, kw_only=True)
class ThreatDetectionArgs:
    """Inputs of `ThreatDetection`."""

    placement: Placement
    settings: AuditSettings
    topic_arn: pulumi.Input[str]
    """Where findings go."""


class ThreatDetection(pulumi.ComponentResource):
    """GuardDuty, Inspector and Security Hub, as far as the settings ask for them."""

    def __init__(self, name: str, args: ThreatDetectionArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("softpos:audit:ThreatDetection", name, {}, opts)
        self._name = name
        self._args = args
        self._stays = pulumi.ResourceOptions(parent=self, retain_on_delete=True)
        if args.settings.guardduty != "off":
            self._watch_for_attacks()
        if args.settings.inspector == "create":
            self._scan_for_vulnerabilities()
        if args.settings.security_hub != "off":
            self._judge_by_standard()
        self._tell()
        self.register_outputs({})

    def _watch_for_attacks(self) -> None:
        detector_id = self._find_or_create_detector()
        for feature, managed in GUARDDUTY_FEATURES.items():
            aws.guardduty.DetectorFeature(
                f"{self._name}-guardduty-{feature.lower().replace('_', '-')}",
                detector_id=detector_id,
                name=feature,
                status="ENABLED",
                additional_configurations=[
                    aws.guardduty.DetectorFeatureAdditionalConfigurationArgs(name=part, status="ENABLED")
                    for part in managed
                ],
                # AWS answers in an order of its own, for which the provider would replace the feature. An agent that
                # was switched off is told by Security Hub's controls GuardDuty.7, .12 and .13.
                opts=pulumi.ResourceOptions.merge(
                    self._stays, pulumi.ResourceOptions(ignore_changes=["additionalConfigurations"] if managed else [])
                ),
            )

    def _find_or_create_detector(self) -> pulumi.Output[str]:
        if self._args.settings.guardduty == "adopt":
            return aws.guardduty.get_detector_output(opts=pulumi.InvokeOutputOptions(parent=self)).id
        name = f"{self._name}-guardduty"
        return aws.guardduty.Detector(
            name,
            enable=True,
            finding_publishing_frequency="FIFTEEN_MINUTES",
            tags=self._args.placement.tags(name, DataClass.AUDIT),
            opts=self._stays,
        ).id

    def _scan_for_vulnerabilities(self) -> None:
        aws.inspector2.Enabler(
            f"{self._name}-inspector",
            account_ids=[self._args.placement.account_id],
            resource_types=inspected(self._args.placement.region),
            opts=self._stays,
        )

    def _judge_by_standard(self) -> None:
        hub = []
        if self._args.settings.security_hub == "create":
            hub.append(
                aws.securityhub.Account(
                    f"{self._name}-security-hub",
                    enable_default_standards=False,
                    auto_enable_controls=True,
                    control_finding_generator="SECURITY_CONTROL",
                    opts=self._stays,
                )
            )
        aws.securityhub.StandardsSubscription(
            f"{self._name}-pci-dss",
            standards_arn=self._args.placement.arn("securityhub", PCI_STANDARD, account=""),
            opts=pulumi.ResourceOptions.merge(self._stays, pulumi.ResourceOptions(depends_on=hub)),
        )

    def _tell(self) -> None:
        placement = self._args.placement
        for kind, (setting, pattern) in FINDINGS.items():
            if getattr(self._args.settings, setting) == "off":
                continue
            name = f"{self._name}-{kind}-findings"
            rule = aws.cloudwatch.EventRule(
                name,
                name=placement.name(f"{kind}-findings"),
                description=f"Tells of findings of {kind} that cannot wait",
                event_pattern=json.dumps(pattern),
                tags=placement.tags(name, DataClass.AUDIT),
                opts=pulumi.ResourceOptions(parent=self),
            )
            aws.cloudwatch.EventTarget(
                f"{name}-topic", rule=rule.name, arn=self._args.topic_arn, opts=pulumi.ResourceOptions(parent=self)
            )


def inspected(region: str) -> list[str]:
    """What Inspector scans in a Region: all that it offers there."""
    return [*INSPECTED, *([INSPECTED_CODE] if region in REGIONS_WITH_CODE_SCANNING else [])]
