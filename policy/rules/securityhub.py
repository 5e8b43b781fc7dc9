"""Security Hub."""

from __future__ import annotations

from ..reading import Breach
from ..rule import MEDIUM, StackFindings, rule
from ..stack import Stack


@rule(
    "securityhub-pci-standard",
    "Security Hub, where it is on, judges by PCI DSS v4.0.1",
    about="aws.securityhub.Account",
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
