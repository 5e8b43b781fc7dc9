"""A small payment platform, whole enough to be drawn: the tests do not wait for the program to grow or change."""

import json

import pulumi
import pulumi_aws as aws

from recording.configuration import Configuration
from recording.program import Recording, record
from recording.stand_in_cloud import StandInCloud

REGION = "eu-central-1"
ACCOUNT = "123456789012"
CARDHOLDER = {"DataClass": "cardholder"}
SECRET = "correct horse battery staple"


def record_sample(stack: str = "sample", *, database_class: str = "db.r7g.large", name: str = "database") -> Recording:
    """The platform's recording; `database_class` and `name` are what comparisons change."""
    configuration = Configuration(project="softpos", stack=stack, values={})
    return record(lambda: build(database_class, name), StandInCloud(REGION, ACCOUNT), configuration)


class Group(pulumi.ComponentResource):
    """A component, so that the tree has one."""

    def __init__(self, name: str) -> None:
        super().__init__("softpos:sample:Group", name)


def build(database_class: str, database: str) -> None:
    vpc = aws.ec2.Vpc("network", cidr_block="10.20.0.0/16")
    subnets = {tier: subnets_of(tier, index, vpc) for index, tier in enumerate(("public", "application", "data"))}
    internet = aws.ec2.InternetGateway("internet", vpc_id=vpc.id)
    nat = aws.ec2.NatGateway("nat-a", subnet_id=subnets["public"][0].id)
    for tier, target in (
        ("public", {"gateway_id": internet.id}),
        ("application", {"nat_gateway_id": nat.id}),
        ("data", {}),
    ):
        table = aws.ec2.RouteTable(f"{tier}-routes", vpc_id=vpc.id)
        for index, subnet in enumerate(subnets[tier]):
            aws.ec2.RouteTableAssociation(f"{tier}-{index}", subnet_id=subnet.id, route_table_id=table.id)
        if target:
            aws.ec2.Route(f"{tier}-default", route_table_id=table.id, destination_cidr_block="0.0.0.0/0", **target)
    groups = {
        name: aws.ec2.SecurityGroup(f"{name}-group", vpc_id=vpc.id, tags={"Name": name})
        for name in ("edge", "nodes", "database", "bastion")
    }
    allow("edge-from-internet", groups["edge"], 443, cidr_ipv4="0.0.0.0/0")
    allow("nodes-from-edge", groups["nodes"], 30443, source=groups["edge"])
    allow("nodes-from-bastion", groups["nodes"], 22, source=groups["bastion"])
    allow("database-from-nodes", groups["database"], 3306, source=groups["nodes"])
    allow("bastion-from-office", groups["bastion"], 22, cidr_ipv4="203.0.113.0/28")
    allow("database-from-data-centre", groups["database"], 3306, cidr_ipv4="10.80.0.0/16")
    allow_out("nodes-to-internet", groups["nodes"], 443, cidr_ipv4="0.0.0.0/0")
    allow_out("nodes-to-database", groups["nodes"], 3306, target=groups["database"])
    allow_out("bastion-to-database", groups["bastion"], 3306, target=groups["database"])  # not let in there
    allow_out("edge-to-nodes", groups["edge"], 30443, target=groups["nodes"])
    parts = Group("parts")
    child = pulumi.ResourceOptions(parent=parts)
    aws.lb.LoadBalancer(
        "edge",
        load_balancer_type="application",
        security_groups=[groups["edge"].id],
        subnets=[subnet.id for subnet in subnets["public"]],
        tags=CARDHOLDER,
        opts=child,
    )
    template = aws.ec2.LaunchTemplate(
        "nodes-template", vpc_security_group_ids=[groups["nodes"].id], tags=CARDHOLDER, opts=child
    )
    aws.eks.NodeGroup(
        "nodes",
        cluster_name="softpos-sample",
        node_role_arn=f"arn:aws:iam::{ACCOUNT}:role/nodes",
        subnet_ids=[subnet.id for subnet in subnets["application"]],
        scaling_config={"min_size": 3, "max_size": 6, "desired_size": 3},
        instance_types=["m7i.large"],
        launch_template={"id": template.id, "version": "1"},
        tags=CARDHOLDER,
        opts=child,
    )
    aws.ec2.Instance(
        "bastion",
        ami="ami-0123456789abcdef0",
        instance_type="t3.micro",
        vpc_security_group_ids=[groups["bastion"].id],
        subnet_id=subnets["public"][0].id,
        opts=child,
    )
    subnet_group = aws.rds.SubnetGroup(
        "data", name="softpos-sample", subnet_ids=[subnet.id for subnet in subnets["data"]], opts=child
    )
    cluster = aws.rds.Cluster(
        database,
        cluster_identifier="softpos-sample-database",
        engine="aurora-mysql",
        db_subnet_group_name=subnet_group.name,
        vpc_security_group_ids=[groups["database"].id],
        master_password=pulumi.Output.secret(SECRET),
        storage_encrypted=True,
        tags=CARDHOLDER,
        opts=pulumi.ResourceOptions(parent=parts, protect=True),
    )
    aws.rds.ClusterInstance(
        f"{database}-writer",
        cluster_identifier=cluster.id,
        engine="aurora-mysql",
        instance_class=database_class,
        tags=CARDHOLDER,
        opts=child,
    )
    aws.kms.Key("key", policy=json.dumps({"Statement": []}), enable_key_rotation=True, opts=child)
    vpn_gateway = aws.ec2.VpnGateway("vpn-gateway", vpc_id=vpc.id)
    customer = aws.ec2.CustomerGateway("data-centre", type="ipsec.1", ip_address="198.51.100.10", bgp_asn="65000")
    aws.ec2.VpnConnection("vpn", type="ipsec.1", customer_gateway_id=customer.id, vpn_gateway_id=vpn_gateway.id)


def subnets_of(tier: str, index: int, vpc: aws.ec2.Vpc) -> list[aws.ec2.Subnet]:
    return [
        aws.ec2.Subnet(
            f"{tier}-{zone}",
            vpc_id=vpc.id,
            cidr_block=f"10.20.{index * 16 + position * 4}.0/22",
            availability_zone=f"{REGION}{zone}",
        )
        for position, zone in enumerate("abc")
    ]


def allow(
    name: str,
    group: aws.ec2.SecurityGroup,
    port: int,
    *,
    source: aws.ec2.SecurityGroup | None = None,
    cidr_ipv4: str | None = None,
) -> None:
    aws.vpc.SecurityGroupIngressRule(
        name,
        security_group_id=group.id,
        referenced_security_group_id=source.id if source else None,
        cidr_ipv4=cidr_ipv4,
        from_port=port,
        to_port=port,
        ip_protocol="tcp",
    )


def allow_out(
    name: str,
    group: aws.ec2.SecurityGroup,
    port: int,
    *,
    target: aws.ec2.SecurityGroup | None = None,
    cidr_ipv4: str | None = None,
) -> None:
    aws.vpc.SecurityGroupEgressRule(
        name,
        security_group_id=group.id,
        referenced_security_group_id=target.id if target else None,
        cidr_ipv4=cidr_ipv4,
        from_port=port,
        to_port=port,
        ip_protocol="tcp",
    )
