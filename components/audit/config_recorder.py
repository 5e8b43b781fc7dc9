"""AWS Config: what every resource looked like at any time, and which PCI DSS rules it breaks now.

Creates the Region's recorder with its delivery bucket (`create`), and the two conformance packs of `conformance_packs`
(`create` and `adopt`). Trust boundary: Config reads the account by the service-linked role that `bootstrap/` makes,
which nobody but Config can take (Security Hub's control Config.1 asks for it), and writes to its bucket, nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from ..foundations.placement import Placement
from ..foundations.private_bucket import PrivateBucket, PrivateBucketArgs
from .conformance_packs import CONFORMANCE_PACKS, template
from .settings import AuditSettings

SERVICE_ROLE = "role/aws-service-role/config.amazonaws.com/AWSServiceRoleForConfig"
SNAPSHOT_FREQUENCY = "TwentyFour_Hours"
RECORDER = "default"
"""The name that AWS gives the Region's only recorder; another name would be refused where one ever existed."""


@dataclass(frozen=True, kw_only=True)
class ConfigRecorderArgs:
    """Inputs of `ConfigRecorder`."""

    placement: Placement
    settings: AuditSettings
    key_arn: pulumi.Input[str]
    """The audit key."""
    access_log_bucket: pulumi.Input[str]


class ConfigRecorder(pulumi.ComponentResource):
    """The recorder and the conformance packs, as far as `AuditSettings.config` asks for them."""

    conformance_pack_names: tuple[str, ...]
    """Plain names, for the dashboard and the evidence; empty when Config is off."""

    def __init__(self, name: str, args: ConfigRecorderArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("softpos:audit:ConfigRecorder", name, {}, opts)
        self._name = name
        self._args = args
        choice = args.settings.config
        recording = [self._record()] if choice == "create" else []
        self.conformance_pack_names = () if choice == "off" else self._judge(recording)
        self.register_outputs({"conformancePackNames": list(self.conformance_pack_names)})

    def _record(self) -> aws.cfg.RecorderStatus:
        args, placement = self._args, self._args.placement
        # In production Config goes on recording for the account when this stack is gone.
        stays = pulumi.ResourceOptions(parent=self, retain_on_delete=placement.production)
        bucket = self._create_bucket()
        recorder = aws.cfg.Recorder(
            f"{self._name}-recorder",
            name=RECORDER,
            role_arn=placement.arn("iam", SERVICE_ROLE, region=""),
            recording_group=aws.cfg.RecorderRecordingGroupArgs(all_supported=True, include_global_resource_types=True),
            opts=stays,
        )
        channel = aws.cfg.DeliveryChannel(
            f"{self._name}-channel",
            name=RECORDER,
            s3_bucket_name=bucket.ready,
            s3_kms_key_arn=args.key_arn,
            snapshot_delivery_properties=aws.cfg.DeliveryChannelSnapshotDeliveryPropertiesArgs(
                delivery_frequency=SNAPSHOT_FREQUENCY
            ),
            opts=pulumi.ResourceOptions.merge(stays, pulumi.ResourceOptions(depends_on=[recorder])),
        )
        return aws.cfg.RecorderStatus(
            f"{self._name}-recording",
            name=recorder.name,
            is_enabled=True,
            # AWS starts a recorder only with a channel, and lets the channel go only when the recorder stands still.
            opts=pulumi.ResourceOptions.merge(stays, pulumi.ResourceOptions(depends_on=[channel])),
        )

    def _create_bucket(self) -> PrivateBucket:
        args, placement = self._args, self._args.placement
        arn = f"arn:{placement.partition}:s3:::{placement.bucket('config')}"
        config = {"Effect": "Allow", "Principal": {"Service": "config.amazonaws.com"}}
        source = {"aws:SourceAccount": placement.account_id}
        return PrivateBucket(
            f"{self._name}-bucket",
            PrivateBucketArgs(
                placement=args.placement,
                role="config",
                key_arn=args.key_arn,
                retention_days=args.settings.log_retention_days,
                # Config cannot deliver into a bucket whose lock has a default retention; versions keep what it wrote.
                lock=None,
                access_log_bucket=args.access_log_bucket,
                # AWS Config developer guide, "Permissions for the Amazon S3 bucket for the delivery channel".
                statements=(
                    {
                        "Sid": "ConfigLooks",
                        "Action": ["s3:GetBucketAcl", "s3:ListBucket"],
                        "Resource": arn,
                        "Condition": {"StringEquals": source},
                        **config,
                    },
                    {
                        "Sid": "ConfigWrites",
                        "Action": "s3:PutObject",
                        "Resource": f"{arn}/AWSLogs/{placement.account_id}/Config/*",
                        "Condition": {"StringEquals": {**source, "s3:x-amz-acl": "bucket-owner-full-control"}},
                        **config,
                    },
                ),
            ),
            pulumi.ResourceOptions(parent=self),
        )

    def _judge(self, recording: list[aws.cfg.RecorderStatus]) -> tuple[str, ...]:
        names = []
        for pack in CONFORMANCE_PACKS:
            physical_name = self._args.placement.name(f"pci-dss-{pack}")
            aws.cfg.ConformancePack(
                f"{self._name}-pci-dss-{pack}",
                name=physical_name,
                template_body=template(pack),
                opts=pulumi.ResourceOptions(parent=self, depends_on=recording),
            )
            names.append(physical_name)
        return tuple(names)
