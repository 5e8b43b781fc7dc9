"""One customer-managed key per class of data, so that access to one never opens another.

Creates a key and an alias for each class in `USES`. Trust boundary: a key policy lets the account's own IAM decide for
its principals and names each AWS service that must use the key, bound to this account (and to the resource, where the
service passes its ARN). Keys rotate every year, and deletion waits 30 days. They hold data and are never renamed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from .placement import DataClass, Placement

DELETION_WINDOW_DAYS = 30
"""The longest that KMS waits; a mistake has a month to be seen."""
ROTATION_DAYS = 365
"""PCI DSS 3.7.4 asks for a cryptoperiod; NIST SP 800-57 part 1 gives one year for data-encryption keys."""
USE_ACTIONS = ("kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey")


@dataclass(frozen=True)
class ServiceUse:
    """An AWS service that uses a key on behalf of this account."""

    sid: str
    principal: str
    """Service principal; ``{region}`` stands for the Region."""
    condition: Mapping[str, Mapping[str, str]]
    """Whose call it is; ``{region}``, ``{account}``, ``{project}``, ``{stack}`` and ``{partition}`` are filled in."""


SOURCE_ACCOUNT = {"StringEquals": {"aws:SourceAccount": "{account}"}}
ALARM_TOPIC = {
    "ArnEquals": {
        "kms:EncryptionContext:aws:sns:topicArn": "arn:{partition}:sns:{region}:{account}:{project}-{stack}-alarms"
    }
}


USES: Mapping[str, tuple[str, tuple[ServiceUse, ...]]] = {
    "database": ("payment database, its snapshots and its master secret", ()),
    "cache": ("session cache and its snapshots", ()),
    "cluster": ("Kubernetes secrets and the disks of nodes and bastion", ()),
    "logs": (
        "CloudWatch log groups and alarm notifications",
        (
            ServiceUse(
                "Logs",
                "logs.{region}.amazonaws.com",
                {
                    "ArnLike": {
                        "kms:EncryptionContext:aws:logs:arn": "arn:{partition}:logs:{region}:{account}:log-group:*"
                    }
                },
            ),
            ServiceUse("Alarms", "cloudwatch.amazonaws.com", SOURCE_ACCOUNT),
            # EventBridge names no source account to KMS: with SOURCE_ACCOUNT, findings would never arrive.
            ServiceUse("Events", "events.amazonaws.com", ALARM_TOPIC),
            ServiceUse("Notifications", "sns.amazonaws.com", SOURCE_ACCOUNT),
            ServiceUse("DatabaseEvents", "events.rds.amazonaws.com", SOURCE_ACCOUNT),
            ServiceUse("MigrationEvents", "dms.amazonaws.com", SOURCE_ACCOUNT),
        ),
    ),
    "audit": (
        "CloudTrail and AWS Config history",
        (
            ServiceUse(
                "Trail",
                "cloudtrail.amazonaws.com",
                {
                    "StringEquals": {
                        "aws:SourceArn": "arn:{partition}:cloudtrail:{region}:{account}:trail/{project}-{stack}"
                    }
                },
            ),
            ServiceUse("Config", "config.amazonaws.com", SOURCE_ACCOUNT),
        ),
    ),
    "migration": ("replication instance and the endpoints' secrets", ()),
}
"""Each class of data, what it covers and the services that use its key by themselves. RDS, ElastiCache, Secrets Manager
and DMS use keys with the caller's permission, through grants that the account's own IAM statement allows."""

AUTO_SCALING_ROLE = "role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling"


@dataclass(frozen=True, kw_only=True)
class EncryptionKeysArgs:
    """Inputs of `EncryptionKeys`."""

    placement: Placement


class EncryptionKeys(pulumi.ComponentResource):
    """The stack's keys; each attribute is a key whose ``arn`` other resources take."""

    database: aws.kms.Key
    cache: aws.kms.Key
    cluster: aws.kms.Key
    logs: aws.kms.Key
    audit: aws.kms.Key
    migration: aws.kms.Key

    def __init__(self, name: str, args: EncryptionKeysArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("softpos:security:EncryptionKeys", name, {}, opts)
        self._name = name
        self._args = args
        for use in USES:
            setattr(self, use, self._key(use))
        self.register_outputs({use: getattr(self, use).arn for use in USES})

    def _key(self, use: str) -> aws.kms.Key:
        placement = self._args.placement
        description, services = USES[use]
        # Holds data: whoever loses the key loses what it encrypts.
        key = aws.kms.Key(
            f"{self._name}-{use}",
            description=f"SoftPOS {placement.stack}: {description}",
            enable_key_rotation=True,
            rotation_period_in_days=ROTATION_DAYS,
            deletion_window_in_days=DELETION_WINDOW_DAYS,
            policy=json.dumps(key_policy(placement, use, services)),
            tags=placement.tags(f"{self._name}-{use}", DataClass.CREDENTIALS),
            opts=pulumi.ResourceOptions(parent=self, protect=placement.production),
        )
        aws.kms.Alias(
            f"{self._name}-{use}-alias",
            name=f"alias/{placement.name(use)}",
            target_key_id=key.key_id,
            opts=pulumi.ResourceOptions(parent=self),
        )
        return key


def key_policy(placement: Placement, use: str, services: tuple[ServiceUse, ...]) -> dict[str, Any]:
    """The policy document of one key. ``Resource: "*"`` in a key policy means this key only."""
    root = placement.arn("iam", "root", region="")
    statements: list[dict[str, Any]] = [
        {
            "Sid": "AccountDecidesByIam",
            "Effect": "Allow",
            "Principal": {"AWS": root},
            "Action": "kms:*",
            "Resource": "*",
        }
    ]
    words = {"partition": placement.partition, "region": placement.region, "account": placement.account_id}
    words |= {"stack": placement.stack, "project": placement.project}
    statements += [
        {
            "Sid": service.sid,
            "Effect": "Allow",
            "Principal": {"Service": service.principal.format(**words)},
            "Action": list(USE_ACTIONS),
            "Resource": "*",
            "Condition": {
                operator: {key: value.format(**words) for key, value in test.items()}
                for operator, test in service.condition.items()
            },
        }
        for service in services
    ]
    if use == "cluster":
        statements += _auto_scaling(placement)
    return {"Version": "2012-10-17", "Statement": statements}


def _auto_scaling(placement: Placement) -> list[dict[str, Any]]:
    """Nodes are started by Auto Scaling's own role, which needs the key and a grant for their encrypted disks.

    The role is named by a condition, not as the principal: KMS refuses a principal that does not exist yet, and in a
    fresh account AWS creates this role only with the first node group.
    """
    arn = placement.arn("iam", AUTO_SCALING_ROLE, region="")
    caller = {"StringEquals": {"kms:CallerAccount": placement.account_id}, "ArnEquals": {"aws:PrincipalArn": arn}}
    common = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Resource": "*"}
    return [
        {"Sid": "NodeDisks", "Action": list(USE_ACTIONS), "Condition": caller, **common},
        {
            "Sid": "NodeDiskGrants",
            "Action": "kms:CreateGrant",
            "Condition": {**caller, "Bool": {"kms:GrantIsForAWSResource": "true"}},
            **common,
        },
    ]
