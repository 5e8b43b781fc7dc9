"""The account's own defaults, for whatever is made in it outside this program.

One per account and Region, so that `AuditSettings.account_baseline` says whether this stack sets them (`create`) or an
owner of the account does (`adopt`, `off`). They stay when the stack goes. Volumes default to AWS's own EBS key, not to
a key of this stack: the default of an account must not end with one stack. The platform's own volumes name their key.
"""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from ..foundations.placement import DataClass, Placement
from ..foundations.roles import create_role

PASSWORD_LENGTH = 14
"""CIS AWS Foundations asks for 14; PCI DSS 8.3.6 for 12."""
PASSWORDS_REMEMBERED = 24
"""CIS asks for 24; PCI DSS 8.3.7 for 4."""
PASSWORD_DAYS = 90
"""PCI DSS 8.3.9."""


@dataclass(frozen=True, kw_only=True)
class AccountBaselineArgs:
    """Inputs of `AccountBaseline`."""

    placement: Placement


class AccountBaseline(pulumi.ComponentResource):
    """Encryption, IMDSv2, no public sharing, strong passwords: as the account's defaults."""

    def __init__(self, name: str, args: AccountBaselineArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("softpos:audit:AccountBaseline", name, {}, opts)
        self._name = name
        self._placement = args.placement
        self._stays = pulumi.ResourceOptions(parent=self, retain_on_delete=True)
        self._harden_compute()
        self._forbid_public_sharing()
        self._harden_identities()
        self.register_outputs({})

    def _harden_compute(self) -> None:
        aws.ebs.EncryptionByDefault(f"{self._name}-disk-encryption", enabled=True, opts=self._stays)
        aws.ec2.InstanceMetadataDefaults(
            f"{self._name}-instance-metadata", http_endpoint="enabled", http_tokens="required", opts=self._stays
        )
        aws.ec2.SerialConsoleAccess(f"{self._name}-serial-console", enabled=False, opts=self._stays)

    def _forbid_public_sharing(self) -> None:
        aws.s3.AccountPublicAccessBlock(
            f"{self._name}-buckets",
            account_id=self._placement.account_id,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
            opts=self._stays,
        )
        aws.ebs.SnapshotBlockPublicAccess(f"{self._name}-snapshots", state="block-all-sharing", opts=self._stays)
        aws.ec2.ImageBlockPublicAccess(f"{self._name}-images", state="block-new-sharing", opts=self._stays)
        aws.ssm.ServiceSetting(
            f"{self._name}-documents",
            setting_id=self._placement.arn("ssm", "servicesetting/ssm/documents/console/public-sharing-permission"),
            setting_value="Disable",
            opts=self._stays,
        )

    def _harden_identities(self) -> None:
        aws.iam.AccountPasswordPolicy(
            f"{self._name}-passwords",
            minimum_password_length=PASSWORD_LENGTH,
            require_lowercase_characters=True,
            require_uppercase_characters=True,
            require_numbers=True,
            require_symbols=True,
            max_password_age=PASSWORD_DAYS,
            password_reuse_prevention=PASSWORDS_REMEMBERED,
            allow_users_to_change_password=True,
            opts=self._stays,
        )
        self._create_support_role()
        name = f"{self._name}-access-analyzer"
        aws.accessanalyzer.Analyzer(
            name,
            analyzer_name=self._placement.name("access"),
            type="ACCOUNT",
            tags=self._placement.tags(name, DataClass.AUDIT),
            opts=self._stays,
        )

    def _create_support_role(self) -> None:
        """Who calls AWS in an incident takes this role (PCI DSS 12.10.3): people of the account, with MFA."""
        name = f"{self._name}-support-role"
        create_role(
            name,
            self._placement,
            trust={
                "Principal": {"AWS": self._placement.arn("iam", "root", region="")},
                "Action": "sts:AssumeRole",
                "Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}},
            },
            does="For whoever opens AWS support cases",
            managed_policies=["AWSSupportAccess"],
            data_class=DataClass.AUDIT,
            retain=True,
            parent=self,
        )
