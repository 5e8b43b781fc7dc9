"""Who runs the platform's program: the permanent stack's role, and the one of the test environments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bootstrap.account import ENVIRONMENTS_PATH, ENVIRONMENTS_PREFIX, PLATFORM_PATH, Account
from bootstrap.permissions import NOT_IN_ENVIRONMENTS, writes_by_service
from bootstrap.workloads import MANAGED_POLICIES

ENVIRONMENT_STACKS = "env-*"
AGENT_SECRET = "workload-security"  # noqa: S105 (a name)
ENVIRONMENTS_AGENT_SECRET = f"environments/{AGENT_SECRET}"
"""Activation secrets by name below ``softpos/``. Environments have their own: a test node never reads the other."""


@dataclass(frozen=True, kw_only=True)
class Deployer:
    """A role that deploys, and what it may own."""

    account: Account
    stacks: str
    """Value of the tag Stack on what it owns; also part of each physical name. May end with ``*``."""
    permanent: bool

    @property
    def workload_boundary_arn(self) -> str:
        """The boundary that every role it makes must carry."""
        return self.account.workload_boundary_arn if self.permanent else self.account.environment_boundary_arn

    @property
    def path(self) -> str:
        """IAM path of the roles and policies that it may make."""
        return PLATFORM_PATH if self.permanent else ENVIRONMENTS_PATH

    @property
    def state_folder(self) -> str:
        """Folder of the state bucket in which its stacks' state is."""
        return "" if self.permanent else f"{ENVIRONMENTS_PREFIX}/"

    @property
    def agent_secret(self) -> str:
        return AGENT_SECRET if self.permanent else ENVIRONMENTS_AGENT_SECRET

    def writes(self) -> Mapping[str, tuple[str, ...]]:
        """Actions of the permissions table that its stacks need, by service."""
        return writes_by_service(() if self.permanent else NOT_IN_ENVIRONMENTS)

    def attachable(self) -> list[str]:
        """ARNs of the policies that it may attach to a role: the program's own, and the listed ones of AWS."""
        account = self.account
        listed = sorted(name for name, only in MANAGED_POLICIES.items() if self.permanent or not only)
        own = account.arn("iam", f"policy{self.path}*", region="")
        return [own, *(f"arn:{account.partition}:iam::aws:policy/{name}" for name in listed)]


def permanent(account: Account) -> Deployer:
    return Deployer(account=account, stacks=account.stack, permanent=True)


def environments(account: Account) -> Deployer:
    return Deployer(account=account, stacks=ENVIRONMENT_STACKS, permanent=False)
