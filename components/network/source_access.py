"""The way to the data centre's database, for as long as the move needs it: it goes with the phase.

Creates, in the phases that use the source, an egress rule per client and address, a route per public subnet and address
for the bastion (the private tiers learn their routes from the VPN), and a private zone in which the source's name leads
to its addresses. Network ACL and network policy are the network's and the application's own, by the same phase.

Trust boundary: only the named clients reach only the named addresses on the source's port. Nothing of the data centre
reaches anything here by it: a security group lets replies through and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from ..foundations.data_centre_routes import route_to_data_centre
from ..foundations.migration_settings import MigrationSettings
from ..foundations.placement import Placement

RECORD_SECONDS = 60
"""A source that takes over at another address is found within a minute."""


@dataclass(frozen=True, kw_only=True)
class SourceAccessArgs:
    """Inputs of `SourceAccess`."""

    placement: Placement
    settings: MigrationSettings
    vpc_id: pulumi.Input[str]
    clients: Mapping[str, pulumi.Input[str]]
    """Security group of each client, by the role it plays."""
    public_route_table_ids: Sequence[pulumi.Input[str]]
    vpn_gateway_id: pulumi.Input[str]
    vpn_ready: Sequence[pulumi.Resource]


class SourceAccess(pulumi.ComponentResource):
    """Rules, routes and a name; nothing in the phases that do not use the source."""

    ready: list[pulumi.Resource]
    """What must exist before a pod can reach the source."""

    def __init__(self, name: str, args: SourceAccessArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("softpos:network:SourceAccess", name, {}, opts)
        self._name = name
        self._args = args
        self._children = pulumi.ResourceOptions(parent=self)
        self.ready = []
        if args.settings.facts.moves_data:
            self.ready = [*self._let_clients_out(), *self._route(), *self._tell_name()]
        self.register_outputs({})

    def _tags(self, name: str) -> dict[str, str]:
        return self._args.placement.tags(name)

    def _let_clients_out(self) -> list[pulumi.Resource]:
        settings = self._args.settings
        rules: list[pulumi.Resource] = []
        for role, group_id in self._args.clients.items():
            for index, address in enumerate(settings.source_addresses, start=1):
                name = f"{self._name}-from-{role}-{index}"
                rules.append(
                    aws.vpc.SecurityGroupEgressRule(
                        name,
                        security_group_id=group_id,
                        cidr_ipv4=f"{address}/32",
                        description=f"MySQL of the data centre, for the {role}, while the migration lasts",
                        ip_protocol="tcp",
                        from_port=settings.source_port,
                        to_port=settings.source_port,
                        tags=self._tags(name),
                        opts=self._children,
                    )
                )
        return rules

    def _route(self) -> list[pulumi.Resource]:
        return route_to_data_centre(
            self._name,
            self._args.settings.source_addresses,
            self._args.public_route_table_ids,
            self._args.vpn_gateway_id,
            self._args.vpn_ready,
            self,
        )

    def _tell_name(self) -> list[pulumi.Resource]:
        """The name inside the VPC. A source that the settings name by its address needs none."""
        settings, name = self._args.settings, f"{self._name}-name"
        if settings.source_host in map(str, settings.source_addresses):
            return []
        zone = aws.route53.Zone(
            name,
            name=settings.source_host,
            comment=f"SoftPOS {self._args.placement.stack}: the data centre's database, inside the VPC only",
            vpcs=[aws.route53.ZoneVpcArgs(vpc_id=self._args.vpc_id)],
            tags=self._tags(name),
            opts=self._children,
        )
        record = aws.route53.Record(
            f"{name}-addresses",
            zone_id=zone.zone_id,
            name=settings.source_host,
            type="A",
            ttl=RECORD_SECONDS,
            records=list(map(str, settings.source_addresses)),
            opts=self._children,
        )
        return [record]
