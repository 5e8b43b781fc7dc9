"""Data stores that the SoftPOS platform does not use, but another program with this pack may."""

from __future__ import annotations

from typing import Final

from ..reading import Findings
from ..rule import CRITICAL, HIGH, MEDIUM, Resource, rule
from ..stack import at

_AT_REST: Final = "3.5.1 8.3.2"
_IN_TRANSIT: Final = "4.2.1 2.2.7"
_CUSTOMER_KEY: Final = "a customer-managed key"

# What says that a store is encrypted, and what names its key; AWS's default is off where nothing is set.
_SWITCHES: Final = {
    "aws.docdb.Cluster": ("storageEncrypted", "kmsKeyId"),
    "aws.efs.FileSystem": ("encrypted", "kmsKeyId"),
    "aws.neptune.Cluster": ("storageEncrypted", "kmsKeyArn"),
    "aws.redshift.Cluster": ("encrypted", "kmsKeyId"),
}
# Stores that AWS always encrypts: only the key is a choice.
_KEYS: Final = {
    "aws.dynamodb.Table": "serverSideEncryption.kmsKeyArn",
    "aws.kinesis.Stream": "kmsKeyId",
    "aws.memorydb.Cluster": "kmsKeyArn",
    "aws.msk.Cluster": "encryptionInfo.encryptionAtRestKmsKeyArn",
    "aws.opensearch.Domain": "encryptAtRest.kmsKeyId",
    "aws.sqs.Queue": "kmsMasterKeyId",
}


@rule(
    "store-encrypted",
    "Other data stores encrypt what they keep with a customer-managed key",
    on=(*_SWITCHES, *_KEYS),
    requirements=_AT_REST,
    severity=HIGH,
    remedy="turn encryption on and name the ARN of a customer-managed key",
)
def encrypted(store: Resource) -> Findings:
    if store.kind in _SWITCHES:
        switch, key = _SWITCHES[store.kind]
        return store[switch].must_be(True) or store[key].must_be_given(_CUSTOMER_KEY)
    return at(store, _KEYS[store.kind]).must_be_given(_CUSTOMER_KEY)


@rule(
    "store-not-public",
    "Other data stores have no public address",
    on=("aws.redshift.Cluster", "aws.mq.Broker", "aws.neptune.ClusterInstance"),
    requirements="1.4.4 1.3.1",
    severity=CRITICAL,
    remedy="set publiclyAccessible to false",
)
def not_public(store: Resource) -> Findings:
    return store["publiclyAccessible"].must_be(False, default=False)  # provider defaults


@rule(
    "store-tls-only",
    "Other data stores accept TLS only",
    on=("aws.memorydb.Cluster", "aws.msk.Cluster", "aws.opensearch.Domain", "aws.rds.Proxy"),
    requirements=_IN_TRANSIT,
    severity=HIGH,
    remedy="turn on TLS, and refuse connections without it",
)
def tls_only(store: Resource) -> Findings:
    if store.kind == "aws.rds.Proxy":
        return store["requireTls"].must_be(True)
    if store.kind == "aws.memorydb.Cluster":
        return store["tlsEnabled"].must_be(True, default=True)  # provider default
    if store.kind == "aws.msk.Cluster":
        transit = store["encryptionInfo"]["encryptionInTransit"]
        # AWS defaults: TLS for clients, and among the brokers.
        return transit["clientBroker"].must_be("TLS", default="TLS") + transit["inCluster"].must_be(True, default=True)
    return (
        store["domainEndpointOptions"]["enforceHttps"].must_be(True)
        + store["domainEndpointOptions"]["tlsSecurityPolicy"].must(
            lambda policy: str(policy).startswith("Policy-Min-TLS-1-2"), "a policy of TLS 1.2 and newer"
        )
        + store["nodeToNodeEncryption"]["enabled"].must_be(True)
    )


@rule(
    "store-backed-up",
    "Tables can be restored to any point in time",
    on="aws.dynamodb.Table",
    requirements="10.3.3 12.10.1",
    severity=MEDIUM,
    remedy="set pointInTimeRecovery.enabled to true",
)
def backed_up(table: Resource) -> Findings:
    return table["pointInTimeRecovery"]["enabled"].must_be(True)
