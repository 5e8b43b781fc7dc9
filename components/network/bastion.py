"""The only way in for administrators: one hardened host in the public tier, SSH by key pair from trusted ranges.

Each administrator of the settings has an account, a security key that asks for a PIN, and `sudo` in their own name.
SSH opens as the last step of the hardening, and only while every command and every forward is recorded and shipped.

Creates the host with its key pair, fixed address, security group, role and log group, a daily installation of
security updates, and alarms. Trust boundary: only the trusted ranges reach port 22; application and data hosts accept
administration only from this host's security group. No secret is in its user data, and its role reaches no secret.

The image is Amazon's own AL2023 by default. A moving image name (`al2023`, `cis-level1`) is looked up when the host is
first made and not again: a new release must not replace the host during an unrelated deployment. To renew the host, or
to change between the names, give the new image's id.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network
from pathlib import Path

import pulumi
import pulumi_aws as aws

from ..foundations.alarms import Alarms, Metric
from ..foundations.log_storage import LogStorage
from ..foundations.placement import Placement
from ..foundations.roles import GrantedRole, create_service_role
from .settings import BastionSettings

SSH, HTTPS = 22, 443
ADMINISTERED = {"SSH to the hosts": 22, "MySQL, for the DBA": 3306, "Redis, for the DBA": 6379}
"""What administrators reach from here inside the VPC, by port."""
KERNEL = "6.12"
"""AWS's parameter without a kernel moved from 6.1 to 6.18 in 2026; security agents follow a kernel stream later."""
AMAZON_IMAGE = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-{kernel}-{architecture}"
CIS_OWNER = "679593333241"
"""AWS Marketplace; the image needs a subscription, without which the launch fails with OptInRequired."""
CIS_IMAGE = "CIS Amazon Linux 2023 Benchmark - Level 1*"
DISK_GIB = 30
HARDENING = Path(__file__).with_name("harden_bastion.sh")
FAILED_LOGINS_ALARM = 10
"""Refused keys in five minutes: from trusted ranges only, so not the internet's noise."""


STREAMS = ("secure", "audit")
SILENCE_SECONDS = 1_800
"""The host gives a sign of life every ten minutes."""


@dataclass(frozen=True, kw_only=True)
class BastionArgs:
    """Inputs of `Bastion`."""

    placement: Placement
    logs: LogStorage
    alarms: Alarms
    settings: BastionSettings
    vpc_id: pulumi.Input[str]
    """Id of the VPC."""
    vpc_cidr: IPv4Network
    """Private range of the VPC."""
    subnet_id: pulumi.Input[str]
    """A subnet of the public tier."""
    disk_key_arn: pulumi.Input[str]
    """Customer-managed key for the disk."""


class Bastion(pulumi.ComponentResource):
    """A hardened host for administrators."""

    security_group_id: pulumi.Output[str]
    """Security group of the host."""
    public_address: pulumi.Output[str]
    """Address that administrators connect to."""
    instance_id: pulumi.Output[str]
    """Id of the EC2 instance."""
    login: str
    """Account to log in to; ``NAME`` where each administrator has one."""
    role_arn: pulumi.Output[str]
    """ARN of the host's role."""
    role_name: pulumi.Output[str]
    key_name: pulumi.Output[str]
    """The administrators' EC2 key pair, by which they go on to nodes."""

    def __init__(self, name: str, args: BastionArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("softpos:network:Bastion", name, {}, opts)
        self._name = name
        self._args = args
        self._children = pulumi.ResourceOptions(parent=self)
        self._log_group_name = f"/{args.placement.path(name)}"
        self._log_group = args.logs.group(f"{name}-log-group", self._log_group_name, self)
        self.security_group_id = self._create_security_group()
        role = self._create_role()
        self.role_arn, self.role_name = role.arn, role.name
        self.key_name = self._create_key_pair()
        self.login = "NAME" if args.settings.administrators else "ec2-user"
        host = self._create_host(role)
        self.instance_id = host.id
        self.public_address = self._create_address(host)
        self._install_updates(host)
        self._create_alarms(host)
        self.register_outputs({"publicAddress": self.public_address, "instanceId": self.instance_id})

    def _tags(self, name: str) -> dict[str, str]:
        return self._args.placement.tags(name)

    def _create_security_group(self) -> pulumi.Output[str]:
        args = self._args
        name = f"{self._name}-security-group"
        group = aws.ec2.SecurityGroup(
            name,
            description="Bastion: SSH from trusted ranges in, administration of the VPC and updates out",
            vpc_id=args.vpc_id,
            tags=self._tags(name),
            opts=self._children,
        )
        for cidr in args.settings.trusted_cidrs:
            aws.vpc.SecurityGroupIngressRule(
                f"{name}-ssh-from-{cidr}",
                security_group_id=group.id,
                description="SSH from a trusted range",
                cidr_ipv4=str(cidr),
                from_port=SSH,
                to_port=SSH,
                ip_protocol="tcp",
                tags=self._tags(f"{name}-ssh-from-{cidr}"),
                opts=self._children,
            )
        for purpose, port in ADMINISTERED.items():
            self._let_out(group, f"{name}-to-{port}", purpose, str(args.vpc_cidr), port)
        # AWS's APIs, the Kubernetes API and package repositories: security groups know no host names.
        self._let_out(group, f"{name}-to-{HTTPS}", "HTTPS to AWS and package repositories", "0.0.0.0/0", HTTPS)
        return group.id

    def _let_out(self, group: aws.ec2.SecurityGroup, name: str, purpose: str, cidr: str, port: int) -> None:
        aws.vpc.SecurityGroupEgressRule(
            name,
            security_group_id=group.id,
            description=purpose,
            cidr_ipv4=cidr,
            from_port=port,
            to_port=port,
            ip_protocol="tcp",
            tags=self._tags(name),
            opts=self._children,
        )

    def _create_role(self) -> GrantedRole:
        placement = self._args.placement
        return create_service_role(
            f"{self._name}-role",
            placement,
            service="ec2.amazonaws.com",
            does="Lets the bastion write its logs and be patched by Systems Manager",
            managed_policies=["AmazonSSMManagedInstanceCore"],
            statements=[
                {
                    "Effect": "Allow",
                    "Action": ["logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams"],
                    "Resource": placement.arn("logs", f"log-group:{self._log_group_name}:*"),
                }
            ],
            # EC2 names no source account when an instance takes its role.
            confused_deputy_guard=False,
            parent=self,
        )

    def _create_key_pair(self) -> pulumi.Output[str]:
        name = f"{self._name}-key-pair"
        return aws.ec2.KeyPair(
            name, public_key=self._args.settings.public_key, tags=self._tags(name), opts=self._children
        ).key_name

    def _create_host(self, role: GrantedRole) -> aws.ec2.Instance:
        args, settings = self._args, self._args.settings
        profile = aws.iam.InstanceProfile(
            f"{self._name}-profile",
            path=self._args.placement.iam_path,
            role=role.name,
            tags=self._tags(f"{self._name}-profile"),
            opts=self._children,
        )
        name = f"{self._name}-host"
        return aws.ec2.Instance(
            name,
            ami=self._find_image(),
            instance_type=settings.instance_type,
            subnet_id=args.subnet_id,
            vpc_security_group_ids=[self.security_group_id],
            associate_public_ip_address=False,
            key_name=self.key_name,
            iam_instance_profile=profile.name,
            metadata_options=aws.ec2.InstanceMetadataOptionsArgs(
                http_endpoint="enabled", http_tokens="required", http_put_response_hop_limit=1
            ),
            root_block_device=aws.ec2.InstanceRootBlockDeviceArgs(
                encrypted=True,
                kms_key_id=args.disk_key_arn,
                volume_type="gp3",
                volume_size=DISK_GIB,
                delete_on_termination=True,
                tags=self._tags(f"{name}-disk"),
            ),
            monitoring=True,
            ebs_optimized=True,
            # Nobody ends the host by a slip in the console; this program still may replace it.
            disable_api_termination=True,
            force_destroy=True,
            user_data=boot_script(self._log_group_name, settings.administrators),
            user_data_replace_on_change=True,
            tags=self._tags(name),
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=[self._log_group],
                # The address that is attached later makes AWS report the host as having been given one.
                ignore_changes=["associatePublicIpAddress", *([] if settings.image.startswith("ami-") else ["ami"])],
            ),
        )

    def _find_image(self) -> pulumi.Input[str]:
        image, architecture = self._args.settings.image, architecture_of(self._args.settings.instance_type)
        match image:
            case "al2023":
                parameter = AMAZON_IMAGE.format(kernel=KERNEL, architecture=architecture)
                return aws.ssm.get_parameter_output(
                    name=parameter, opts=pulumi.InvokeOutputOptions(parent=self)
                ).insecure_value
            case "cis-level1":
                return aws.ec2.get_ami_output(
                    owners=[CIS_OWNER],
                    most_recent=True,
                    filters=[
                        aws.ec2.GetAmiFilterArgs(name="name", values=[CIS_IMAGE]),
                        aws.ec2.GetAmiFilterArgs(name="architecture", values=[architecture]),
                    ],
                    opts=pulumi.InvokeOutputOptions(parent=self),
                ).id
            case _:
                return image

    def _create_address(self, host: aws.ec2.Instance) -> pulumi.Output[str]:
        """An address of its own, so that a new host keeps it."""
        name = f"{self._name}-address"
        address = aws.ec2.Eip(name, domain="vpc", tags=self._tags(name), opts=self._children)
        aws.ec2.EipAssociation(
            f"{name}-association", allocation_id=address.allocation_id, instance_id=host.id, opts=self._children
        )
        return address.public_ip

    def _install_updates(self, host: aws.ec2.Instance) -> None:
        """Security updates every night (PCI DSS 6.3.3), also where they need a restart."""
        name = f"{self._name}-updates"
        aws.ssm.Association(
            name,
            name="AWS-RunPatchBaseline",
            association_name=self._args.placement.name(name),
            targets=[aws.ssm.AssociationTargetArgs(key="InstanceIds", values=[host.id])],
            parameters={"Operation": "Install", "RebootOption": "RebootIfNeeded"},
            schedule_expression="cron(0 3 ? * * *)",
            compliance_severity="HIGH",
            tags=self._tags(name),
            opts=self._children,
        )

    def _create_alarms(self, host: aws.ec2.Instance) -> None:
        alarms, placement = self._args.alarms, self._args.placement
        alarms.when(
            f"{self._name}-down",
            Metric(
                namespace="AWS/EC2",
                name="StatusCheckFailed",
                dimensions={"InstanceId": host.id},
                statistic="Maximum",
            ),
            "GreaterThanThreshold",
            0,
            periods=3,
            says="The bastion fails its status check. Restart it; if that does not help, replace it by the program.",
            parent=self,
        )
        for stream in STREAMS:
            self._alarm_on_silence(stream)
        failed = f"{placement.stack}-bastion-failed-logins"
        aws.cloudwatch.LogMetricFilter(
            f"{self._name}-failed-logins-filter",
            name="failed-logins",
            log_group_name=self._log_group.name,
            pattern='?"Invalid user" ?"Failed publickey" ?"maximum authentication attempts" ?"not allowed because"',
            metric_transformation=aws.cloudwatch.LogMetricFilterMetricTransformationArgs(
                name=failed, namespace="SoftPOS/Bastion", value="1", default_value="0"
            ),
            opts=self._children,
        )
        alarms.when(
            f"{self._name}-failed-logins",
            Metric(namespace="SoftPOS/Bastion", name=failed, dimensions={}, statistic="Sum", period_seconds=300),
            "GreaterThanThreshold",
            FAILED_LOGINS_ALARM,
            says="Log-ins at the bastion are refused repeatedly (PCI DSS 10.2.1.4). Ask the trusted ranges who tries.",
            parent=self,
        )

    def _alarm_on_silence(self, stream: str) -> None:
        """The host says that it lives in each stream; who stops the shipping, or a hardening that failed, is silent."""
        metric = f"{self._args.placement.stack}-bastion-heartbeat-{stream}"
        aws.cloudwatch.LogMetricFilter(
            f"{self._name}-heartbeat-{stream}",
            name=f"heartbeat-{stream}",
            log_group_name=self._log_group.name,
            pattern=f'"softpos-heartbeat-{stream}"',
            metric_transformation=aws.cloudwatch.LogMetricFilterMetricTransformationArgs(
                name=metric, namespace="SoftPOS/Bastion", value="1"
            ),
            opts=self._children,
        )
        self._args.alarms.when(
            f"{self._name}-silent-{stream}",
            Metric(
                namespace="SoftPOS/Bastion",
                name=metric,
                dimensions={},
                statistic="Sum",
                period_seconds=SILENCE_SECONDS,
            ),
            "LessThanThreshold",
            1,
            missing="breaching",
            says=(
                f"The bastion's log {stream} is silent (PCI DSS 10.7.2): its hardening failed, or somebody stopped the "
                "shipping of logs. Look at the host by Systems Manager and replace it by the program."
            ),
            parent=self,
        )


def boot_script(log_group_name: str, administrators: Sequence[str] = ()) -> str:
    """User data of the host: the hardening script with the two values that it needs."""
    people = shlex.quote("\n".join(administrators))
    return f"#!/bin/bash\nLOG_GROUP={log_group_name}\nADMINISTRATORS={people}\n{HARDENING.read_text(encoding='utf-8')}"


def architecture_of(instance_type: str) -> str:
    """``arm64`` for Graviton instance types (a ``g`` after the generation's number), else ``x86_64``."""
    return "arm64" if re.match(r"[a-z]+\d+g", instance_type) else "x86_64"
