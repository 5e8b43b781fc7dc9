"""The only way in from the internet: HTTPS to one load balancer, behind a web application firewall.

Creates the name and certificate (`PublicName`), the Application Load Balancer with its security group, target group
and HTTPS listener, the firewall (`WebFirewall`), the alias record and the alarms. Trust boundary: the internet reaches
port 443 here and nothing else; the load balancer reaches the nodes' service port and nothing else, by TLS again. The
listener opens last, when certificate and firewall stand; the load balancer waits for neither.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.edge.edge_alarms import watch_load_balancer
from components.edge.public_name import PublicName, PublicNameArgs
from components.edge.settings import EdgeSettings
from components.edge.web_firewall import WebFirewall, WebFirewallArgs
from components.foundations.alarms import Alarms
from components.foundations.log_storage import LogStorage
from components.foundations.placement import DataClass, Placement

HTTPS = 443
TLS_POLICY = "ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09"
"""TLS 1.3 and 1.2 with forward secrecy and post-quantum key exchange; AWS's recommendation."""
HSTS = "max-age=31536000; includeSubDomains"
HEALTH_INTERVAL_SECONDS = 10
HEALTH_TIMEOUT_SECONDS = 5
DRAIN_SECONDS = 60
"""A payment takes seconds; a minute lets each finish when its node leaves."""
LOG_PREFIX = "load-balancer"
"""Prefix that the access-log bucket's policy opens to load balancers."""


@dataclass(frozen=True, kw_only=True)
class PublicEdgeArgs:
    """Inputs of `PublicEdge`."""

    placement: Placement
    logs: LogStorage
    alarms: Alarms
    settings: EdgeSettings
    vpc_id: pulumi.Input[str]
    public_subnet_ids: Sequence[pulumi.Input[str]]
    node_security_group_id: pulumi.Input[str]
    node_port: int
    """Port of the application's service on every node, speaking TLS."""
    autoscaling_group_names: Sequence[pulumi.Input[str]]
    """Groups whose instances are the targets."""
    health_path: str
    access_log_bucket: pulumi.Input[str]
    """Bucket with S3's own encryption (load balancers know no other), known once its policy lets them write."""


class PublicEdge(pulumi.ComponentResource):
    """The public load balancer."""

    url: str
    name_servers: pulumi.Output[Sequence[str]]
    """Where the zone, if made here, must be delegated to."""
    load_balancer_arn_suffix: pulumi.Output[str]
    target_group_arn_suffix: pulumi.Output[str]
    security_group_id: pulumi.Output[str]
    firewall_metric_name: str

    def __init__(self, name: str, args: PublicEdgeArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("softpos:edge:PublicEdge", name, {}, opts)
        self._name = name
        self._args = args
        self._children = pulumi.ResourceOptions(parent=self)
        self.url = f"https://{args.settings.host_name}"
        self.security_group_id = self._create_security_group()
        balancer = self._create_load_balancer()
        targets = self._create_target_group()
        public_name = self._create_name()
        firewall = self._create_firewall(balancer)
        self._open_listener(balancer, targets, public_name, firewall)
        self._point_name(public_name, balancer)
        self.name_servers = public_name.name_servers
        self.load_balancer_arn_suffix = balancer.arn_suffix
        self.target_group_arn_suffix = targets.arn_suffix
        self.firewall_metric_name = firewall.metric_name
        watch_load_balancer(name, self.load_balancer_arn_suffix, self.target_group_arn_suffix, args.alarms, self)
        self.register_outputs({"url": self.url, "nameServers": self.name_servers})

    def _tags(self, name: str) -> dict[str, str]:
        return self._args.placement.tags(name, DataClass.CARDHOLDER)

    def _create_security_group(self) -> pulumi.Output[str]:
        """443 from the internet; to the nodes' service port only, and there only from here."""
        name, port = f"{self._name}-security-group", self._args.node_port
        group = aws.ec2.SecurityGroup(
            name,
            description="Public load balancer: HTTPS in, the port of the application on the nodes out",
            vpc_id=self._args.vpc_id,
            tags=self._tags(name),
            opts=self._children,
        )
        aws.vpc.SecurityGroupIngressRule(
            f"{name}-https",
            security_group_id=group.id,
            description="HTTPS from the internet",
            cidr_ipv4="0.0.0.0/0",
            from_port=HTTPS,
            to_port=HTTPS,
            ip_protocol="tcp",
            tags=self._tags(f"{name}-https"),
            opts=self._children,
        )
        aws.vpc.SecurityGroupEgressRule(
            f"{name}-to-nodes",
            security_group_id=group.id,
            description="The application on the nodes",
            referenced_security_group_id=self._args.node_security_group_id,
            from_port=port,
            to_port=port,
            ip_protocol="tcp",
            tags=self._tags(f"{name}-to-nodes"),
            opts=self._children,
        )
        aws.vpc.SecurityGroupIngressRule(
            f"{self._name}-into-nodes",
            security_group_id=self._args.node_security_group_id,
            description="The application from the public load balancer",
            referenced_security_group_id=group.id,
            from_port=port,
            to_port=port,
            ip_protocol="tcp",
            tags=self._tags(f"{self._name}-into-nodes"),
            opts=self._children,
        )
        return group.id

    def _create_load_balancer(self) -> aws.lb.LoadBalancer:
        args = self._args
        name = f"{self._name}-balancer"
        return aws.lb.LoadBalancer(
            name,
            load_balancer_type="application",
            internal=False,
            ip_address_type="ipv4",
            security_groups=[self.security_group_id],
            subnets=list(args.public_subnet_ids),
            idle_timeout=args.settings.idle_timeout_seconds,
            drop_invalid_header_fields=True,
            desync_mitigation_mode="strictest",
            enable_waf_fail_open=False,
            enable_zonal_shift=True,
            enable_deletion_protection=args.placement.production,
            access_logs=aws.lb.LoadBalancerAccessLogsArgs(
                bucket=args.access_log_bucket, prefix=LOG_PREFIX, enabled=True
            ),
            connection_logs=aws.lb.LoadBalancerConnectionLogsArgs(
                bucket=args.access_log_bucket, prefix=LOG_PREFIX, enabled=True
            ),
            tags=self._tags(name),
            opts=self._children,
        )

    def _create_target_group(self) -> aws.lb.TargetGroup:
        args = self._args
        name = f"{self._name}-nodes"
        group = aws.lb.TargetGroup(
            name,
            vpc_id=args.vpc_id,
            target_type="instance",
            protocol="HTTPS",
            port=args.node_port,
            load_balancing_algorithm_type="least_outstanding_requests",
            load_balancing_cross_zone_enabled="true",
            deregistration_delay=DRAIN_SECONDS,
            stickiness=aws.lb.TargetGroupStickinessArgs(
                type="lb_cookie", enabled=True, cookie_duration=args.settings.stickiness_seconds
            ),
            health_check=aws.lb.TargetGroupHealthCheckArgs(
                protocol="HTTPS",
                path=args.health_path,
                matcher="200",
                interval=HEALTH_INTERVAL_SECONDS,
                timeout=HEALTH_TIMEOUT_SECONDS,
                healthy_threshold=2,
                unhealthy_threshold=3,
            ),
            tags=self._tags(name),
            opts=self._children,
        )
        for index, autoscaling_group_name in enumerate(args.autoscaling_group_names):
            aws.autoscaling.Attachment(
                f"{name}-{index}",
                autoscaling_group_name=autoscaling_group_name,
                lb_target_group_arn=group.arn,
                opts=self._children,
            )
        return group

    def _create_name(self) -> PublicName:
        args = self._args
        arguments = PublicNameArgs(placement=args.placement, logs=args.logs, alarms=args.alarms, settings=args.settings)
        return PublicName(f"{self._name}-name", arguments, self._children)

    def _create_firewall(self, balancer: aws.lb.LoadBalancer) -> WebFirewall:
        args = self._args
        arguments = WebFirewallArgs(
            placement=args.placement,
            logs=args.logs,
            alarms=args.alarms,
            settings=args.settings,
            load_balancer_arn=balancer.arn,
        )
        return WebFirewall(f"{self._name}-firewall", arguments, self._children)

    def _open_listener(
        self, balancer: aws.lb.LoadBalancer, targets: aws.lb.TargetGroup, name: PublicName, firewall: WebFirewall
    ) -> None:
        aws.lb.Listener(
            f"{self._name}-https",
            load_balancer_arn=balancer.arn,
            port=HTTPS,
            protocol="HTTPS",
            ssl_policy=TLS_POLICY,
            certificate_arn=name.certificate_arn,
            default_actions=[aws.lb.ListenerDefaultActionArgs(type="forward", target_group_arn=targets.arn)],
            routing_http_response_strict_transport_security_header_value=HSTS,
            routing_http_response_x_content_type_options_header_value="nosniff",
            routing_http_response_x_frame_options_header_value="DENY",
            routing_http_response_server_enabled=False,
            tags=self._tags(f"{self._name}-https"),
            # No request passes before the firewall is on.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[firewall.association]),
        )

    def _point_name(self, name: PublicName, balancer: aws.lb.LoadBalancer) -> None:
        aws.route53.Record(
            f"{self._name}-alias",
            zone_id=name.zone_id,
            name=self._args.settings.host_name,
            type="A",
            aliases=[
                aws.route53.RecordAliasArgs(
                    name=balancer.dns_name, zone_id=balancer.zone_id, evaluate_target_health=True
                )
            ],
            opts=self._children,
        )
