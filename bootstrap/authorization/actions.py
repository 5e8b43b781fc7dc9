"""The actions that this project judges: those that it grants, those that the provider calls, and those of attacks."""

from __future__ import annotations

from collections.abc import Iterator

from bootstrap.movers import TRAFFIC
from bootstrap.permissions import READS, WRITES
from bootstrap.workloads import GRANTS
from facts.calls import implied_calls, provider_calls
from facts.escalations import escalations

IN_QUESTION = (
    *("eks:DeleteCluster", "iam:CreateAccessKey", "iam:CreateUser", "iam:PassRole", "kms:CreateGrant", "kms:Decrypt"),
    *("logs:DeleteLogGroup", "rds-db:connect", "rds:DeleteDBCluster", "s3:DeleteBucket", "s3:DeleteObject"),
    *("s3:DeleteObjectVersion", "s3:GetObject", "s3:PutBucketPolicy", "s3:PutBucketVersioning", "s3:PutObject"),
    *("secretsmanager:BatchGetSecretValue", "secretsmanager:GetSecretValue", "sts:AssumeRole"),
    *("sts:AssumeRoleWithWebIdentity", "elasticache:Connect", "ecr:GetDownloadUrlForLayer"),
    *("iam:UpdateOpenIDConnectProviderThumbprint", "iam:CreateLoginProfile", "secretsmanager:PutResourcePolicy"),
    *("ecr:CompleteLayerUpload", "ecr:UploadLayerPart", "ec2:CreateVolume", "route53:ChangeResourceRecordSets"),
)
"""Actions that the tests ask about in addition."""


def actions() -> set[str]:
    """Every action by its name in full; patterns are left out."""
    return {action for action in _named() if "*" not in action}


def _named() -> Iterator[str]:
    yield from IN_QUESTION
    for table in (READS, WRITES):
        for row in table.values():
            yield from row
    for phases in provider_calls().values():
        for called in phases.values():
            yield from called
    yield from (row.action for row in implied_calls())
    for grant in GRANTS:
        yield from grant.actions
    yield from TRAFFIC
    for path in escalations():
        yield from (step.action for step in path.steps)
