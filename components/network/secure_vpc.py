"""The network that everything stands in: three tiers in three zones, closed by default.

Creates the VPC, the subnets of `SubnetPlan`, internet and NAT gateways, a route table per subnet, a network ACL per
tier, gateway and interface endpoints, flow logs, and closes the default security group and the default ACL.

Trust boundary: only the public tier has a route from the internet. The application tier reaches out through NAT. The
data tier has no route to the internet in either direction. Calls to AWS stay inside, through endpoints.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from ipaddress import IPv4Address, IPv4Network
from typing import Annotated

import pulumi
import pulumi_aws as aws

from ..foundations.declared import Conflict, Declared
from ..foundations.log_storage import LogStorage
from ..foundations.placement import DataClass, Placement
from ..foundations.roles import create_service_role
from ..foundations.subnet_plan import Tier, plan_subnets
from ..foundations.values import ListOf, trusted_range
from .network_rules import Peer, acl_entries
from .service_endpoints import ServiceEndpoints, ServiceEndpointsArgs
from .settings import (
    PER_ZONE_IN_PRODUCTION,
    DataCentreRanges,
    NatGateways,
    VpcRange,
    Zones,
    private_data_centre,
    zones_in_region,
)

FLOW_LOG_INTERVAL_SECONDS = 60
"""The shorter of the two that AWS offers (60, 600): an attack is seen in a minute."""


def apart_from_data_centre(args: SecureVpcArgs) -> Iterator[Conflict]:
    """The VPN could not tell one of two ranges that overlap from the other."""
    for found in args.on_premises_cidrs:
        if args.cidr.overlaps(found):
            yield Conflict(
                "cidr", f"a range apart from {found} of {{other}}", "move one of the two ranges", "on_premises_cidrs"
            )


@dataclass(frozen=True, kw_only=True)
class SecureVpcArgs(Declared):
    """Inputs of `SecureVpc`."""

    RULES = (
        lambda args: zones_in_region(args.placement.region, args.availability_zones),
        lambda args: private_data_centre(args.on_premises_cidrs),
        apart_from_data_centre,
    )
    IN_PRODUCTION = PER_ZONE_IN_PRODUCTION

    placement: Placement
    logs: LogStorage
    cidr: VpcRange
    """The VPC's private range, /16 to /20."""
    availability_zones: Zones
    """Three zones of the Region."""
    nat: NatGateways = "per-zone"
    """One NAT gateway (and interface endpoints) in the first zone, or in each zone so that none depends on another."""
    trusted_cidrs: Annotated[tuple[str, ...], ListOf(trusted_range, 0, 20)] = ()
    """Public ranges that may connect to the public tier by SSH."""
    on_premises_cidrs: Annotated[tuple[IPv4Network, ...], DataCentreRanges] = ()
    """Ranges of the data centre, which application and data tier reach through the VPN."""
    source_addresses: tuple[IPv4Address, ...] = ()
    """Addresses of the data centre's database, in the phases that use it."""
    router_addresses: tuple[IPv4Address, ...] = ()
    """Addresses of the data centre's router, in the phase that forwards to it."""
    data_centre_ports: Mapping[str, int] = field(default_factory=dict)
    """Ports there: ``source``, ``router`` and ``router health``."""


class SecureVpc(pulumi.ComponentResource):
    """Three tiers in three zones."""

    vpc_id: pulumi.Output[str]
    """Id of the VPC."""
    cidr: IPv4Network
    """Private range of the VPC."""
    public_subnet_ids: list[pulumi.Output[str]]
    """Subnets with a route to the internet, one per zone."""
    application_subnet_ids: list[pulumi.Output[str]]
    """Subnets that reach out through NAT only, one per zone."""
    data_subnet_ids: list[pulumi.Output[str]]
    """Subnets without a route to the internet, one per zone."""
    public_route_table_ids: list[pulumi.Output[str]]
    """Route tables of the public tier, which get single addresses of the data centre while a migration needs them."""
    private_route_table_ids: list[pulumi.Output[str]]
    """Route tables of the application and data tiers, where the VPN's routes belong."""
    nat_addresses: list[pulumi.Output[str]]
    """Public addresses from which everything inside calls the internet; partners allow these."""
    endpoints_security_group_id: pulumi.Output[str]
    """Security group of the interface endpoints to AWS services."""
    outbound: list[pulumi.Resource]
    """What must exist before an application host can reach AWS and the internet."""

    def __init__(self, name: str, args: SecureVpcArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("softpos:network:SecureVpc", name, {}, opts)
        self._name = name
        self._args = args
        self._children = pulumi.ResourceOptions(parent=self)
        # Database, cache and cluster live in the VPC and its subnets, and AWS moves none of them to others. A change of
        # range or zones in production stops in the preview, before an operation.
        self._kept_in_production = pulumi.ResourceOptions(parent=self, protect=args.placement.production)
        self.cidr = args.cidr
        self._vpc = self._create_vpc()
        self.vpc_id = self._vpc.id
        self._close_defaults()
        self._subnets = {tier: self._create_subnets(tier) for tier in Tier}
        self.public_subnet_ids = [subnet.id for subnet in self._subnets[Tier.PUBLIC]]
        self.application_subnet_ids = [subnet.id for subnet in self._subnets[Tier.APPLICATION]]
        self.data_subnet_ids = [subnet.id for subnet in self._subnets[Tier.DATA]]
        tables = {tier: self._create_route_tables(tier) for tier in Tier}
        self.public_route_table_ids = [table.id for table in tables[Tier.PUBLIC]]
        self.private_route_table_ids = [table.id for tier in (Tier.APPLICATION, Tier.DATA) for table in tables[tier]]
        self.nat_addresses = []
        routes = self._open_to_internet(tables)
        self._create_network_acls()
        endpoints = self._create_endpoints()
        self.endpoints_security_group_id = endpoints.security_group_id
        self.outbound = [*routes, *endpoints.endpoints]
        self._create_flow_log()
        self.register_outputs({"vpcId": self.vpc_id, "cidr": str(self.cidr)})

    def _tags(self, name: str) -> dict[str, str]:
        return self._args.placement.tags(name)

    def _create_vpc(self) -> aws.ec2.Vpc:
        return aws.ec2.Vpc(
            self._name,
            cidr_block=str(self._args.cidr),
            enable_dns_support=True,
            enable_dns_hostnames=True,
            tags={**self._tags(self._name), **self._args.placement.expiry_tags},
            opts=self._kept_in_production,
        )

    def _close_defaults(self) -> None:
        """What lands in the default group or ACL by mistake can talk to nobody."""
        name = f"{self._name}-default-security-group"
        aws.ec2.DefaultSecurityGroup(
            name, vpc_id=self.vpc_id, ingress=[], egress=[], tags=self._tags(name), opts=self._children
        )
        name = f"{self._name}-default-acl"
        aws.ec2.DefaultNetworkAcl(
            name,
            default_network_acl_id=self._vpc.default_network_acl_id,
            ingress=[],
            egress=[],
            tags=self._tags(name),
            opts=self._children,
        )

    def _create_subnets(self, tier: Tier) -> list[aws.ec2.Subnet]:
        ranges = plan_subnets(self._args.cidr).of(tier)
        roles = {
            Tier.PUBLIC: {"kubernetes.io/role/elb": "1"},
            Tier.APPLICATION: {"kubernetes.io/role/internal-elb": "1"},
        }
        return [
            aws.ec2.Subnet(
                f"{self._name}-{tier}-{zone[-1]}",
                vpc_id=self.vpc_id,
                cidr_block=str(cidr),
                availability_zone=zone,
                map_public_ip_on_launch=False,
                tags={**self._tags(f"{self._name}-{tier}-{zone[-1]}"), "Tier": tier.value, **roles.get(tier, {})},
                opts=self._kept_in_production,
            )
            for zone, cidr in zip(self._args.availability_zones, ranges, strict=True)
        ]

    def _create_route_tables(self, tier: Tier) -> list[aws.ec2.RouteTable]:
        """One a subnet, without inline routes: routes by gateways and VPN are resources of their own."""
        tables = []
        for zone, subnet in zip(self._args.availability_zones, self._subnets[tier], strict=True):
            name = f"{self._name}-{tier}-{zone[-1]}-routes"
            table = aws.ec2.RouteTable(name, vpc_id=self.vpc_id, tags=self._tags(name), opts=self._children)
            aws.ec2.RouteTableAssociation(
                f"{self._name}-{tier}-{zone[-1]}-association",
                route_table_id=table.id,
                subnet_id=subnet.id,
                opts=self._children,
            )
            tables.append(table)
        return tables

    def _open_to_internet(self, tables: dict[Tier, list[aws.ec2.RouteTable]]) -> list[aws.ec2.Route]:
        """Routes of the public tier to the internet gateway and of the application tier to NAT; none for data."""
        name = f"{self._name}-internet"
        internet = aws.ec2.InternetGateway(name, vpc_id=self.vpc_id, tags=self._tags(name), opts=self._children)
        public = [
            aws.ec2.Route(
                f"{self._name}-public-{zone[-1]}-internet",
                route_table_id=table.id,
                destination_cidr_block="0.0.0.0/0",
                gateway_id=internet.id,
                opts=self._children,
            )
            for zone, table in zip(self._args.availability_zones, tables[Tier.PUBLIC], strict=True)
        ]
        gateways = [
            self._create_nat_gateway(zone, subnet, route)
            for zone, subnet, route in zip(self._nat_zones, self._subnets[Tier.PUBLIC], public, strict=False)
        ]
        private = [
            aws.ec2.Route(
                f"{self._name}-application-{zone[-1]}-nat",
                route_table_id=table.id,
                destination_cidr_block="0.0.0.0/0",
                nat_gateway_id=gateways[index % len(gateways)].id,
                opts=self._children,
            )
            for index, (zone, table) in enumerate(
                zip(self._args.availability_zones, tables[Tier.APPLICATION], strict=True)
            )
        ]
        return [*public, *private]

    @property
    def _nat_zones(self) -> tuple[str, ...]:
        return self._args.availability_zones[: 1 if self._args.nat == "single" else None]

    def _create_nat_gateway(self, zone: str, subnet: aws.ec2.Subnet, route: aws.ec2.Route) -> aws.ec2.NatGateway:
        name = f"{self._name}-nat-{zone[-1]}"
        address = aws.ec2.Eip(f"{name}-address", domain="vpc", tags=self._tags(f"{name}-address"), opts=self._children)
        self.nat_addresses.append(address.public_ip)
        return aws.ec2.NatGateway(
            name,
            allocation_id=address.allocation_id,
            subnet_id=subnet.id,
            tags=self._tags(name),
            # AWS lets a NAT gateway become available only where its subnet already reaches the internet.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[route]),
        )

    def _create_network_acls(self) -> None:
        """The second fence: coarse per tier, for a day when a security group is wrong."""
        ranges: dict[Peer, tuple[str, ...]] = {
            "vpc": (str(self._args.cidr),),
            "trusted": self._args.trusted_cidrs,
            "on-premises": tuple(map(str, self._args.on_premises_cidrs)),
            "source": tuple(f"{address}/32" for address in self._args.source_addresses),
            "router": tuple(f"{address}/32" for address in self._args.router_addresses),
            "anywhere": ("0.0.0.0/0",),
        }
        entries = partial(acl_entries, ranges=ranges, ports=self._args.data_centre_ports)
        for tier in Tier:
            name = f"{self._name}-{tier}-acl"
            aws.ec2.NetworkAcl(
                name,
                vpc_id=self.vpc_id,
                subnet_ids=[subnet.id for subnet in self._subnets[tier]],
                ingress=[aws.ec2.NetworkAclIngressArgs(**entry) for entry in entries(tier, "ingress")],
                egress=[aws.ec2.NetworkAclEgressArgs(**entry) for entry in entries(tier, "egress")],
                tags=self._tags(name),
                opts=self._children,
            )

    def _create_endpoints(self) -> ServiceEndpoints:
        arguments = ServiceEndpointsArgs(
            placement=self._args.placement,
            vpc_id=self.vpc_id,
            vpc_cidr=self.cidr,
            subnet_ids=self.application_subnet_ids[: len(self._nat_zones)],
            route_table_ids=self.private_route_table_ids,
        )
        return ServiceEndpoints(f"{self._name}-endpoints", arguments, self._children)

    def _create_flow_log(self) -> None:
        placement = self._args.placement
        log_group_name = f"/{placement.path(placement.role(self._name, 'network', 'vpc-flow'))}"
        log_group = self._args.logs.group(f"{self._name}-flow-log-group", log_group_name, self)
        role = create_service_role(
            f"{self._name}-flow-log-role",
            placement,
            service="vpc-flow-logs.amazonaws.com",
            does="Lets VPC flow logs write to their log group",
            statements=[
                {
                    "Effect": "Allow",
                    "Action": ["logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams"],
                    "Resource": placement.arn("logs", f"log-group:{log_group_name}:*"),
                }
            ],
            data_class=DataClass.AUDIT,
            parent=self,
        )
        aws.ec2.FlowLog(
            f"{self._name}-flow-log",
            vpc_id=self.vpc_id,
            traffic_type="ALL",
            log_destination_type="cloud-watch-logs",
            log_destination=log_group.arn,
            iam_role_arn=role.arn,
            max_aggregation_interval=FLOW_LOG_INTERVAL_SECONDS,
            tags=placement.tags(f"{self._name}-flow-log", DataClass.AUDIT),
            opts=pulumi.ResourceOptions(parent=self, depends_on=role.ready),
        )
