"""SoftPOS on AWS: settings in, components wired, outputs out."""

import pulumi
import pulumi_aws as aws

import settings as configuration
from components.audit.audit_trail import AuditTrail, AuditTrailArgs
from components.audit.dashboard import Dashboard, DashboardArgs
from components.cluster.softpos_cluster import SoftPosCluster, SoftPosClusterArgs
from components.cluster.workload_security import WorkloadSecurityAgent, WorkloadSecurityAgentArgs
from components.data.payment_database import PaymentDatabase, PaymentDatabaseArgs
from components.data.session_cache import SessionCache, SessionCacheArgs
from components.edge.public_edge import PublicEdge, PublicEdgeArgs
from components.foundations.alarms import Alarms
from components.foundations.destruction_guard import DestructionGuard
from components.foundations.encryption_keys import EncryptionKeys, EncryptionKeysArgs
from components.foundations.log_storage import LogStorage
from components.migration.migration_pipeline import MigrationPipeline, MigrationPipelineArgs
from components.network.bastion import Bastion, BastionArgs
from components.network.secure_vpc import SecureVpc, SecureVpcArgs
from components.network.site_to_site_vpn import SiteToSiteVpn, SiteToSiteVpnArgs
from components.network.source_access import SourceAccess, SourceAccessArgs
from components.service.application_access import database_authorities
from components.service.backends import public_backends
from components.service.softpos_application import SoftPosApplication, SoftPosApplicationArgs

settings = configuration.load()

placement = settings.placement
provider = aws.Provider(
    "aws",
    region=settings.region,
    allowed_account_ids=[settings.account_id],
    default_tags=aws.ProviderDefaultTagsArgs(tags=placement.default_tags),
)
in_account = pulumi.ResourceOptions(provider=provider)

keys = EncryptionKeys("keys", EncryptionKeysArgs(placement=placement), in_account)
logs = LogStorage(placement=placement, key_arn=keys.logs.arn, retention_days=settings.audit.log_retention_days)
audit = AuditTrail(
    "audit",
    AuditTrailArgs(
        placement=placement,
        logs=logs,
        settings=settings.audit,
        audit_key_arn=keys.audit.arn,
        logs_key_arn=keys.logs.arn,
    ),
    in_account,
)
alarms = Alarms(placement=placement, topic_arn=audit.alarm_topic_arn)
network = SecureVpc(
    "network",
    SecureVpcArgs(
        placement=placement,
        logs=logs,
        cidr=settings.network.vpc_cidr,
        availability_zones=settings.network.availability_zones,
        nat=settings.network.nat,
        trusted_cidrs=tuple(map(str, settings.bastion.trusted_cidrs)),
        on_premises_cidrs=settings.vpn.on_premises_cidrs,
        source_addresses=settings.migration.reached_source,
        router_addresses=settings.migration.reached_router,
        data_centre_ports=settings.migration.ports,
    ),
    in_account,
)
vpn = SiteToSiteVpn(
    "vpn",
    SiteToSiteVpnArgs(
        placement=placement,
        logs=logs,
        alarms=alarms,
        settings=settings.vpn,
        vpc_id=network.vpc_id,
        route_table_ids=network.private_route_table_ids,
    ),
    in_account,
)
bastion = Bastion(
    "bastion",
    BastionArgs(
        placement=placement,
        logs=logs,
        alarms=alarms,
        settings=settings.bastion,
        vpc_id=network.vpc_id,
        vpc_cidr=network.cidr,
        subnet_id=network.public_subnet_ids[0],
        disk_key_arn=keys.cluster.arn,
    ),
    in_account,
)
agent = WorkloadSecurityAgent(
    "agent",
    WorkloadSecurityAgentArgs(placement=placement, logs=logs, alarms=alarms, settings=settings.agent),
    in_account,
)
cluster = SoftPosCluster(
    "cluster",
    SoftPosClusterArgs(
        placement=placement,
        logs=logs,
        alarms=alarms,
        settings=settings.cluster,
        vpc_id=network.vpc_id,
        vpc_cidr=network.cidr,
        application_subnet_ids=network.application_subnet_ids,
        outbound=network.outbound,
        cluster_key_arn=keys.cluster.arn,
        agent=agent,
        way_to_api=vpn.ready,
        bastion_security_group_id=bastion.security_group_id,
        ssh_key_name=bastion.key_name,
    ),
    in_account,
)
source = SourceAccess(
    "source",
    SourceAccessArgs(
        placement=placement,
        settings=settings.migration,
        vpc_id=network.vpc_id,
        clients={"cluster": cluster.node_security_group_id, "bastion": bastion.security_group_id},
        public_route_table_ids=network.public_route_table_ids,
        vpn_gateway_id=vpn.gateway_id,
        vpn_ready=vpn.ready,
    ),
    in_account,
)
database = PaymentDatabase(
    "database",
    PaymentDatabaseArgs(
        placement=placement,
        logs=logs,
        alarms=alarms,
        settings=settings.database,
        vpc_id=network.vpc_id,
        data_subnet_ids=network.data_subnet_ids,
        key_arn=keys.database.arn,
        clients={"cluster": cluster.node_security_group_id, "bastion": bastion.security_group_id},
    ),
    in_account,
)
cache = SessionCache(
    "cache",
    SessionCacheArgs(
        placement=placement,
        logs=logs,
        alarms=alarms,
        settings=settings.cache,
        vpc_id=network.vpc_id,
        data_subnet_ids=network.data_subnet_ids,
        key_arn=keys.cache.arn,
        clients={"cluster": cluster.node_security_group_id, "bastion": bastion.security_group_id},
    ),
    in_account,
)
edge = PublicEdge(
    "edge",
    PublicEdgeArgs(
        placement=placement,
        logs=logs,
        alarms=alarms,
        settings=settings.edge,
        vpc_id=network.vpc_id,
        public_subnet_ids=network.public_subnet_ids,
        node_security_group_id=cluster.node_security_group_id,
        backends=public_backends(settings.application),
        autoscaling_group_names=cluster.autoscaling_group_names,
        migration=settings.migration,
        firewall_mode=settings.firewall_mode,
        bastion_security_group_id=bastion.security_group_id,
        public_route_table_ids=network.public_route_table_ids,
        vpn_gateway_id=vpn.gateway_id,
        vpn_ready=vpn.ready,
        access_log_bucket=audit.access_log_bucket,
    ),
    in_account,
)

application = SoftPosApplication(
    "service",
    SoftPosApplicationArgs(
        placement=placement,
        alarms=alarms,
        services=settings.application,
        kubernetes_provider=cluster.kubernetes_provider,
        cluster_name=cluster.name,
        nodes_ready=cluster.nodes_ready,
        node_security_group_id=cluster.node_security_group_id,
        vpc_cidr=network.cidr,
        database=database.address,
        cache=cache.address,
        migration=settings.migration,
        source_ready=source.ready,
        secret_key_arn=keys.database.arn,
        database_authorities=database_authorities(settings.region, settings.migration.reached_authority),
    ),
    in_account,
)
migration = MigrationPipeline(
    "migration",
    MigrationPipelineArgs(
        placement=placement,
        logs=logs,
        alarms=alarms,
        settings=settings.migration,
        vpc_id=network.vpc_id,
        endpoints_security_group_id=network.endpoints_security_group_id,
        data_subnet_ids=network.data_subnet_ids,
        key_arn=keys.migration.arn,
        database_engine=settings.database.engine,
        database_security_group_id=database.security_group_id,
        database_port=database.port,
        vpn_ready=vpn.ready,
    ),
    in_account,
)
dashboard = Dashboard(
    "dashboard",
    DashboardArgs(
        placement=placement,
        load_balancer_arn_suffix=edge.load_balancer_arn_suffix,
        target_group_arn_suffix=edge.target_group_arn_suffix,
        firewall_metric_name=edge.firewall_metric_name,
        autoscaling_group_names=cluster.autoscaling_group_names,
        database_cluster_identifier=database.cluster_identifier,
        replication_group_id=cache.replication_group_id,
        vpn_connection_id=vpn.connection_id,
        replication_instance_id=migration.replication_instance_id,
    ),
    in_account,
)
parts = [keys, audit, network, vpn, bastion, agent, cluster, source, database, cache, edge, application, migration]
DestructionGuard("guard", pulumi.ResourceOptions(depends_on=[provider, *parts, dashboard]), kept=settings.production)

outputs = {
    "region": settings.region,
    "applicationUrl": edge.url,
    "healthUrl": edge.health_url,
    "zoneNameServers": edge.name_servers,
    "bastionAddress": bastion.public_address,
    "sshCommand": pulumi.Output.format("ssh {0}@{1}", bastion.login, bastion.public_address),
    "kubeconfigCommand": f"aws eks update-kubeconfig --region {settings.region} --name {cluster.name}",
    "kubectlCommand": f"kubectl --namespace {application.namespace} get pods",
    "databaseWriterEndpoint": database.endpoint,
    "databaseReaderEndpoint": database.reader_endpoint,
    "cachePrimaryEndpoint": cache.primary_endpoint,
    "cacheReaderEndpoint": cache.reader_endpoint,
    "vpnTunnelAddresses": vpn.tunnel_addresses,
    "natAddresses": network.nat_addresses,
    "migrationPhase": settings.migration.phase,
    "migrationTaskNames": list(migration.task_names),
    "migration": migration.describe(
        region=settings.region,
        vpn_connection_id=vpn.connection_id,
        application_secret_arn=application.connection_secret_arn,
        application_authentication="iam",
        database_writer_endpoint=database.endpoint,
        database_reader_endpoint=database.reader_endpoint,
        database_cluster_id=database.cluster_identifier,
        database_port=database.port,
        vpc_cidr=str(network.cidr),
        health_url=edge.health_url,
    ),
    "traffic": edge.traffic,
    "dashboardUrl": dashboard.url,
    "trailBucket": audit.trail_bucket_name,
}
for name, value in outputs.items():
    pulumi.export(name, value)
