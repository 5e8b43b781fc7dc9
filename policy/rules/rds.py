"""RDS and Aurora: clusters, instances, their parameter groups and snapshots."""

from __future__ import annotations

from typing import Final

from ..reading import Findings, Property
from ..rule import CRITICAL, HIGH, Resource, rule

_DATABASES: Final = ("aws.rds.Cluster", "aws.rds.Instance")


@rule(
    "rds-not-public",
    "Databases have no public address",
    on=("aws.rds.Instance", "aws.rds.ClusterInstance", "aws.rds.Cluster"),
    requirements="1.4.4 1.3.1",
    controls="RDS.2 RDS_INSTANCE_PUBLIC_ACCESS_CHECK",
    severity=CRITICAL,
    remedy="set publiclyAccessible to false and use private subnets",
)
def not_public(database: Resource) -> Findings:
    # Provider default: false (documented for Instance and ClusterInstance).
    return database["publiclyAccessible"].must_be(False, default=False)


@rule(
    "rds-storage-encrypted",
    "Databases encrypt their storage with a customer-managed key",
    on=_DATABASES,
    requirements="3.5.1 8.3.2",
    controls="RDS_STORAGE_ENCRYPTED RDS_CLUSTER_ENCRYPTED_AT_REST",
    severity=HIGH,
    remedy="set storageEncrypted to true and kmsKeyId to the ARN of a customer-managed key",
)
def storage_encrypted(database: Resource) -> Findings:
    return database["storageEncrypted"].must_be(True) or database["kmsKeyId"].must_be_given("a customer-managed key")


@rule(
    "rds-tls-required",
    "MySQL parameter groups refuse connections without TLS",
    on=("aws.rds.ClusterParameterGroup", "aws.rds.ParameterGroup"),
    requirements="4.2.1 2.2.7 8.3.2",
    severity=HIGH,
    remedy="set the parameter require_secure_transport to ON",
)
def tls_required(group: Resource) -> Findings:
    cluster_wide = group.kind == "aws.rds.ClusterParameterGroup"
    family = str(group["family"].value)
    # An Aurora instance takes the parameter from its cluster's group.
    if "mysql" not in family or (family.startswith("aurora") and not cluster_wide):
        return []
    # Aurora MySQL 8.4 and RDS for MySQL 8.4 require TLS unless told otherwise; 8.0 does not.
    return parameter(group, "require_secure_transport").must_be("ON", "1", default="ON" if "8.4" in family else None)


def parameter(group: Resource, name: str) -> Property:
    """The value of a parameter of a group; unknown when the group's parameters are."""
    for entry in group["parameters"]:
        if entry.unknown or entry["name"].value == name:
            return entry["value"]
    return Property(f"parameters[{name}]", None)
