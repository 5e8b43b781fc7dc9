"""The tunnels to the data centre: two of them, to one device, over which the migration runs.

Creates a virtual private gateway, a customer gateway, the connection, its routes, the tunnels' log groups and alarms.

Trust boundary: on-premises addresses become reachable from the application and data tiers and the other way round;
security groups and network ACLs decide what may use that. Both tunnels negotiate by IKEv2 with AES-256-GCM and
elliptic curves of 384 bits and more, and nothing weaker. AWS makes the pre-shared keys and keeps them in Secrets
Manager: they are in no state file. AWS changes a tunnel's endpoint only when somebody agrees (lifecycle control).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from ..foundations.alarms import Alarms, Metric
from ..foundations.log_delivery import delivered_log_group
from ..foundations.log_storage import LogStorage
from ..foundations.placement import DataClass, Placement
from .settings import VpnSettings

TUNNELS = (1, 2)
AMAZON_ASN = 64512
"""AWS's side of BGP, the first private number (RFC 6996)."""
LARGEST_SHORT_ASN = 2_147_483_647
"""The EC2 API takes larger numbers in a field of their own."""
ENCRYPTION = ["AES256-GCM-16"]
INTEGRITY = ["SHA2-384", "SHA2-512"]
DIFFIE_HELLMAN_GROUPS = [20, 21]
"""NIST curves P-384 and P-521. AWS's default also takes group 2, 1024 bits."""
TUNNEL_OPTIONS: Mapping[str, Any] = {
    "ike_versions": ["ikev2"],
    "phase1_encryption_algorithms": ENCRYPTION,
    "phase2_encryption_algorithms": ENCRYPTION,
    "phase1_integrity_algorithms": INTEGRITY,
    "phase2_integrity_algorithms": INTEGRITY,
    "phase1_dh_group_numbers": DIFFIE_HELLMAN_GROUPS,
    "phase2_dh_group_numbers": DIFFIE_HELLMAN_GROUPS,
    "phase1_lifetime_seconds": 28_800,
    "phase2_lifetime_seconds": 3_600,
    # AWS starts the negotiation and repeats it when the peer falls silent: a tunnel heals without traffic.
    "startup_action": "start",
    "dpd_timeout_action": "restart",
    "dpd_timeout_seconds": 30,
    "enable_tunnel_lifecycle_control": True,
}
"""What each tunnel may use; every list is given because AWS's defaults still permit IKEv1, SHA-1 and AES-128."""
DOWN_MINUTES = 5


@dataclass(frozen=True, kw_only=True)
class SiteToSiteVpnArgs:
    """Inputs of `SiteToSiteVpn`."""

    placement: Placement
    logs: LogStorage
    alarms: Alarms
    settings: VpnSettings
    vpc_id: pulumi.Input[str]
    """Id of the VPC."""
    route_table_ids: Sequence[pulumi.Input[str]]
    """Route tables of the private tiers, which learn the way to the data centre."""


class SiteToSiteVpn(pulumi.ComponentResource):
    """One connection of two tunnels; nothing where the settings want none."""

    connection_id: pulumi.Output[str]
    """Empty without tunnels."""
    gateway_id: pulumi.Output[str]
    """AWS's end of the tunnels, a target of routes; empty without tunnels."""
    tunnel_addresses: list[pulumi.Output[str]]
    """Public addresses of AWS's ends, for the device in the data centre."""
    preshared_key_arn: pulumi.Output[str]
    """Secret with both tunnels' pre-shared keys; empty without tunnels."""
    ready: list[pulumi.Resource]
    """What must exist before anything can reach the data centre. That a tunnel is up is not among it: only the device
    there decides that, and an alarm tells."""

    def __init__(self, name: str, args: SiteToSiteVpnArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("softpos:network:SiteToSiteVpn", name, {}, opts)
        self._name = name
        self._args = args
        self._children = pulumi.ResourceOptions(parent=self)
        self.connection_id = self.preshared_key_arn = self.gateway_id = pulumi.Output.from_input("")
        self.tunnel_addresses = []
        self.ready = []
        if args.settings.enabled:
            self._build()
        self.register_outputs({"connectionId": self.connection_id, "tunnelAddresses": self.tunnel_addresses})

    def _build(self) -> None:
        name = f"{self._name}-gateway"
        gateway = aws.ec2.VpnGateway(
            name,
            vpc_id=self._args.vpc_id,
            amazon_side_asn=str(AMAZON_ASN),
            tags=self._tags(name),
            opts=self._children,
        )
        self.gateway_id = gateway.id
        connection = self._connect(gateway)
        self.connection_id = connection.id
        self.preshared_key_arn = connection.preshared_key_arn
        self.tunnel_addresses = [connection.tunnel1_address, connection.tunnel2_address]
        self.ready = [connection, *self._create_routes(gateway, connection)]
        self._watch_tunnels()

    def _tags(self, name: str, data_class: DataClass = DataClass.OPERATIONS) -> dict[str, str]:
        return self._args.placement.tags(name, data_class)

    @property
    def _static(self) -> bool:
        return self._args.settings.routing == "static"

    def _connect(self, gateway: aws.ec2.VpnGateway) -> aws.ec2.VpnConnection:
        group, permission = delivered_log_group(
            self._args.logs, f"{self._name}-log", f"/{self._args.placement.path(self._name)}", self
        )
        name = f"{self._name}-connection"
        tunnels = {f"tunnel{number}_{option}": value for number in TUNNELS for option, value in TUNNEL_OPTIONS.items()}
        return aws.ec2.VpnConnection(
            name,
            type="ipsec.1",
            vpn_gateway_id=gateway.id,
            customer_gateway_id=self._create_customer_gateway(),
            static_routes_only=self._static,
            preshared_key_storage="SecretsManager",
            tunnel1_log_options=aws.ec2.VpnConnectionTunnel1LogOptionsArgs(
                cloudwatch_log_options=aws.ec2.VpnConnectionTunnel1LogOptionsCloudwatchLogOptionsArgs(
                    **self._log_options(group.arn)
                )
            ),
            tunnel2_log_options=aws.ec2.VpnConnectionTunnel2LogOptionsArgs(
                cloudwatch_log_options=aws.ec2.VpnConnectionTunnel2LogOptionsCloudwatchLogOptionsArgs(
                    **self._log_options(group.arn)
                )
            ),
            tags=self._tags(name),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[permission]),
            **tunnels,
        )

    def _log_options(self, group_arn: pulumi.Output[str]) -> dict[str, Any]:
        """Negotiations of each tunnel, and its BGP sessions where there are any."""
        options: dict[str, Any] = {"log_enabled": True, "log_group_arn": group_arn, "log_output_format": "json"}
        if not self._static:
            options |= {"bgp_log_enabled": True, "bgp_log_group_arn": group_arn, "bgp_log_output_format": "json"}
        return options

    def _create_customer_gateway(self) -> pulumi.Output[str]:
        name = f"{self._name}-customer-gateway"
        number = self._args.settings.customer_gateway_asn
        field = "bgp_asn" if number <= LARGEST_SHORT_ASN else "bgp_asn_extended"
        asn: dict[str, Any] = {field: str(number)}
        return aws.ec2.CustomerGateway(
            name,
            type="ipsec.1",
            ip_address=str(self._args.settings.customer_gateway_ip),
            device_name=self._args.placement.name(self._args.placement.role(self._name, "vpn", "data-centre")),
            tags=self._tags(name),
            opts=self._children,
            **asn,
        ).id

    def _create_routes(self, gateway: aws.ec2.VpnGateway, connection: aws.ec2.VpnConnection) -> list[pulumi.Resource]:
        """Routes that the device announces by BGP, or the static ones, into the private tiers' tables."""
        static = [
            aws.ec2.VpnConnectionRoute(
                f"{self._name}-route-{index}",
                vpn_connection_id=connection.id,
                destination_cidr_block=str(cidr),
                opts=self._children,
            )
            for index, cidr in enumerate(self._args.settings.on_premises_cidrs if self._static else (), start=1)
        ]
        propagated = [
            aws.ec2.VpnGatewayRoutePropagation(
                f"{self._name}-propagation-{index}",
                vpn_gateway_id=gateway.id,
                route_table_id=table_id,
                opts=self._children,
            )
            for index, table_id in enumerate(self._args.route_table_ids, start=1)
        ]
        return [*static, *propagated]

    def _watch_tunnels(self) -> None:
        for number, address in zip(TUNNELS, self.tunnel_addresses, strict=True):
            self._args.alarms.when(
                f"{self._name}-tunnel-{number}-down",
                Metric(
                    namespace="AWS/VPN",
                    name="TunnelState",
                    dimensions={"VpnId": self.connection_id, "TunnelIpAddress": address},
                    statistic="Maximum",
                ),
                "LessThanThreshold",
                1,
                says=f"VPN tunnel {number} has been down for {DOWN_MINUTES} minutes; read the VPN's log group and ask "
                "the data centre. The migration stops when both tunnels are down.",
                parent=self,
                periods=DOWN_MINUTES,
                missing="breaching",
            )
