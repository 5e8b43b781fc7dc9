"""IAM, keys and secrets, CloudTrail, CloudWatch, WAFv2, detection."""

from __future__ import annotations

from typing import Any

from tests.policy.cases import FINE, Row
from tests.policy.cases.data import policy

_KEY_ARN = "arn:aws:kms:eu-central-1:111122223333:key/1"
_TRAIL = "aws.cloudtrail.Trail"
_ACL = "aws.wafv2.WebAcl"
_POLICY = "aws.iam.Policy"
_ROLE = "aws.iam.Role"
_USERS = "aws.iam.AccountPasswordPolicy"
_TOPIC = "aws.sns.Topic"
_LOGGING = "aws.wafv2.WebAclLoggingConfiguration"
_ROTATION = "aws.secretsmanager.SecretRotation"


def allow(action: Any, resource: Any = "*", **more: Any) -> str:
    return policy({"Effect": "Allow", "Action": action, "Resource": resource, **more})


def trust(principal: Any, **condition: Any) -> str:
    statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    return policy({**statement, "Condition": condition} if condition else statement)


_VISIBLE = {"cloudwatchMetricsEnabled": True, "metricName": "x", "sampledRequestsEnabled": True}
_FORTINET = {
    "name": "fortinet",
    "priority": 1,
    "overrideAction": {"none": {}},
    "statement": {"managedRuleGroupStatement": {"vendorName": "Fortinet", "name": "all_rules"}},
    "visibilityConfig": _VISIBLE,
}
_ROOT_OF_ACCOUNT = {
    "Effect": "Allow",
    "Principal": {"AWS": "arn:aws:iam::111122223333:root"},
    "Action": "kms:*",
    "Resource": "*",
}

BASELINES = {
    _POLICY: {"policy": allow(["s3:ListBucket", "ec2:DescribeInstances"])},
    _ROLE: {"assumeRolePolicy": trust({"Service": "ec2.amazonaws.com"})},
    "aws.iam.RolePolicyAttachment": {"role": "r", "policyArn": "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"},
    "aws.iam.GroupPolicyAttachment": {"group": "g", "policyArn": "arn:aws:iam::111122223333:policy/x"},
    "aws.iam.PolicyAttachment": {"roles": ["r"], "policyArn": "arn:aws:iam::111122223333:policy/x"},
    "aws.iam.UserLoginProfile": {"user": "u", "passwordResetRequired": True},
    _USERS: {
        "minimumPasswordLength": 14,
        "requireUppercaseCharacters": True,
        "requireLowercaseCharacters": True,
        "requireNumbers": True,
        "requireSymbols": True,
        "passwordReusePrevention": 24,
        "maxPasswordAge": 90,
    },
    "aws.kms.Key": {"enableKeyRotation": True, "deletionWindowInDays": 30, "policy": policy(_ROOT_OF_ACCOUNT)},
    "aws.kms.ReplicaKey": {"deletionWindowInDays": 30},
    "aws.secretsmanager.Secret": {"kmsKeyId": _KEY_ARN},
    _ROTATION: {"secretId": "s", "rotationRules": {"scheduleExpression": "rate(30 days)"}},
    "aws.acm.Certificate": {
        "domainName": "pay.example.com",
        "validationMethod": "DNS",
        "keyAlgorithm": "EC_prime256v1",
    },
    _TOPIC: {"kmsMasterKeyId": _KEY_ARN, "lambdaFailureFeedbackRoleArn": "arn:aws:iam::111122223333:role/feedback"},
    "aws.sns.TopicSubscription": {"protocol": "email"},
    "aws.backup.Vault": {"kmsKeyArn": _KEY_ARN},
    _TRAIL: {
        "s3BucketName": "audit",
        "isMultiRegionTrail": True,
        "enableLogFileValidation": True,
        "kmsKeyId": _KEY_ARN,
        "cloudWatchLogsGroupArn": "arn:aws:logs:::trail:*",
        "cloudWatchLogsRoleArn": "arn:aws:iam::111122223333:role/trail",
        "eventSelectors": [{"dataResources": [{"type": "AWS::S3::Object", "values": ["arn:aws:s3"]}]}],
    },
    "aws.cloudwatch.LogGroup": {"name": "/softpos", "retentionInDays": 365, "kmsKeyId": _KEY_ARN},
    "aws.cloudwatch.MetricAlarm": {"alarmActions": ["arn:aws:sns:::alarms"]},
    "aws.cloudwatch.CompositeAlarm": {"alarmActions": ["arn:aws:sns:::alarms"]},
    _ACL: {"scope": "REGIONAL", "rules": [_FORTINET], "visibilityConfig": _VISIBLE},
    "aws.wafv2.RuleGroup": {
        "rules": [{"name": "own", "action": {"block": {}}, "visibilityConfig": _VISIBLE}],
        "visibilityConfig": _VISIBLE,
    },
    "aws.wafv2.WebAclRule": {"action": {"block": {}}, "visibilityConfig": _VISIBLE},
    _LOGGING: {"redactedFields": [{"singleHeader": {"name": "authorization"}}]},
    "aws.cfg.RecorderStatus": {"isEnabled": True},
    "aws.cfg.Recorder": {"recordingGroup": {"allSupported": True, "includeGlobalResourceTypes": True}},
    "aws.guardduty.Detector": {"enable": True},
    "aws.guardduty.DetectorFeature": {"name": "S3_DATA_EVENTS", "status": "ENABLED"},
    "aws.inspector2.Enabler": {"resourceTypes": ["EC2", "ECR"]},
    "aws.sns.TopicPolicy": {
        "policy": policy(
            {
                "Effect": "Allow",
                "Principal": {"Service": "cloudwatch.amazonaws.com"},
                "Action": "sns:Publish",
                "Resource": "*",
            }
        )
    },
}

_ANYONE = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "kms:Decrypt", "Resource": "*"}
_GITHUB = {"Federated": "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com"}
_S = "policy.Statement[0]"

ROWS = [
    Row("iam-no-administrator", _POLICY, "policy", allow("*"), property=_S, absent=FINE),
    Row(
        "iam-no-administrator",
        _POLICY,
        "policy",
        policy({"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}),
        property=_S,
        absent=FINE,
    ),
    Row(
        "iam-no-full-access-to-a-service", _POLICY, "policy", allow("s3:*", "arn:aws:s3:::b"), property=_S, absent=FINE
    ),
    Row("iam-no-pass-role-on-everything", _POLICY, "policy", allow(["iam:PassRole"]), property=_S, absent=FINE),
    Row(
        "iam-no-pass-role-on-everything",
        _POLICY,
        "policy",
        allow("iam:Pass*", "arn:aws:iam::111122223333:role/*"),
        property=_S,
        absent=FINE,
    ),
    Row(
        "iam-no-privilege-escalation",
        _POLICY,
        "policy",
        allow(["iam:AttachRolePolicy", "iam:GetRole"]),
        property=_S,
        absent=FINE,
    ),
    Row("iam-no-decryption-with-every-key", _POLICY, "policy", allow("kms:Decrypt"), property=_S, absent=FINE),
    Row(
        "iam-no-decryption-with-every-key",
        _POLICY,
        "policy",
        allow("kms:Dec*", "arn:aws:kms:*:*:key/*"),
        property=_S,
        absent=FINE,
    ),
    Row("iam-policy-readable", _POLICY, "policy", "{not json", absent=FINE, unknown=FINE),
    Row(
        "iam-policy-names-who",
        "aws.kms.Key",
        "policy",
        policy(_ROOT_OF_ACCOUNT, _ANYONE),
        property="policy.Statement[1]",
        absent=FINE,
    ),
    Row(
        "iam-role-trusts-stay-inside",
        _ROLE,
        "assumeRolePolicy",
        trust({"AWS": "arn:aws:iam::999999999999:role/their-role"}, StringEquals={"sts:ExternalId": "x"}),
        property="assumeRolePolicy.Statement[0]",
        absent=FINE,
    ),
    Row(
        "iam-role-trusts-stay-inside",
        _ROLE,
        "assumeRolePolicy",
        trust({"Federated": "arn:aws:iam::123456789012:saml-provider/ours"}, StringEquals={"SAML:aud": "x"}),
        property="assumeRolePolicy.Statement[0]",
        absent=FINE,
    ),
    Row(
        "iam-role-trusts-named-principals",
        _ROLE,
        "assumeRolePolicy",
        trust("*"),
        property="assumeRolePolicy.Statement[0]",
        absent=FINE,
    ),
    Row(
        "iam-role-trusts-named-principals",
        _ROLE,
        "assumeRolePolicy",
        trust({"AWS": ["*"]}),
        property="assumeRolePolicy.Statement[0]",
        absent=FINE,
    ),
    Row(
        "iam-role-trusts-named-principals",
        _ROLE,
        "assumeRolePolicy",
        trust(_GITHUB, StringEquals={"token.actions.githubusercontent.com:aud": "sts.amazonaws.com"}),
        property="assumeRolePolicy.Statement[0]",
        absent=FINE,
    ),
    Row(
        "iam-no-broad-managed-policy",
        "aws.iam.RolePolicyAttachment",
        "policyArn",
        "arn:aws:iam::aws:policy/AdministratorAccess",
        absent=FINE,
        unknown=FINE,
    ),
    Row(
        "iam-no-broad-managed-policy",
        "aws.iam.GroupPolicyAttachment",
        "policyArn",
        "arn:aws:iam::aws:policy/AmazonS3FullAccess",
        absent=FINE,
        unknown=FINE,
    ),
    Row(
        "iam-no-inline-policy",
        _ROLE,
        "inlinePolicies",
        [{"name": "x", "policy": allow("s3:ListBucket")}],
        absent=FINE,
        unknown="broken",
    ),
    Row("iam-no-policy-on-users", "aws.iam.PolicyAttachment", "users", ["alice"], absent=FINE, unknown="broken"),
    Row("iam-first-password-is-changed", "aws.iam.UserLoginProfile", "passwordResetRequired", False),
    Row("iam-first-password-is-changed", "aws.iam.UserLoginProfile", "passwordLength", 8, absent=FINE),
    Row("iam-password-policy", _USERS, "minimumPasswordLength", 8),
    *(
        Row("iam-password-policy", _USERS, name, False)
        for name in ("requireUppercaseCharacters", "requireLowercaseCharacters", "requireNumbers", "requireSymbols")
    ),
    Row("iam-password-reuse-and-age", _USERS, "passwordReusePrevention", 3),
    Row("iam-password-reuse-and-age", _USERS, "maxPasswordAge", 0),
    Row("iam-password-reuse-and-age", _USERS, "maxPasswordAge", 180),
    # Keys, secrets, certificates
    Row("kms-rotation", "aws.kms.Key", "enableKeyRotation", False),
    Row("kms-rotation", "aws.kms.Key", "rotationPeriodInDays", 730, absent=FINE),
    Row("kms-key-kept", "aws.kms.Key", "deletionWindowInDays", 7, absent=FINE),
    Row("kms-key-kept", "aws.kms.Key", "isEnabled", False, absent=FINE),
    Row("kms-key-kept", "aws.kms.ReplicaKey", "enabled", False, absent=FINE),
    Row("secrets-own-key", "aws.secretsmanager.Secret", "kmsKeyId", None, unknown=FINE),
    Row("secrets-rotation-period", _ROTATION, "rotationRules.scheduleExpression", "rate(180 days)"),
    Row(
        "secrets-rotation-period",
        _ROTATION,
        "rotationRules",
        {"automaticallyAfterDays": 365},
        property="rotationRules.automaticallyAfterDays",
    ),
    Row("acm-strong-key", "aws.acm.Certificate", "keyAlgorithm", "RSA_1024", absent=FINE),
    Row("acm-renews-itself", "aws.acm.Certificate", "validationMethod", "EMAIL"),
    Row("sns-encrypted", _TOPIC, "kmsMasterKeyId", "alias/aws/sns", unknown=FINE),
    Row("sns-subscription-encrypted", "aws.sns.TopicSubscription", "protocol", "http"),
    Row("backup-vault-encrypted", "aws.backup.Vault", "kmsKeyArn", None, unknown=FINE),
    # CloudTrail, CloudWatch
    Row("cloudtrail-records-everything", _TRAIL, "isMultiRegionTrail", False),
    Row("cloudtrail-records-everything", _TRAIL, "includeGlobalServiceEvents", False, absent=FINE),
    Row("cloudtrail-records-everything", _TRAIL, "enableLogging", False, absent=FINE),
    Row("cloudtrail-validated", _TRAIL, "enableLogFileValidation", False),
    Row("cloudtrail-encrypted", _TRAIL, "kmsKeyId", None, unknown=FINE),
    Row("cloudtrail-to-cloudwatch", _TRAIL, "cloudWatchLogsGroupArn", None, unknown=FINE),
    Row("cloudtrail-data-events", _TRAIL, "eventSelectors", [{"includeManagementEvents": True}]),
    Row(
        "cloudtrail-data-events",
        _TRAIL,
        "eventSelectors[0].readWriteType",
        "WriteOnly",
        absent=FINE,
        unknown="broken",
        property="eventSelectors",
        also=("cloudtrail-management-events",),
    ),
    Row("logs-retention", "aws.cloudwatch.LogGroup", "retentionInDays", 90, absent=FINE),
    Row("logs-encrypted", "aws.cloudwatch.LogGroup", "kmsKeyId", None, unknown=FINE),
    Row("cloudwatch-alarm-acts", "aws.cloudwatch.MetricAlarm", "alarmActions", [], absent=FINE, unknown=FINE),
    Row("cloudwatch-alarm-acts", "aws.cloudwatch.MetricAlarm", "actionsEnabled", False, absent=FINE),
    # WAFv2
    Row(
        "wafv2-fortinet-rules",
        _ACL,
        "rules[0].statement.managedRuleGroupStatement.vendorName",
        "Somebody",
        absent="skip",
        unknown="skip",
        property="rules",
    ),
    Row(
        "wafv2-blocks-in-production",
        _ACL,
        "rules[0].overrideAction",
        {"count": {}},
        absent=FINE,
        property="rules[0].overrideAction.count",
    ),
    Row(
        "wafv2-blocks-in-production",
        "aws.wafv2.RuleGroup",
        "rules[0].action",
        {"count": {}},
        absent=FINE,
        property="rules[0].action.count",
    ),
    Row("wafv2-metrics", _ACL, "visibilityConfig.cloudwatchMetricsEnabled", False),
    Row("wafv2-metrics", "aws.wafv2.RuleGroup", "visibilityConfig.cloudwatchMetricsEnabled", False),
    Row("wafv2-logs-without-credentials", _LOGGING, "redactedFields", [{"singleHeader": {"name": "cookie"}}]),
    # Detection
    Row("config-recorder-on", "aws.cfg.RecorderStatus", "isEnabled", False),
    Row("config-records-everything", "aws.cfg.Recorder", "recordingGroup.includeGlobalResourceTypes", "perhaps"),
    Row("config-records-everything", "aws.cfg.Recorder", "recordingGroup.allSupported", False, absent=FINE),
    Row("guardduty-on", "aws.guardduty.Detector", "enable", False, absent=FINE),
    Row("guardduty-feature-on", "aws.guardduty.DetectorFeature", "status", "DISABLED"),
    Row("inspector-scans", "aws.inspector2.Enabler", "resourceTypes", ["EC2"]),
]
