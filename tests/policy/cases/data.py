"""RDS, ElastiCache, DMS, S3."""

from __future__ import annotations

import json

from tests.policy.cases import FINE, UNDETERMINED, Row

_RC = "aws.rds.Cluster"
_RI = "aws.rds.Instance"
_RCI = "aws.rds.ClusterInstance"
_RCPG = "aws.rds.ClusterParameterGroup"
_RPG = "aws.rds.ParameterGroup"
_RG = "aws.elasticache.ReplicationGroup"
_CC = "aws.elasticache.Cluster"
_SC = "aws.elasticache.ServerlessCache"
_USER = "aws.elasticache.User"
_DI = "aws.dms.ReplicationInstance"
_DE = "aws.dms.Endpoint"
_DT = "aws.dms.ReplicationTask"
_DS = "aws.dms.ReplicationConfig"
_KEY = "arn:aws:kms:eu-central-1:111122223333:key/1"

_DATABASE = {
    "storageEncrypted": True,
    "kmsKeyId": _KEY,
    "dbSubnetGroupName": "data",
    "manageMasterUserPassword": True,
    "iamDatabaseAuthenticationEnabled": True,
    "backupRetentionPeriod": 35,
    "skipFinalSnapshot": False,
    "deletionProtection": True,
    "enabledCloudwatchLogsExports": ["audit", "error"],
}


def _settings(**changes: object) -> str:
    logged = ("SOURCE_UNLOAD", "SOURCE_CAPTURE", "TARGET_LOAD", "TARGET_APPLY")
    return json.dumps(
        {
            "Logging": {
                "EnableLogging": True,
                "LogComponents": [{"Id": name, "Severity": "LOGGER_SEVERITY_DEFAULT"} for name in logged],
            },
            "ValidationSettings": {"EnableValidation": True},
            **changes,
        }
    )


_NOT_LOGGED = {"EnableLogging": False}
_QUIET = {"EnableLogging": True, "LogComponents": [{"Id": "TARGET_APPLY", "Severity": "LOGGER_SEVERITY_ERROR"}]}
_TLS_ONLY = {
    "Sid": "tls",
    "Effect": "Deny",
    "Principal": "*",
    "Action": "s3:*",
    "Resource": ["arn:aws:s3:::*", "arn:aws:s3:::*/*"],
    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
}


def policy(*statements: object) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


BASELINES = {
    _RC: {
        **_DATABASE,
        "engine": "aurora-mysql",
        "engineVersion": "8.4.mysql_aurora.8.4.8",
        "masterUsername": "softpos_owner",
        "dbClusterParameterGroupName": "softpos",
    },
    _RI: {
        **_DATABASE,
        "engine": "mysql",
        "engineVersion": "8.4.6",
        "username": "softpos_owner",
        "parameterGroupName": "softpos",
        "multiAz": True,
    },
    _RCI: {"publiclyAccessible": False, "engine": "aurora-mysql"},
    "aws.rds.GlobalCluster": {"storageEncrypted": True, "deletionProtection": True},
    _RCPG: {
        "family": "aurora-mysql8.0",
        "parameters": [
            {"name": "require_secure_transport", "value": "ON"},
            {"name": "server_audit_logging", "value": "1"},
            {"name": "server_audit_events", "value": "CONNECT,QUERY_DDL,QUERY_DCL"},
        ],
    },
    _RPG: {"family": "mysql8.0", "parameters": [{"name": "require_secure_transport", "value": "1"}]},
    "aws.rds.SnapshotCopy": {"kmsKeyId": _KEY},
    "aws.rds.ClusterSnapshotCopy": {"kmsKeyId": _KEY, "sharedAccounts": ["111122223333"]},
    "aws.rds.ExportTask": {"kmsKeyId": _KEY},
    "aws.rds.Snapshot": {"sharedAccounts": ["111122223333"]},
    "aws.rds.EventSubscription": {"sourceType": "db-parameter-group", "eventCategories": ["configuration change"]},
    _RG: {
        "engine": "valkey",
        "engineVersion": "8.0",
        "atRestEncryptionEnabled": True,
        "kmsKeyId": _KEY,
        "transitEncryptionEnabled": True,
        "transitEncryptionMode": "required",
        "userGroupIds": ["softpos"],
        "snapshotRetentionLimit": 7,
        "subnetGroupName": "data",
        "automaticFailoverEnabled": True,
        "multiAzEnabled": True,
        "logDeliveryConfigurations": [{"logType": "engine-log", "destination": "x"}],
    },
    _CC: {"replicationGroupId": "softpos"},
    _SC: {"engine": "valkey", "kmsKeyId": _KEY, "userGroupId": "softpos", "snapshotRetentionLimit": 7},
    _USER: {
        "userName": "softpos",
        "accessString": "on ~softpos:* +@all -@admin -@dangerous",
        "authenticationMode": {"type": "iam"},
    },
    _DI: {"publiclyAccessible": False, "kmsKeyArn": _KEY, "autoMinorVersionUpgrade": True, "multiAz": True},
    _DE: {
        "engineName": "mysql",
        "sslMode": "verify-ca",
        "certificateArn": "arn:aws:dms:::cert",
        "secretsManagerArn": "arn:aws:secretsmanager:::secret:x",
        "kmsKeyArn": _KEY,
    },
    _DT: {"replicationTaskSettings": _settings()},
    _DS: {"replicationSettings": _settings(), "computeConfig": {"kmsKeyId": _KEY, "multiAz": True}},
    "aws.s3.Bucket": {"bucket": "b"},
    "aws.s3.BucketPublicAccessBlock": {
        "blockPublicAcls": True,
        "blockPublicPolicy": True,
        "ignorePublicAcls": True,
        "restrictPublicBuckets": True,
    },
    "aws.s3.AccessPoint": {"bucket": "b"},
    "aws.s3.BucketOwnershipControls": {"rule": {"objectOwnership": "BucketOwnerEnforced"}},
    "aws.s3.BucketPolicy": {"bucket": "b", "policy": policy(_TLS_ONLY)},
    "aws.s3.BucketServerSideEncryptionConfiguration": {
        "rules": [{"applyServerSideEncryptionByDefault": {"sseAlgorithm": "aws:kms", "kmsMasterKeyId": _KEY}}]
    },
    "aws.s3.BucketVersioning": {"versioningConfiguration": {"status": "Enabled"}},
    "aws.s3.BucketLifecycleConfiguration": {"rules": [{"id": "expire", "status": "Enabled"}]},
    "aws.s3.BucketObjectLockConfiguration": {"rule": {"defaultRetention": {"mode": "COMPLIANCE", "days": 365}}},
    "aws.docdb.Cluster": {
        "storageEncrypted": True,
        "kmsKeyId": _KEY,
        "backupRetentionPeriod": 7,
        "enabledCloudwatchLogsExports": ["audit"],
        "masterUsername": "keeper",
        "manageMasterUserPassword": True,
    },
    "aws.efs.FileSystem": {"encrypted": True, "kmsKeyId": _KEY},
    "aws.neptune.Cluster": {
        "storageEncrypted": True,
        "kmsKeyArn": _KEY,
        "backupRetentionPeriod": 7,
        "enableCloudwatchLogsExports": ["audit"],
        "iamDatabaseAuthenticationEnabled": True,
    },
    "aws.neptune.ClusterInstance": {"publiclyAccessible": False},
    "aws.redshift.Cluster": {
        "encrypted": True,
        "kmsKeyId": _KEY,
        "publiclyAccessible": False,
        "enhancedVpcRouting": True,
        "masterUsername": "keeper",
        "manageMasterPassword": True,
    },
    "aws.mq.Broker": {
        "autoMinorVersionUpgrade": True,
        "publiclyAccessible": False,
        "encryptionOptions": {"kmsKeyId": _KEY, "useAwsOwnedKey": False},
        "logs": {"general": True},
    },
    "aws.dynamodb.Table": {
        "serverSideEncryption": {"enabled": True, "kmsKeyArn": _KEY},
        "pointInTimeRecovery": {"enabled": True},
    },
    "aws.kinesis.Stream": {"encryptionType": "KMS", "kmsKeyId": _KEY},
    "aws.memorydb.Cluster": {
        "kmsKeyArn": _KEY,
        "tlsEnabled": True,
        "aclName": "application",
        "snapshotRetentionLimit": 7,
    },
    "aws.msk.Cluster": {
        "encryptionInfo": {
            "encryptionAtRestKmsKeyArn": _KEY,
            "encryptionInTransit": {"clientBroker": "TLS", "inCluster": True},
        },
        "loggingInfo": {"brokerLogs": {"cloudwatchLogs": {"enabled": True, "logGroup": "g"}}},
    },
    "aws.opensearch.Domain": {
        "encryptAtRest": {"enabled": True, "kmsKeyId": _KEY},
        "nodeToNodeEncryption": {"enabled": True},
        "domainEndpointOptions": {"enforceHttps": True, "tlsSecurityPolicy": "Policy-Min-TLS-1-2-PFS-2023-10"},
        "vpcOptions": {"subnetIds": ["s"]},
        "advancedSecurityOptions": {"enabled": True},
        "logPublishingOptions": [{"logType": "AUDIT_LOGS", "cloudwatchLogGroupArn": "arn:aws:logs:::g"}],
    },
    "aws.sqs.Queue": {"kmsMasterKeyId": _KEY},
    "aws.rds.Proxy": {"requireTls": True},
}
BASELINES["aws.s3.AccountPublicAccessBlock"] = BASELINES["aws.s3.BucketPublicAccessBlock"]

_PUBLIC = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::*/*"}
_TAKEOVER = {
    "Effect": "Allow",
    "Principal": {"AWS": "arn:aws:iam::444455556666:root"},
    "Action": ["s3:GetObject", "s3:PutBucketPolicy"],
    "Resource": "*",
}
_EVENTS = "parameters[2].value"

ROWS = [
    Row("rds-not-public", _RI, "publiclyAccessible", True, absent=FINE),
    Row("rds-not-public", _RCI, "publiclyAccessible", True, absent=FINE),
    *(Row("rds-in-chosen-subnets", kind, "dbSubnetGroupName", "default", unknown=FINE) for kind in (_RC, _RI)),
    *(Row("rds-storage-encrypted", kind, "storageEncrypted", False) for kind in (_RC, _RI, "aws.rds.GlobalCluster")),
    *(Row("rds-storage-encrypted", kind, "kmsKeyId", None, unknown=FINE) for kind in (_RC, _RI)),
    *(
        Row("rds-snapshot-copy-encrypted", kind, "kmsKeyId", None, unknown=FINE)
        for kind in ("aws.rds.SnapshotCopy", "aws.rds.ClusterSnapshotCopy", "aws.rds.ExportTask")
    ),
    Row("rds-snapshot-not-public", "aws.rds.Snapshot", "sharedAccounts[0]", "all", absent="skip"),
    Row(
        "rds-snapshot-not-public",
        "aws.rds.SnapshotCopy",
        "sharedAccounts",
        ["all"],
        absent=FINE,
        property="sharedAccounts[0]",
    ),
    Row("rds-tls-required", _RCPG, "parameters[0].value", "OFF"),
    Row("rds-tls-required", _RPG, "parameters[0].value", "0"),
    Row("rds-tls-required", _RPG, "parameters", [], absent="broken", property="parameters[require_secure_transport]"),
    *(
        Row("rds-own-parameter-group", kind, path, "default.mysql8.0", unknown=FINE)
        for kind, path in ((_RC, "dbClusterParameterGroupName"), (_RI, "parameterGroupName"))
    ),
    Row("rds-access-audited", _RCPG, "parameters[1].value", "0"),
    Row("rds-access-audited", _RCPG, _EVENTS, "CONNECT"),
    Row("rds-no-statement-text", _RCPG, _EVENTS, "CONNECT,QUERY", absent="skip"),
    Row("rds-no-statement-text", _RCPG, _EVENTS, "CONNECT,QUERY_DDL,QUERY_DCL,QUERY_DML", absent="skip"),
    Row(
        "rds-no-statement-text",
        _RPG,
        "parameters[1]",
        {"name": "general_log", "value": "1"},
        absent="skip",
        unknown="skip",
        property="parameters[1].value",
    ),
    Row("rds-logs-exported", _RC, "enabledCloudwatchLogsExports", ["error"]),
    Row(
        "rds-logs-exported",
        _RI,
        "enabledCloudwatchLogsExports",
        ["audit", "error", "general"],
        property="enabledCloudwatchLogsExports[2]",
    ),
    Row("rds-managed-password", _RC, "manageMasterUserPassword", False),
    Row(
        "rds-managed-password",
        _RC,
        "masterPassword",
        "from-the-program",
        absent=FINE,
        unknown="broken",
        also=("any-no-secret-in-plain-text",),
    ),
    Row(
        "rds-managed-password",
        _RI,
        "password",
        "from-the-program",
        absent=FINE,
        unknown="broken",
        also=("any-no-secret-in-plain-text",),
    ),
    Row("rds-own-administrator-name", _RC, "masterUsername", "admin"),
    Row("rds-own-administrator-name", _RI, "username", "Admin"),
    *(Row("rds-iam-authentication", kind, "iamDatabaseAuthenticationEnabled", False) for kind in (_RC, _RI)),
    *(Row("rds-backups", kind, "backupRetentionPeriod", 3) for kind in (_RC, _RI)),
    *(Row("rds-final-snapshot", kind, "skipFinalSnapshot", True, absent=FINE) for kind in (_RC, _RI)),
    *(
        Row("rds-deletion-protection", kind, "deletionProtection", False)
        for kind in (_RC, _RI, "aws.rds.GlobalCluster")
    ),
    Row("rds-multi-az", _RI, "multiAz", False),
    *(Row("rds-minor-upgrades", kind, "autoMinorVersionUpgrade", False, absent=FINE) for kind in (_RI, _RCI)),
    Row("rds-supported-engine", _RC, "engineVersion", "5.7.mysql_aurora.2.11.1", absent=FINE),
    Row("rds-supported-engine", _RI, "engineVersion", "8.0.40", absent=FINE),
    Row("rds-certificate-authority", _RI, "caCertIdentifier", "rds-ca-2019", absent=FINE),
    Row("rds-certificate-authority", _RCI, "caCertIdentifier", "rds-ca-2019", absent=FINE),
    Row("rds-event-subscription-complete", "aws.rds.EventSubscription", "enabled", False, absent=FINE),
    Row("rds-event-subscription-complete", "aws.rds.EventSubscription", "eventCategories", ["deletion"], absent=FINE),
    # ElastiCache
    Row("elasticache-encrypted-at-rest", _RG, "atRestEncryptionEnabled", False),
    *(Row("elasticache-encrypted-at-rest", kind, "kmsKeyId", None, unknown=FINE) for kind in (_RG, _SC)),
    Row("elasticache-encrypted-in-transit", _RG, "transitEncryptionEnabled", False),
    Row("elasticache-encrypted-in-transit", _RG, "transitEncryptionMode", "preferred", absent=FINE),
    Row(
        "elasticache-no-single-node",
        _CC,
        "replicationGroupId",
        None,
        unknown=FINE,
        also=("elasticache-backups", "elasticache-in-chosen-subnets"),
    ),
    Row("elasticache-authenticated", _RG, "userGroupIds", [], unknown=FINE),
    Row("elasticache-authenticated", _SC, "userGroupId", None, unknown=FINE),
    Row("elasticache-user-authenticates", _USER, "authenticationMode.type", "no-password-required", absent=FINE),
    Row("elasticache-user-authenticates", _USER, "noPasswordRequired", True, absent=FINE),
    Row(
        "elasticache-default-user-off", _USER, "userName", "default", absent=FINE, property="accessString", unknown=FINE
    ),
    Row("elasticache-user-least-privilege", _USER, "accessString", "on ~* +@all"),
    Row("elasticache-minor-upgrades", _RG, "autoMinorVersionUpgrade", False, absent=FINE),
    *(Row("elasticache-backups", kind, "snapshotRetentionLimit", 0) for kind in (_RG, _SC)),
    Row("elasticache-in-chosen-subnets", _RG, "subnetGroupName", "default", unknown=FINE),
    Row("elasticache-logs", _RG, "logDeliveryConfigurations", [{"logType": "slow-log"}]),
    Row("elasticache-failover", _RG, "automaticFailoverEnabled", False),
    Row("elasticache-failover", _RG, "multiAzEnabled", False),
    Row("elasticache-supported-engine", _RG, "engineVersion", "5.0.6", absent=FINE),
    # DMS
    Row("dms-not-public", _DI, "publiclyAccessible", True),
    Row("dms-encrypted", _DI, "kmsKeyArn", None, unknown=FINE),
    Row("dms-encrypted", _DS, "computeConfig.kmsKeyId", None, unknown=FINE),
    Row("dms-minor-upgrades", _DI, "autoMinorVersionUpgrade", False),
    Row("dms-multi-az", _DI, "multiAz", False),
    Row("dms-multi-az", _DS, "computeConfig.multiAz", False),
    Row("dms-endpoint-tls", _DE, "sslMode", "none"),
    Row("dms-endpoint-tls", _DE, "sslMode", "require"),
    Row("dms-endpoint-tls", _DE, "certificateArn", None, unknown=FINE),
    Row(
        "dms-redis-tls",
        _DE,
        "redisSettings",
        {"sslSecurityProtocol": "plaintext"},
        absent=FINE,
        property="redisSettings.sslSecurityProtocol",
    ),
    Row("dms-endpoint-secret", _DE, "secretsManagerArn", None, unknown=FINE),
    Row(
        "dms-endpoint-secret",
        _DE,
        "password",
        "from-the-program",
        absent=FINE,
        unknown="broken",
        also=("any-no-secret-in-plain-text",),
    ),
    Row("dms-endpoint-encrypted", _DE, "kmsKeyArn", None, unknown=FINE),
    Row(
        "dms-target-logging",
        _DT,
        "replicationTaskSettings",
        _settings(Logging=_QUIET),
        also=("dms-source-logging",),
        property="replicationTaskSettings.Logging.LogComponents[0].Severity",
    ),
    Row(
        "dms-source-logging",
        _DT,
        "replicationTaskSettings",
        _settings(Logging=_NOT_LOGGED),
        also=("dms-target-logging",),
        property="replicationTaskSettings.Logging.EnableLogging",
    ),
    Row(
        "dms-source-logging",
        _DS,
        "replicationSettings",
        _settings(Logging=_NOT_LOGGED),
        also=("dms-target-logging",),
        property="replicationSettings.Logging.EnableLogging",
    ),
    Row(
        "dms-validation",
        _DT,
        "replicationTaskSettings",
        _settings(ValidationSettings={"EnableValidation": False}),
        property="replicationTaskSettings.ValidationSettings.EnableValidation",
    ),
    # S3
    *(
        Row("s3-public-access-blocked", kind, name, False)
        for kind in ("aws.s3.BucketPublicAccessBlock", "aws.s3.AccountPublicAccessBlock")
        for name in BASELINES["aws.s3.BucketPublicAccessBlock"]
    ),
    Row(
        "s3-access-point-public-access-blocked",
        "aws.s3.AccessPoint",
        "publicAccessBlockConfiguration",
        {"blockPublicAcls": False},
        absent=FINE,
        property="publicAccessBlockConfiguration.blockPublicAcls",
    ),
    Row("s3-no-acl", "aws.s3.Bucket", "acl", "public-read", absent=FINE),
    Row("s3-no-acl", "aws.s3.Bucket", "grants", [{"permissions": ["READ"]}], absent=FINE, unknown="broken"),
    Row("s3-owner-enforced", "aws.s3.BucketOwnershipControls", "rule.objectOwnership", "ObjectWriter"),
    Row(
        "s3-policy-requires-tls",
        "aws.s3.BucketPolicy",
        "policy",
        policy({**_TLS_ONLY, "Condition": {}}),
        absent="broken",
    ),
    Row("s3-policy-requires-tls", "aws.s3.BucketPolicy", "policy", policy({**_TLS_ONLY, "Action": "s3:GetObject"})),
    Row(
        "s3-policy-guards-itself",
        "aws.s3.BucketPolicy",
        "policy",
        policy(_TLS_ONLY, _TAKEOVER),
        property="policy.Statement[1]",
        absent=FINE,
    ),
    Row(
        "iam-policy-names-who",
        "aws.s3.BucketPolicy",
        "policy",
        policy(_TLS_ONLY, _PUBLIC),
        property="policy.Statement[1]",
        absent=FINE,
    ),
    Row(
        "s3-encrypted-with-kms",
        "aws.s3.BucketServerSideEncryptionConfiguration",
        "rules[0].applyServerSideEncryptionByDefault.sseAlgorithm",
        "AES256",
    ),
    Row(
        "s3-encrypted-with-kms",
        "aws.s3.BucketServerSideEncryptionConfiguration",
        "rules[0].applyServerSideEncryptionByDefault.kmsMasterKeyId",
        None,
        unknown=FINE,
    ),
    Row("s3-versioning-enabled", "aws.s3.BucketVersioning", "versioningConfiguration.status", "Suspended"),
    Row("s3-lifecycle-in-force", "aws.s3.BucketLifecycleConfiguration", "rules[0].status", "Disabled"),
    Row("s3-lock-retention", "aws.s3.BucketObjectLockConfiguration", "rule.defaultRetention.days", 30),
    Row(
        "s3-lock-retention",
        "aws.s3.BucketObjectLockConfiguration",
        "rule.defaultRetention.mode",
        None,
        unknown=UNDETERMINED,
    ),
    # Other stores
    *(
        Row("store-encrypted", kind, path, False)
        for kind, path in (
            ("aws.docdb.Cluster", "storageEncrypted"),
            ("aws.efs.FileSystem", "encrypted"),
            ("aws.neptune.Cluster", "storageEncrypted"),
            ("aws.redshift.Cluster", "encrypted"),
        )
    ),
    *(
        Row("store-encrypted", kind, path, None, unknown=FINE)
        for kind, path in (
            ("aws.docdb.Cluster", "kmsKeyId"),
            ("aws.dynamodb.Table", "serverSideEncryption.kmsKeyArn"),
            ("aws.memorydb.Cluster", "kmsKeyArn"),
            ("aws.msk.Cluster", "encryptionInfo.encryptionAtRestKmsKeyArn"),
            ("aws.opensearch.Domain", "encryptAtRest.kmsKeyId"),
            ("aws.sqs.Queue", "kmsMasterKeyId"),
        )
    ),
    *(
        Row("store-not-public", kind, "publiclyAccessible", True, absent=FINE)
        for kind in ("aws.redshift.Cluster", "aws.mq.Broker", "aws.neptune.ClusterInstance")
    ),
    Row("store-tls-only", "aws.rds.Proxy", "requireTls", False),
    Row("store-tls-only", "aws.memorydb.Cluster", "tlsEnabled", False, absent=FINE),
    Row(
        "store-tls-only",
        "aws.msk.Cluster",
        "encryptionInfo.encryptionInTransit.clientBroker",
        "TLS_PLAINTEXT",
        absent=FINE,
    ),
    Row("store-tls-only", "aws.msk.Cluster", "encryptionInfo.encryptionInTransit.inCluster", False, absent=FINE),
    Row("store-tls-only", "aws.opensearch.Domain", "domainEndpointOptions.enforceHttps", False),
    Row(
        "store-tls-only",
        "aws.opensearch.Domain",
        "domainEndpointOptions.tlsSecurityPolicy",
        "Policy-Min-TLS-1-0-2019-07",
    ),
    Row("store-tls-only", "aws.opensearch.Domain", "nodeToNodeEncryption.enabled", False),
    Row("store-encrypted", "aws.kinesis.Stream", "kmsKeyId", "alias/aws/kinesis", unknown=FINE),
    Row("store-encrypted", "aws.kinesis.Stream", "encryptionType", "NONE"),
    Row("store-logged", "aws.docdb.Cluster", "enabledCloudwatchLogsExports", ["profiler"]),
    Row("store-authenticated", "aws.memorydb.Cluster", "aclName", "open-access"),
    Row("store-authenticated", "aws.neptune.Cluster", "iamDatabaseAuthenticationEnabled", False),
    Row("store-managed-password", "aws.redshift.Cluster", "manageMasterPassword", False),
    Row("store-not-public", "aws.redshift.Cluster", "enhancedVpcRouting", False),
    Row("store-backed-up", "aws.dynamodb.Table", "pointInTimeRecovery.enabled", False),
    Row("store-not-public", "aws.s3.Bucket", "website", {"indexDocument": "index.html"}, absent=FINE, unknown=FINE),
]
