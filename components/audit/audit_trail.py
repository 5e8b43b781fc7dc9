"""Everything that watches and remembers: alarms, CloudTrail, AWS Config, GuardDuty, Inspector, Security Hub.

Creates the alarm topic, the bucket of access logs, the trail with its alarms, the Config recorder with the PCI DSS
conformance packs, threat detection and the account's baseline. Trust boundary: the services named in each bucket, key
and topic policy write; nobody deletes from the trail's bucket before its lock ends. Nothing else waits for any of it
but for the topic, which comes first.
"""

from __future__ import annotations

from dataclasses import dataclass

import pulumi

from ..foundations.alarms import Alarms
from ..foundations.log_storage import LogStorage
from ..foundations.placement import Placement
from ..foundations.private_bucket import PrivateBucket, PrivateBucketArgs
from .account_baseline import AccountBaseline, AccountBaselineArgs
from .alarm_topic import AlarmTopic, AlarmTopicArgs
from .cis_alarms import watch_trail
from .config_recorder import ConfigRecorder, ConfigRecorderArgs
from .settings import AuditSettings
from .threat_detection import ThreatDetection, ThreatDetectionArgs
from .trail import Trail, TrailArgs

LOAD_BALANCER_LOGS = "load-balancer"
"""Prefix of load balancers' logs in the access-log bucket."""


@dataclass(frozen=True, kw_only=True)
class AuditTrailArgs:
    """Inputs of `AuditTrail`."""

    placement: Placement
    logs: LogStorage
    settings: AuditSettings
    audit_key_arn: pulumi.Input[str]
    """Encrypts the trail and Config's history."""
    logs_key_arn: pulumi.Input[str]
    """Encrypts the alarm topic."""


class AuditTrail(pulumi.ComponentResource):
    """The platform's memory and its alarms."""

    alarm_topic_arn: pulumi.Output[str]
    """SNS topic that alarms go to."""
    trail_bucket_name: str
    """Empty where another stack of the account keeps the trail."""
    access_log_bucket: pulumi.Output[str]
    """Bucket for access logs, known once its policy lets load balancers and S3 write."""
    conformance_pack_names: tuple[str, ...]
    """Conformance packs of AWS Config."""

    def __init__(self, name: str, args: AuditTrailArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("softpos:audit:AuditTrail", name, {}, opts)
        self._name = name
        self._args = args
        self._children = pulumi.ResourceOptions(parent=self)
        self.alarm_topic_arn = self._create_topic()
        self.access_log_bucket = self._create_access_log_bucket()
        self.trail_bucket_name = self._create_trail() if args.settings.trail == "create" else ""
        self.conformance_pack_names = self._create_config_recorder()
        self._create_threat_detection()
        if args.settings.account_baseline == "create":
            AccountBaseline(f"{name}-account", AccountBaselineArgs(placement=args.placement), self._children)
        self.register_outputs({"alarmTopicArn": self.alarm_topic_arn, "trailBucketName": self.trail_bucket_name})

    def _create_topic(self) -> pulumi.Output[str]:
        arguments = AlarmTopicArgs(
            placement=self._args.placement,
            key_arn=self._args.logs_key_arn,
            emails=self._args.settings.alarm_emails,
            paging_url=self._args.settings.paging_url,
        )
        return AlarmTopic(f"{self._name}-alarms", arguments, self._children).arn

    def _create_access_log_bucket(self) -> pulumi.Output[str]:
        placement = self._args.placement
        arn = f"arn:{placement.partition}:s3:::{placement.bucket('access-logs')}"
        write = {"Effect": "Allow", "Action": "s3:PutObject"}
        arguments = PrivateBucketArgs(
            placement=placement,
            role="access-logs",
            # Load balancers and S3 deliver only into buckets with S3's own key and without a lock.
            key_arn=None,
            lock=None,
            retention_days=self._args.settings.log_retention_days,
            # Its own log would grow by recording itself; the trail records each access to its objects.
            access_log_bucket=None,
            statements=(
                {
                    "Sid": "LoadBalancersLog",
                    "Principal": {"Service": "logdelivery.elasticloadbalancing.amazonaws.com"},
                    "Resource": f"{arn}/{LOAD_BALANCER_LOGS}/AWSLogs/{placement.account_id}/*",
                    **write,
                },
                {
                    "Sid": "BucketsLog",
                    "Principal": {"Service": "logging.s3.amazonaws.com"},
                    "Resource": f"{arn}/s3/*",
                    "Condition": {"StringEquals": {"aws:SourceAccount": placement.account_id}},
                    **write,
                },
            ),
        )
        return PrivateBucket(f"{self._name}-access-logs", arguments, self._children).ready

    def _create_trail(self) -> str:
        args = self._args
        trail = Trail(
            f"{self._name}-trail",
            TrailArgs(
                placement=args.placement,
                logs=args.logs,
                settings=args.settings,
                key_arn=args.audit_key_arn,
                access_log_bucket=self.access_log_bucket,
            ),
            self._children,
        )
        alarms = Alarms(placement=args.placement, topic_arn=self.alarm_topic_arn)
        watch_trail(self._name, trail.log_group.name, args.placement, alarms, self)
        return trail.bucket_name

    def _create_config_recorder(self) -> tuple[str, ...]:
        arguments = ConfigRecorderArgs(
            placement=self._args.placement,
            settings=self._args.settings,
            key_arn=self._args.audit_key_arn,
            access_log_bucket=self.access_log_bucket,
        )
        return ConfigRecorder(f"{self._name}-config", arguments, self._children).conformance_pack_names

    def _create_threat_detection(self) -> None:
        arguments = ThreatDetectionArgs(
            placement=self._args.placement, settings=self._args.settings, topic_arn=self.alarm_topic_arn
        )
        ThreatDetection(f"{self._name}-detection", arguments, self._children)
