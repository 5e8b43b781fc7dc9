"""The most that a role may ever do, whatever is attached to it and whoever lets it in.

A boundary that only fails to allow does not hold against a resource's policy that names a session of the role. So what
must never happen is refused in words: another role, content, another account's hand on a key, secret, bucket or image.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bootstrap.account import ENVIRONMENTS_PREFIX, GITHUB, IAM_PATH, Account
from bootstrap.deployers import Deployer
from bootstrap.documents import (
    ACCOUNT_WIDE_IAM,
    ATTACHING,
    PARAMETER,
    REPOSITORY,
    ROLE_CHANGES,
    TAKING_ROLES,
    TRUST_CHANGE,
    Document,
    Statement,
    allow,
    document,
    images,
    platform_buckets,
    platform_identities,
)
from bootstrap.permissions import READS
from bootstrap.workloads import GRANTS

PERMANENT_STACKS = ("dev", "prod")
BOOTSTRAP = "bootstrap"
"""Value of the tag Stack on everything that is made here."""
GLOBAL_SERVICES = ("iam", "route53", "sts")
QUERY_LOG_REGION = "us-east-1"
"""Route 53 writes query logs from there only; the zone's log group and its key are all that is made there."""
UNBOUND = "iam:DeleteRolePermissionsBoundary"
IDENTITY_CHANGES = (
    *("iam:Add*", "iam:Attach*", "iam:Create*", "iam:DeleteI*", "iam:DeleteP*", "iam:DeleteR*", "iam:Detach*"),
    *(
        "iam:Pass*",
        "iam:Put*",
        "iam:Remove*",
        "iam:Set*",
        "iam:Tag*",
        "iam:Untag*",
        "iam:UpdateAssume*",
        "iam:UpdateR*",
    ),
)
"""What changes or hands on an identity. The account's password policy is none, and these beginnings leave it out."""
CONTENT = (
    *("secretsmanager:Batch*", "secretsmanager:PutResourcePolicy", "secretsmanager:Replicate*"),
    *("kms:ReEncrypt*", "kms:Replicate*", "ssm:Resume*", "ssm:Send*", "ssm:Start*", "ec2:GetPasswordData"),
    *("ec2:Modify*SnapshotAttribute", "rds:Modify*SnapshotAttribute", "rds:Start*Export*", "dms:StartR*"),
    *("dynamodb:*Item", "dynamodb:PartiQL*", "dynamodb:PutR*", "dynamodb:Query", "dynamodb:Scan"),
    *("logs:Filter*", "logs:GetLogEvents", "logs:PutS*", "logs:StartQuery", "ecr:SetR*"),
)
"""Ways to data that no deployment takes: content, copies to another place, and remote control of hosts."""


def deploy_boundary(by: Deployer) -> Document:
    """The most that a role that deploys may ever do. Environments touch, in addition, nothing of a permanent stack."""
    return document(*_at_most(by), *_never(by), *(() if by.permanent else _nothing_permanent(by)))


def images_boundary(account: Account) -> Document:
    """The most that the role `images` may do: its own policy, and no other role."""
    return document(*images(account)["Statement"], NO_OTHER_ROLE)


def workload_boundary(by: Deployer) -> Document:
    """The most that a role of the platform may do: what `GRANTS` lists, here, and no other role."""
    words = {
        "partition": by.account.partition,
        "region": by.account.region,
        "account": by.account.account_id,
        "stack": by.stacks,
        "agent": by.agent_secret,
    }
    granted = [
        allow(one.sid, one.actions, [place.format(**words) for place in one.resources], **_filled(one.condition, words))
        for one in GRANTS
        if by.permanent or not one.permanent
    ]
    elsewhere = {"StringNotEquals": {"aws:RequestedRegion": by.account.region}}
    return document(
        *granted,
        NO_OTHER_ROLE,
        {
            "Sid": "NoOtherRegion",
            "Effect": "Deny",
            "NotAction": ["iam:*", "support*:*"],
            "Resource": "*",
            "Condition": elsewhere,
        },
        *(() if by.permanent else [_of_a_permanent_stack("*")]),
    )


def _filled(condition: Mapping[str, Mapping[str, Any]], words: Mapping[str, str]) -> dict[str, dict[str, str]]:
    return {
        operator: {key: str(value).format(**words) for key, value in test.items()}
        for operator, test in condition.items()
    }


NO_OTHER_ROLE: Statement = {"Sid": "NoOtherRole", "Effect": "Deny", "Action": list(TAKING_ROLES), "Resource": "*"}
"""No role of ours takes another one; a name would be excepted here by `NotResource`."""


def _at_most(by: Deployer) -> list[Statement]:
    """Our services, and of IAM no more than the table: no user, no key, no login, no provider."""
    services = {*READS, *by.writes()} - {"iam", "sts"}
    return [
        allow("OurServices", (f"{service}:*" for service in services), "*"),
        allow("Identities", [*READS["iam"], *READS["sts"], *ACCOUNT_WIDE_IAM, *IDENTITY_CHANGES], "*"),
    ]


def _never(by: Deployer) -> list[Statement]:
    account = by.account
    bounded = {"StringNotEquals": {"iam:PermissionsBoundary": by.workload_boundary_arn}}
    changes = [*ROLE_CHANGES, ATTACHING, *([TRUST_CHANGE] if by.permanent else [])]
    return [
        NO_OTHER_ROLE,
        *_nothing_of_bootstrap(account),
        {
            "Sid": "NoRoleOutsideThePlatform",
            "Effect": "Deny",
            "Action": list(IDENTITY_CHANGES),
            # A role that AWS defines for one of its services is taken by that service alone.
            "NotResource": [*platform_identities(by), "arn:*:iam::*:role/aws-service-role/*"],
        },
        refuse("NoRoleWithoutTheBoundary", changes, "*", bounded),
        *(
            [
                refuse("NoUnlistedPolicy", [ATTACHING], "*", {"ArnNotLike": {"iam:PolicyARN": by.attachable()}}),
                refuse("BoundariesStay", [UNBOUND], "*"),
            ]
            if by.permanent
            else [refuse("NoChangeOfATrust", [TRUST_CHANGE, UNBOUND, "kms:PutKeyPolicy"], "*")]
        ),
        *_no_content(account),
        *_regions(account),
    ]


def refuse(
    sid: str, actions: Sequence[str], resources: str | Sequence[str], condition: Mapping[str, Any] | None = None
) -> Statement:
    """A refusal of actions on resources."""
    statement: Statement = {"Sid": sid, "Effect": "Deny", "Action": list(actions), "Resource": resources}
    return {**statement, "Condition": condition} if condition else statement


def _no_content(account: Account) -> list[Statement]:
    """No data but the stacks' state and where the database is, and no way to hand data to somebody else."""
    where = account.arn("secretsmanager", "secret:softpos/*/database-connection-??????")
    public = f"arn:{account.partition}:ssm:{account.region}::parameter/aws/service/*"
    return [
        refuse("NoContent", CONTENT, "*"),
        {"Sid": "NoSecret", "Effect": "Deny", "Action": "secretsmanager:GetSecretValue", "NotResource": where},
        {"Sid": "NoParameter", "Effect": "Deny", "Action": f"{PARAMETER}*", "NotResource": public},
        {
            "Sid": "NoObject",
            "Effect": "Deny",
            "Action": ["s3:GetObject", "s3:GetObjectVersion", "s3:PutObject", "s3:PutObjectAcl", "s3:ReplicateObject"],
            "NotResource": f"{account.state_bucket_arn}/*",
        },
    ]


def _regions(account: Account) -> list[Statement]:
    elsewhere = [account.region, QUERY_LOG_REGION]
    home = [f"{service}:*" for service in GLOBAL_SERVICES]
    return [
        {
            "Sid": "NoOtherRegion",
            "Effect": "Deny",
            "NotAction": home,
            "Resource": "*",
            "Condition": {"StringNotEquals": {"aws:RequestedRegion": elsewhere}},
        },
        *(
            []
            if account.region == QUERY_LOG_REGION
            else [
                {
                    "Sid": "OnlyQueryLogsThere",
                    "Effect": "Deny",
                    "NotAction": [*home, "kms:*", "logs:*"],
                    "Resource": "*",
                    "Condition": {"StringEquals": {"aws:RequestedRegion": QUERY_LOG_REGION}},
                }
            ]
        ),
    ]


def _nothing_of_bootstrap(account: Account) -> list[Statement]:
    """By name where bootstrap gave one, and by the tag Stack where AWS did."""
    repository = account.arn("ecr", f"repository/{REPOSITORY}")
    return [
        {
            "Sid": "NothingOfBootstrap",
            "Effect": "Deny",
            "NotAction": ["iam:Get*", "iam:List*"],
            "Resource": [
                *(account.arn("iam", f"{kind}{IAM_PATH}*", region="") for kind in ("policy", "role")),
                account.arn("iam", f"oidc-provider/{GITHUB}", region=""),
                account.arn("kms", "alias/softpos-s*"),
            ],
        },
        {
            "Sid": "ImagesStay",
            "Effect": "Deny",
            "NotAction": ["ecr:BatchGet*", "ecr:Describe*", "ecr:Get*", "ecr:List*"],
            "Resource": repository,
        },
        refuse(
            "StateStays",
            [
                *("s3:DeleteBucket*", "s3:DeleteObjectVersion", "s3:PutBucket*", "s3:PutEncryptionConfiguration"),
                *("s3:PutLifecycleConfiguration", "s3:PutReplicationConfiguration", "s3:BypassGovernanceRetention"),
            ],
            [account.state_bucket_arn, f"{account.state_bucket_arn}/*"],
        ),
        {
            "Sid": "NothingTaggedBootstrap",
            "Effect": "Deny",
            # Which of the state's keys a role uses, its own policy says.
            "NotAction": [
                *("ecr:BatchGet*", "ecr:Describe*", "ecr:Get*", "ecr:List*", "iam:Get*", "iam:List*", "s3:*"),
                *("kms:Decrypt", "kms:Describe*", "kms:Encrypt", "kms:GenerateDataKey", "kms:Get*", "kms:List*"),
            ],
            "Resource": "*",
            "Condition": {"StringEquals": {"aws:ResourceTag/Stack": BOOTSTRAP}},
        },
    ]


SEEN_OF_OTHERS = (("iam", "Get"), ("iam", "List"), ("kms", "Describe"), ("kms", "List"), ("secretsmanager", "Describe"))


def _nothing_permanent(by: Deployer) -> list[Statement]:
    account = by.account
    own_state = f"{account.state_bucket_arn}/{ENVIRONMENTS_PREFIX}/*"
    own = [own_state, *platform_buckets(by)]
    zone = {"ForAnyValue:StringEquals": {"route53:ChangeResourceRecordSetsNormalizedRecordNames": [account.host_name]}}
    return [
        # Environments get their names in the permanent stack's zone.
        _of_a_permanent_stack(["route53:*", *(f"{service}:{verb}*" for service, verb in SEEN_OF_OTHERS)]),
        {
            "Sid": "NoBucketOfAPermanentStack",
            "Effect": "Deny",
            "Action": ["s3:Abort*", "s3:Bypass*", "s3:Create*", "s3:Delete*", "s3:GetObject*", "s3:Put*"],
            "NotResource": own,
        },
        refuse("NoNameOfAPermanentStack", ["route53:ChangeResourceRecordSets"], "*", zone),
        {
            "Sid": "OwnNames",
            "Effect": "Deny",
            "Action": [
                "cloudwatch:DeleteDashboards",
                "cloudwatch:PutDashboard",
                "kms:*Alias",
                "secretsmanager:CreateSecret",
                "sns:CreateTopic",
            ],
            "NotResource": [
                *(f"arn:*:cloudwatch::*:dashboard/softpos-{by.stacks}", "arn:*:kms:*:*:key/*"),
                *(f"arn:*:kms:*:*:alias/softpos-{by.stacks}", f"arn:*:sns:*:*:softpos-{by.stacks}"),
                *(f"arn:*:secretsmanager:*:*:secret:{one}*" for one in (f"softpos/{by.stacks}", "rds!")),
            ],
        },
    ]


def _of_a_permanent_stack(but: str | list[str]) -> Statement:
    """Refuses all on what carries a permanent stack's tag, but these actions."""
    which = {"Action": "*"} if but == "*" else {"NotAction": but}
    tagged = {"StringEquals": {"aws:ResourceTag/Stack": list(PERMANENT_STACKS)}}
    return {"Sid": "NothingOfAPermanentStack", "Effect": "Deny", **which, "Resource": "*", "Condition": tagged}
