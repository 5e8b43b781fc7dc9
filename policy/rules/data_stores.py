"""Data stores and streams that have no room of their own: what all of them must say about encryption and access."""

from __future__ import annotations

import re
from typing import Final

from ..lifetimes import must_be_supported
from ..reading import Findings, Property
from ..rule import CRITICAL, HIGH, MEDIUM, Resource, rule
from ..settings import Check, Table, absent, at_least, be, each, given, include, judged, not_be, own_key, satisfy

_TLS_1_2: Final = ("Policy-Min-TLS-1-2",)

_ENCRYPTED: Final[Table] = {
    "aws.appflow.Flow": (own_key("kmsArn"),),
    "aws.appsync.ApiCache": (be("atRestEncryptionEnabled", True), be("transitEncryptionEnabled", True)),
    "aws.athena.Workgroup": (
        be(
            "configuration.resultConfiguration.encryptionConfiguration.encryptionOption",
            "SSE_KMS",
            "CSE_KMS",
        ),
        be("configuration.enforceWorkgroupConfiguration", True, default=True),  # provider default
    ),
    "aws.dax.Cluster": (be("serverSideEncryption.enabled", True),),
    "aws.docdb.GlobalCluster": (be("storageEncrypted", True),),
    "aws.neptune.GlobalCluster": (be("storageEncrypted", True),),
    "aws.efs.ReplicationConfiguration": (own_key("destination.kmsKeyId"),),
    "aws.fsx.FileCache": (own_key("kmsKeyId"),),
    "aws.opensearch.ServerlessSecurityPolicy": (lambda policy: _serverless(policy, "encryption", "AWSOwnedKey"),),
    "aws.sagemaker.FeatureGroup": (
        lambda group: (
            [] if group["onlineStoreConfig"].absent else own_key("onlineStoreConfig.securityConfig.kmsKeyId")(group)
        ),
    ),
    "aws.docdb.Cluster": (be("storageEncrypted", True), own_key("kmsKeyId")),
    "aws.docdb.ElasticCluster": (own_key("kmsKeyId"),),
    "aws.dynamodb.Table": (
        be("serverSideEncryption.enabled", True),
        own_key("serverSideEncryption.kmsKeyArn"),
        each("replicas", lambda replica: replica["kmsKeyArn"].must_name_own_key()),
    ),
    "aws.dynamodb.TableReplica": (own_key("kmsKeyArn"),),
    "aws.efs.FileSystem": (be("encrypted", True), own_key("kmsKeyId")),
    "aws.elasticsearch.Domain": (be("encryptAtRest.enabled", True), own_key("encryptAtRest.kmsKeyId")),
    "aws.fsx.LustreFileSystem": (own_key("kmsKeyId"),),
    "aws.fsx.OntapFileSystem": (own_key("kmsKeyId"),),
    "aws.fsx.OpenZfsFileSystem": (own_key("kmsKeyId"),),
    "aws.fsx.WindowsFileSystem": (own_key("kmsKeyId"),),
    "aws.glue.SecurityConfiguration": (
        be("encryptionConfiguration.cloudwatchEncryption.cloudwatchEncryptionMode", "SSE-KMS"),
        be("encryptionConfiguration.jobBookmarksEncryption.jobBookmarksEncryptionMode", "CSE-KMS"),
        be("encryptionConfiguration.s3Encryption.s3EncryptionMode", "SSE-KMS"),
    ),
    "aws.keyspaces.Table": (be("encryptionSpecification.type", "CUSTOMER_MANAGED_KMS_KEY"),),
    "aws.kinesis.FirehoseDeliveryStream": (
        lambda stream: (
            stream["serverSideEncryption"]["enabled"].must_be(True)
            + stream["serverSideEncryption"]["keyType"].must_be("CUSTOMER_MANAGED_CMK")
            if stream["kinesisSourceConfiguration"].absent and stream["mskSourceConfiguration"].absent
            else []
        ),
    ),
    "aws.kinesis.Stream": (
        be("encryptionType", "KMS"),
        own_key("kmsKeyId"),
    ),
    "aws.kinesis.VideoStream": (own_key("kmsKeyId"),),
    "aws.memorydb.Cluster": (own_key("kmsKeyArn"),),
    "aws.mq.Broker": (be("encryptionOptions.useAwsOwnedKey", False),),
    "aws.msk.Cluster": (own_key("encryptionInfo.encryptionAtRestKmsKeyArn"),),
    "aws.neptune.Cluster": (be("storageEncrypted", True), own_key("kmsKeyArn")),
    "aws.opensearch.Domain": (be("encryptAtRest.enabled", True), own_key("encryptAtRest.kmsKeyId")),
    "aws.redshift.Cluster": (be("encrypted", True), own_key("kmsKeyId")),
    "aws.redshiftserverless.Namespace": (own_key("kmsKeyId"),),
    "aws.sagemaker.EndpointConfiguration": (own_key("kmsKeyArn"),),
    "aws.sagemaker.NotebookInstance": (own_key("kmsKeyId"),),
    "aws.sqs.Queue": (own_key("kmsMasterKeyId"),),
    "aws.timestreamwrite.Database": (own_key("kmsKeyId"),),
    "aws.workspaces.Workspace": (be("rootVolumeEncryptionEnabled", True), be("userVolumeEncryptionEnabled", True)),
}


def _serverless(policy: Resource, kind: str, switch: str) -> Findings:
    """A policy of OpenSearch Serverless is JSON text: one of the kind must not turn the switch on."""
    if policy["type"].value != kind:
        return []
    return policy["policy"].must(
        lambda text: re.search(rf'"{switch}"\s{{0,9}}:\s{{0,9}}true', str(text)) is None, f"without {switch}"
    )


def _names_principals(policy: Resource) -> Findings:
    return policy["policy"].must(
        lambda text: re.search(r'"Principal"\s{0,9}:\s{0,9}\[[^\]]{0,999}"[*]"', str(text)) is None, "named principals"
    )


def _no_website(bucket: Resource) -> Findings:
    website = bucket["website"]
    if website.absent or not website["redirectAllRequestsTo"].absent:
        return []
    return website.breach("a redirection, since websites of buckets speak no TLS", "a website")


@rule(
    "store-encrypted",
    "Other data stores encrypt what they keep with a customer-managed key",
    on=tuple(_ENCRYPTED),
    requirements="3.5.1 3.5.1.2 8.3.2",
    severity=HIGH,
    remedy="turn encryption on and name the ARN of a customer-managed key",
)
def encrypted(store: Resource) -> Findings:
    return judged(_ENCRYPTED, store)


_NOT_PUBLIC: Final[Table] = {
    "aws.mwaa.Environment": (be("webserverAccessMode", "PRIVATE_ONLY", default="PRIVATE_ONLY"),),  # AWS default
    "aws.opensearch.ServerlessAccessPolicy": (_names_principals,),
    "aws.opensearch.ServerlessSecurityPolicy": (lambda policy: _serverless(policy, "network", "AllowFromPublic"),),
    "aws.ram.PrincipalAssociation": (not_be("principal", "*", wanted="an account or an organisation"),),
    "aws.s3.Bucket": (_no_website,),
    "aws.s3control.MultiRegionAccessPoint": (
        lambda point: [
            finding
            for name in ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
            for finding in point["details"]["publicAccessBlock"][name].must_be(True, default=True)  # AWS default
        ],
    ),
    "aws.sagemaker.Domain": (be("appNetworkAccessType", "VpcOnly"),),
    "aws.timestreaminfluxdb.DbInstance": (be("publiclyAccessible", False, default=False),),
    "aws.cognito.IdentityPool": (be("allowUnauthenticatedIdentities", False, default=False),),
    "aws.ec2.VpcEndpointService": (
        be("acceptanceRequired", True),
        each("allowedPrincipals", lambda who: who.must_not_be("*", wanted="named principals")),
    ),
    "aws.ec2.VpcEndpointServiceAllowedPrinciple": (not_be("principalArn", "*", wanted="a named principal"),),
    "aws.ecrpublic.Repository": (lambda repository: repository.breach("a private repository", "public"),),
    "aws.elasticsearch.Domain": (given("vpcOptions.subnetIds", "subnets of the stack"),),
    "aws.emr.BlockPublicAccessConfiguration": (
        be("blockPublicSecurityGroupRules", True),
        each(
            "permittedPublicSecurityGroupRuleRanges",
            lambda span: span["maxRange"].must_be(span["minRange"].value, default=span["minRange"].value),
        ),
    ),
    "aws.lightsail.Database": (be("publiclyAccessible", False, default=False),),
    "aws.mq.Broker": (be("publiclyAccessible", False, default=False),),
    "aws.msk.Cluster": (be("brokerNodeGroupInfo.connectivityInfo.publicAccess.type", "DISABLED", default="DISABLED"),),
    "aws.neptune.ClusterInstance": (be("publiclyAccessible", False, default=False),),
    "aws.opensearch.Domain": (given("vpcOptions.subnetIds", "subnets of the stack"),),
    "aws.ram.ResourceShare": (be("allowExternalPrincipals", False, default=False),),
    "aws.redshift.Cluster": (
        be("publiclyAccessible", False, default=False),
        be("enhancedVpcRouting", True),
    ),
    "aws.redshiftserverless.Workgroup": (
        be("publiclyAccessible", False, default=False),
        be("enhancedVpcRouting", True),
    ),
    "aws.sagemaker.NotebookInstance": (
        be("directInternetAccess", "Disabled"),
        be("rootAccess", "Disabled"),
    ),
    "aws.s3.BucketWebsiteConfiguration": (
        given("redirectAllRequestsTo", "a redirection, since websites of buckets speak no TLS"),
    ),
}


@rule(
    "store-not-public",
    "Other data stores have no public address, and nothing in them is open to everyone",
    on=tuple(_NOT_PUBLIC),
    requirements="1.4.4 1.3.1",
    controls="EMR.2 ES.2 Redshift.1 S3.24 SageMaker.1",
    severity=CRITICAL,
    remedy="keep it in private subnets and name who may reach it",
)
def not_public(store: Resource) -> Findings:
    return judged(_NOT_PUBLIC, store)


def _parameter(name: str, *allowed: str, default: str | None = None) -> Check:
    def check(group: Resource) -> Findings:
        for entry in group["parameters"]:
            if entry.unknown or str(entry["name"].value).lower() == name:
                return entry["value"].must(lambda value: str(value).lower() in allowed, " or ".join(allowed))
        return (
            [] if default in allowed else group["parameters"].breach(f"{name} = {' or '.join(allowed)}", "without it")
        )

    return check


def _parameter_is_not(name: str, *forbidden: str) -> Check:
    """Not set, the parameter says nothing here: another group, or the service's default, decides."""
    return lambda group: [
        finding
        for entry in group["parameters"]
        if entry["name"].value == name
        for finding in entry["value"].must(lambda value: str(value).lower() not in forbidden, f"{name} on")
    ]


_TLS_ONLY: Final[Table] = {
    "aws.cloudwatch.EventApiDestination": (
        satisfy("invocationEndpoint", lambda url: str(url).lower().startswith("https:"), "an address with https"),
    ),
    "aws.dax.Cluster": (be("clusterEndpointEncryptionType", "TLS"),),
    "aws.docdb.ClusterParameterGroup": (
        _parameter("tls", "enabled", "tls1.2+", "tls1.3+", "fips-140-3", default="enabled"),
    ),
    "aws.elasticsearch.Domain": (
        be("domainEndpointOptions.enforceHttps", True),
        satisfy("domainEndpointOptions.tlsSecurityPolicy", lambda name: str(name).startswith(_TLS_1_2), "TLS 1.2"),
        be("nodeToNodeEncryption.enabled", True),
    ),
    "aws.memorydb.Cluster": (be("tlsEnabled", True, default=True),),  # provider default
    "aws.msk.Cluster": (
        be("encryptionInfo.encryptionInTransit.clientBroker", "TLS", default="TLS"),  # AWS default
        be("encryptionInfo.encryptionInTransit.inCluster", True, default=True),  # AWS default
    ),
    "aws.neptune.ClusterParameterGroup": (_parameter("neptune_enforce_ssl", "1", default="1"),),
    "aws.opensearch.Domain": (
        be("domainEndpointOptions.enforceHttps", True),
        satisfy("domainEndpointOptions.tlsSecurityPolicy", lambda name: str(name).startswith(_TLS_1_2), "TLS 1.2"),
        be("nodeToNodeEncryption.enabled", True),
    ),
    "aws.rds.Proxy": (be("requireTls", True),),
    "aws.redshift.ParameterGroup": (_parameter("require_ssl", "true", "1"),),
    "aws.sesv2.ConfigurationSet": (be("deliveryOptions.tlsPolicy", "REQUIRE"),),
    "aws.ses.ConfigurationSet": (be("deliveryOptions.tlsPolicy", "Require"),),
}


@rule(
    "store-tls-only",
    "Other data stores and messages go by TLS only",
    on=tuple(_TLS_ONLY),
    requirements="4.2.1 2.2.7",
    controls="DynamoDB.7 ES.3 ES.8 MSK.1 Redshift.2",
    severity=HIGH,
    remedy="turn on TLS, and refuse connections without it",
)
def tls_only(store: Resource) -> Findings:
    return judged(_TLS_ONLY, store)


_BACKED_UP: Final[Table] = {
    "aws.docdb.Cluster": (at_least("backupRetentionPeriod", 7, "days", 1),),
    "aws.dynamodb.Table": (be("pointInTimeRecovery.enabled", True),),
    "aws.efs.BackupPolicy": (be("backupPolicy.status", "ENABLED"),),
    "aws.memorydb.Cluster": (at_least("snapshotRetentionLimit", 1, "days", 0),),
    "aws.neptune.Cluster": (at_least("backupRetentionPeriod", 7, "days", 1),),
    "aws.redshift.Cluster": (not_be("automatedSnapshotRetentionPeriod", 0, wanted="1 day or more", default=1),),
}


@rule(
    "store-backed-up",
    "Other data stores are backed up by themselves",
    on=tuple(_BACKED_UP),
    requirements="10.3.3",
    controls="DocumentDB.2",
    severity=MEDIUM,
    remedy="turn on point-in-time recovery, or keep snapshots for a week",
)
def backed_up(store: Resource) -> Findings:
    return judged(_BACKED_UP, store)


_AUTHENTICATED: Final[Table] = {
    "aws.memorydb.Cluster": (not_be("aclName", "open-access", wanted="an access control list of its own"),),
    "aws.msk.Cluster": (be("clientAuthentication.unauthenticated", False, default=False),),
    "aws.msk.ServerlessCluster": (be("clientAuthentication.sasl.iam.enabled", True),),
    "aws.neptune.Cluster": (be("iamDatabaseAuthenticationEnabled", True),),
    "aws.opensearch.Domain": (
        be("advancedSecurityOptions.enabled", True),
        be("advancedSecurityOptions.anonymousAuthEnabled", False, default=False),
    ),
}


@rule(
    "store-authenticated",
    "Other data stores ask their clients who they are",
    on=tuple(_AUTHENTICATED),
    requirements="8.2.1 8.3.1 7.3.1",
    severity=HIGH,
    remedy="turn on authentication, by IAM where the store offers it",
)
def authenticated(store: Resource) -> Findings:
    return judged(_AUTHENTICATED, store)


def _supported_elasticsearch(domain: Resource) -> Findings:
    version = domain["elasticsearchVersion" if domain.kind == "aws.elasticsearch.Domain" else "engineVersion"]
    if version.unknown:
        return version.unjudged("a version in standard support")
    name, _, number = str(version.value or "").rpartition("_")
    if name == "OpenSearch" or version.absent:
        return []
    return must_be_supported(Property(version.path, number), "elasticsearch")


_UPGRADED: Final[Table] = {
    "aws.elasticsearch.Domain": (_supported_elasticsearch,),
    "aws.glue.Job": (lambda job: must_be_supported(job["glueVersion"], "glue"),),
    "aws.opensearch.Domain": (_supported_elasticsearch,),
    "aws.memorydb.Cluster": (be("autoMinorVersionUpgrade", True, default=True),),  # provider default
    "aws.mq.Broker": (be("autoMinorVersionUpgrade", True),),
    "aws.neptune.ClusterInstance": (be("autoMinorVersionUpgrade", True, default=True),),  # provider default
    "aws.redshift.Cluster": (be("allowVersionUpgrade", True, default=True),),  # provider default
}


@rule(
    "store-upgraded",
    "Other data stores are in standard support and take over minor versions by themselves",
    on=tuple(_UPGRADED),
    requirements="6.3.3",
    controls="MQ.3",
    severity=MEDIUM,
    remedy="use a newer version, and leave upgrades of minor versions on",
)
def upgraded(store: Resource) -> Findings:
    return judged(_UPGRADED, store)


_NO_PASSWORD: Final = "no password in the program"  # noqa: S105 what a message says
_COPIES: Final = ("snapshotIdentifier", "snapshotArn", "globalClusterIdentifier", "restoreToPointInTime")


def _managed(store: Resource, switch: str, *passwords: str) -> Findings:
    findings = [finding for name in passwords for finding in store[name].must_not_be_given(_NO_PASSWORD)]
    if findings or any(not store[name].absent for name in _COPIES):
        return findings
    named = any(not store[name].absent for name in ("masterUsername", "adminUsername"))
    return store[switch].must_be(True, default=None if named else True)


_MANAGED_PASSWORDS: Final[Table] = {
    "aws.docdb.Cluster": (lambda store: _managed(store, "manageMasterUserPassword", "masterPassword"),),
    "aws.opensearch.Domain": (absent("advancedSecurityOptions.masterUserOptions.masterUserPassword", _NO_PASSWORD),),
    "aws.redshift.Cluster": (lambda store: _managed(store, "manageMasterPassword", "masterPassword"),),
    "aws.redshiftserverless.Namespace": (lambda store: _managed(store, "manageAdminPassword", "adminUserPassword"),),
}


@rule(
    "store-managed-password",
    "AWS makes, keeps and rotates the administrators' passwords of other data stores",
    on=tuple(_MANAGED_PASSWORDS),
    requirements="8.6.2 8.6.3 8.3.2",
    severity=HIGH,
    remedy="let Secrets Manager keep the password, and remove it from the program",
)
def managed_password(store: Resource) -> Findings:
    return judged(_MANAGED_PASSWORDS, store)


def _audit_logs(domain: Resource) -> Findings:
    published = domain["logPublishingOptions"]
    return [] if any(one["logType"].value == "AUDIT_LOGS" for one in published) else published.breach("audit logs")


_LOGGED: Final[Table] = {
    "aws.docdb.ClusterParameterGroup": (_parameter_is_not("audit_logs", "disabled", "none"),),
    "aws.redshift.ParameterGroup": (_parameter_is_not("enable_user_activity_logging", "false", "0"),),
    "aws.docdb.Cluster": (include("enabledCloudwatchLogsExports", "audit"),),
    "aws.mq.Broker": (be("logs.general", True),),
    "aws.msk.Cluster": (
        lambda cluster: (
            []
            if any(
                cluster["loggingInfo"]["brokerLogs"][target]["enabled"].value in (True, "true")
                for target in ("cloudwatchLogs", "firehose", "s3")
            )
            else cluster["loggingInfo"]["brokerLogs"].breach("broker logs that are enabled")
        ),
    ),
    "aws.neptune.Cluster": (include("enableCloudwatchLogsExports", "audit"),),
    "aws.elasticsearch.Domain": (_audit_logs,),
    "aws.opensearch.Domain": (_audit_logs,),
    "aws.redshiftserverless.Namespace": (include("logExports", "userlog", "connectionlog"),),
}


@rule(
    "store-logged",
    "Other data stores record who reads and changes what is in them",
    on=tuple(_LOGGED),
    requirements="10.2.1 10.2.1.1 10.2.2 10.4.2",
    controls="DocumentDB.4 ES.5 MQ.2 Neptune.2 Opensearch.5",
    severity=MEDIUM,
    remedy="send the audit log to CloudWatch",
)
def logged(store: Resource) -> Findings:
    return judged(_LOGGED, store)
