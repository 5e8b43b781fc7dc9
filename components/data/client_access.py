"""Who may come in to a store of data: a security group that lets named clients in on one port, and nothing out."""

from __future__ import annotations

from collections.abc import Mapping

import pulumi
import pulumi_aws as aws

from ..foundations.placement import Placement


def admit_clients(
    name: str,
    placement: Placement,
    *,
    vpc_id: pulumi.Input[str],
    speaks: str,
    port: int,
    clients: Mapping[str, pulumi.Input[str]],
    parent: pulumi.Resource,
) -> pulumi.Output[str]:
    """Create the group of the store with logical name `name` and a rule for each client; answers the group's id.

    Args:
        speaks: the protocol, for the descriptions, for example ``MySQL``.
        clients: security group of each client, by the role it plays.
    """
    options = pulumi.ResourceOptions(parent=parent)
    group_name = f"{name}-security-group"
    group = aws.ec2.SecurityGroup(
        group_name,
        description=f"{speaks} from the named clients; the {name} itself reaches nobody",
        vpc_id=vpc_id,
        egress=[],
        tags=placement.tags(group_name),
        opts=options,
    )
    for role, client in clients.items():
        rule_name = f"{name}-from-{role}"
        aws.vpc.SecurityGroupIngressRule(
            rule_name,
            security_group_id=group.id,
            referenced_security_group_id=client,
            description=f"{speaks} from {role}",
            ip_protocol="tcp",
            from_port=port,
            to_port=port,
            tags=placement.tags(rule_name),
            opts=options,
        )
    return group.id
