"""The platform's parts, by area; one noun per file.

- `network`: `secure_vpc`, `bastion`, `site_to_site_vpn`
- `edge`: `public_edge` with its name, certificate and web application firewall
- `cluster`: `softpos_cluster` with nodes and add-ons; `workload_security`, the Trend Micro agent
- `service`: `softpos_application`, of services as `declaration` says; `image_repository`, which the bootstrap makes
- `data`: `payment_database`, `session_cache`
- `migration`: `migration_pipeline`
- `audit`: `audit_trail`, `dashboard`
- `foundations`: what all of them use: placement (names, ARNs, tags), keys, roles, log groups, buckets, alarms

`__main__.py` wires them.
"""
