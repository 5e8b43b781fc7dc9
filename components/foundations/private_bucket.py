"""How buckets are kept: private, encrypted, versioned, over TLS only, with a known end to what they hold.

Creates one bucket with everything that hardens it, so that each bucket of the platform is hardened in the same way.
Trust boundary: the bucket policy lets in what the caller's statements name and refuses all that comes without TLS.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Literal

import pulumi
import pulumi_aws as aws

from .placement import DataClass, Placement

COLDER_AFTER_DAYS = 90
"""Three months stay in the standard class; the class after it answers at once as well (PCI DSS 10.5.1)."""
COLDER_CLASS = "GLACIER_IR"
SUPERSEDED_DAYS = 30
"""A version that was overwritten or deleted can be had back for a month."""
UNFINISHED_UPLOAD_DAYS = 7


@dataclass(frozen=True, kw_only=True)
class PrivateBucketArgs:
    """Inputs of `PrivateBucket`."""

    placement: Placement
    role: str
    """What the bucket is for, part of its physical name, for example ``trail``."""
    key_arn: pulumi.Input[str] | None
    """Customer-managed key; None for S3's own key, where the service that writes knows no other."""
    retention_days: int
    """Days after which an object expires; with `lock` also the days for which nobody deletes it."""
    lock: Literal["governance", "compliance"] | None = None
    """Object Lock by default retention; None where the service that writes cannot deliver into a locked bucket."""
    access_log_bucket: pulumi.Input[str] | None
    """Bucket that records each request under ``s3/<bucket>/``; None for the bucket that holds those records."""
    statements: tuple[dict[str, Any], ...] = ()
    """Who may write what, as statements of the bucket policy."""


class PrivateBucket(pulumi.ComponentResource):
    """A hardened bucket."""

    name: str
    """Physical name, known before the bucket exists."""
    arn: str
    ready: pulumi.Output[str]
    """The same name, known once the policy stands that a writing service needs."""

    def __init__(self, name: str, args: PrivateBucketArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("softpos:audit:PrivateBucket", name, {}, opts)
        self._name = name
        self._args = args
        self._children = pulumi.ResourceOptions(parent=self)
        self.name = args.placement.bucket(args.role)
        self.arn = f"arn:{args.placement.partition}:s3:::{self.name}"
        self._bucket = self._create_bucket()
        block = self._close_to_public()
        self._encrypt()
        self._keep_versions()
        if args.access_log_bucket is not None:
            self._log_access(args.access_log_bucket)
        policy = aws.s3.BucketPolicy(
            f"{name}-policy",
            bucket=self._bucket.bucket,
            policy=json.dumps(self._policy()),
            # S3 refuses two changes of a bucket's access at the same moment.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[block]),
        )
        self.ready = policy.bucket
        self.register_outputs({"name": self.name, "arn": self.arn})

    @property
    def _outlives_stack(self) -> bool:
        """What a passing environment logged goes with it; a compliance lock forbids even that."""
        return self._args.placement.production or self._args.lock == "compliance"

    def _create_bucket(self) -> aws.s3.Bucket:
        placement = self._args.placement
        # Holds data: evidence.
        return aws.s3.Bucket(
            self._name,
            bucket=self.name,
            object_lock_enabled=self._args.lock is not None,
            force_destroy=not self._outlives_stack,
            tags=placement.tags(self._name, DataClass.AUDIT),
            opts=pulumi.ResourceOptions(
                parent=self, protect=placement.production, retain_on_delete=self._outlives_stack
            ),
        )

    def _close_to_public(self) -> aws.s3.BucketPublicAccessBlock:
        aws.s3.BucketOwnershipControls(
            f"{self._name}-ownership",
            bucket=self._bucket.bucket,
            rule=aws.s3.BucketOwnershipControlsRuleArgs(object_ownership="BucketOwnerEnforced"),
            opts=self._children,
        )
        return aws.s3.BucketPublicAccessBlock(
            f"{self._name}-public-access-block",
            bucket=self._bucket.bucket,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
            opts=self._children,
        )

    def _encrypt(self) -> None:
        key_arn = self._args.key_arn
        aws.s3.BucketServerSideEncryptionConfiguration(
            f"{self._name}-encryption",
            bucket=self._bucket.bucket,
            rules=[
                aws.s3.BucketServerSideEncryptionConfigurationRuleArgs(
                    apply_server_side_encryption_by_default=aws.s3.BucketServerSideEncryptionConfigurationRuleApplyServerSideEncryptionByDefaultArgs(
                        sse_algorithm="AES256" if key_arn is None else "aws:kms", kms_master_key_id=key_arn
                    ),
                    bucket_key_enabled=key_arn is not None,
                )
            ],
            opts=self._children,
        )

    def _keep_versions(self) -> None:
        versioning = aws.s3.BucketVersioning(
            f"{self._name}-versioning",
            bucket=self._bucket.bucket,
            versioning_configuration=aws.s3.BucketVersioningVersioningConfigurationArgs(status="Enabled"),
            opts=self._children,
        )
        versioned = pulumi.ResourceOptions(parent=self, depends_on=[versioning])
        days = self._args.retention_days
        aws.s3.BucketLifecycleConfiguration(
            f"{self._name}-lifecycle",
            bucket=self._bucket.bucket,
            rules=[
                aws.s3.BucketLifecycleConfigurationRuleArgs(
                    id="keep-then-expire",
                    status="Enabled",
                    filter=aws.s3.BucketLifecycleConfigurationRuleFilterArgs(prefix=""),
                    transitions=[
                        aws.s3.BucketLifecycleConfigurationRuleTransitionArgs(
                            days=COLDER_AFTER_DAYS, storage_class=COLDER_CLASS
                        )
                    ],
                    expiration=aws.s3.BucketLifecycleConfigurationRuleExpirationArgs(days=days),
                    noncurrent_version_expiration=aws.s3.BucketLifecycleConfigurationRuleNoncurrentVersionExpirationArgs(
                        noncurrent_days=SUPERSEDED_DAYS
                    ),
                    abort_incomplete_multipart_upload=aws.s3.BucketLifecycleConfigurationRuleAbortIncompleteMultipartUploadArgs(
                        days_after_initiation=UNFINISHED_UPLOAD_DAYS
                    ),
                )
            ],
            opts=versioned,
        )
        if self._args.lock is not None:
            aws.s3.BucketObjectLockConfiguration(
                f"{self._name}-lock",
                bucket=self._bucket.bucket,
                object_lock_enabled="Enabled",
                rule=aws.s3.BucketObjectLockConfigurationRuleArgs(
                    default_retention=aws.s3.BucketObjectLockConfigurationRuleDefaultRetentionArgs(
                        mode=self._args.lock.upper(), days=days
                    )
                ),
                opts=versioned,
            )

    def _log_access(self, access_log_bucket: pulumi.Input[str]) -> None:
        aws.s3.BucketLogging(
            f"{self._name}-access-log",
            bucket=self._bucket.bucket,
            target_bucket=access_log_bucket,
            target_prefix=f"s3/{self.name}/",
            opts=self._children,
        )

    def _policy(self) -> dict[str, Any]:
        refuse = {"Effect": "Deny", "Principal": "*"}
        without_tls = {
            "Sid": "RefuseWithoutTls",
            "Action": "s3:*",
            "Resource": [self.arn, f"{self.arn}/*"],
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            **refuse,
        }
        statements = [without_tls, *self._args.statements]
        if self._outlives_stack:
            # Only the lifecycle ends what is kept; it does not ask this policy.
            deletion = {"Sid": "RefuseDeletion", "Action": "s3:DeleteObjectVersion", "Resource": f"{self.arn}/*"}
            statements.append({**deletion, **refuse})
        return {"Version": "2012-10-17", "Statement": statements}
