"""The only way in from the internet: HTTPS to one load balancer, behind a web application firewall.

Creates the name and certificate (`PublicName`), the Application Load Balancer with its security group, target group
and HTTPS listener, the firewall (`WebFirewall`), the alias record and the alarms. Trust boundary: the internet reaches
port 443 here and nothing else; the load balancer reaches the nodes' service port and nothing else, by TLS again. The
listener opens last, when certificate and firewall stand; the load balancer waits for neither.

During a migration the phase says who owns what (`phases`). While the traffic shifts, a rule before all others
forwards by weight to the data centre or to the nodes. The program makes that rule with everything to the data centre;
afterwards only the traffic command changes its weights, and the program ignores them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import pulumi
import pulumi_aws as aws

from ..foundations.alarms import Alarms
from ..foundations.log_storage import LogStorage
from ..foundations.migration_settings import MigrationSettings
from ..foundations.placement import DataClass, Placement
from .backends import EVERYTHING, FIRST_ROUTE, FIRST_SHIFT, Backend, priority
from .data_centre_targets import DataCentreTargets, DataCentreTargetsArgs
from .edge_alarms import watch_load_balancer, watch_targets
from .public_name import PublicName, PublicNameArgs
from .settings import EdgeSettings
from .web_firewall import WebFirewall, WebFirewallArgs

HTTPS = 443
TLS_POLICY = "ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09"
"""TLS 1.3 and 1.2 with forward secrecy and post-quantum key exchange; AWS's recommendation."""
HSTS = "max-age=31536000; includeSubDomains"
HEALTH_INTERVAL_SECONDS = 10
HEALTH_TIMEOUT_SECONDS = 5
NOT_FOUND = aws.lb.ListenerDefaultActionFixedResponseArgs(
    status_code="404", content_type="application/json", message_body='{"error": "not found"}'
)
ALL_WEIGHT = 100
"""Weights are percent here: both together."""
SHIFT_COOKIE_SECONDS = 300
"""How long a client stays on the side that it was given: not longer than the window of one step of the shift."""
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
    """Id of the VPC."""
    public_subnet_ids: Sequence[pulumi.Input[str]]
    """Subnets with a route to the internet, one per zone."""
    node_security_group_id: pulumi.Input[str]
    """Security group of the nodes."""
    backends: tuple[Backend, ...]
    """The public services, at their ports of every node."""
    autoscaling_group_names: Sequence[pulumi.Input[str]]
    """Groups whose instances are the targets."""
    migration: MigrationSettings
    firewall_mode: Literal["block", "count"]
    bastion_security_group_id: pulumi.Input[str]
    public_route_table_ids: Sequence[pulumi.Input[str]]
    vpn_gateway_id: pulumi.Input[str]
    vpn_ready: Sequence[pulumi.Resource]
    """What the way to the data centre consists of."""
    access_log_bucket: pulumi.Input[str]
    """Bucket with S3's own encryption (load balancers know no other), known once its policy lets them write."""


class PublicEdge(pulumi.ComponentResource):
    """The public load balancer."""

    url: str
    """Address of the application."""
    health_url: str
    """Address that answers 200 when the application is ready."""
    name_servers: pulumi.Output[Sequence[str]]
    """Where the zone, if made here, must be delegated to."""
    load_balancer_arn_suffix: pulumi.Output[str]
    """Last part of the load balancer's ARN, which metrics are named by."""
    target_group_arn_suffix: pulumi.Output[str]
    """The ARN suffix of the main service's target group; empty where no service is public."""
    security_group_id: pulumi.Output[str]
    """Security group of the load balancer."""
    firewall_metric_name: str
    """Name of the firewall's metric."""
    traffic: dict[str, object]
    """What the traffic command works on; empty in the phases in which nothing is to move."""

    def __init__(self, name: str, args: PublicEdgeArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("softpos:edge:PublicEdge", name, {}, opts)
        self._name = name
        self._args = args
        self._children = pulumi.ResourceOptions(parent=self)
        self.url = f"https://{args.settings.host_name}"
        self.security_group_id = self._create_security_group()
        balancer = self._create_load_balancer()
        groups = {backend.name: self._create_target_group(backend) for backend in args.backends}
        # The service that takes the rest is the one of dashboard and health address; without one, the first.
        main = next((one for one in args.backends if one.takes_the_rest), next(iter(args.backends), None))
        self.health_url = f"{self.url}{main.health_path}" if main else self.url
        public_name = self._create_name()
        firewall = self._create_firewall(balancer)
        self.firewall_metric_name = firewall.metric_name
        rest = groups[main.name] if main and main.takes_the_rest else None
        listener = self._open_listener(balancer, rest, public_name, firewall)
        routes = [
            (backend, pattern) for backend in args.backends for pattern in backend.patterns if pattern != EVERYTHING
        ]
        for backend, pattern in routes:
            self._choose(listener, backend, pattern, groups[backend.name])
        if args.migration.facts.record == "program":
            self._point_name(public_name, balancer)
        if public_name.test_certificate_arn is not None:
            self._open_test_name(public_name, public_name.test_certificate_arn, balancer, listener)
        shifting = self._shift(listener, groups) if args.migration.facts.forwards_to_data_centre else {}
        self.traffic = self._describe(public_name, balancer, listener, main, list(groups.values()), shifting)
        self.name_servers = public_name.name_servers
        self.load_balancer_arn_suffix = balancer.arn_suffix
        self.target_group_arn_suffix = groups[main.name].arn_suffix if main else pulumi.Output.from_input("")
        watch_load_balancer(name, self.load_balancer_arn_suffix, args.alarms, self)
        for backend in args.backends:
            suffix = groups[backend.name].arn_suffix
            watch_targets(backend.named(name), self.load_balancer_arn_suffix, suffix, args.alarms, self)
        self.register_outputs({"url": self.url, "nameServers": self.name_servers})

    def _tags(self, name: str) -> dict[str, str]:
        return self._args.placement.tags(name, DataClass.CARDHOLDER)

    def _create_security_group(self) -> pulumi.Output[str]:
        """443 from the internet; to the nodes' service port only, and there only from here."""
        name = f"{self._name}-security-group"
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
        for backend in self._args.backends:
            self._open_nodes(name, group, backend)
        return group.id

    def _open_nodes(self, name: str, group: aws.ec2.SecurityGroup, backend: Backend) -> None:
        """The two halves of the way to a service: out of here and into the nodes."""
        for rule, role, own, peer, says in (
            (
                aws.vpc.SecurityGroupEgressRule,
                backend.named(f"{name}-to-nodes"),
                group.id,
                self._args.node_security_group_id,
                "The application on the nodes",
            ),
            (
                aws.vpc.SecurityGroupIngressRule,
                backend.named(f"{self._name}-into-nodes"),
                self._args.node_security_group_id,
                group.id,
                "The application from the public load balancer",
            ),
        ):
            rule(
                role,
                security_group_id=own,
                description=says,
                referenced_security_group_id=peer,
                from_port=backend.node_port,
                to_port=backend.node_port,
                ip_protocol="tcp",
                tags=self._tags(role),
                opts=self._children,
            )

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

    def _create_target_group(self, backend: Backend) -> aws.lb.TargetGroup:
        args = self._args
        name = backend.named(f"{self._name}-nodes")
        group = aws.lb.TargetGroup(
            name,
            vpc_id=args.vpc_id,
            target_type="instance",
            protocol=backend.protocol,
            port=backend.node_port,
            load_balancing_algorithm_type="least_outstanding_requests",
            load_balancing_cross_zone_enabled="true",
            deregistration_delay=backend.drain_seconds,
            stickiness=aws.lb.TargetGroupStickinessArgs(
                type="lb_cookie", enabled=True, cookie_duration=args.settings.stickiness_seconds
            ),
            health_check=aws.lb.TargetGroupHealthCheckArgs(
                protocol=backend.protocol,
                path=backend.health_path,
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
        migration = args.migration
        arguments = PublicNameArgs(
            placement=args.placement,
            logs=args.logs,
            alarms=args.alarms,
            settings=args.settings,
            other_authorities=migration.old_authorities if migration.facts.old_authorities else (),
            test_host_name=migration.test_host_name if migration.facts.test_host else "",
        )
        return PublicName(f"{self._name}-name", arguments, self._children)

    def _create_firewall(self, balancer: aws.lb.LoadBalancer) -> WebFirewall:
        args = self._args
        arguments = WebFirewallArgs(
            placement=args.placement,
            logs=args.logs,
            alarms=args.alarms,
            settings=args.settings,
            mode=args.firewall_mode,
            load_balancer_arn=balancer.arn,
        )
        return WebFirewall(f"{self._name}-firewall", arguments, self._children)

    def _open_listener(
        self, balancer: aws.lb.LoadBalancer, rest: aws.lb.TargetGroup | None, name: PublicName, firewall: WebFirewall
    ) -> aws.lb.Listener:
        return aws.lb.Listener(
            f"{self._name}-https",
            load_balancer_arn=balancer.arn,
            port=HTTPS,
            protocol="HTTPS",
            ssl_policy=TLS_POLICY,
            certificate_arn=name.certificate_arn,
            default_actions=[
                aws.lb.ListenerDefaultActionArgs(type="forward", target_group_arn=rest.arn)
                if rest is not None
                else aws.lb.ListenerDefaultActionArgs(type="fixed-response", fixed_response=NOT_FOUND)
            ],
            routing_http_response_strict_transport_security_header_value=HSTS,
            routing_http_response_x_content_type_options_header_value="nosniff",
            routing_http_response_x_frame_options_header_value="DENY",
            routing_http_response_server_enabled=False,
            tags=self._tags(f"{self._name}-https"),
            # No request passes before the firewall is on.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[firewall.association]),
        )

    def _choose(self, listener: aws.lb.Listener, backend: Backend, pattern: str, group: aws.lb.TargetGroup) -> None:
        name = backend.named(f"{self._name}-route") + _label(pattern)
        aws.lb.ListenerRule(
            name,
            listener_arn=listener.arn,
            priority=priority(pattern, FIRST_ROUTE),
            conditions=[_path(pattern)],
            actions=[aws.lb.ListenerRuleActionArgs(type="forward", target_group_arn=group.arn)],
            tags=self._tags(name),
            opts=self._children,
        )

    def _point_name(self, name: PublicName, balancer: aws.lb.LoadBalancer) -> None:
        """The record that serves payments. After a move the traffic command has written it: the same is written again,
        and nothing is deleted. A production stack leaves it behind when it goes, or goes back to an earlier phase.
        """
        aws.route53.Record(
            f"{self._name}-alias",
            zone_id=name.zone_id,
            name=self._args.settings.host_name,
            type="A",
            aliases=_alias(balancer),
            allow_overwrite=True if self._args.migration.facts.adopts_record else None,
            opts=pulumi.ResourceOptions(parent=self, retain_on_delete=self._args.placement.production),
        )

    def _open_test_name(
        self,
        name: PublicName,
        certificate_arn: pulumi.Input[str],
        balancer: aws.lb.LoadBalancer,
        listener: aws.lb.Listener,
    ) -> None:
        """The name at which AWS is tried while the public one still leads to the data centre."""
        aws.lb.ListenerCertificate(
            f"{self._name}-test-certificate",
            listener_arn=listener.arn,
            certificate_arn=certificate_arn,
            opts=self._children,
        )
        aws.route53.Record(
            f"{self._name}-test-alias",
            zone_id=name.zone_id,
            name=self._args.migration.test_host_name,
            type="A",
            aliases=_alias(balancer),
            opts=self._children,
        )

    def _shift(self, listener: aws.lb.Listener, groups: Mapping[str, aws.lb.TargetGroup]) -> dict[str, object]:
        """The rules by whose weights the traffic command moves the public name's requests; answers what it works on."""
        args = self._args
        old = DataCentreTargets(
            f"{self._name}-data-centre",
            DataCentreTargetsArgs(
                placement=args.placement,
                settings=args.migration,
                vpc_id=args.vpc_id,
                stickiness_seconds=args.settings.stickiness_seconds,
                clients={"balancer": self.security_group_id, "bastion": args.bastion_security_group_id},
                balancer_security_group_id=self.security_group_id,
                public_route_table_ids=args.public_route_table_ids,
                vpn_gateway_id=args.vpn_gateway_id,
                vpn_ready=args.vpn_ready,
            ),
            self._children,
        )
        rules = [
            {
                "arn": self._weigh(listener, backend, pattern, old.target_group, groups[backend.name]).arn,
                "new_target_group_arn": groups[backend.name].arn,
            }
            for backend in args.backends
            for pattern in backend.patterns
        ]
        return {"rules": rules, "old_target_group_arn": old.target_group.arn}

    def _weigh(
        self,
        listener: aws.lb.Listener,
        backend: Backend,
        pattern: str,
        old: aws.lb.TargetGroup,
        new: aws.lb.TargetGroup,
    ) -> aws.lb.ListenerRule:
        name = backend.named(f"{self._name}-shift") + ("" if pattern == EVERYTHING else _label(pattern))
        host = aws.lb.ListenerRuleConditionHostHeaderArgs(values=[self._args.settings.host_name])
        return aws.lb.ListenerRule(
            name,
            listener_arn=listener.arn,
            priority=priority(pattern, FIRST_SHIFT),
            conditions=[
                aws.lb.ListenerRuleConditionArgs(host_header=host),
                *([] if pattern == EVERYTHING else [_path(pattern)]),
            ],
            actions=[
                aws.lb.ListenerRuleActionArgs(
                    type="forward",
                    forward=aws.lb.ListenerRuleActionForwardArgs(
                        target_groups=[
                            aws.lb.ListenerRuleActionForwardTargetGroupArgs(arn=arn, weight=weight)
                            for arn, weight in ((old.arn, ALL_WEIGHT), (new.arn, 0))
                        ],
                        # AWS demands it where a target group is sticky itself.
                        stickiness=aws.lb.ListenerRuleActionForwardStickinessArgs(
                            enabled=True, duration=SHIFT_COOKIE_SECONDS
                        ),
                    ),
                )
            ],
            tags=self._tags(name),
            # The weights are the traffic command's: neither an update nor a refresh moves a payment.
            opts=pulumi.ResourceOptions(parent=self, ignore_changes=["actions"]),
        )

    def _describe(
        self,
        name: PublicName,
        balancer: aws.lb.LoadBalancer,
        listener: aws.lb.Listener,
        main: Backend | None,
        groups: Sequence[aws.lb.TargetGroup],
        shifting: Mapping[str, object],
    ) -> dict[str, object]:
        args = self._args
        if not args.migration.facts.moves_data or main is None:
            return {}
        return {
            "phase": args.migration.phase,
            "host_name": args.settings.host_name,
            "test_url": f"https://{args.migration.test_host_name}{main.health_path}",
            "health_path": main.health_path,
            "zone_id": name.zone_id,
            "load_balancer_dns_name": balancer.dns_name,
            "load_balancer_zone_id": balancer.zone_id,
            "load_balancer_arn_suffix": balancer.arn_suffix,
            "listener_arn": listener.arn,
            "new_target_group_arns": [group.arn for group in groups],
            "cookie_seconds": SHIFT_COOKIE_SECONDS,
            "firewall_metric_name": self.firewall_metric_name,
            "router_addresses": list(map(str, args.migration.router_addresses)),
            "router_port": args.migration.router_port,
            **shifting,
        }


def _alias(balancer: aws.lb.LoadBalancer) -> list[aws.route53.RecordAliasArgs]:
    return [aws.route53.RecordAliasArgs(name=balancer.dns_name, zone_id=balancer.zone_id, evaluate_target_health=True)]


def _path(pattern: str) -> aws.lb.ListenerRuleConditionArgs:
    return aws.lb.ListenerRuleConditionArgs(path_pattern=aws.lb.ListenerRuleConditionPathPatternArgs(values=[pattern]))


def _label(pattern: str) -> str:
    """A pattern as the end of a resource's name: ``/v2/*`` is ``-v2-all``."""
    words = pattern.replace("*", "/all/").replace("?", "/any/").split("/")
    return "".join(f"-{word}" for word in words if word)
