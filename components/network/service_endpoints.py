"""The VPC's own doors to AWS services, so that calls to AWS never cross the internet.

Creates gateway endpoints (free, by route) and interface endpoints (by private DNS), and the security group in front of
the latter. Trust boundary: only addresses of the VPC reach the interface endpoints, on HTTPS, and through each passes
only what `endpoint_policies` says: this account's principals, to this account's resources.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network

import pulumi
import pulumi_aws as aws

from ..foundations.placement import Placement
from .endpoint_policies import endpoint_policy

HTTPS = 443
GATEWAY_SERVICES = ("s3", "dynamodb")
INTERFACE_SERVICES = (
    "autoscaling",
    "ec2",
    "ec2messages",
    "ecr.api",
    "ecr.dkr",
    "eks",
    "eks-auth",
    "elasticloadbalancing",
    "kms",
    "logs",
    "monitoring",
    "secretsmanager",
    "sns",
    "ssm",
    "ssmmessages",
    "sts",
)
"""What nodes, pods, bastion and replication instance call; each endpoint is billed by the hour and zone."""


@dataclass(frozen=True, kw_only=True)
class ServiceEndpointsArgs:
    """Inputs of `ServiceEndpoints`."""

    placement: Placement
    vpc_id: pulumi.Input[str]
    vpc_cidr: IPv4Network
    subnet_ids: Sequence[pulumi.Input[str]]
    """Subnets that get an interface endpoint, one a zone; fewer zones cost less and depend on each other."""
    route_table_ids: Sequence[pulumi.Input[str]]
    """Route tables that get the gateway endpoints' routes."""


class ServiceEndpoints(pulumi.ComponentResource):
    """Gateway and interface endpoints of one VPC."""

    endpoints: list[pulumi.Resource]
    security_group_id: pulumi.Output[str]
    """The group before the interface endpoints."""

    def __init__(self, name: str, args: ServiceEndpointsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("softpos:network:ServiceEndpoints", name, {}, opts)
        self._name = name
        self._args = args
        self._children = pulumi.ResourceOptions(parent=self)
        group = self._create_security_group()
        self.security_group_id = group.id
        self.endpoints = [
            *(self._create_gateway(service) for service in GATEWAY_SERVICES),
            *(self._create_interface(service, group) for service in INTERFACE_SERVICES),
        ]
        self.register_outputs({})

    def _create_security_group(self) -> aws.ec2.SecurityGroup:
        placement = self._args.placement
        group = aws.ec2.SecurityGroup(
            self._name,
            description="HTTPS from the VPC to the interface endpoints of AWS services",
            vpc_id=self._args.vpc_id,
            tags=placement.tags(self._name),
            opts=self._children,
        )
        aws.vpc.SecurityGroupIngressRule(
            f"{self._name}-https",
            security_group_id=group.id,
            description="HTTPS from anything in the VPC",
            cidr_ipv4=str(self._args.vpc_cidr),
            from_port=HTTPS,
            to_port=HTTPS,
            ip_protocol="tcp",
            tags=placement.tags(f"{self._name}-https"),
            opts=self._children,
        )
        return group

    def _create_gateway(self, service: str) -> aws.ec2.VpcEndpoint:
        return aws.ec2.VpcEndpoint(
            f"{self._name}-{service}",
            vpc_id=self._args.vpc_id,
            service_name=f"com.amazonaws.{self._args.placement.region}.{service}",
            vpc_endpoint_type="Gateway",
            route_table_ids=list(self._args.route_table_ids),
            policy=endpoint_policy(self._args.placement, service),
            tags=self._args.placement.tags(f"{self._name}-{service}"),
            opts=self._children,
        )

    def _create_interface(self, service: str, group: aws.ec2.SecurityGroup) -> aws.ec2.VpcEndpoint:
        return aws.ec2.VpcEndpoint(
            f"{self._name}-{service}",
            vpc_id=self._args.vpc_id,
            service_name=f"com.amazonaws.{self._args.placement.region}.{service}",
            vpc_endpoint_type="Interface",
            subnet_ids=list(self._args.subnet_ids),
            security_group_ids=[group.id],
            private_dns_enabled=True,
            policy=endpoint_policy(self._args.placement, service),
            tags=self._args.placement.tags(f"{self._name}-{service}"),
            opts=self._children,
        )
