"""Routes to single addresses of the data centre, for the tier that otherwise has no way there."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address

import pulumi
import pulumi_aws as aws


def route_to_data_centre(
    name: str,
    addresses: Sequence[IPv4Address],
    table_ids: Sequence[pulumi.Input[str]],
    gateway_id: pulumi.Input[str],
    after: Sequence[pulumi.Resource],
    parent: pulumi.Resource,
) -> list[pulumi.Resource]:
    """Routes of the public tier to single addresses of the data centre, and to nothing else of it."""
    return [
        aws.ec2.Route(
            f"{name}-route-{table}-{index}",
            route_table_id=table_id,
            destination_cidr_block=f"{address}/32",
            gateway_id=gateway_id,
            # AWS refuses a route to a gateway that is not attached to the VPC yet.
            opts=pulumi.ResourceOptions(parent=parent, depends_on=list(after)),
        )
        for table, table_id in enumerate(table_ids, start=1)
        for index, address in enumerate(addresses, start=1)
    ]
