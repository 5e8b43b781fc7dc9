"""The two roles that DMS looks for by name in every account, whatever stack they come from.

`create` makes them and leaves them when the stack goes, for another stack may use them; `adopt` finds those that exist,
so that a preview fails where they are missing; `off` trusts that somebody else looks after them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import pulumi
import pulumi_aws as aws

from ..foundations.placement import Placement
from ..foundations.roles import create_service_role

SERVICE = "dms.amazonaws.com"
ROLES: Mapping[str, str] = {
    "dms-vpc-role": "service-role/AmazonDMSVPCManagementRole",
    "dms-cloudwatch-logs-role": "service-role/AmazonDMSCloudWatchLogsRole",
}
"""Role by its fixed name, and AWS's own policy for it."""


def provide_service_roles(
    name: str, placement: Placement, choice: Literal["create", "adopt", "off"], parent: pulumi.Resource
) -> list[pulumi.Resource]:
    """See to it that the roles exist; returns what a replication instance must wait for."""
    if choice == "create":
        return [
            ready
            for role, policy in ROLES.items()
            for ready in create_service_role(
                f"{name}-{role}",
                placement,
                service=SERVICE,
                does="Lets DMS work in the account's networks and logs",
                managed_policies=(policy,),
                # The role is the account's, not this stack's; DMS documents the trust without a source account.
                confused_deputy_guard=False,
                physical_name=role,
                retain=True,
                parent=parent,
            ).ready
        ]
    if choice == "adopt":
        return [aws.iam.Role.get(f"{name}-{role}", role, opts=pulumi.ResourceOptions(parent=parent)) for role in ROLES]
    return []
