"""Where a stack stands: its account and Region, and the names, ARNs and tags that follow from them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum

PROJECT = "softpos"
LONGEST_BUCKET_NAME = 63
"""Amazon S3, bucket naming rules: a name has 3 to 63 characters."""
DIGEST_CHARACTERS = 12
"""Hexadecimal digits that stand for account and Region in the name of a bucket that would be too long."""


class DataClass(StrEnum):
    """What a resource holds or carries; the tag that tells an assessor what is in scope."""

    CARDHOLDER = "cardholder"
    """Stores, processes or transmits cardholder data."""
    CREDENTIALS = "credentials"
    """Keys and secrets."""
    AUDIT = "audit"
    """Logs and evidence."""
    OPERATIONS = "operations"
    """None of these: configuration, network, compute that only passes encrypted traffic."""


@dataclass(frozen=True, kw_only=True)
class Placement:
    """The plain values that policies judge names and ARNs by: nothing here waits for a deployment."""

    stack: str
    """Stack name, part of every physical name."""
    region: str
    """AWS Region, for example ``eu-central-1``."""
    account_id: str
    """The 12 digits of the account."""
    production: bool
    """Whether the stack must be whole: protection of data, a NAT gateway per zone."""
    owner: str
    cost_centre: str
    purpose: str = ""
    """What a test environment is for; empty for a stack that stays."""
    until: str = ""
    """Moment (UTC) from which a test environment may be destroyed; empty for a stack that stays."""

    @property
    def partition(self) -> str:
        """The ARN partition of the Region."""
        prefixes = {"cn-": "aws-cn", "us-gov-": "aws-us-gov"}
        return next((name for prefix, name in prefixes.items() if self.region.startswith(prefix)), "aws")

    def name(self, *parts: str) -> str:
        """A physical name: ``softpos-<stack>-<parts>``."""
        return "-".join((PROJECT, self.stack, *parts))

    def path(self, *parts: str) -> str:
        """A name in services that use paths (log groups, secrets): ``softpos/<stack>/<parts>``."""
        return "/".join((PROJECT, self.stack, *parts))

    def bucket(self, role: str) -> str:
        """A globally unique bucket name: it holds account and Region, as a digest where S3's limit asks for it."""
        whole = f"{self.name(role)}-{self.account_id}-{self.region}"
        if len(whole) <= LONGEST_BUCKET_NAME:
            return whole
        digest = hashlib.sha256(f"{self.account_id}-{self.region}".encode()).hexdigest()
        return f"{self.name(role)}-{digest[:DIGEST_CHARACTERS]}"

    def arn(self, service: str, resource: str, *, region: str | None = None, account: str | None = None) -> str:
        """An ARN in this account and Region; give ``""`` for the parts that a service leaves out."""
        region = self.region if region is None else region
        account = self.account_id if account is None else account
        return f"arn:{self.partition}:{service}:{region}:{account}:{resource}"

    @property
    def default_tags(self) -> dict[str, str]:
        """The tags that say whose a resource is; the provider adds them to whatever a component forgets."""
        tags = {"Project": PROJECT, "Stack": self.stack, "Owner": self.owner, "CostCentre": self.cost_centre}
        return {**tags, "Purpose": self.purpose} if self.purpose else tags

    @property
    def expiry_tags(self) -> dict[str, str]:
        """When a test environment ends: on its VPC alone, for an extension would otherwise change every resource."""
        return {"ExpiresAt": self.until} if self.until else {}

    def tags(self, name: str, data_class: DataClass = DataClass.OPERATIONS) -> dict[str, str]:
        """The tags of one resource, `name` being its logical name."""
        return {"Name": f"{PROJECT}-{self.stack}-{name}", "DataClass": data_class.value, **self.default_tags}
