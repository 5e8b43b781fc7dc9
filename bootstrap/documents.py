"""The policy documents of bootstrap: who may log in, and what they may do. `boundaries` says what they may never do.

`preview` is for pull requests: it reads no secret, and of all state the dev stack's alone. `plan` is for the default
branch: it reads what a refresh reads. `deploy` does what the permissions table says. `environments` and `reaper` do
what the table says of the types that a test environment has, to what environments own.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bootstrap.account import DMS_ROLES, GITHUB, Account, StateKeys
from bootstrap.deployers import Deployer
from bootstrap.permissions import READS

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
    "compute": ("application-autoscaling", "autoscaling", "eks", "elasticloadbalancing"),
    "data": ("dms", "dynamodb", "elasticache", "rds"),
    "edge": ("acm", "route53", "wafv2"),
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
ATTACHING = "iam:AttachRolePolicy"
TRUST_CHANGE = "iam:UpdateAssumeRolePolicy"
ROLE_CHANGES = ("iam:CreateRole", "iam:DetachRolePolicy", "iam:PutRolePermissionsBoundary")
"""Changes of a role for which IAM tells the role's boundary, so that it can be asked for; `ATTACHING` as well."""
HOST_DOCUMENTS = ("AWS-RunPatchBaseline",)
"""What State Manager may run on hosts."""
SERVICE_ROLES = ("config.amazonaws.com/AWSServiceRoleForConfig",)
"""Roles that AWS defines and that a deployment hands to their service. Only that service may take them."""


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


def state(by: Deployer, keys: StateKeys, *, write: bool) -> Document:
    """Access to the state of the deployer's stacks, and of no other stack, bootstrap's own among them.

    The bucket's key works only by way of S3; the other one is what Pulumi decrypts the stacks' secrets with.
    """
    account = by.account
    folder = f"{account.state_bucket_arn}/{by.state_folder}.pulumi"
    shared = [f"{folder}/{name}" for name in ("meta.yaml", "Pulumi.yaml")]
    own = [f"{folder}/stacks/softpos/{by.stacks}.json*"]
    written = [
        *own,
        *(f"{folder}/{kind}/softpos/{by.stacks}/*" for kind in ("history", "backups", "locks/organization")),
    ]
    listed = {} if write and by.permanent else {"StringLike": {"s3:prefix": _prefixes(by)}}
    use = ["kms:Decrypt", *(["kms:Encrypt", "kms:GenerateDataKey"] if write else [])]
    through_s3 = {"kms:ViaService": f"s3.{account.region}.amazonaws.com"}
    statements = [
        allow("ListState", ["s3:ListBucket"], account.state_bucket_arn, **listed),
        allow("StateObjects", ["s3:GetObject"], [*shared, *(written if write else own)]),
        allow("BucketKey", use, keys.bucket, StringEquals=through_s3),
        allow("SecretsKey", use, keys.stack if by.permanent else keys.environments),
    ]
    if not write:
        return document(*statements)
    # An environment's stacks come and go, and with them all that describes them, the ledger among it.
    changed = written if by.permanent else [f"{account.state_bucket_arn}/{by.state_folder}*"]
    return document(*statements, allow("StateChanges", ["s3:DeleteObject", "s3:GetObject", "s3:PutObject"], changed))


def _prefixes(by: Deployer) -> list[str]:
    if not by.permanent:
        return [by.state_folder.rstrip("/"), f"{by.state_folder}*"]
    own = f".pulumi/stacks/softpos/{by.stacks}.json*"
    return [".pulumi/meta.yaml", ".pulumi/Pulumi.yaml", own, ".pulumi/stacks", ".pulumi/stacks/*"]


def images(account: Account) -> Document:
    """Pushes to the application's repository and reads from it. Tags there cannot be moved, and nothing is deleted."""
    push = ("CompleteLayerUpload", "InitiateLayerUpload", "PutImage", "UploadLayerPart")
    read = ("BatchCheckLayerAvailability", "BatchGetImage", "DescribeImages", "GetDownloadUrlForLayer")
    return document(
        # A login to the registry knows no resource; what it may reach, the next statement says.
        allow("LogInToTheRegistry", ["ecr:GetAuthorizationToken"], "*"),
        allow("Images", (f"ecr:{action}" for action in (*push, *read)), account.arn("ecr", f"repository/{REPOSITORY}")),
    )


def writing(by: Deployer) -> Mapping[str, Document]:
    """The policies of a role that deploys, by name: the permissions table, within what each service can express.

    ``Resource: "*"`` where AWS invents the resource's name: what it would reach beyond the platform, the boundary bars.
    """
    writes = by.writes()
    plain = {
        name: document(allow("Deploy", (action for one in services for action in writes.get(one, ())), "*"))
        for name, services in GROUPS.items()
    }
    return {
        **plain,
        "identities": document(*_identities(by, writes["iam"])),
        "secured": document(*_keys(by, writes["kms"]), *_stores(by, writes)),
    }


def _identities(by: Deployer, writes: Sequence[str]) -> list[Statement]:
    """Roles below the platform's path, with its boundary, with listed policies; handed to listed services."""
    account, own = by.account, platform_identities(by)
    bounded = {"iam:PermissionsBoundary": by.workload_boundary_arn}
    service_roles = [account.arn("iam", f"role/aws-service-role/{name}", region="") for name in SERVICE_ROLES]
    apart = (*ACCOUNT_WIDE_IAM, *ROLE_CHANGES, ATTACHING, TRUST_CHANGE, "iam:PassRole")
    statements = [
        allow("Roles", [action for action in writes if action not in apart], own),
        allow("RolesWithinTheBoundary", ROLE_CHANGES, own, StringEquals=bounded),
        allow("ListedPolicies", [ATTACHING], own, StringEquals=bounded, ArnLike={"iam:PolicyARN": by.attachable()}),
        allow(
            "PassRoles",
            ["iam:PassRole"],
            [*own, *(service_roles if by.permanent else ())],
            StringEquals={"iam:PassedToService": [one.format(region=account.region) for one in PASSED_TO]},
        ),
        allow(
            "ServiceLinkedRoles",
            ["iam:CreateServiceLinkedRole"],
            account.arn("iam", "role/aws-service-role/*", region=""),
        ),
    ]
    if not by.permanent:
        return statements
    return [
        *statements,
        # A cluster cannot change its role, so that a new release changes the trust of the role in place.
        allow("Trusts", [TRUST_CHANGE], account.arn("iam", f"role{by.path}*", region=""), StringEquals=bounded),
        # The account's password policy is no resource.
        allow("PasswordPolicy", ["iam:DeleteAccountPasswordPolicy", "iam:UpdateAccountPasswordPolicy"], "*"),
    ]


NEW_KEYS = ("kms:CreateKey", "kms:TagResource")
"""What needs no key of one's own yet: a key is tagged while it is made."""
ALIASES = ("kms:CreateAlias", "kms:DeleteAlias", "kms:UpdateAlias")


def _keys(by: Deployer, writes: Sequence[str]) -> list[Statement]:
    """Keys by the tag of their stack. A key's name is invented by AWS."""
    account = by.account
    tagged = {"aws:ResourceTag/Stack": by.stacks}
    apart = (*KEY_USE, *NEW_KEYS, *ALIASES, "kms:CreateGrant", *(() if by.permanent else ("kms:PutKeyPolicy",)))
    return [
        allow("NewKeys", NEW_KEYS, "*"),
        allow(
            "OwnKeys",
            [action for action in writes if action not in apart],
            account.arn("kms", "key/*", region="*"),
            StringLike=tagged,
        ),
        allow(
            "Aliases",
            ALIASES,
            [account.arn("kms", f"alias/softpos-{by.stacks}-*"), account.arn("kms", "key/*")],
        ),
        allow(
            "UseKeysThroughServices",
            KEY_USE,
            account.arn("kms", "key/*"),
            StringLike={"kms:ViaService": [f"{service}.*.amazonaws.com" for service in KEY_USERS], **tagged},
        ),
        # No kms:GrantIsForAWSResource: EKS asks for the cluster's grant in the caller's name, and its user guide says
        # that CreateCluster does not support the condition.
        allow("GrantKeysToServices", ["kms:CreateGrant"], account.arn("kms", "key/*"), StringLike=tagged),
    ]


def _stores(by: Deployer, writes: Mapping[str, Sequence[str]]) -> list[Statement]:
    """Buckets and secrets by name, and what Systems Manager may run on hosts."""
    account = by.account
    secrets = (f"softpos/{by.stacks}/", "rds!", *(("s2svpn!",) if by.permanent else ()))
    associating = ("ssm:CreateAssociation", "ssm:UpdateAssociation")
    # Another document, such as AWS-RunShellScript, would be a shell on every host.
    places = [account.arn("ssm", "association/*"), account.arn("ec2", "instance/*")]
    places += [f"arn:{account.partition}:ssm:{account.region}::document/{name}" for name in HOST_DOCUMENTS]
    statements = [
        allow("HostSettings", [one for one in writes["ssm"] if one not in associating], "*"),
        allow("HostAssociations", associating, places),
        allow("Buckets", [one for one in writes["s3"] if one not in ACCOUNT_WIDE_S3], platform_buckets(by)),
        allow(
            "Secrets", writes["secretsmanager"], [account.arn("secretsmanager", f"secret:{one}*") for one in secrets]
        ),
    ]
    return [*statements, allow("AccountsPublicAccess", ACCOUNT_WIDE_S3, "*")] if by.permanent else statements


def platform_buckets(by: Deployer) -> list[str]:
    """Buckets that the deployer's stacks own."""
    return [f"arn:{by.account.partition}:s3:::softpos-{by.stacks.removesuffix('*')}*"]


ACCOUNT_WIDE_IAM = (
    *("iam:CreateServiceLinkedRole", "iam:DeleteAccountPasswordPolicy"),
    "iam:UpdateAccountPasswordPolicy",
)
ACCOUNT_WIDE_S3 = ("s3:PutAccountPublicAccessBlock",)


def platform_identities(by: Deployer) -> list[str]:
    """Roles, policies and instance profiles that the deployer's stacks may own."""
    kinds = ("instance-profile", "policy", "role")
    own = [by.account.arn("iam", f"{kind}{by.path}*", region="") for kind in kinds]
    return [*own, *(by.account.arn("iam", f"role/{name}", region="") for name in DMS_ROLES if by.permanent)]


def length(made: Document) -> int:
    """Characters as IAM counts them."""
    return len("".join(json.dumps(made, separators=(",", ":")).split()))
