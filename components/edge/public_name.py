"""The platform's name on the internet: its DNS zone, and the certificate that proves the name.

Creates the hosted zone with query logging (or uses an existing one, whose owner logs it), the certificate and the
records that validate it. ACM renews the certificate by itself as long as these records stand. A zone made here must be
delegated from its parent before the certificate can be issued: `name_servers` says to what.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from ..foundations.alarms import Alarms, Metric
from ..foundations.encryption_keys import DELETION_WINDOW_DAYS, ROTATION_DAYS, ServiceUse, key_policy
from ..foundations.log_storage import LogStorage
from ..foundations.placement import DataClass, Placement
from .settings import EdgeSettings

QUERY_LOG_REGION = "us-east-1"
"""The only Region from which Route 53 writes query logs."""
CERTIFICATE_AUTHORITY = "amazon.com"
RECORD_SECONDS = 300
VALIDATION_PATIENCE = "15m"
"""ACM needs two or three minutes; where the delegation is missing, fail within the 20 minutes of a deployment."""
EXPIRY_ALARM_DAYS = 30
"""ACM renews 60 days before the end; half of that has passed without success."""
DAY_SECONDS = 86_400


@dataclass(frozen=True, kw_only=True)
class PublicNameArgs:
    """Inputs of `PublicName`."""

    placement: Placement
    logs: LogStorage
    alarms: Alarms
    settings: EdgeSettings
    other_authorities: tuple[str, ...] = ()
    """Certificate authorities that may issue for the name, as Amazon's may: the old side's, while it still serves."""
    test_host_name: str = ""
    """Another name that leads here before the public one does; empty for none."""


class PublicName(pulumi.ComponentResource):
    """A zone and a validated certificate for `EdgeSettings.host_name`."""

    zone_id: pulumi.Output[str]
    name_servers: pulumi.Output[Sequence[str]]
    """Delegate a created zone to these; empty for an existing zone."""
    certificate_arn: pulumi.Output[str]
    """Known once the certificate is issued."""
    test_certificate_arn: pulumi.Output[str] | None
    """The certificate of the test name, where there is one."""

    def __init__(self, name: str, args: PublicNameArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("softpos:edge:PublicName", name, {}, opts)
        self._name = name
        self._args = args
        self._children = pulumi.ResourceOptions(parent=self)
        self.zone_id = pulumi.Output.from_input(args.settings.zone_id)
        self.name_servers = pulumi.Output.from_input(())
        if not args.settings.zone_id:
            zone = self._create_zone()
            self.zone_id = zone.zone_id
            self.name_servers = zone.name_servers
        self.certificate_arn = self._create_certificate()
        self.test_certificate_arn = (
            self._certify(f"{name}-test-certificate", args.test_host_name, ()) if args.test_host_name else None
        )
        self.register_outputs({"zoneId": self.zone_id, "nameServers": self.name_servers})

    def _create_zone(self) -> aws.route53.Zone:
        placement = self._args.placement
        name = f"{self._name}-zone"
        # Holds data: the parent's delegation points to this zone's own name servers; another zone has others.
        zone = aws.route53.Zone(
            name,
            name=self._args.settings.zone_name,
            comment=f"SoftPOS {placement.stack}",
            tags=placement.tags(name),
            opts=pulumi.ResourceOptions(parent=self, protect=placement.production),
        )
        self._log_queries(zone)
        return zone

    def _log_queries(self, zone: aws.route53.Zone) -> None:
        """Query logs live in us-east-1, so that their key and log group do as well."""
        args, placement = self._args, self._args.placement
        name = f"{self._name}-query-log"
        log_group_name = f"/aws/route53/{placement.path('queries')}"
        group_arn = placement.arn("logs", f"log-group:{log_group_name}", region=QUERY_LOG_REGION)
        context = {"ArnEquals": {"kms:EncryptionContext:aws:logs:arn": group_arn}}
        key = aws.kms.Key(
            f"{name}-key",
            region=QUERY_LOG_REGION,
            description=f"SoftPOS {placement.stack}: DNS query log",
            enable_key_rotation=True,
            rotation_period_in_days=ROTATION_DAYS,
            deletion_window_in_days=DELETION_WINDOW_DAYS,
            policy=json.dumps(
                key_policy(
                    placement, "queries", (ServiceUse("Logs", f"logs.{QUERY_LOG_REGION}.amazonaws.com", context),)
                )
            ),
            tags=placement.tags(f"{name}-key", DataClass.CREDENTIALS),
            opts=pulumi.ResourceOptions(parent=self, protect=placement.production),
        )
        log_group = aws.cloudwatch.LogGroup(
            f"{name}-group",
            region=QUERY_LOG_REGION,
            name=log_group_name,
            retention_in_days=args.logs.retention_days,
            kms_key_id=key.arn,
            tags=placement.tags(f"{name}-group", DataClass.AUDIT),
            opts=pulumi.ResourceOptions(parent=self, retain_on_delete=placement.production),
        )
        permission = aws.cloudwatch.LogResourcePolicy(
            f"{name}-permission",
            region=QUERY_LOG_REGION,
            policy_name=placement.name("dns-queries"),
            policy_document=json.dumps(
                {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Sid": "Route53Logs",
                            "Effect": "Allow",
                            "Principal": {"Service": "route53.amazonaws.com"},
                            "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
                            "Resource": f"{group_arn}:*",
                            "Condition": {"StringEquals": {"aws:SourceAccount": placement.account_id}},
                        }
                    ],
                }
            ),
            opts=self._children,
        )
        aws.route53.QueryLog(
            name,
            zone_id=zone.zone_id,
            cloudwatch_log_group_arn=log_group.arn,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[permission]),
        )

    def _create_certificate(self) -> pulumi.Output[str]:
        host_name, others = self._args.settings.host_name, self._args.other_authorities
        authority = aws.route53.Record(
            f"{self._name}-authority",
            zone_id=self.zone_id,
            name=host_name,
            type="CAA",
            ttl=RECORD_SECONDS,
            records=[*(f'0 issue "{one}"' for one in (CERTIFICATE_AUTHORITY, *others)), '0 issuewild ";"'],
            # A live zone may have this record already; the settings then name the authorities that it names.
            allow_overwrite=True if others else None,
            opts=self._children,
        )
        # A request that ACM makes before the name says who may issue would be judged by the parent's records.
        return self._certify(f"{self._name}-certificate", host_name, (authority,))

    def _certify(self, name: str, host_name: str, after: Sequence[pulumi.Resource]) -> pulumi.Output[str]:
        certificate = aws.acm.Certificate(
            name,
            domain_name=host_name,
            validation_method="DNS",
            key_algorithm="EC_prime256v1",
            tags=self._args.placement.tags(name),
            opts=pulumi.ResourceOptions(parent=self, depends_on=list(after)),
        )
        option = certificate.domain_validation_options[0]
        record = aws.route53.Record(
            f"{name}-proof",
            zone_id=self.zone_id,
            name=option.resource_record_name,
            type=option.resource_record_type,
            ttl=RECORD_SECONDS,
            records=[option.resource_record_value],
            opts=self._children,
        )
        validation = aws.acm.CertificateValidation(
            f"{name}-validation",
            certificate_arn=certificate.arn,
            validation_record_fqdns=[record.fqdn],
            opts=pulumi.ResourceOptions(parent=self, custom_timeouts=pulumi.CustomTimeouts(create=VALIDATION_PATIENCE)),
        )
        self._args.alarms.when(
            f"{name}-expires",
            Metric(
                namespace="AWS/CertificateManager",
                name="DaysToExpiry",
                dimensions={"CertificateArn": certificate.arn},
                statistic="Minimum",
                period_seconds=DAY_SECONDS,
            ),
            "LessThanThreshold",
            EXPIRY_ALARM_DAYS,
            says="The certificate was not renewed. Check that its validation record stands and the zone is delegated.",
            parent=self,
        )
        return validation.certificate_arn
