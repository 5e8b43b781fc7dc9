"""The policy documents of bootstrap: who may log in, what they may do, and what they may never do.

`preview` is for pull requests: it reads no secret, and of all state the dev stack's alone. `plan` is for the default
branch: it reads what a refresh reads. `deploy` does what the permissions table says and is held by a boundary.
`environments` and `reaper` are `deploy` held once more: they cannot touch what a permanent stack owns. None of them can
change a role, policy, key or bucket of bootstrap, make a user or a key, take another role, or make a role that may do
more than the workload boundary says.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bootstrap.account import DMS_ROLES, ENVIRONMENTS_PREFIX, GITHUB, IAM_PATH, PLATFORM_PATH, Account
from bootstrap.permissions import READS, writes_by_service

Statement = dict[str, Any]
Document = dict[str, Any]

POLICY_CHARACTERS = 6_144
"""IAM's limit for a managed policy, white space not counted."""
POLICIES_PER_ROLE = 10
"""IAM's default quota of managed policies attached to a role."""
REPOSITORY = "softpos"
"""The application's images, as `ImageRepository` names them."""
ENVIRONMENT = "test-environments"
"""The environment on GitHub whose jobs may take the role `environments`."""

GROUPS: Mapping[str, tuple[str, ...]] = {
    "network": ("ec2",),
    "compute": ("application-autoscaling", "autoscaling", "ecr", "eks", "elasticloadbalancing"),
    "data": ("dms", "dynamodb", "elasticache", "rds"),
    "edge": ("acm", "route53", "ssm", "wafv2"),
    "audit": (
        *("access-analyzer", "cloudtrail", "cloudwatch", "config", "events", "guardduty", "inspector2", "logs"),
        *("securityhub", "sns"),
    ),
}
"""Services by policy, so that each stays within IAM's limit. Those with conditions have statements of their own."""
KEY_USE = ("kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey", "kms:GenerateDataKeyWithoutPlaintext")
KEY_USERS = ("dms", "dynamodb", "ec2", "ecr", "eks", "elasticache", "logs", "rds", "s3", "secretsmanager", "sns")
"""Services through which a deployment may use a key; it decrypts nothing by itself."""
PASSED_TO = (
    *("autoscaling.amazonaws.com", "cloudtrail.amazonaws.com", "config.amazonaws.com", "dms.amazonaws.com"),
    "dms.{region}.amazonaws.com",
    *("ec2.amazonaws.com", "eks.amazonaws.com", "monitoring.rds.amazonaws.com", "pods.eks.amazonaws.com"),
    *("rds.amazonaws.com", "ssm.amazonaws.com", "vpc-flow-logs.amazonaws.com", "events.amazonaws.com"),
)
"""Services that a deployment may hand one of the platform's roles to. DMS takes the role that reads an endpoint's
secret as the service of its Region (AWS DMS user guide, "Using secrets to access endpoints")."""
ROLE_CHANGES = (
    *("iam:AttachRolePolicy", "iam:CreateRole", "iam:DetachRolePolicy"),
    "iam:PutRolePermissionsBoundary",
)
"""Changes of a role for which IAM tells the role's boundary, so that it can be asked for."""
GLOBAL_SERVICES = ("iam", "route53", "sts")
QUERY_LOG_REGION = "us-east-1"
"""Route 53 writes query logs from there only."""


def document(*statements: Statement) -> Document:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def allow(
    sid: str, actions: Iterable[str], resources: str | Sequence[str], **conditions: Mapping[str, Any]
) -> Statement:
    """A statement; `conditions` by operator."""
    statement: Statement = {"Sid": sid, "Effect": "Allow", "Action": sorted(set(actions)), "Resource": resources}
    return {**statement, "Condition": conditions} if conditions else statement


# ---- Who may log in -------------------------------------------------------------------------------------------------


def trust(account: Account, subjects: Sequence[str]) -> Document:
    """Lets runs of our repository's workflows in, and of those only the ones with these subjects."""
    return document(
        {
            "Sid": "GitHubActions",
            "Effect": "Allow",
            "Principal": {"Federated": account.arn("iam", f"oidc-provider/{GITHUB}", region="")},
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": {
                "StringEquals": {
                    f"{GITHUB}:aud": "sts.amazonaws.com",
                    f"{GITHUB}:sub": [f"repo:{account.subject}:{subject}" for subject in subjects],
                }
            },
        }
    )


MERGED = "ref:refs/heads/main"
"""A run of the default branch: of what somebody has reviewed."""
PREVIEW_SUBJECTS = ("pull_request",)
"""Pull requests of the repository's own branches: code that nobody has reviewed. GitHub gives a fork no token."""
PLAN_SUBJECTS = (MERGED,)
"""Plans before an approval, and the nightly comparison."""
ENVIRONMENTS_SUBJECTS = (MERGED, f"environment:{ENVIRONMENT}")
"""The form runs the default branch's code; a pull request's code runs after a reviewer of that environment let it."""
REAPER_SUBJECTS = (MERGED,)

IMAGE_SUBJECTS = {"dev": MERGED, "prod": "environment:prod"}
"""Who may push images: into dev's account a build of the default branch, into production's who its reviewers let."""


# ---- What they may do -----------------------------------------------------------------------------------------------


def reading(account: Account) -> Document:
    """What a preview reads. ``Resource: "*"``: reading is by list, and most of it knows no resource.

    A parameter may be a secret, so that only AWS's public ones are read. Another role's trust can let this one in
    without any policy here; only a refusal bars that.
    """
    listed = (action for actions in READS.values() for action in actions if action != PARAMETER)
    return document(
        allow("Read", listed, "*"),
        allow(
            "PublicParameters", [PARAMETER], f"arn:{account.partition}:ssm:{account.region}::parameter/aws/service/*"
        ),
        {"Sid": "NoOtherRole", "Effect": "Deny", "Action": list(TAKING_ROLES), "Resource": "*"},
    )


PARAMETER = "ssm:GetParameter"
TAKING_ROLES = ("sts:AssumeRole", "sts:AssumeRoot", "sts:SetContext", "sts:SetSourceIdentity", "sts:TagSession")


def refreshing(account: Account) -> Document:
    """What a refresh reads in addition: the one secret that the program wrote, which says where the database is."""
    where = account.arn("secretsmanager", "secret:softpos/*/database-connection-??????")
    return document(allow("ReadWhereTheDatabaseIs", ["secretsmanager:GetSecretValue"], where))


def preview_state(account: Account, key_arn: str) -> Document:
    """Reads the state of the permanent stack, and of no other stack, bootstrap's own among them.

    Only S3 and Pulumi's secrets provider use the key; its account holds no production.
    """
    folder = f"{account.state_bucket_arn}/.pulumi"
    own = f"stacks/softpos/{account.stack}.json"
    names = ("meta.yaml", "Pulumi.yaml", own, f"{own}.*")
    prefixes = [".pulumi/meta.yaml", ".pulumi/Pulumi.yaml", f".pulumi/{own}*", ".pulumi/stacks", ".pulumi/stacks/*"]
    return document(
        allow("ListState", ["s3:ListBucket"], account.state_bucket_arn, StringLike={"s3:prefix": prefixes}),
        allow("StateObjects", ["s3:GetObject"], [f"{folder}/{name}" for name in names]),
        allow("StateKey", ["kms:Decrypt"], key_arn),
    )


def state(account: Account, key_arn: str, *, write: bool, prefix: str = "") -> Document:
    """Access to the stacks' state below `prefix` of the bucket, and to the key that encrypts it."""
    objects = f"{account.state_bucket_arn}/{prefix + '/' if prefix else ''}*"
    listed = {"StringLike": {"s3:prefix": [prefix, f"{prefix}/*"]}} if prefix else {}
    use = ["kms:Decrypt", *(["kms:Encrypt", "kms:GenerateDataKey"] if write else [])]
    return document(
        allow("ListState", ["s3:ListBucket"], account.state_bucket_arn, **listed),
        allow("StateObjects", ["s3:GetObject", *(["s3:DeleteObject", "s3:PutObject"] if write else [])], objects),
        allow("StateKey", use, key_arn),
    )


def images(account: Account) -> Document:
    """Pushes to the application's repository and reads from it. Tags there cannot be moved, and nothing is deleted."""
    push = ("CompleteLayerUpload", "InitiateLayerUpload", "PutImage", "UploadLayerPart")
    read = ("BatchCheckLayerAvailability", "BatchGetImage", "DescribeImages", "GetDownloadUrlForLayer")
    return document(
        # A login to the registry knows no resource; what it may reach, the next statement says.
        allow("LogInToTheRegistry", ["ecr:GetAuthorizationToken"], "*"),
        allow("Images", (f"ecr:{action}" for action in (*push, *read)), account.arn("ecr", f"repository/{REPOSITORY}")),
    )


def writing(account: Account) -> Mapping[str, Document]:
    """The deploy role's policies by name: the permissions table, within the limits that each service can express.

    ``Resource: "*"`` where AWS invents the resource's name: what it would reach beyond the platform, the boundary bars.
    """
    writes = writes_by_service()
    plain = {
        name: document(allow("Deploy", (action for service in services for action in writes[service]), "*"))
        for name, services in GROUPS.items()
    }
    return {**plain, "secured": _secured(account, writes)}


def _secured(account: Account, writes: Mapping[str, Sequence[str]]) -> Document:
    """Services whose statements can name what is ours: IAM, KMS, S3 and Secrets Manager."""
    return document(
        allow(
            "Roles",
            [action for action in writes["iam"] if action not in (*ACCOUNT_WIDE_IAM, *ROLE_CHANGES, "iam:PassRole")],
            _platform_identities(account),
        ),
        allow(
            "RolesWithinTheBoundary",
            ROLE_CHANGES,
            _platform_identities(account),
            StringEquals={"iam:PermissionsBoundary": account.workload_boundary_arn},
        ),
        allow(
            "PassRoles",
            ["iam:PassRole"],
            _platform_identities(account),
            StringEquals={"iam:PassedToService": [one.format(region=account.region) for one in PASSED_TO]},
        ),
        allow(
            "ServiceLinkedRoles",
            ["iam:CreateServiceLinkedRole"],
            account.arn("iam", "role/aws-service-role/*", region=""),
        ),
        # The account's password policy is no resource.
        allow("PasswordPolicy", ["iam:DeleteAccountPasswordPolicy", "iam:UpdateAccountPasswordPolicy"], "*"),
        # A key's name is invented by AWS.
        allow("Keys", [action for action in writes["kms"] if action not in (*KEY_USE, "kms:CreateGrant")], "*"),
        allow(
            "UseKeysThroughServices",
            KEY_USE,
            account.arn("kms", "key/*"),
            StringLike={"kms:ViaService": [f"{service}.*.amazonaws.com" for service in KEY_USERS]},
        ),
        # No kms:GrantIsForAWSResource: EKS asks for the cluster's grant in the caller's name, and its user guide says
        # that CreateCluster does not support the condition. The key of bootstrap stays barred by the boundary.
        allow("GrantKeysToServices", ["kms:CreateGrant"], account.arn("kms", "key/*")),
        allow(
            "Buckets",
            [action for action in writes["s3"] if action not in ACCOUNT_WIDE_S3],
            [f"arn:{account.partition}:s3:::softpos-*"],
        ),
        allow("AccountsPublicAccess", ACCOUNT_WIDE_S3, "*"),
        allow(
            "Secrets",
            writes["secretsmanager"],
            [account.arn("secretsmanager", f"secret:{prefix}*") for prefix in ("softpos/", "rds!", "s2svpn!")],
        ),
    )


ACCOUNT_WIDE_IAM = (
    *("iam:CreateServiceLinkedRole", "iam:DeleteAccountPasswordPolicy"),
    "iam:UpdateAccountPasswordPolicy",
)
ACCOUNT_WIDE_S3 = ("s3:PutAccountPublicAccessBlock",)


def _platform_identities(account: Account) -> list[str]:
    """Roles, policies and instance profiles that the platform's program may own."""
    kinds = ("instance-profile", "policy", "role")
    own = [account.arn("iam", f"{kind}{PLATFORM_PATH}*", region="") for kind in kinds]
    return [*own, *(account.arn("iam", f"role/{name}", region="") for name in DMS_ROLES)]


# ---- What they may never do -----------------------------------------------------------------------------------------


def deploy_boundary(account: Account, key_arn: str) -> Document:
    """The most that `deploy` may ever do, whatever is attached to it."""
    return document(*_at_most(), *_never(account, key_arn))


def environments_boundary(account: Account, key_arn: str) -> Document:
    """As `deploy_boundary`, and nothing that a permanent stack owns."""
    return document(
        *_at_most(),
        *_never(account, key_arn),
        {
            "Sid": "NothingOfAPermanentStack",
            "Effect": "Deny",
            # Environments get their names in the permanent stack's zone.
            "NotAction": ["route53:*", *(f"{service}:{verb}*" for service, verb in SEEN_OF_OTHERS)],
            "Resource": "*",
            "Condition": {"StringEquals": {"aws:ResourceTag/Stack": ["dev", "prod"]}},
        },
        {
            "Sid": "NoStateOfAPermanentStack",
            "Effect": "Deny",
            "Action": ["s3:DeleteObject", "s3:PutObject"],
            "NotResource": [f"{account.state_bucket_arn}/{ENVIRONMENTS_PREFIX}/*", *_environments_buckets(account)],
        },
    )


SEEN_OF_OTHERS = (("iam", "Get"), ("iam", "List"), ("kms", "Describe"), ("kms", "List"), ("secretsmanager", "Describe"))


def _environments_buckets(account: Account) -> list[str]:
    return [f"arn:{account.partition}:s3:::softpos-env-*"]


def workload_boundary(account: Account, key_arn: str) -> Document:
    """The most that any role of the platform may do: it changes no identity and no account, and nothing of bootstrap.

    It may read identities as far as its policies say so: AWS Config watches them for fifteen rules of PCI DSS.
    """
    return document(
        {
            "Sid": "Workloads",
            "Effect": "Allow",
            "NotAction": ["account:*", "iam:*", "organizations:*", "sso:*", "sso-directory:*"],
            "Resource": "*",
        },
        allow(
            "ReadIdentities",
            [
                *("account:Get*", "account:List*", "iam:CreateServiceLinkedRole", "iam:GenerateCredentialReport"),
                *("iam:GenerateServiceLastAccessedDetails", "iam:Get*", "iam:List*", "iam:SimulateCustomPolicy"),
                *("iam:SimulatePrincipalPolicy", "organizations:Describe*", "organizations:List*", "sso:Describe*"),
                *("sso:Get*", "sso:List*"),
            ],
            "*",
        ),
        *_nothing_of_bootstrap(account, key_arn),
    )


def _at_most() -> list[Statement]:
    """Our services, and of IAM no more than the table: no user, no key, no login, no provider."""
    services = {*READS, *writes_by_service()} - {"iam", "sts"}
    return [
        allow("OurServices", (f"{service}:*" for service in services), "*"),
        allow("Identities", [*READS["iam"], *READS["sts"], *writes_by_service()["iam"]], "*"),
    ]


def _never(account: Account, key_arn: str) -> list[Statement]:
    return [
        *_nothing_of_bootstrap(account, key_arn),
        {
            "Sid": "NoRoleOutsideThePlatform",
            "Effect": "Deny",
            "Action": [action for action in writes_by_service()["iam"] if action not in ACCOUNT_WIDE_IAM],
            "NotResource": _platform_identities(account),
        },
        {
            "Sid": "NoRoleWithoutTheBoundary",
            "Effect": "Deny",
            "Action": list(ROLE_CHANGES),
            "Resource": "*",
            "Condition": {"StringNotEquals": {"iam:PermissionsBoundary": account.workload_boundary_arn}},
        },
        {
            "Sid": "NoOtherRegion",
            "Effect": "Deny",
            "NotAction": [f"{service}:*" for service in GLOBAL_SERVICES],
            "Resource": "*",
            "Condition": {"StringNotEquals": {"aws:RequestedRegion": [account.region, QUERY_LOG_REGION]}},
        },
    ]


def _nothing_of_bootstrap(account: Account, key_arn: str) -> list[Statement]:
    return [
        {
            "Sid": "NothingOfBootstrap",
            "Effect": "Deny",
            "NotAction": ["iam:Get*", "iam:List*"],
            "Resource": [
                *(account.arn("iam", f"{kind}{IAM_PATH}*", region="") for kind in ("policy", "role")),
                account.arn("iam", f"oidc-provider/{GITHUB}", region=""),
            ],
        },
        {
            "Sid": "StateStays",
            "Effect": "Deny",
            "Action": [
                *("s3:DeleteBucket*", "s3:DeleteObjectVersion", "s3:PutBucket*", "s3:PutEncryptionConfiguration"),
                *("s3:PutLifecycleConfiguration", "s3:PutReplicationConfiguration"),
            ],
            "Resource": [account.state_bucket_arn, f"{account.state_bucket_arn}/*"],
        },
        {
            "Sid": "StateKeyStays",
            "Effect": "Deny",
            "Action": [
                *("kms:CreateGrant", "kms:DeleteAlias", "kms:Disable*", "kms:PutKeyPolicy", "kms:ScheduleKeyDeletion"),
                *("kms:TagResource", "kms:UntagResource", "kms:UpdateAlias"),
            ],
            "Resource": [key_arn, account.arn("kms", "alias/softpos-state")],
        },
    ]


def length(made: Document) -> int:
    """Characters as IAM counts them."""
    return len("".join(json.dumps(made, separators=(",", ":")).split()))
