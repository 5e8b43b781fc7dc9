"""What the operator who moves the payments' traffic may do: the calls of `operations traffic`, and no more.

The policy is attached to a person's permission set, not to a role of ours: who moves traffic is a person, and logs in
as your organization's people do. `tests/bootstrap/test_movers.py` holds it against the command's own calls.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bootstrap.account import Account
from bootstrap.documents import Document, allow, document

LOOKS = (
    "cloudwatch:GetMetricData",
    "dms:DescribeCertificates",
    "dms:DescribeEndpoints",
    "dms:DescribeReplicationInstances",
    "dms:DescribeReplicationTasks",
    "ec2:DescribeVpnConnections",
    "elasticloadbalancing:DescribeRules",
    "elasticloadbalancing:DescribeTargetHealth",
)
"""Reading by list, which knows no resource (Service Authorization Reference)."""
TRAFFIC = (
    *LOOKS,
    *("dynamodb:GetItem", "dynamodb:PutItem", "elasticloadbalancing:ModifyRule", "kms:Decrypt"),
    *("route53:ChangeResourceRecordSets", "route53:GetChange", "route53:GetHostedZone"),
    *("route53:ListResourceRecordSets", "secretsmanager:GetSecretValue"),
)
"""All that the policy allows somewhere."""
RECORD_TYPES = ("A", "CNAME")
"""The public name becomes an alias of type A, and goes back to the A or CNAME that it was."""


def traffic(account: Account) -> Document:
    """The policy `softpos-traffic`. It reads one secret: the login by which the source's connections are counted."""
    stack, table = account.stack, account.arn("dynamodb", f"table/softpos-{account.stack}-migration-state")
    through = [f"{service}.{account.region}.amazonaws.com" for service in ("dynamodb", "secretsmanager")]
    changes: dict[str, list[str]] = {
        "route53:ChangeResourceRecordSetsActions": ["DELETE", "UPSERT"],
        "route53:ChangeResourceRecordSetsRecordTypes": list(RECORD_TYPES),
    }
    if account.host_name:
        changes["route53:ChangeResourceRecordSetsNormalizedRecordNames"] = [account.host_name]
    named: dict[str, Mapping[str, Any]] = {
        "ForAllValues:StringEquals": changes,
        "Null": dict.fromkeys(changes, "false"),
    }
    return document(
        allow("Look", LOOKS, "*"),
        allow(
            "MoveTraffic",
            ["elasticloadbalancing:ModifyRule"],
            account.arn("elasticloadbalancing", "listener-rule/app/*"),
            StringEquals={"aws:ResourceTag/Stack": stack},
        ),
        allow(
            "ReadTheZone",
            ["route53:GetHostedZone", "route53:ListResourceRecordSets"],
            f"arn:{account.partition}:route53:::hostedzone/*",
        ),
        allow(
            "MoveTheName",
            ["route53:ChangeResourceRecordSets"],
            f"arn:{account.partition}:route53:::hostedzone/*",
            **named,
        ),
        allow("SeeTheChange", ["route53:GetChange"], f"arn:{account.partition}:route53:::change/*"),
        allow(
            "ReadTheRecords",
            ["dynamodb:GetItem"],
            table,
            **{"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": [stack, f"{stack}/traffic"]}},
        ),
        allow(
            "WriteTheRecord",
            ["dynamodb:PutItem"],
            table,
            **{"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": [f"{stack}/traffic"]}},
        ),
        allow(
            "CountTheSourcesConnections",
            ["secretsmanager:GetSecretValue"],
            account.arn("secretsmanager", f"secret:softpos/{stack}/migration/operator-source-*"),
        ),
        allow(
            "DecryptThose",
            ["kms:Decrypt"],
            account.arn("kms", "key/*"),
            StringEquals={"kms:ViaService": through, "aws:ResourceTag/Stack": stack},
        ),
    )
