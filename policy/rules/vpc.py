"""VPC: subnets, routes, network ACLs, flow logs, gateways."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ..documents import statements
from ..network import RDP, SSH, AclEntry, acl_entries, covers_the_world, networks
from ..reading import Breach, Findings, Property, number
from ..rule import HIGH, LOW, MEDIUM, Resource, StackFindings, rule
from ..stack import Stack

_ADMINISTRATION: Final = (SSH, RDP)
_FIRST_HIGH_PORT: Final = 1024


@rule(
    "ec2-subnet-no-public-addresses",
    "Subnets give out no public addresses by themselves",
    on=("aws.ec2.Subnet", "aws.ec2.DefaultSubnet"),
    requirements="1.4.4",
    controls="EC2.15 SUBNET_AUTO_ASSIGN_PUBLIC_IP_DISABLED",
    severity=MEDIUM,
    remedy="set mapPublicIpOnLaunch to false",
)
def no_public_addresses(subnet: Resource) -> Findings:
    # Provider default: false; a default subnet's is true.
    return subnet["mapPublicIpOnLaunch"].must_be(False, default=subnet.kind == "aws.ec2.DefaultSubnet")


@rule(
    "ec2-no-default-vpc",
    "Nothing is built on AWS's default VPC",
    on=("aws.ec2.DefaultVpc", "aws.ec2.DefaultSubnet"),
    requirements="1.2.1 2.2.1 1.4.1",
    severity=MEDIUM,
    remedy="make a VPC with tiers of its own",
)
def no_default_vpc(network: Resource) -> Findings:
    return network.breach("a VPC of its own", "taken over from AWS, which made it open")


@rule(
    "ec2-network-acl-closed-to-administration",
    "Network ACLs do not let the internet reach SSH or Remote Desktop",
    on=("aws.ec2.NetworkAcl", "aws.ec2.DefaultNetworkAcl", "aws.ec2.NetworkAclRule"),
    requirements="1.3.1 1.2.8 1.4.2",
    controls="EC2.21 NACL_NO_UNRESTRICTED_SSH_RDP",
    severity=MEDIUM,
    remedy="deny ports 22 and 3389 from the internet by an entry with a lower number, or name the ranges",
)
def acl_closed(acl: Resource) -> Findings:
    findings: Findings = []
    for port in _ADMINISTRATION:
        for entry in acl_entries(acl):
            unknown = any(cidr.unknown for cidr in entry.opening.ranges)
            if not unknown and not covers_the_world(networks(entry.opening.ranges)):
                continue
            reaches = entry.opening.reaches(port)
            if reaches and _answers_only(acl, entry):
                continue  # another resource may deny the port first: ec2-network-acl-as-a-whole
            if reaches is None or (reaches and (unknown or entry.action.unknown)):
                findings += entry.opening.place.unjudged(f"closed on port {port}")
            elif reaches and entry.action.value == "deny":
                break
            elif reaches:
                found = f"the internet allowed to {entry.opening.shown_ports()}"
                findings += entry.opening.place.breach(f"closed on port {port}", found)
                break
    return findings


def _answers_only(acl: Resource, entry: AclEntry) -> bool:
    """An entry for answers to high ports, in an ACL whose entries are resources of their own."""
    return acl.kind == "aws.ec2.NetworkAclRule" and entry.opening.ports()[0] >= _FIRST_HIGH_PORT


@rule(
    "ec2-network-acl-as-a-whole",
    "The entries of a network ACL that are resources of their own together keep Remote Desktop closed",
    about="aws.ec2.NetworkAclRule",
    requirements="1.3.1 1.2.8 1.4.2",
    controls="EC2.21 NACL_NO_UNRESTRICTED_SSH_RDP",
    severity=MEDIUM,
    remedy="deny port 3389 from the internet by an entry with a lower number than that of the high ports",
)
def acl_as_a_whole(stack: Stack) -> StackFindings:
    denied: dict[str, list[float]] = {}
    allowed: list[tuple[str, float, Resource]] = []
    for resource in stack.of("aws.ec2.NetworkAclRule"):
        for entry in acl_entries(resource):
            if not covers_the_world(networks(entry.opening.ranges)) or not entry.opening.reaches(RDP):
                continue
            owners = stack.targets(
                resource, resource["networkAclId"], "aws.ec2.NetworkAcl", "aws.ec2.DefaultNetworkAcl"
            )
            owner = owners[0].urn if owners else str(resource["networkAclId"].value)
            place = number(resource["ruleNumber"].value) or 0
            if entry.action.value == "deny":
                denied.setdefault(owner, []).append(place)
            elif _answers_only(resource, entry):
                allowed.append((owner, place, resource))
    return [
        (resource, Breach("", "the internet allowed to port 3389", "a deny with a lower number"))
        for owner, place, resource in allowed
        if not any(first < place for first in denied.get(owner, ()))
    ]


@rule(
    "ec2-main-route-table-without-internet",
    "The main route table, which subnets get that name none, has no route to the internet",
    on="aws.ec2.DefaultRouteTable",
    requirements="1.3.1 1.4.1 1.4.4",
    severity=MEDIUM,
    remedy="leave its routes empty, and associate public subnets with a table of their own",
)
def main_table_without_internet(table: Resource) -> Findings:
    return [
        finding
        for route in table["routes"]
        if not route["gatewayId"].absent and covers_the_world(networks([route["cidrBlock"], route["ipv6CidrBlock"]]))
        for finding in route.breach("no route to an internet gateway", "a route to the internet")
    ]


@rule(
    "ec2-network-acl-in-use",
    "Every network ACL guards a subnet",
    about="aws.ec2.NetworkAcl",
    requirements="1.2.7 1.2.8",
    controls="EC2.16 VPC_NETWORK_ACL_UNUSED_CHECK",
    severity=LOW,
    remedy="associate it with a subnet, or delete it",
)
def acl_in_use(stack: Stack) -> StackFindings:
    lacking = stack.each_must_have(
        ("aws.ec2.NetworkAcl",), ("aws.ec2.NetworkAclAssociation",), "networkAclId", "on a subnet", "on no subnet"
    )
    return [(acl, finding) for acl, finding in lacking if acl and acl["subnetIds"].absent]


@rule(
    "ec2-vpc-flow-logs",
    "Every VPC has a flow log",
    about="aws.ec2.Vpc",
    requirements="10.2.1 10.3.1 10.2.2",
    controls="VPC_FLOW_LOGS_ENABLED",
    severity=HIGH,
    remedy="add an ec2.FlowLog for the VPC",
)
def flow_logs(stack: Stack) -> StackFindings:
    return stack.each_must_have(("aws.ec2.Vpc",), ("aws.ec2.FlowLog",), "vpcId", "a flow log", "without a flow log")


@rule(
    "ec2-flow-log-all-traffic",
    "Flow logs record all traffic, accepted and rejected",
    on="aws.ec2.FlowLog",
    requirements="10.2.1 10.2.1.4 10.2.2",
    controls="VPC_FLOW_LOGS_ENABLED",
    severity=MEDIUM,
    remedy="set trafficType to ALL",
)
def flow_log_all_traffic(log: Resource) -> Findings:
    # Transit gateways record all traffic and take no type.
    if not log["transitGatewayId"].absent or not log["transitGatewayAttachmentId"].absent:
        return []
    return log["trafficType"].must_be("ALL")


@rule(
    "ec2-transit-gateway-accepts-by-hand",
    "Transit gateways take in shared attachments only when somebody accepts them",
    on="aws.ec2transitgateway.TransitGateway",
    requirements="1.2.8 1.3.1 1.4.2",
    controls="EC2_TRANSIT_GATEWAY_AUTO_VPC_ATTACH_DISABLED",
    severity=HIGH,
    remedy="set autoAcceptSharedAttachments to disable",
)
def transit_gateway_accepts_by_hand(gateway: Resource) -> Findings:
    return gateway["autoAcceptSharedAttachments"].must_be("disable", default="disable")  # provider default


_TIERS_WITHOUT_INTERNET: Final = {
    "aws.rds.SubnetGroup": "data",
    "aws.elasticache.SubnetGroup": "data",
    "aws.dms.ReplicationSubnetGroup": "private",
    "aws.eks.NodeGroup": "private",
}


@rule(
    "ec2-data-tier-without-internet",
    "Subnets of data stores have no route to the internet, those of nodes and migrations none through its gateway",
    about=tuple(_TIERS_WITHOUT_INTERNET),
    requirements="1.4.4 1.3.1 1.3.2 1.4.2",
    controls="NO_UNRESTRICTED_ROUTE_TO_IGW",
    severity=HIGH,
    remedy="put it into subnets whose route tables have no such route",
)
def data_tier_without_internet(stack: Stack) -> StackFindings:
    ways_out = _ways_out(stack)
    findings: StackFindings = []
    for kind, tier in _TIERS_WITHOUT_INTERNET.items():
        for group in stack.of(kind):
            for subnet in stack.targets(group, group["subnetIds"], "aws.ec2.Subnet"):
                ways = ways_out.get(subnet.urn, set()) & ({"an internet gateway"} if tier == "private" else _WAYS)
                wanted = (
                    f"subnets without a route through {'an internet gateway' if tier == 'private' else 'any gateway'}"
                )
                findings += [
                    (group, finding)
                    for way in sorted(ways)
                    for finding in group["subnetIds"].breach(wanted, f"{subnet.name}, which has a route through {way}")
                ]
    return findings


_GATEWAYS: Final = {
    "gatewayId": ("aws.ec2.InternetGateway", "an internet gateway"),
    "natGatewayId": ("aws.ec2.NatGateway", "a NAT gateway"),
}
_TABLES: Final = ("aws.ec2.RouteTable", "aws.ec2.DefaultRouteTable")
_WAYS: Final = frozenset(way for _, way in _GATEWAYS.values())


def _ways_out(stack: Stack) -> dict[str, set[str]]:
    """For each subnet (URN) the kinds of gateway by which its route table leads to the internet."""
    by_table: dict[str, set[str]] = {}
    for table, route, owner in _routes(stack):
        for path, (kind, way) in _GATEWAYS.items():
            if not route[path].absent and stack.targets(owner, route[path], kind):
                by_table.setdefault(table.urn, set()).add(way)
    ways: dict[str, set[str]] = {}
    for association in stack.of("aws.ec2.RouteTableAssociation"):
        for table in stack.targets(association, association["routeTableId"], *_TABLES):
            for subnet in stack.targets(association, association["subnetId"], "aws.ec2.Subnet"):
                ways.setdefault(subnet.urn, set()).update(by_table.get(table.urn, set()))
    main = {way for table in _main_tables(stack) for way in by_table.get(table.urn, set())}
    for subnet in stack.of("aws.ec2.Subnet"):
        ways.setdefault(subnet.urn, main)  # a subnet without an association has the main table
    return ways


def _main_tables(stack: Stack) -> Iterator[Resource]:
    yield from stack.of("aws.ec2.DefaultRouteTable")
    for association in stack.of("aws.ec2.MainRouteTableAssociation"):
        yield from stack.targets(association, association["routeTableId"], *_TABLES)


def _routes(stack: Stack) -> Iterator[tuple[Resource, Property, Resource]]:
    """Each route: its table, the properties of the route, and the resource that holds them."""
    for route in stack.of("aws.ec2.Route"):
        for table in stack.targets(route, route["routeTableId"], *_TABLES):
            yield table, route, route
    for table in stack.of(*_TABLES):
        for entry in table["routes"]:
            yield table, entry, table


@rule(
    "ec2-nat-gateway-per-zone",
    "Production has a NAT gateway in each availability zone",
    about="aws.ec2.NatGateway",
    severity=LOW,
    remedy="add a NAT gateway to each public subnet",
    production_only=True,
)
def nat_gateway_per_zone(stack: Stack) -> StackFindings:
    gateways = list(stack.of("aws.ec2.NatGateway"))
    zones = {subnet["availabilityZone"].text for subnet in stack.of("aws.ec2.Subnet")} - {None}
    if not gateways or not zones or len(gateways) >= len(zones):
        return []
    found = f"{len(gateways)} NAT gateway{'s' if len(gateways) > 1 else ''} for {len(zones)} availability zones"
    return [(gateways[0], Breach("", found, f"{len(zones)} NAT gateways"))]


@rule(
    "ec2-endpoint-names-targets",
    "Gateway endpoints say whose buckets and tables may be reached through them",
    on=("aws.ec2.VpcEndpoint", "aws.ec2.VpcEndpointPolicy"),
    requirements="1.3.2 7.2.1 7.2.2",
    severity=MEDIUM,
    remedy="give the endpoint a policy that names the buckets, the tables or the organisation",
)
def endpoint_names_targets(endpoint: Resource) -> Findings:
    wanted = "a policy that names what may be reached"
    policy = endpoint["policy"]
    # AWS default of the type: Gateway. Without a policy everything may be reached, also in accounts of others.
    if endpoint.kind == "aws.ec2.VpcEndpoint" and policy.absent:
        kind = endpoint["vpcEndpointType"]
        return policy.breach(wanted, "not set") if kind.value in (None, "Gateway") else []
    return [
        finding
        for statement in statements(policy)
        if statement.allows
        and statement.on_everything
        and not statement.conditions
        and statement.covers_action("s3:Any")
        for finding in statement.place.breach(wanted, "everything allowed")
    ]
