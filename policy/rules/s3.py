"""S3: buckets and what is said about them in resources of their own."""

from __future__ import annotations

import re
from typing import Final

from ..documents import Statement, readable, statements, unknown_documents
from ..reading import Breach, Findings, Property
from ..rule import CRITICAL, HIGH, LOW, MEDIUM, Resource, StackFindings, rule
from ..stack import Stack

_BUCKET: Final = "aws.s3.Bucket"
_BLOCKS: Final = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
_PUBLIC_ACLS: Final = ("public-read", "public-read-write", "authenticated-read", "website")
_PRIVATE_ACLS: Final = ("private", "log-delivery-write", "bucket-owner-full-control")
_NOT_PUBLIC: Final = "1.4.4 1.3.1 7.2.1"
_EACH_KIND_OF_ACTION: Final = ("s3:AnyAction", "s3:DeleteObject", "s3:GetObject", "s3:ListBucket", "s3:PutObject")

# Actions by which another account could open the bucket or destroy what protects it.
_OWNERS_ONLY: Final = (
    "s3:DeleteBucketPolicy",
    "s3:PutBucketAcl",
    "s3:PutBucketPolicy",
    "s3:PutEncryptionConfiguration",
    "s3:PutObjectAcl",
)


def _each_bucket_has(stack: Stack, kind: str, inline: str, wanted: str, found: str) -> StackFindings:
    """Each bucket must have a resource of the kind, or say it inline as older programs do."""
    lacking = stack.each_must_have((_BUCKET,), (kind,), "bucket", wanted, found)
    return [(bucket, finding) for bucket, finding in lacking if bucket and (not inline or bucket[inline].absent)]


@rule(
    "s3-public-access-blocked",
    "Public access is blocked in all four ways",
    on=("aws.s3.BucketPublicAccessBlock", "aws.s3.AccountPublicAccessBlock"),
    requirements=_NOT_PUBLIC,
    controls="S3.1 S3.8 S3_BUCKET_LEVEL_PUBLIC_ACCESS_PROHIBITED S3_ACCOUNT_LEVEL_PUBLIC_ACCESS_BLOCKS CloudTrail.6 "
    "S3_BUCKET_PUBLIC_READ_PROHIBITED S3_BUCKET_PUBLIC_WRITE_PROHIBITED",
    severity=CRITICAL,
    remedy=f"set {', '.join(_BLOCKS)} to true",
)
def public_access_blocked(block: Resource) -> Findings:
    return [finding for name in _BLOCKS for finding in block[name].must_be(True)]


@rule(
    "s3-access-point-public-access-blocked",
    "Access points block public access",
    on="aws.s3.AccessPoint",
    requirements=_NOT_PUBLIC,
    controls="S3.19 S3_ACCESS_POINT_PUBLIC_ACCESS_BLOCKS",
    severity=CRITICAL,
    remedy="leave publicAccessBlockConfiguration out, or set all four to true",
)
def access_point_blocked(point: Resource) -> Findings:
    block = point["publicAccessBlockConfiguration"]
    return [finding for name in _BLOCKS for finding in block[name].must_be(True, default=True)]  # provider default


@rule(
    "s3-bucket-public-access-block",
    "Every bucket has a public access block",
    about=_BUCKET,
    requirements=_NOT_PUBLIC,
    controls="S3.8 S3_BUCKET_LEVEL_PUBLIC_ACCESS_PROHIBITED CloudTrail.6",
    severity=HIGH,
    remedy="add an s3.BucketPublicAccessBlock with all four set to true",
)
def bucket_has_block(stack: Stack) -> StackFindings:
    return _each_bucket_has(
        stack, "aws.s3.BucketPublicAccessBlock", "", "a public access block", "without a public access block"
    )


@rule(
    "s3-no-acl",
    "Buckets have no ACL: their policy alone says who may do what",
    on=("aws.s3.BucketAcl", _BUCKET, "aws.s3.BucketObject", "aws.s3.BucketObjectv2", "aws.s3.ObjectCopy"),
    requirements="1.3.1 7.2.1 7.2.2 7.3.1",
    controls="S3_BUCKET_ACL_PROHIBITED S3_BUCKET_PUBLIC_READ_PROHIBITED S3_BUCKET_PUBLIC_WRITE_PROHIBITED",
    severity=HIGH,
    remedy="remove the ACL, and own the objects by s3.BucketOwnershipControls with BucketOwnerEnforced",
)
def no_acl(holder: Resource) -> Findings:
    if holder.kind == "aws.s3.BucketAcl":
        # Logs of CloudFront and S3 itself are delivered into a bucket by ACL.
        public = holder["acl"].must_not_be(*_PUBLIC_ACLS, wanted="no ACL", default="private")
        return public or ([] if holder["acl"].value in _PRIVATE_ACLS else holder["acl"].breach("no ACL"))
    return holder["acl"].must_be("private", default="private") + holder["grants"].must_not_be_given("no grants")


@rule(
    "s3-owner-enforced",
    "The bucket's owner owns every object in it",
    on="aws.s3.BucketOwnershipControls",
    requirements="7.2.1 7.2.2 7.3.1",
    controls="S3_BUCKET_ACL_PROHIBITED",
    severity=MEDIUM,
    remedy="set rule.objectOwnership to BucketOwnerEnforced, or to BucketOwnerPreferred where logs come by ACL",
)
def owner_enforced(controls: Resource) -> Findings:
    # BucketOwnerPreferred is what buckets for logs of CloudFront need, which are delivered by ACL.
    return controls["rule"]["objectOwnership"].must_be("BucketOwnerEnforced", "BucketOwnerPreferred")


@rule(
    "s3-policy-requires-tls",
    "Bucket policies refuse requests without TLS",
    on=("aws.s3.BucketPolicy", _BUCKET),
    requirements="4.2.1 2.2.7 8.3.2",
    controls="S3.5 S3_BUCKET_SSL_REQUESTS_ONLY",
    severity=HIGH,
    remedy="deny s3:* on the bucket and its objects to everyone while aws:SecureTransport is false",
)
def policy_requires_tls(holder: Resource) -> Findings:
    policy = holder["policy"]
    if policy.absent and holder.kind == _BUCKET:
        return []  # a policy of its own, which s3-bucket-policy asks for
    if unknown := unknown_documents([policy], "refusing requests without TLS"):
        return unknown
    if policy.known and not readable(policy):
        return []
    refusing = [statement for statement in statements(policy) if _refuses_plain_requests(statement)]
    if any(statement.incomplete for statement in refusing) or _whole_bucket(holder, refusing):
        return []
    found = "with one for a part of the bucket, or another bucket" if refusing else "without such a statement"
    return policy.breach("a Deny on s3:* while aws:SecureTransport is false", found)


def _refuses_plain_requests(statement: Statement) -> bool:
    plain = any(
        operator in ("bool", "boolifexists") and key == "aws:securetransport" and str(values[0]).lower() == "false"
        for operator, key, values in statement.conditions
        if values
    )
    denies_all = (
        not statement.allows
        and statement.about_everyone
        and all(statement.covers_action(action) for action in _EACH_KIND_OF_ACTION)
    )
    return denies_all and plain and len(statement.conditions) == 1


def _whole_bucket(holder: Resource, refusing: list[Statement]) -> bool:
    """Whether the statements are about this bucket and all its objects."""
    named = holder["bucket"].text or ""
    own = rf"(?:{re.escape(named.rpartition(':')[2])}|[*])" if named else "[^/]+"
    patterns = [pattern for statement in refusing for pattern in statement.resources]
    texts = [pattern.rpartition(":::")[2] for pattern in patterns]
    # Terraform-like references stand for the bucket in templates.
    return "*" in texts or (
        any(re.fullmatch(rf"{own}[*]?|\$\{{.*\}}", text) for text in texts)
        and any(re.fullmatch(rf"{own}(?:/[*]+|[*])|\$\{{.*\}}/[*]", text) for text in texts)
    )


@rule(
    "s3-bucket-policy",
    "Every bucket has a policy, so that it can refuse requests without TLS",
    about=_BUCKET,
    requirements="4.2.1 2.2.7 8.3.2",
    controls="S3.5 S3_BUCKET_SSL_REQUESTS_ONLY",
    severity=HIGH,
    remedy="add an s3.BucketPolicy that denies s3:* while aws:SecureTransport is false",
)
def bucket_has_policy(stack: Stack) -> StackFindings:
    return _each_bucket_has(stack, "aws.s3.BucketPolicy", "policy", "a bucket policy", "without a bucket policy")


@rule(
    "s3-policy-guards-itself",
    "Bucket policies allow nobody to change the policy, the encryption or the ACLs",
    on="aws.s3.BucketPolicy",
    requirements="7.2.1 7.2.2 7.3.1",
    controls="S3_BUCKET_BLACKLISTED_ACTIONS_PROHIBITED S3_BUCKET_POLICY_NOT_MORE_PERMISSIVE",
    severity=HIGH,
    remedy=f"take {', '.join(_OWNERS_ONLY)} out of the statement",
)
def policy_guards_itself(holder: Resource) -> Findings:
    wanted = "no action that changes the bucket's protection"
    findings = [
        finding
        for statement in statements(holder["policy"])
        if statement.principals
        and any(statement.allows_action(action) for action in _OWNERS_ONLY)
        and not _passes_on_to_access_points(statement)
        for finding in statement.place.breach(wanted, f"Allow {', '.join(statement.actions)}")
    ]
    return findings or unknown_documents([holder["policy"]], wanted)


def _passes_on_to_access_points(statement: Statement) -> bool:
    """A bucket whose access points, all of one account, say who may do what."""
    return any(key == "s3:dataaccesspointaccount" for _, key, _ in statement.conditions)


@rule(
    "s3-encrypted-with-kms",
    "Bucket encryption uses a customer-managed key",
    on=("aws.s3.BucketServerSideEncryptionConfiguration", _BUCKET),
    requirements="3.5.1 8.3.2",
    controls="S3.17 S3_DEFAULT_ENCRYPTION_KMS S3_BUCKET_SERVER_SIDE_ENCRYPTION_ENABLED",
    severity=MEDIUM,
    remedy="set sseAlgorithm to aws:kms and kmsMasterKeyId to the ARN of a customer-managed key",
)
def encrypted_with_kms(configuration: Resource) -> Findings:
    if configuration.kind == _BUCKET:  # inline, as older programs say it
        rules = configuration["serverSideEncryptionConfiguration"]["rule"]
        if configuration["serverSideEncryptionConfiguration"].absent or rules.unknown:
            return []
    else:
        rules = configuration["rules"]
    findings = rules.must_be_given("a rule")
    for entry in rules:
        default = entry["applyServerSideEncryptionByDefault"]
        findings += (
            default["sseAlgorithm"].must_be("aws:kms", "aws:kms:dsse") or default["kmsMasterKeyId"].must_name_own_key()
        )
    return findings


@rule(
    "s3-bucket-encryption",
    "Every bucket says how it is encrypted",
    about=_BUCKET,
    requirements="3.5.1 8.3.2",
    controls="S3.17 S3_DEFAULT_ENCRYPTION_KMS S3_BUCKET_SERVER_SIDE_ENCRYPTION_ENABLED",
    severity=MEDIUM,
    remedy="add an s3.BucketServerSideEncryptionConfiguration with a customer-managed key",
)
def bucket_encryption(stack: Stack) -> StackFindings:
    return _each_bucket_has(
        stack,
        "aws.s3.BucketServerSideEncryptionConfiguration",
        "serverSideEncryptionConfiguration",
        "encryption with a customer-managed key",
        "without an encryption configuration",
    )


@rule(
    "s3-versioning-enabled",
    "Versioning is on where it is configured",
    on="aws.s3.BucketVersioning",
    requirements="10.3.4 10.3.3",
    controls="S3_BUCKET_VERSIONING_ENABLED",
    severity=MEDIUM,
    remedy="set versioningConfiguration.status to Enabled",
)
def versioning_enabled(versioning: Resource) -> Findings:
    return versioning["versioningConfiguration"]["status"].must_be("Enabled")


@rule(
    "s3-bucket-versioning",
    "Every bucket keeps the versions of its objects",
    about=_BUCKET,
    requirements="10.3.4 10.3.3",
    controls="S3_BUCKET_VERSIONING_ENABLED",
    severity=MEDIUM,
    remedy="add an s3.BucketVersioning with status Enabled",
)
def bucket_versioning(stack: Stack) -> StackFindings:
    lacking = _each_bucket_has(stack, "aws.s3.BucketVersioning", "", "versioning", "without versioning")
    return [
        (bucket, finding)
        for bucket, finding in lacking
        if bucket and bucket["versioning"]["enabled"].value is not True and bucket["versionings"].absent
    ]


@rule(
    "s3-bucket-access-logs",
    "Every bucket writes access logs, except the one that takes them",
    about=_BUCKET,
    requirements="10.2.1 10.2.1.2",
    controls="S3.9 S3_BUCKET_LOGGING_ENABLED CloudTrail.7",
    severity=MEDIUM,
    remedy="add an s3.BucketLogging with another bucket as its target",
)
def bucket_access_logs(stack: Stack) -> StackFindings:
    takers = {
        urn
        for kind, path in (("aws.s3.BucketLogging", "targetBucket"), ("aws.lb.LoadBalancer", "accessLogs.bucket"))
        for urn in stack.linked((kind,), path, (_BUCKET,))[0]
    }
    lacking = _each_bucket_has(stack, "aws.s3.BucketLogging", "logging", "access logs", "without access logs")
    return [
        (bucket, finding)
        for bucket, finding in lacking
        if bucket and bucket.urn not in takers and bucket["loggings"].absent  # the name of the property before v7
    ]


@rule(
    "s3-bucket-lifecycle",
    "Every bucket says how long it keeps its objects",
    about=_BUCKET,
    requirements="3.2.1 10.5.1",
    controls="S3_LIFECYCLE_POLICY_CHECK",
    severity=LOW,
    remedy="add an s3.BucketLifecycleConfiguration with an enabled rule",
)
def bucket_lifecycle(stack: Stack) -> StackFindings:
    return _each_bucket_has(
        stack, "aws.s3.BucketLifecycleConfiguration", "lifecycleRules", "a lifecycle", "without a lifecycle"
    )


@rule(
    "s3-lifecycle-in-force",
    "Lifecycle configurations have a rule that is enabled",
    on="aws.s3.BucketLifecycleConfiguration",
    requirements="3.2.1 10.5.1",
    controls="S3_LIFECYCLE_POLICY_CHECK",
    severity=LOW,
    remedy="set the status of a rule to Enabled",
)
def lifecycle_in_force(lifecycle: Resource) -> Findings:
    states = [entry["status"] for entry in lifecycle["rules"]]
    if any(state.value == "Enabled" for state in states):
        return []
    return states[0].must_be("Enabled") if states else lifecycle["rules"].breach("a rule that is enabled")


@rule(
    "s3-audit-bucket-locked",
    "Buckets of trails are locked: nobody can delete or change what is in them",
    about="aws.cloudtrail.Trail",
    requirements="10.3.2 10.3.4 10.5.1",
    controls="S3.15 S3_BUCKET_DEFAULT_LOCK_ENABLED CLOUDTRAIL_SECURITY_TRAIL_ENABLED",
    severity=HIGH,
    remedy="set objectLockEnabled on the bucket and add an s3.BucketObjectLockConfiguration with a default retention",
)
def audit_bucket_locked(stack: Stack) -> StackFindings:
    locks, _ = stack.linked(("aws.s3.BucketObjectLockConfiguration",), "bucket", (_BUCKET,))
    # Not the buckets of AWS Config, which cannot deliver into a bucket with a default retention.
    audit = {
        bucket.urn: bucket
        for trail in stack.of("aws.cloudtrail.Trail")
        for bucket in stack.targets(trail, trail["s3BucketName"], _BUCKET)
    }
    findings: StackFindings = []
    for bucket in audit.values():
        found: Findings = bucket["objectLockEnabled"].must_be(True)
        if not found and bucket.urn not in locks:
            found = [Breach("", "without a default retention", "an object lock configuration")]
        findings += [(bucket, finding) for finding in found]
    return findings


@rule(
    "s3-lock-retention",
    "Object locks keep audit logs for twelve months",
    on="aws.s3.BucketObjectLockConfiguration",
    requirements="10.5.1 10.3.4",
    controls="S3.15 S3_BUCKET_DEFAULT_LOCK_ENABLED",
    severity=MEDIUM,
    remedy="set rule.defaultRetention with a mode and at least 365 days or one year",
)
def lock_retention(lock: Resource, *, minimum_days: int = 365) -> Findings:
    retention: Property = lock["rule"]["defaultRetention"]
    mode = retention["mode"].must_be("COMPLIANCE", "GOVERNANCE")
    years = retention["years"]
    length = years.must_be_at_least(minimum_days / 366, "years") if not years.absent else None
    return mode + (retention["days"].must_be_at_least(minimum_days, "days") if length is None else length)
