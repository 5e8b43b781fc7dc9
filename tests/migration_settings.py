"""Settings of a migration for tests that need one; the phase is what they change."""

from ipaddress import IPv4Address

from components.foundations.rds_authority import root_certificate
from settings import MigrationSettings

MIGRATION = MigrationSettings(
    phase="none",
    instance_class="dms.r6i.large",
    storage_gib=100,
    multi_az=True,
    source_host="mysql.datacentre.example.com",
    source_port=3307,
    source_addresses=(IPv4Address("10.80.16.10"),),
    source_ca=root_certificate("eu-west-1"),
    router_addresses=(IPv4Address("10.80.8.10"), IPv4Address("10.80.8.11")),
    router_port=443,
    router_health_port=1936,
    router_health_path="/healthz/ready",
    test_host_name="aws-pay.example.com",
    old_authorities=("letsencrypt.org",),
    firewall_mode="count",
    scheduled_work="data-centre",
    schemas=("softpos", "card_vault"),
    service_roles="create",
)
