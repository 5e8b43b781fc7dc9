"""Which components the package exports, and what of each: a table. Inputs follow from the components' own `Args`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pulumi

from components.audit.audit_trail import AuditTrail, AuditTrailArgs
from components.cluster.softpos_cluster import SoftPosCluster, SoftPosClusterArgs
from components.data.payment_database import PaymentDatabase, PaymentDatabaseArgs
from components.data.session_cache import SessionCache, SessionCacheArgs
from components.edge.public_edge import PublicEdge, PublicEdgeArgs
from components.foundations.migration_settings import MigrationSettings
from components.foundations.rds_authority import root_certificate
from components.migration.migration_pipeline import MigrationPipeline, MigrationPipelineArgs
from components.network.bastion import Bastion, BastionArgs
from components.network.secure_vpc import SecureVpc, SecureVpcArgs
from components.network.site_to_site_vpn import SiteToSiteVpn, SiteToSiteVpnArgs

NAME = "softpos"
VERSION = "0.2.0"
NO_MIGRATION = MigrationSettings(phase="none", source_host="localhost", source_ca=root_certificate("eu-central-1"))
"""What an edge without a data centre is given; nothing in it is used in the phase `none`."""


@dataclass(frozen=True, kw_only=True)
class Export:
    """One component, as programs in other languages see it."""

    component: type[pulumi.ComponentResource]
    args: type
    outputs: tuple[str, ...]
    fixed: Mapping[str, Any] = field(default_factory=dict)
    """Arguments that only this platform's own program chooses."""
    waits: Mapping[str, str] = field(default_factory=dict)
    """Outputs that are known only when the resources of another attribute exist: who uses them waits for those."""
    formerly: str = ""
    """The last part of the token that the component had before."""


EXPORTS: Mapping[str, Export] = {
    export.component.__name__: export
    for export in (
        Export(
            component=SecureVpc,
            args=SecureVpcArgs,
            outputs=(
                "vpc_id", "public_subnet_ids", "application_subnet_ids", "data_subnet_ids", "private_route_table_ids",
                "nat_addresses", "endpoints_security_group_id",
            ),
            fixed={"source_addresses": (), "router_addresses": (), "data_centre_ports": {}},
            waits={"application_subnet_ids": "outbound"},
            formerly="Network",
        ),
        Export(
            component=SoftPosCluster,
            args=SoftPosClusterArgs,
            outputs=("name", "node_security_group_id", "autoscaling_group_names"),
            fixed={"outbound": (), "way_to_api": ()},
        ),
        Export(
            component=PaymentDatabase,
            args=PaymentDatabaseArgs,
            outputs=(
                "endpoint", "reader_endpoint", "port", "database_name", "cluster_identifier", "cluster_resource_id",
                "security_group_id", "master_secret_arn",
            ),
            formerly="Database",
        ),
        Export(
            component=SessionCache,
            args=SessionCacheArgs,
            outputs=(
                "primary_endpoint", "reader_endpoint", "port", "replication_group_id", "user_id", "security_group_id",
            ),
            formerly="Cache",
        ),
        Export(
            component=SiteToSiteVpn,
            args=SiteToSiteVpnArgs,
            outputs=("connection_id", "gateway_id", "tunnel_addresses", "preshared_key_arn"),
            waits={"gateway_id": "ready"},
        ),
        Export(
            component=MigrationPipeline,
            args=MigrationPipelineArgs,
            outputs=("state_table_name", "task_names"),
            fixed={"vpn_ready": ()},
        ),
        Export(
            component=AuditTrail,
            args=AuditTrailArgs,
            outputs=("alarm_topic_arn", "trail_bucket_name", "access_log_bucket", "conformance_pack_names"),
        ),
        Export(
            component=Bastion,
            args=BastionArgs,
            outputs=("public_address", "instance_id", "security_group_id", "role_arn", "key_name"),
        ),
        Export(
            component=PublicEdge,
            args=PublicEdgeArgs,
            outputs=(
                "url", "health_url", "name_servers", "security_group_id", "load_balancer_arn_suffix",
                "firewall_metric_name",
            ),
            fixed={
                "migration": NO_MIGRATION, "bastion_security_group_id": "", "public_route_table_ids": (),
                "vpn_gateway_id": "", "vpn_ready": (),
            },
        ),
    )
}  # fmt: skip
FORMER = {export.formerly: name for name, export in EXPORTS.items() if export.formerly}
