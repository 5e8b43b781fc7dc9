"""Where bootstrap works: one account, one repository, and the names that follow, all known beforehand."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from pulumi import RunError

IAM_PATH = "/softpos-bootstrap/"
"""Path of everything in IAM that is made here. The deploy role may touch nothing below it."""
PLATFORM_PATH = "/softpos/"
"""Path of every role and policy that the platform's program makes. The deploy role may touch nothing outside it."""
ENVIRONMENTS_PATH = "/softpos/environments/"
"""Path of those that a test environment makes. IAM cannot tell a role that is passed by its tags, only by its path."""
GITHUB = "token.actions.githubusercontent.com"
ENVIRONMENTS_PREFIX = "environments"
"""Folder of the state bucket in which the test environments' stacks are, apart from the permanent stack."""
DMS_ROLES = ("dms-vpc-role", "dms-cloudwatch-logs-role")
"""AWS DMS finds these by name, so that they cannot have a path."""


class SettingsError(RunError):
    """A setting of bootstrap cannot be used; the message is one sentence per problem."""


@dataclass(frozen=True, kw_only=True)
class Account:
    """One account with one permanent stack."""

    account_id: str
    region: str
    stack: str
    """The permanent stack that is deployed here, ``dev`` or ``prod``."""
    subject: str
    """The repository as GitHub writes it into a token's subject: ``owner/name``, or with ids ``owner@1/name@2``."""
    owner: str = "softpos"
    cost_centre: str = "softpos"
    environments: bool = False
    """Whether test environments live in this account."""
    host_name: str = ""
    """The permanent stack's public name, which no test environment may point elsewhere."""

    @property
    def partition(self) -> str:
        prefixes = {"cn-": "aws-cn", "us-gov-": "aws-us-gov"}
        return next((name for prefix, name in prefixes.items() if self.region.startswith(prefix)), "aws")

    @property
    def state_bucket(self) -> str:
        return f"softpos-state-{self.stack}-{self.account_id}-{self.region}"

    @property
    def state_bucket_arn(self) -> str:
        return f"arn:{self.partition}:s3:::{self.state_bucket}"

    @property
    def deploy_boundary_arn(self) -> str:
        return self.policy_arn("softpos-deploy-boundary")

    @property
    def workload_boundary_arn(self) -> str:
        """The boundary that every role of the platform's program must carry."""
        return self.policy_arn("softpos-workload-boundary")

    @property
    def environment_boundary_arn(self) -> str:
        """The boundary that every role of a test environment must carry."""
        return self.policy_arn("softpos-environment-workload-boundary")

    def policy_arn(self, name: str) -> str:
        return self.arn("iam", f"policy{IAM_PATH}{name}", region="")

    def arn(self, service: str, resource: str, *, region: str | None = None) -> str:
        region = self.region if region is None else region
        return f"arn:{self.partition}:{service}:{region}:{self.account_id}:{resource}"


class StateKeys(NamedTuple):
    """ARNs of the keys of Pulumi's state, which AWS invents."""

    bucket: str
    """Encrypts the objects; used only by way of S3."""
    stack: str
    """Encrypts the secrets in the permanent stack's state."""
    environments: str
    """Encrypts the secrets in the state of test environments; empty where there are none."""

    def all(self) -> list[str]:
        return [arn for arn in self if arn]


FORMS: Mapping[str, tuple[str, str]] = {
    "accountId": (r"\d{12}", "the 12 digits of the account, quoted"),
    "region": (r"[a-z]{2}(-[a-z]+)+-\d", "an AWS Region such as eu-central-1"),
    "stack": (r"dev|prod", "dev or prod"),
    "repository": (r"[\w.-]+(@\d+)?/[\w.-]+(@\d+)?", "OWNER/NAME as GitHub shows it"),
    "owner": (r".{1,128}", "who answers for the account's set-up"),
    "costCentre": (r".{1,128}", "who pays"),
    "environments": (r"true|false", "true or false"),
    "hostName": (r"([a-z0-9-]+\.)*[a-z0-9-]*", "the permanent stack's edgeHostName, in small letters"),
}


def read_account(given: Mapping[str, str]) -> Account:
    """The account that the settings describe.

    Raises:
        SettingsError: with a line for each setting that cannot be used.
    """
    problems = [
        f"{key}: {given.get(key, 'nothing')!r} is not allowed; allowed: {allowed}; run `pulumi config set {key} VALUE`."
        for key, (form, allowed) in FORMS.items()
        if not re.fullmatch(form, given.get(key, ""))
    ]
    if not problems and given["stack"] == "prod" and given["environments"] == "true":
        problems = ["environments: 'true' is not allowed with stack prod; allowed: false; they live in dev's account."]
    if not problems and given["environments"] == "true" and not given["hostName"]:
        problems = [
            "hostName: '' is not allowed with environments; allowed: the permanent stack's edgeHostName; set it."
        ]
    if problems:
        raise SettingsError("\n".join(problems))
    return Account(
        account_id=given["accountId"],
        region=given["region"],
        stack=given["stack"],
        owner=given["owner"],
        cost_centre=given["costCentre"],
        subject=given["repository"],
        environments=given["environments"] == "true",
        host_name=given["hostName"],
    )
