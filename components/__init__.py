"""The platform's parts, one noun a file.

`__main__.py` wires the first of each line; the others are what it consists of.

- network: `secure_vpc` (`subnet_plan`, `network_rules`, `service_endpoints`), `bastion`, `site_to_site_vpn`
- edge: `public_edge` (`public_name`, `web_firewall`, `edge_alarms`)
- cluster: `softpos_cluster` (`cluster_firewall`, `node_group`, `cluster_addons`, `cluster_autoscaler`)
- agent: `workload_security` (`agent_boot.sh`)
- service: `softpos_service` (`application_pod`, `application_access`, `network_policies`);
  `image_repository`, which the bootstrap makes
- data: `payment_database` (`database_*`, `aurora_instances`), `session_cache` (`cache_alarms`)
- migration: `migration_pipeline` (`migration_*`, `rds_authority`)
- audit: `audit_trail` (`trail`, `cis_alarms`, `config_recorder`, `conformance_packs`, `threat_detection`,
  `account_baseline`, `alarm_topic`), `dashboard`
- keys: `encryption_keys`

Shared by all: `placement` (names, ARNs, tags), `log_storage`, `log_delivery`, `alarms`, `roles`, `client_access`,
`pod_identity`, `private_bucket`.
"""
