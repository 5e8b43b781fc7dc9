"""Where Pulumi keeps its state: one bucket and its keys, which nobody deletes by mistake and no deployment can touch.

Creates the bucket (versioned, encrypted, over TLS only, closed to the public) with its key, and a key for the secrets
in the state of the permanent stack and, where they live, of the test environments: who reads one set of secrets reads
no other. Trust boundary: the roles of `GitHubAccess` by their own policies; the bucket's policy refuses to
everybody that the bucket, a version of an object or the versioning itself is removed. Who must do that changes the
policy first, which CloudTrail records. Holds data: without it no stack can be changed in an orderly way again.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from bootstrap.account import Account, StateKeys

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
    """The bucket and the keys."""

    url: str
    """What to export as PULUMI_BACKEND_URL."""
    secrets_provider: str
    """What to give to `pulumi stack init --secrets-provider` for the permanent stack."""
    bootstrap_secrets_provider: str
    """The same for bootstrap's own stack: no role of a workflow can use this key but by way of S3."""
    keys: pulumi.Output[StateKeys]

    def __init__(self, name: str, args: StateBackendArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("softpos:bootstrap:StateBackend", name, {}, opts)
        self._name = name
        self._account = args.account
        self._children = pulumi.ResourceOptions(parent=self)
        self._stays = pulumi.ResourceOptions(parent=self, protect=True, retain_on_delete=True)
        self.url = f"s3://{args.account.state_bucket}?region={args.account.region}&awssdk=v2"
        options = f"region={args.account.region}&awssdk=v2"
        self.secrets_provider = f"awskms:///alias/softpos-secrets-stack?{options}"
        self.bootstrap_secrets_provider = f"awskms:///alias/softpos-state?{options}"
        self._key_arn = self._create_key("key", "alias/softpos-state", "the bucket of Pulumi's state")
        secrets = self._create_key("stack-key", "alias/softpos-secrets-stack", "secrets in the permanent stack's state")
        environments = (
            self._create_key("environments-key", "alias/softpos-secrets-environments", "secrets in environments' state")
            if args.account.environments
            else pulumi.Output.from_input("")
        )
        self.keys = pulumi.Output.all(self._key_arn, secrets, environments).apply(lambda arns: StateKeys(*arns))
        self._harden(self._create_bucket())
        self.register_outputs({"url": self.url, "secretsProvider": self.secrets_provider})

    def _create_key(self, role: str, alias: str, what: str) -> pulumi.Output[str]:
        account = self._account
        root = account.arn("iam", "root", region="")
        decides = {"Sid": "AccountDecidesByIam", "Effect": "Allow", "Principal": {"AWS": root}}
        key = aws.kms.Key(
            f"{self._name}-{role}",
            description=f"SoftPOS: {what}",
            enable_key_rotation=True,
            rotation_period_in_days=ROTATION_DAYS,
            deletion_window_in_days=DELETION_WINDOW_DAYS,
            # In a key's policy "*" means this key.
            policy=json.dumps(
                {"Version": "2012-10-17", "Statement": [{**decides, "Action": "kms:*", "Resource": "*"}]}
            ),
            opts=self._stays,
        )
        aws.kms.Alias(f"{self._name}-{role}-alias", name=alias, target_key_id=key.key_id, opts=self._children)
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
                        "kms_master_key_id": self._key_arn,
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
