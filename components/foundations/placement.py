"""Where a stack stands: its account and Region, and the names, ARNs and tags that follow from them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

import pulumi

from .declared import Declared
from .values import Matching, account_number, region, tag_value

PROJECT = "softpos"
BOUNDARY = "policy/softpos-bootstrap/softpos-workload-boundary"
"""The boundary that `bootstrap/` makes for every role of a permanent stack."""
ENVIRONMENT_BOUNDARY = "policy/softpos-bootstrap/softpos-environment-workload-boundary"
"""The boundary that `bootstrap/` makes for every role of a test environment."""
LONGEST_BUCKET_NAME = 63
"""Amazon S3, bucket naming rules: a name has 3 to 63 characters."""
LONGEST_STACK_NAME = 20
"""ElastiCache allows 40 characters in a user's id, of which the project's words take half."""
stack_name = Matching(
    rf"[a-z][a-z0-9-]{{0,{LONGEST_STACK_NAME - 1}}}",
    f"1 to {LONGEST_STACK_NAME} lower-case letters, digits and hyphens, a letter first",
    "choose another name; it is part of every AWS name",
)
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
class Placement(Declared):
    """The plain values that policies judge names and ARNs by: nothing here waits for a deployment."""

    stack: Annotated[str, stack_name]
    """Stack name, part of every physical name."""
    region: Annotated[str, region]
    """AWS Region, for example ``eu-central-1``."""
    account_id: Annotated[str, account_number]
    """The 12 digits of the account."""
    production: bool
    """Whether the stack must be whole: protection of data, a NAT gateway per zone."""
    owner: Annotated[str, tag_value]
    """Who answers for the resources; a tag on each."""
    cost_centre: Annotated[str, tag_value]
    """Who pays; a tag on each resource."""
    project: str = PROJECT
    """First word of every physical name; the name of a foreign project that uses these components."""
    boundary: str | None = BOUNDARY
    """Path and name of the policy that bounds every role made here; none only in a project without such a policy."""
    purpose: str = ""
    """What a test environment is for; empty for a stack that stays."""
    until: str = ""
    """Moment (UTC) from which a test environment may be destroyed; empty for a stack that stays."""

    @classmethod
    def here(
        cls, *, account_id: str, owner: str, cost_centre: str, production: bool = True, boundary: str | None = None
    ) -> Placement:
        """Where the running stack stands: its own project and name, in the Region of `aws:region`.

        Raises:
            NotAllowed: with one sentence for each value that cannot be used.
        """
        return cls(
            project=pulumi.get_project(),
            stack=pulumi.get_stack(),
            region=pulumi.Config("aws").get("region") or "",
            account_id=account_id,
            production=production,
            owner=owner,
            cost_centre=cost_centre,
            boundary=boundary,
        )

    @property
    def iam_path(self) -> str:
        """IAM path of all roles, policies and instance profiles made here.

        The role that deploys may touch no other. A test environment has a path of its own, because IAM cannot tell by a
        tag which role is passed to a service.
        """
        return f"/{self.project}/environments/" if self.until else f"/{self.project}/"

    @property
    def boundary_arn(self) -> str | None:
        """ARN of the policy that bounds every role made here."""
        own = ENVIRONMENT_BOUNDARY if self.until and self.boundary == BOUNDARY else self.boundary
        return self.arn("iam", own, region="") if own else None

    @property
    def partition(self) -> str:
        """The ARN partition of the Region."""
        prefixes = {"cn-": "aws-cn", "us-gov-": "aws-us-gov"}
        return next((name for prefix, name in prefixes.items() if self.region.startswith(prefix)), "aws")

    def name(self, *parts: str) -> str:
        """A physical name: ``<project>-<stack>-<parts>``."""
        return "-".join((self.project, self.stack, *parts))

    def path(self, *parts: str) -> str:
        """A name in services that use paths (log groups, secrets): ``<project>/<stack>/<parts>``."""
        return "/".join((self.project, self.stack, *parts))

    def role(self, component: str, usual: str, role: str) -> str:
        """The part of a physical name that says what a resource is for.

        It is `role` alone where the component has its usual name, as in this platform; else the component's name
        comes first, so that two components of a kind do not ask for the same names.
        """
        return role if component == usual else f"{component}-{role}"

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
        tags = {"Project": self.project, "Stack": self.stack, "Owner": self.owner, "CostCentre": self.cost_centre}
        return {**tags, "Purpose": self.purpose} if self.purpose else tags

    @property
    def expiry_tags(self) -> dict[str, str]:
        """When a test environment ends: on its VPC alone, for an extension would otherwise change every resource."""
        return {"ExpiresAt": self.until} if self.until else {}

    def tags(self, name: str, data_class: DataClass = DataClass.OPERATIONS) -> dict[str, str]:
        """The tags of one resource, `name` being its logical name."""
        return {"Name": f"{self.project}-{self.stack}-{name}", "DataClass": data_class.value, **self.default_tags}
