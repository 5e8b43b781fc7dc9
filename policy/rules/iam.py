"""IAM: who may do what, and how people and programs log in."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from ..conditions import names_targets, says_who
from ..document_places import IDENTITY_POLICIES, RESOURCE_POLICIES
from ..documents import (
    Statement,
    identity_documents,
    open_to_everyone,
    readable,
    resource_documents,
    statements,
    unknown_documents,
)
from ..reading import Findings, Property, shown
from ..rule import CRITICAL, HIGH, LOW, MEDIUM, Resource, rule
from ..wildcards import has_wildcard

_IDENTITY: Final = tuple(IDENTITY_POLICIES)
_ACCESS_CONTROL: Final = "7.2.1 7.2.2 7.2.5 7.3.1 7.3.2"

# Actions that let their holder give itself more than it has; each alone is enough (Rhino Security Labs' list of ways).
_ESCALATIONS: Final = (
    "iam:AddUserToGroup",
    "iam:AttachGroupPolicy",
    "iam:AttachRolePolicy",
    "iam:AttachUserPolicy",
    "iam:CreateAccessKey",
    "iam:CreateLoginProfile",
    "iam:CreatePolicyVersion",
    "iam:DeleteRolePermissionsBoundary",
    "iam:DeleteUserPermissionsBoundary",
    "iam:PutGroupPolicy",
    "iam:PutRolePermissionsBoundary",
    "iam:PutRolePolicy",
    "iam:PutUserPermissionsBoundary",
    "iam:PutUserPolicy",
    "iam:SetDefaultPolicyVersion",
    "iam:UpdateAssumeRolePolicy",
    "iam:UpdateLoginProfile",
)
_DECRYPTING: Final = ("kms:CreateGrant", "kms:Decrypt", "kms:PutKeyPolicy", "kms:ReEncryptFrom")
# Actions that reveal credentials or stored data, with the service whose resources they read.
_REVEALING: Final = {
    "secretsmanager:GetSecretValue": "secretsmanager",
    "secretsmanager:BatchGetSecretValue": "secretsmanager",
    "secretsmanager:PutResourcePolicy": "secretsmanager",
    "ssm:GetParameter": "ssm",
    "ssm:GetParameters": "ssm",
    "ssm:GetParametersByPath": "ssm",
    "s3:GetObject": "s3",
    "dynamodb:BatchGetItem": "dynamodb",
    "dynamodb:ExportTableToPointInTime": "dynamodb",
    "dynamodb:GetItem": "dynamodb",
    "dynamodb:PartiQLSelect": "dynamodb",
    "dynamodb:Query": "dynamodb",
    "dynamodb:Scan": "dynamodb",
    "rds-db:connect": "rds-db",
}
# Actions that reach into what runs with another role, which is another way to that role's rights.
_TAKING_OVER: Final = {
    "codebuild:UpdateProject": "codebuild",
    "ec2-instance-connect:SendSSHPublicKey": "ec2",
    "ecr:PutImage": "ecr",
    "ecs:ExecuteCommand": "ecs",
    "eks:AssociateAccessPolicy": "eks",
    "lambda:AddPermission": "lambda",
    "lambda:UpdateFunctionCode": "lambda",
    "lambda:UpdateFunctionConfiguration": "lambda",
    "ssm:SendCommand": "ec2",
    "ssm:StartSession": "ec2",
    "sts:AssumeRole": "sts",
}
# Actions that stop the record of what happens, or destroy it.
_BLINDING: Final = (
    "cloudtrail:DeleteTrail",
    "cloudtrail:PutEventSelectors",
    "cloudtrail:StopLogging",
    "cloudtrail:UpdateTrail",
    "config:DeleteConfigurationRecorder",
    "config:StopConfigurationRecorder",
    "ec2:DeleteFlowLogs",
    "guardduty:DeleteDetector",
    "logs:DeleteLogGroup",
    "logs:DeleteLogStream",
    "guardduty:UpdateDetector",
    "organizations:LeaveOrganization",
    "securityhub:DisableSecurityHub",
)
# Actions that take the protection of stored data away: what it is open to, what it is encrypted with.
_EXPOSING: Final = {
    "ec2:ModifyImageAttribute": "ec2",
    "ec2:ModifySnapshotAttribute": "ec2",
    "kms:DisableKey": "kms",
    "kms:ScheduleKeyDeletion": "kms",
    "rds:ModifyDBClusterSnapshotAttribute": "rds",
    "rds:ModifyDBSnapshotAttribute": "rds",
    "s3:PutAccountPublicAccessBlock": "s3",
    "s3:PutBucketAcl": "s3",
    "s3:PutBucketPolicy": "s3",
    "s3:PutBucketPublicAccessBlock": "s3",
    "wafv2:DeleteWebACL": "wafv2",
}
# One action of each service that together stand for everything.
_EVERYTHING: Final = (
    "cloudtrail:StopLogging",
    "ec2:RunInstances",
    "iam:CreateUser",
    "kms:Decrypt",
    "lambda:UpdateFunctionCode",
    "rds:DeleteDBCluster",
    "s3:GetObject",
    "secretsmanager:GetSecretValue",
)
_MANY_INITIALS: Final = 4  # `s3:G*`, `s3:P*`, `s3:L*`, `s3:D*`: a service split into letters
_WEB_IDENTITY_NAMES: Final = (":sub", ":aud", ":oaud")
_ANY_AUDIENCE: Final = "sts.amazonaws.com"  # the audience of everybody who comes to AWS, from GitHub for instance
_BROAD_POLICY: Final = re.compile(
    r":aws:policy/(?:[\w/.-]*/)?(?:AdministratorAccess(?:-\w+)?|PowerUserAccess|SecretsManagerReadWrite|"
    r"AWSKeyManagementServicePowerUser|DatabaseAdministrator|DataScientist|NetworkAdministrator|SystemAdministrator|"
    r"[\w-]*FullAccess(?:_?[vV]\d)?)$"
)


def _forbidden(
    documents: list[Property], wrong: Callable[[Statement], bool], found: Callable[[Statement], str], wanted: str
) -> Findings:
    """A breach for each statement that is wrong, then what is unknown."""
    findings: Findings = []
    for document in documents:
        for statement in statements(document):
            if wrong(statement):
                findings += statement.place.breach(wanted, found(statement))
            elif statement.incomplete:
                findings += statement.place.unjudged(wanted)
    return findings + unknown_documents(documents, wanted)


def _allowing(statement: Statement) -> str:
    actions = ", ".join(statement.actions) or f"everything but {', '.join(statement.all_but_actions)}"
    resources = ", ".join(statement.resources) or "*"
    return shown(f"Allow {actions} on {resources}")


@rule(
    "iam-no-administrator",
    "No policy allows everything on everything",
    on=_IDENTITY,
    requirements=_ACCESS_CONTROL,
    controls="IAM_POLICY_NO_STATEMENTS_WITH_ADMIN_ACCESS",
    severity=CRITICAL,
    remedy="name the actions and the resources that the holder needs",
)
def no_administrator(holder: Resource) -> Findings:
    documents = identity_documents(holder)
    found = _forbidden(documents, _is_administrator, _allowing, "named actions on named resources")
    return found or [
        finding
        for document in documents
        if _together_everything(document)
        for finding in document.breach("named actions on named resources", "everything, over several patterns")
    ]


def _is_administrator(statement: Statement) -> bool:
    return statement.on_everything and (
        (statement.allows and bool(statement.all_but_actions))
        or all(statement.allows_action(action) for action in _EVERYTHING)
    )


def _together_everything(document: Property) -> bool:
    broad = [statement for statement in statements(document) if statement.on_everything]
    return all(any(statement.allows_action(action) for statement in broad) for action in _EVERYTHING)


@rule(
    "iam-no-full-access-to-a-service",
    "No policy allows all actions of a service",
    on=_IDENTITY,
    requirements=_ACCESS_CONTROL,
    controls="IAM_POLICY_NO_STATEMENTS_WITH_FULL_ACCESS",
    severity=HIGH,
    remedy="name the actions that the holder needs",
)
def no_full_access(holder: Resource) -> Findings:
    return _forbidden(
        identity_documents(holder),
        lambda statement: statement.allows and _covers_a_service(statement.actions),
        _allowing,
        "named actions",
    )


def _covers_a_service(patterns: tuple[str, ...]) -> bool:
    """`s3:*` in any spelling, `s*`, or most letters of a service one by one."""
    initials = Counter(pattern[:-2] for pattern in patterns if re.fullmatch(r"[^:]+:[a-z][*]", pattern))
    whole = any(
        "*" in (pattern if ":" not in pattern else pattern.partition(":")[2])
        and not (pattern.partition(":")[2].strip("*?"))
        for pattern in patterns
        if pattern.strip("*?:")
    )
    return whole or any(count >= _MANY_INITIALS for count in initials.values())


@rule(
    "iam-no-pass-role-on-everything",
    "iam:PassRole is allowed for named roles, or to named services, only",
    on=_IDENTITY,
    requirements=_ACCESS_CONTROL,
    severity=HIGH,
    remedy="name the roles in Resource, or the services in the condition iam:PassedToService",
)
def no_pass_role_on_everything(holder: Resource) -> Findings:
    return _forbidden(
        identity_documents(holder),
        lambda statement: (
            statement.allows_action("iam:PassRole")
            and statement.on_all_of("iam")
            and not names_targets(statement.conditions)
            and not _is_administrator(statement)
        ),
        _allowing,
        "named roles",
    )


@rule(
    "iam-no-privilege-escalation",
    "No policy lets its holder extend its own rights",
    on=_IDENTITY,
    requirements=_ACCESS_CONTROL,
    severity=HIGH,
    remedy="remove the action, or name the users, roles or policies that it is for",
)
def no_privilege_escalation(holder: Resource) -> Findings:
    return _forbidden(
        identity_documents(holder),
        lambda statement: (
            any(statement.allows_action(action) for action in _ESCALATIONS)
            and statement.on_all_of("iam")
            and not names_targets(statement.conditions)
            and not _is_administrator(statement)
        ),
        _allowing,
        "no action on IAM that gives more rights, on everything",
    )


@rule(
    "iam-no-decryption-with-every-key",
    "No policy allows decryption with every key",
    on=_IDENTITY,
    requirements="3.6.1 3.7.1 7.2.1 7.2.2",
    controls="IAM_CUSTOMER_POLICY_BLOCKED_KMS_ACTIONS IAM_INLINE_POLICY_BLOCKED_KMS_ACTIONS",
    severity=HIGH,
    remedy="name the keys in Resource",
)
def no_decryption_with_every_key(holder: Resource) -> Findings:
    return _forbidden(
        identity_documents(holder),
        lambda statement: (
            any(statement.allows_action(action) for action in _DECRYPTING)
            and statement.on_all_of("kms")
            and not names_targets(statement.conditions)
            and not _is_administrator(statement)
        ),
        _allowing,
        "named keys",
    )


def _on_everything(statement: Statement, actions: Mapping[str, str]) -> bool:
    """Whether one of the actions is allowed on all resources of its service, and no condition says on which."""
    return (
        any(statement.allows_action(action) and statement.on_all_of(service) for action, service in actions.items())
        and not names_targets(statement.conditions)
        and not _is_administrator(statement)
    )


@rule(
    "iam-no-reading-of-everything",
    "No policy lets its holder read every secret, parameter, object or record",
    on=_IDENTITY,
    requirements="3.6.1 7.2.1 7.2.2 7.2.6 8.6.2",
    severity=HIGH,
    remedy="name the secrets, parameters, buckets or tables in Resource",
)
def no_reading_of_everything(holder: Resource) -> Findings:
    wanted = "named secrets, parameters, objects or tables"
    return _forbidden(identity_documents(holder), lambda one: _on_everything(one, _REVEALING), _allowing, wanted)


@rule(
    "iam-no-taking-over-of-everything",
    "No policy lets its holder act through every role, function or instance",
    on=_IDENTITY,
    requirements=_ACCESS_CONTROL,
    severity=HIGH,
    remedy="name the roles, functions or instances in Resource",
)
def no_taking_over_of_everything(holder: Resource) -> Findings:
    wanted = "named roles, functions or instances"
    return _forbidden(identity_documents(holder), lambda one: _on_everything(one, _TAKING_OVER), _allowing, wanted)


@rule(
    "iam-no-stopping-of-every-log",
    "No policy lets its holder stop or delete every trail, log or detector",
    on=_IDENTITY,
    requirements="7.2.1 7.2.2 10.3.2 10.3.4",
    severity=HIGH,
    remedy="take the action out, or name the trails and log groups in Resource",
)
def no_stopping_of_every_log(holder: Resource) -> Findings:
    wanted = "no action that stops or deletes every record"
    blinding = {action: action.partition(":")[0] for action in _BLINDING}
    return _forbidden(identity_documents(holder), lambda one: _on_everything(one, blinding), _allowing, wanted)


@rule(
    "iam-no-exposing-of-everything",
    "No policy lets its holder open all stored data to others, or take its keys away",
    on=_IDENTITY,
    requirements="7.2.1 7.2.2 3.6.1 10.3.2",
    severity=HIGH,
    remedy="name the buckets, keys and snapshots in Resource",
)
def no_exposing_of_everything(holder: Resource) -> Findings:
    wanted = "named buckets, keys and snapshots"
    return _forbidden(identity_documents(holder), lambda one: _on_everything(one, _EXPOSING), _allowing, wanted)


@rule(
    "iam-policy-readable",
    "Policy documents are valid JSON objects",
    on=tuple({*IDENTITY_POLICIES, *RESOURCE_POLICIES}),
    requirements="7.3.1",
    severity=HIGH,
    remedy="write the document with json.dumps or getPolicyDocument",
)
def policy_readable(holder: Resource) -> Findings:
    documents = identity_documents(holder) if holder.kind in IDENTITY_POLICIES else resource_documents(holder)
    return [
        finding
        for document in documents
        if not readable(document)
        for finding in document.breach("a policy document", "not a JSON object")
    ]


@rule(
    "iam-policy-names-who",
    "No resource policy allows everyone",
    on=tuple(RESOURCE_POLICIES),
    requirements="1.3.1 1.4.4 7.2.1 7.2.2 7.3.3",
    controls="S3_BUCKET_POLICY_NOT_MORE_PERMISSIVE S3_BUCKET_PUBLIC_READ_PROHIBITED S3_BUCKET_PUBLIC_WRITE_PROHIBITED",
    severity=CRITICAL,
    remedy="name the accounts, roles or services in Principal, or narrow it by a condition on the source",
)
def policy_names_who(holder: Resource) -> Findings:
    documents, wanted = resource_documents(holder), "named principals"
    findings: Findings = []
    for document in documents:
        for statement in open_to_everyone(document):
            findings += statement.place.breach(wanted, f"Allow {', '.join(statement.actions)} to everyone")
        for statement in statements(document):
            findings += statement.place.unjudged(wanted) if statement.incomplete and statement.allows else []
    return findings + unknown_documents(documents, wanted)


@rule(
    "iam-role-trusts-named-principals",
    "No role can be taken by everyone",
    on="aws.iam.Role",
    requirements="7.2.1 7.2.2 8.2.2",
    severity=CRITICAL,
    remedy="name the accounts, roles, services or identity subjects that may take the role",
)
def role_trusts_named_principals(role: Resource) -> Findings:
    return _forbidden(
        [role["assumeRolePolicy"]],
        trusts_anybody,
        lambda statement: f"trust of {', '.join(who for _, who in statement.principals) or 'everyone'}",
        "named principals",
    )


def trusts_anybody(statement: Statement) -> bool:
    """Whether it lets in more than whom it names."""
    return statement.allows and (
        statement.names_everyone or _any_web_identity(statement) or _a_whole_account(statement)
    )


def _any_web_identity(statement: Statement) -> bool:
    """A public identity provider (GitHub, Google …) is trusted whoever logs in there."""
    if not any(kind == "Federated" and "saml-provider" not in who for kind, who in statement.principals):
        return False
    named = [
        (key, str(value))
        for operator, key, values in statement.conditions
        if key.endswith(_WEB_IDENTITY_NAMES) and operator.startswith(("string", "foranyvalue:string"))
        if not operator.endswith("ifexists") and "not" not in operator
        for value in values
        if value != _ANY_AUDIENCE
    ]
    subjects = [value for key, value in named if key.endswith(":sub")]
    return not named or any(not _names_a_subject(value) for value in subjects or [value for _, value in named])


# What a provider writes in front of the name of who comes.
_SUBJECT_PREFIXES: Final = re.compile(
    r"(?:repo:|project_path:|organization:|org/|workspace:|pulumi:(?:deploy|environments):org:|"
    r"system:serviceaccount:)"
)
_OWNED_BY_PREFIX: Final = ("repo:", "project_path:")  # `repo:acme*` is everybody whose name begins so


def _names_a_subject(subject: str) -> bool:
    """`repo:owner/name:*` names one; `*`, `repo:*` and `system:serviceaccount:*:*` name everybody."""
    literal = re.split(r"[*?]", subject)[0]
    prefix = _SUBJECT_PREFIXES.match(subject)
    name = literal[prefix.end() :] if prefix else literal
    if has_wildcard(subject) and subject.startswith(_OWNED_BY_PREFIX):
        return "/" in name
    return bool(name.strip(":/"))


def _a_whole_account(statement: Statement) -> bool:
    """Another account, whoever in it: without an external id, a second factor or a name, its keys are enough."""
    return not says_who(statement.conditions) and any(
        kind == "AWS" and re.fullmatch(r"\d{12}|arn:aws[\w-]*:iam::\d{12}:root", who)
        for kind, who in statement.principals
    )


@rule(
    "iam-no-broad-managed-policy",
    "No role, user or group holds one of AWS's full-access policies",
    on=(
        "aws.iam.RolePolicyAttachment",
        "aws.iam.GroupPolicyAttachment",
        "aws.iam.UserPolicyAttachment",
        "aws.iam.PolicyAttachment",
        "aws.iam.RolePolicyAttachmentsExclusive",
        "aws.iam.GroupPolicyAttachmentsExclusive",
        "aws.iam.UserPolicyAttachmentsExclusive",
        "aws.iam.Role",
        "aws.iam.Group",
        "aws.iam.User",
        "aws.ssoadmin.ManagedPolicyAttachment",
    ),
    requirements=_ACCESS_CONTROL,
    controls="IAM_POLICY_NO_STATEMENTS_WITH_FULL_ACCESS",
    severity=HIGH,
    remedy="attach a policy with the actions that the holder needs",
)
def no_broad_managed_policy(attachment: Resource) -> Findings:
    return [
        finding
        for arn in _attached_policies(attachment)
        if _BROAD_POLICY.search(str(arn.value))
        for finding in arn.breach("a policy of named actions")
    ]


def _attached_policies(attachment: Resource) -> Iterator[Property]:
    yield attachment["policyArn"]
    yield attachment["managedPolicyArn"]
    yield from attachment["managedPolicyArns"]
    yield from attachment["policyArns"]


@rule(
    "iam-no-inline-policy",
    "Rights stand in managed policies, not inline in a role, user or group",
    on=("aws.iam.RolePolicy", "aws.iam.GroupPolicy", "aws.iam.UserPolicy", "aws.iam.Role"),
    requirements=_ACCESS_CONTROL,
    controls="IAM_NO_INLINE_POLICY_CHECK",
    severity=LOW,
    remedy="make it an iam.Policy and attach it",
)
def no_inline_policy(holder: Resource) -> Findings:
    if holder.kind == "aws.iam.Role":
        return holder["inlinePolicies"].must_not_be_given("no inline policy")
    return holder["policy"].breach("a managed policy", "an inline policy")


@rule(
    "iam-no-policy-on-users",
    "Users get their rights from groups, never directly",
    on=("aws.iam.UserPolicy", "aws.iam.UserPolicyAttachment", "aws.iam.PolicyAttachment"),
    requirements=_ACCESS_CONTROL,
    controls="IAM_USER_NO_POLICIES_CHECK",
    severity=LOW,
    remedy="attach the policy to a group that the user is in",
)
def no_policy_on_users(attachment: Resource) -> Findings:
    if attachment.kind == "aws.iam.PolicyAttachment":
        return attachment["users"].must_not_be_given("no users")
    return attachment["user"].breach("a group", "a user")


@rule(
    "iam-no-access-keys",
    "No long-lived access keys are made",
    on="aws.iam.AccessKey",
    requirements="8.3.9 8.6.3 8.6.1",
    controls="IAM.3 ACCESS_KEYS_ROTATED",
    severity=HIGH,
    remedy="use a role: instance profile, Pod Identity, or single sign-on",
)
def no_access_keys(key: Resource) -> Findings:
    return key["user"].breach("a role with short-lived credentials", "given a long-lived access key")


@rule(
    "iam-first-password-is-changed",
    "Console users must change their first password, which has twelve characters",
    on="aws.iam.UserLoginProfile",
    requirements="8.3.5 8.3.6",
    severity=MEDIUM,
    remedy="set passwordResetRequired to true and passwordLength to 12 or more",
)
def first_password_is_changed(profile: Resource) -> Findings:
    # Provider default of the length: 20.
    return profile["passwordResetRequired"].must_be(True) + profile["passwordLength"].must_be_at_least(
        12, "characters", default=20
    )


@rule(
    "iam-password-policy",
    "The account asks for long, mixed passwords",
    on="aws.iam.AccountPasswordPolicy",
    requirements="8.3.6 8.6.3",
    controls="IAM.7 IAM.11 IAM.12 IAM.14 IAM_PASSWORD_POLICY",
    severity=MEDIUM,
    remedy="ask for twelve characters with upper and lower case letters, numbers and symbols",
)
def password_policy(account: Resource, *, minimum_length: int = 12) -> Findings:
    return [
        *account["minimumPasswordLength"].must_be_at_least(minimum_length, "characters"),
        *account["requireUppercaseCharacters"].must_be(True),
        *account["requireLowercaseCharacters"].must_be(True),
        *account["requireNumbers"].must_be(True),
        *account["requireSymbols"].must_be(True),
    ]


@rule(
    "iam-password-reuse-and-age",
    "Passwords are not used again and last at most 90 days",
    on="aws.iam.AccountPasswordPolicy",
    requirements="8.3.7 8.3.9 8.3.10.1",
    controls="IAM.16 IAM.17",
    severity=MEDIUM,
    remedy="set passwordReusePrevention to 24 and maxPasswordAge to 90 or less",
)
def password_reuse_and_age(account: Resource, *, maximum_days: int = 90) -> Findings:
    age = account["maxPasswordAge"]
    # 0 means that passwords never expire.
    never = age.breach(f"at most {maximum_days:g} days") if age.value == 0 else []
    return account["passwordReusePrevention"].must_be_at_least(24, "passwords") + (
        never or age.must_be_at_most(maximum_days, "days")
    )
