"""The account's diary: a multi-Region CloudTrail, signed, encrypted, locked away and searchable.

Creates the trail, its bucket, its log group and the role that fills it. Records management events and every read and
write of objects in S3, where the evidence itself lies. Trust boundary: only this trail writes to the bucket, and the
lock keeps what it wrote from everybody until `AuditSettings.log_retention_days` have passed.
"""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from ..foundations.log_storage import LogStorage
from ..foundations.placement import DataClass, Placement
from ..foundations.private_bucket import PrivateBucket, PrivateBucketArgs
from ..foundations.roles import GrantedRole, create_service_role
from .settings import AuditSettings


@dataclass(frozen=True, kw_only=True)
class TrailArgs:
    """Inputs of `Trail`."""

    placement: Placement
    logs: LogStorage
    settings: AuditSettings
    key_arn: pulumi.Input[str]
    """The audit key, whose policy lets the trail ``softpos-<stack>`` encrypt."""
    access_log_bucket: pulumi.Input[str]
    """Where requests to the trail's bucket are recorded."""


class Trail(pulumi.ComponentResource):
    """CloudTrail into a locked bucket and a log group."""

    bucket_name: str
    log_group: aws.cloudwatch.LogGroup
    arn: pulumi.Output[str]

    def __init__(self, name: str, args: TrailArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("softpos:audit:Trail", name, {}, opts)
        self._name = name
        self._args = args
        self._children = pulumi.ResourceOptions(parent=self)
        placement = args.placement
        self._trail_name = placement.name()
        self._trail_arn = placement.arn("cloudtrail", f"trail/{self._trail_name}")
        self._log_group_name = f"/{placement.path('trail')}"
        bucket = self._create_bucket()
        self.bucket_name = bucket.name
        self.log_group = args.logs.group(f"{name}-log-group", self._log_group_name, self)
        role = self._create_role()
        trail = aws.cloudtrail.Trail(
            name,
            name=self._trail_name,
            s3_bucket_name=bucket.ready,
            kms_key_id=args.key_arn,
            is_multi_region_trail=True,
            include_global_service_events=True,
            enable_log_file_validation=True,
            cloud_watch_logs_group_arn=self.log_group.arn.apply(lambda arn: f"{arn}:*"),
            cloud_watch_logs_role_arn=role.arn,
            advanced_event_selectors=[
                _selector("Management events", eventCategory="Management"),
                # All buckets, the trail's own among them: PCI DSS 10.2.1.3 asks for every access to audit logs.
                _selector("Reads and writes in S3", **{"eventCategory": "Data", "resources.type": "AWS::S3::Object"}),
            ],
            tags=placement.tags(name, DataClass.AUDIT),
            opts=pulumi.ResourceOptions(parent=self, depends_on=role.ready),
        )
        self.arn = trail.arn
        self.register_outputs({"arn": self.arn, "bucketName": self.bucket_name})

    def _create_bucket(self) -> PrivateBucket:
        args, placement = self._args, self._args.placement
        bucket_arn = f"arn:{placement.partition}:s3:::{placement.bucket('trail')}"
        trail = {"Effect": "Allow", "Principal": {"Service": "cloudtrail.amazonaws.com"}}
        source = {"aws:SourceArn": self._trail_arn}
        return PrivateBucket(
            f"{self._name}-bucket",
            PrivateBucketArgs(
                placement=placement,
                role="trail",
                key_arn=args.key_arn,
                retention_days=args.settings.log_retention_days,
                lock=args.settings.bucket_lock,
                access_log_bucket=args.access_log_bucket,
                statements=(
                    {
                        "Sid": "TrailLooks",
                        "Action": "s3:GetBucketAcl",
                        "Resource": bucket_arn,
                        "Condition": {"StringEquals": source},
                        **trail,
                    },
                    {
                        "Sid": "TrailWrites",
                        "Action": "s3:PutObject",
                        "Resource": f"{bucket_arn}/AWSLogs/{placement.account_id}/*",
                        "Condition": {"StringEquals": {**source, "s3:x-amz-acl": "bucket-owner-full-control"}},
                        **trail,
                    },
                ),
            ),
            self._children,
        )

    def _create_role(self) -> GrantedRole:
        placement = self._args.placement
        return create_service_role(
            f"{self._name}-role",
            placement,
            service="cloudtrail.amazonaws.com",
            does="Lets CloudTrail copy events to the trail's log group",
            statements=[
                {
                    "Effect": "Allow",
                    "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
                    "Resource": placement.arn("logs", f"log-group:{self._log_group_name}:log-stream:*"),
                }
            ],
            parent=self,
            data_class=DataClass.AUDIT,
        )


def _selector(name: str, **fields: str) -> aws.cloudtrail.TrailAdvancedEventSelectorArgs:
    return aws.cloudtrail.TrailAdvancedEventSelectorArgs(
        name=name,
        field_selectors=[
            aws.cloudtrail.TrailAdvancedEventSelectorFieldSelectorArgs(field=field, equals=[value])
            for field, value in fields.items()
        ],
    )
