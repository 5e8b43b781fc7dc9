"""Where Pulumi keeps its state: one bucket and one key, which nobody deletes by mistake and no deployment can touch.

Creates the bucket (versioned, encrypted, over TLS only, closed to the public) and the key that also encrypts the
stacks' secrets. Trust boundary: the roles of `GitHubAccess` by their own policies; the bucket's policy refuses to
everybody that the bucket, a version of an object or the versioning itself is removed. Who must do that changes the
policy first, which CloudTrail records. Holds data: without it no stack can be changed in an orderly way again.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from bootstrap.account import Account

DELETION_WINDOW_DAYS = 30
ROTATION_DAYS = 365
OLD_VERSIONS_DAYS = 365
"""How long an earlier state can be had back; PCI DSS 10.5.1 asks for a year of history."""
UNFINISHED_UPLOAD_DAYS = 7


@dataclass(frozen=True, kw_only=True)
class StateBackendArgs:
    """Inputs of `StateBackend`."""

    account: Account


class StateBackend(pulumi.ComponentResource):
    """The bucket and the key."""

    url: str
    """What to export as PULUMI_BACKEND_URL."""
    secrets_provider: str
    """What to give to `pulumi stack init --secrets-provider`."""
    key_arn: pulumi.Output[str]

    def __init__(self, name: str, args: StateBackendArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("softpos:bootstrap:StateBackend", name, {}, opts)
        self._name = name
        self._account = args.account
        self._children = pulumi.ResourceOptions(parent=self)
        self._stays = pulumi.ResourceOptions(parent=self, protect=True, retain_on_delete=True)
        self.url = f"s3://{args.account.state_bucket}?region={args.account.region}&awssdk=v2"
        self.secrets_provider = f"awskms:///alias/softpos-state?region={args.account.region}&awssdk=v2"
        self.key_arn = self._create_key()
        self._harden(self._create_bucket())
        self.register_outputs({"url": self.url, "secretsProvider": self.secrets_provider})

    def _create_key(self) -> pulumi.Output[str]:
        account = self._account
        root = account.arn("iam", "root", region="")
        decides = {"Sid": "AccountDecidesByIam", "Effect": "Allow", "Principal": {"AWS": root}}
        key = aws.kms.Key(
            f"{self._name}-key",
            description="SoftPOS: Pulumi's state and the secrets in it",
            enable_key_rotation=True,
            rotation_period_in_days=ROTATION_DAYS,
            deletion_window_in_days=DELETION_WINDOW_DAYS,
            # In a key's policy "*" means this key.
            policy=json.dumps(
                {"Version": "2012-10-17", "Statement": [{**decides, "Action": "kms:*", "Resource": "*"}]}
            ),
            opts=self._stays,
        )
        aws.kms.Alias(
            f"{self._name}-key-alias", name="alias/softpos-state", target_key_id=key.key_id, opts=self._children
        )
        return key.arn

    def _create_bucket(self) -> aws.s3.Bucket:
        return aws.s3.Bucket(f"{self._name}-bucket", bucket=self._account.state_bucket, opts=self._stays)

    def _harden(self, bucket: aws.s3.Bucket) -> None:
        name = f"{self._name}-bucket"
        block = aws.s3.BucketPublicAccessBlock(
            f"{name}-public-access-block",
            bucket=bucket.bucket,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
            opts=self._children,
        )
        aws.s3.BucketOwnershipControls(
            f"{name}-ownership",
            bucket=bucket.bucket,
            rule={"object_ownership": "BucketOwnerEnforced"},
            opts=self._children,
        )
        versioning = aws.s3.BucketVersioning(
            f"{name}-versioning",
            bucket=bucket.bucket,
            versioning_configuration={"status": "Enabled"},
            opts=self._children,
        )
        aws.s3.BucketServerSideEncryptionConfiguration(
            f"{name}-encryption",
            bucket=bucket.bucket,
            rules=[
                {
                    "apply_server_side_encryption_by_default": {
                        "sse_algorithm": "aws:kms",
                        "kms_master_key_id": self.key_arn,
                    },
                    "bucket_key_enabled": True,
                }
            ],
            opts=self._children,
        )
        aws.s3.BucketLifecycleConfiguration(
            f"{name}-lifecycle",
            bucket=bucket.bucket,
            rules=[
                {
                    "id": "forget-what-was-replaced-long-ago",
                    "status": "Enabled",
                    "filter": {"prefix": ""},
                    "noncurrent_version_expiration": {"noncurrent_days": OLD_VERSIONS_DAYS},
                    "abort_incomplete_multipart_upload": {"days_after_initiation": UNFINISHED_UPLOAD_DAYS},
                }
            ],
            opts=pulumi.ResourceOptions(parent=self, depends_on=[versioning]),
        )
        aws.s3.BucketPolicy(
            f"{name}-policy",
            bucket=bucket.bucket,
            policy=json.dumps(bucket_policy(self._account)),
            # S3 refuses two changes of a bucket's access at a time; the policy refuses later changes of the versioning.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[block, versioning]),
        )


def bucket_policy(account: Account) -> dict[str, object]:
    """Refuses to everybody what would open the state or lose it."""
    everybody = {"Effect": "Deny", "Principal": "*"}
    both = [account.state_bucket_arn, f"{account.state_bucket_arn}/*"]
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                **everybody,
                "Sid": "RefuseWithoutTls",
                "Action": "s3:*",
                "Resource": both,
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            },
            {
                **everybody,
                "Sid": "NobodyLosesTheState",
                "Action": ["s3:DeleteBucket", "s3:DeleteObjectVersion", "s3:PutBucketVersioning"],
                "Resource": both,
            },
        ],
    }
