"""How logs are kept: every log group is encrypted with the logs key and outlives the PCI minimum."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from .placement import DataClass, Placement


@dataclass(frozen=True, kw_only=True)
class LogStorage:
    """Makes log groups; components own theirs, this only keeps them alike."""

    placement: Placement
    key_arn: pulumi.Input[str]
    """ARN of the customer-managed key for logs."""
    retention_days: int
    """Days that events are kept, at least 365 (PCI DSS 10.5.1)."""

    def group(self, name: str, log_group_name: str, parent: pulumi.Resource) -> aws.cloudwatch.LogGroup:
        """A log group; production keeps it when the stack goes, because logs outlive what they are about."""
        return aws.cloudwatch.LogGroup(
            name,
            name=log_group_name,
            retention_in_days=self.retention_days,
            kms_key_id=self.key_arn,
            tags=self.placement.tags(name, DataClass.AUDIT),
            opts=pulumi.ResourceOptions(parent=parent, retain_on_delete=self.placement.production),
        )
