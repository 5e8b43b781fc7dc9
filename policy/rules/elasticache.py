"""ElastiCache for Redis and Valkey."""

from __future__ import annotations

from ..reading import Findings
from ..rule import HIGH, Resource, rule


@rule(
    "elasticache-encrypted-at-rest",
    "Caches encrypt their data at rest with a customer-managed key",
    on="aws.elasticache.ReplicationGroup",
    requirements="3.5.1 8.3.2",
    controls="ELASTICACHE_REPL_GRP_ENCRYPTED_AT_REST",
    severity=HIGH,
    remedy="set atRestEncryptionEnabled to true and kmsKeyId to the ARN of a customer-managed key",
)
def encrypted_at_rest(group: Resource) -> Findings:
    return group["atRestEncryptionEnabled"].must_be(True) or group["kmsKeyId"].must_be_given("a customer-managed key")


@rule(
    "elasticache-encrypted-in-transit",
    "Caches accept TLS only",
    on="aws.elasticache.ReplicationGroup",
    requirements="4.2.1 2.2.7 8.3.2",
    controls="ElastiCache.5 ELASTICACHE_REPL_GRP_ENCRYPTED_IN_TRANSIT",
    severity=HIGH,
    remedy="set transitEncryptionEnabled to true and transitEncryptionMode to required",
)
def encrypted_in_transit(group: Resource) -> Findings:
    # AWS default of the mode for a new group: required.
    enabled = group["transitEncryptionEnabled"].must_be(True)
    return enabled or group["transitEncryptionMode"].must_be("required", default="required")
