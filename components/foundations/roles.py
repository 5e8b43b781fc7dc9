"""IAM roles: who may assume one, what it may do, and that it may never do more than the account's boundary says.

Every role is under the project's IAM path and carries the workload boundary that `bootstrap/` makes. So a person who
may deploy the platform cannot gain permissions by creating a role.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from .placement import DataClass, Placement

Statement = Mapping[str, Any]


@dataclass(frozen=True)
class GrantedRole:
    """A role and what must exist before it can do its work."""

    role: aws.iam.Role
    ready: tuple[pulumi.Resource, ...]
    """The attachments of its permissions; depend on them, for a role without them is refused by the service."""

    @property
    def arn(self) -> pulumi.Output[str]:
        return self.role.arn

    @property
    def name(self) -> pulumi.Output[str]:
        return self.role.name


def create_role(
    name: str,
    placement: Placement,
    *,
    trust: Statement,
    does: str,
    parent: pulumi.Resource,
    policy: pulumi.Input[str] | None = None,
    managed_policies: Sequence[str] = (),
    data_class: DataClass = DataClass.OPERATIONS,
    physical_name: str | None = None,
    retain: bool = False,
) -> GrantedRole:
    """Create a role with logical name `name`.

    Args:
        trust: the IAM statement that says who may assume it, without its effect.
        does: what the role is for, one clause; its description.
        policy: its own permissions as JSON text (a managed policy, because inline ones escape review).
        managed_policies: AWS managed policies by path and name, for example ``service-role/AWSConfigRole``.
        physical_name: only where AWS finds the role by its name; such a role lies at the root path.
        retain: keep the role when the stack goes, for what outlives the stack.
    """
    options = pulumi.ResourceOptions(parent=parent, retain_on_delete=retain)
    role = aws.iam.Role(
        name,
        name=physical_name,
        path="/" if physical_name else placement.iam_path,
        permissions_boundary=placement.boundary_arn,
        description=does,
        assume_role_policy=policy_document({"Effect": "Allow", **trust}),
        tags=placement.tags(name, data_class),
        opts=options,
    )
    attachments = [
        aws.iam.RolePolicyAttachment(
            f"{name}-{managed.rpartition('/')[2]}",
            role=role.name,
            policy_arn=placement.arn("iam", f"policy/{managed}", region="", account="aws"),
            opts=options,
        )
        for managed in managed_policies
    ]
    if policy is not None:
        own = aws.iam.Policy(
            f"{name}-permissions",
            path=placement.iam_path,
            description=does,
            policy=policy,
            tags=placement.tags(f"{name}-permissions", data_class),
            opts=options,
        )
        attachments.append(
            aws.iam.RolePolicyAttachment(
                f"{name}-permissions-attachment", role=role.name, policy_arn=own.arn, opts=options
            )
        )
    return GrantedRole(role, tuple(attachments))


def create_service_role(
    name: str,
    placement: Placement,
    *,
    service: str,
    does: str,
    parent: pulumi.Resource,
    statements: Sequence[Statement] = (),
    managed_policies: Sequence[str] = (),
    confused_deputy_guard: bool = True,
    source_arn: str | None = None,
    data_class: DataClass = DataClass.OPERATIONS,
    physical_name: str | None = None,
    retain: bool = False,
) -> GrantedRole:
    """Create a role that one AWS service assumes; the other arguments are those of `create_role`.

    Args:
        service: service principal, for example ``vpc-flow-logs.amazonaws.com``.
        statements: IAM statements of the role's own policy.
        confused_deputy_guard: bind the trust to this account; False for the few services that send no source account.
        source_arn: the one resource for which the service may assume it, where the service says so.
    """
    trust: dict[str, Any] = {"Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    if confused_deputy_guard:
        trust["Condition"] = {"StringEquals": {"aws:SourceAccount": placement.account_id}}
        if source_arn:
            trust["Condition"]["ArnLike"] = {"aws:SourceArn": source_arn}
    return create_role(
        name,
        placement,
        trust=trust,
        does=does,
        parent=parent,
        policy=policy_document(*statements) if statements else None,
        managed_policies=managed_policies,
        data_class=data_class,
        physical_name=physical_name,
        retain=retain,
    )


def policy_document(*statements: Statement) -> str:
    """An IAM policy document as JSON text."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
