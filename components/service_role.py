"""An IAM role that one AWS service assumes, with the permissions it needs and no others."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from components.placement import DataClass, Placement

Statement = Mapping[str, Any]


@dataclass(frozen=True)
class ServiceRole:
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


def create_service_role(
    name: str,
    placement: Placement,
    *,
    service: str,
    does: str,
    parent: pulumi.Resource,
    statements: Sequence[Statement] = (),
    managed_policies: Sequence[str] = (),
    trust_actions: Sequence[str] = ("sts:AssumeRole",),
    confused_deputy_guard: bool = True,
    data_class: DataClass = DataClass.OPERATIONS,
    physical_name: str | None = None,
    retain: bool = False,
) -> ServiceRole:
    """Create a role with logical name `name` that `service` may assume.

    Args:
        service: service principal, for example ``vpc-flow-logs.amazonaws.com``.
        does: what the role is for, one clause; its description.
        statements: IAM statements of the role's own policy (a managed policy, because inline ones escape review).
        managed_policies: AWS managed policies by path and name, for example ``service-role/AWSConfigRole``.
        trust_actions: what the service does to assume it; Pod Identity also tags the session.
        confused_deputy_guard: bind the trust to this account; False for the few services that send no source account.
        physical_name: only where AWS finds the role by its name.
        retain: keep the role when the stack goes, for what outlives the stack.
    """
    options = pulumi.ResourceOptions(parent=parent, retain_on_delete=retain)
    trust: dict[str, Any] = {"Effect": "Allow", "Principal": {"Service": service}, "Action": list(trust_actions)}
    if confused_deputy_guard:
        trust["Condition"] = {"StringEquals": {"aws:SourceAccount": placement.account_id}}
    role = aws.iam.Role(
        name,
        name=physical_name,
        description=does,
        assume_role_policy=policy_document(trust),
        tags=placement.tags(name, data_class),
        opts=options,
    )
    attachments = [
        aws.iam.RolePolicyAttachment(
            f"{name}-{policy.rpartition('/')[2]}",
            role=role.name,
            policy_arn=placement.arn("iam", f"policy/{policy}", region="", account="aws"),
            opts=options,
        )
        for policy in managed_policies
    ]
    if statements:
        policy = aws.iam.Policy(
            f"{name}-permissions",
            description=does,
            policy=policy_document(*statements),
            tags=placement.tags(f"{name}-permissions", data_class),
            opts=options,
        )
        attachments.append(
            aws.iam.RolePolicyAttachment(
                f"{name}-permissions-attachment", role=role.name, policy_arn=policy.arn, opts=options
            )
        )
    return ServiceRole(role, tuple(attachments))


def policy_document(*statements: Statement) -> str:
    """An IAM policy document as JSON text."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
