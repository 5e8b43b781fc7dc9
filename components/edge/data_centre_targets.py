"""The data centre's router as a target of the load balancer, while the traffic shifts: it goes with the phase.

Creates, in the phase that forwards to the data centre, a target group with the router's addresses, the rules that let
the load balancer (and the bastion, to compare both sides) reach the router's port, and the routes of the public tier to
these addresses. The load balancer keeps the Host header, sends no server name (SNI) and checks no certificate: the
router answers with its default certificate and chooses by Host, so that edge and reencrypt Routes work and passthrough
Routes do not. The router's own health page is asked, because a check carries an address as its Host.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from ..foundations.data_centre_routes import route_to_data_centre
from ..foundations.migration_settings import MigrationSettings
from ..foundations.placement import DataClass, Placement

HEALTH_INTERVAL_SECONDS = 10
HEALTH_TIMEOUT_SECONDS = 5
DRAIN_SECONDS = 60
"""A payment takes seconds; a minute lets each finish when the router's turn is over."""


@dataclass(frozen=True, kw_only=True)
class DataCentreTargetsArgs:
    """Inputs of `DataCentreTargets`."""

    placement: Placement
    settings: MigrationSettings
    vpc_id: pulumi.Input[str]
    stickiness_seconds: int
    clients: Mapping[str, pulumi.Input[str]]
    """Security groups that reach the router's port, by the role that each plays."""
    balancer_security_group_id: pulumi.Input[str]
    """The group that reaches the router's health page as well."""
    public_route_table_ids: Sequence[pulumi.Input[str]]
    vpn_gateway_id: pulumi.Input[str]
    vpn_ready: Sequence[pulumi.Resource]


class DataCentreTargets(pulumi.ComponentResource):
    """The old side, behind the new load balancer."""

    target_group: aws.lb.TargetGroup

    def __init__(self, name: str, args: DataCentreTargetsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("softpos:edge:DataCentreTargets", name, {}, opts)
        self._name = name
        self._args = args
        self._children = pulumi.ResourceOptions(parent=self)
        for role, group_id in args.clients.items():
            self._let_out(role, group_id, args.settings.router_port, "HTTPS to the router of the data centre")
        self._let_out(
            "health", args.balancer_security_group_id, args.settings.router_health_port, "Health page of the router"
        )
        ways = route_to_data_centre(
            name,
            args.settings.router_addresses,
            args.public_route_table_ids,
            args.vpn_gateway_id,
            args.vpn_ready,
            self,
        )
        self.target_group = self._create_target_group(ways)
        self.register_outputs({"targetGroupArn": self.target_group.arn})

    def _tags(self, name: str) -> dict[str, str]:
        return self._args.placement.tags(name, DataClass.CARDHOLDER)

    def _let_out(self, role: str, group_id: pulumi.Input[str], port: int, does: str) -> None:
        for index, address in enumerate(self._args.settings.router_addresses, start=1):
            name = f"{self._name}-{role}-{index}"
            aws.vpc.SecurityGroupEgressRule(
                name,
                security_group_id=group_id,
                cidr_ipv4=f"{address}/32",
                description=f"{does}, while the traffic shifts",
                ip_protocol="tcp",
                from_port=port,
                to_port=port,
                tags=self._tags(name),
                opts=self._children,
            )

    def _create_target_group(self, ways: Sequence[pulumi.Resource]) -> aws.lb.TargetGroup:
        settings = self._args.settings
        group = aws.lb.TargetGroup(
            self._name,
            vpc_id=self._args.vpc_id,
            target_type="ip",
            protocol="HTTPS",
            port=settings.router_port,
            load_balancing_algorithm_type="least_outstanding_requests",
            deregistration_delay=DRAIN_SECONDS,
            stickiness=aws.lb.TargetGroupStickinessArgs(
                type="lb_cookie", enabled=True, cookie_duration=self._args.stickiness_seconds
            ),
            health_check=aws.lb.TargetGroupHealthCheckArgs(
                protocol="HTTP",
                port=str(settings.router_health_port),
                path=settings.router_health_path,
                matcher="200",
                interval=HEALTH_INTERVAL_SECONDS,
                timeout=HEALTH_TIMEOUT_SECONDS,
                healthy_threshold=2,
                unhealthy_threshold=3,
            ),
            tags=self._tags(self._name),
            opts=self._children,
        )
        for index, address in enumerate(settings.router_addresses, start=1):
            aws.lb.TargetGroupAttachment(
                f"{self._name}-target-{index}",
                target_group_arn=group.arn,
                target_id=str(address),
                port=settings.router_port,
                # What AWS asks for addresses outside the VPC.
                availability_zone="all",
                opts=pulumi.ResourceOptions(parent=self, depends_on=list(ways)),
            )
        return group
