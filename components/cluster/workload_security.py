"""Trend Micro's agent on every node: intrusion prevention, file integrity, anti-malware, web reputation.

Makes the script that installs and activates the agent before a node's kubelet may start, the permission that the script
needs, the log group that it reports to, and the alarm for a node that could not be protected. Cloud One and Vision One
differ by their addresses and their tenant only, so one script serves both.

Trust boundary: the tenant's id and token stay in Secrets Manager. A node reads them by its own role at boot; user
data, the stack's state and every log hold the secret's name only. The script releases the kubelet as its last step,
so a node without a working agent never joins, at its first start and at each later one. Limit: the script is run by
cloud-init; an image whose cloud-init is broken would not run it, which is why nodes use Amazon's own image.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pulumi
import pulumi_aws as aws

from ..foundations.alarms import Alarms, Metric
from ..foundations.log_storage import LogStorage
from ..foundations.placement import Placement
from .settings import AgentSettings

ATTEMPTS = 10
PAUSE_SECONDS = 15
"""A step gets two and a half minutes on top of its own time: a fresh tenant policy takes that long to arrive."""
PLATFORM = "amzn2023"
"""Trend Micro's name for Amazon Linux 2023 in the address of the agent's package."""
AGENT_HOME = "/opt/ds_agent"
KUBELET_UNITS = ("nodeadm-run.service", "kubelet.service")
"""On Amazon's EKS image the first configures and starts the second, after cloud-init has ended."""
METRIC_NAMESPACE = "SoftPOS/Nodes"
METRIC = "AgentActivationFailures"
PRODUCTS = {
    "cloud-one": "Trend Cloud One Workload Security",
    "vision-one": "Trend Vision One Server & Workload Protection",
}


@dataclass(frozen=True, kw_only=True)
class WorkloadSecurityAgentArgs:
    """Inputs of `WorkloadSecurityAgent`."""

    placement: Placement
    logs: LogStorage
    alarms: Alarms
    settings: AgentSettings
    """The tenant's addresses and policy, and the name of the secret that holds ``tenantId``, ``token``, ``signingKey``
    (the public key of the agent's package, in armour) and ``minimumVersion``."""


class WorkloadSecurityAgent(pulumi.ComponentResource):
    """What a node group needs so that each of its nodes is protected before it works."""

    boot_script: str
    """Shell text for user data, run as root. It holds no secret."""
    permission: list[dict[str, Any]]
    """IAM statements of a role whose instances run `boot_script`."""

    def __init__(self, name: str, args: WorkloadSecurityAgentArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("softpos:security:WorkloadSecurityAgent", name, {}, opts)
        self._name = name
        self._args = args
        self._log_group_name = f"/{args.placement.path(args.placement.role(name, 'agent', 'workload-security'))}"
        self.boot_script = boot_script(args.settings, args.placement.region, self._log_group_name)
        self.permission = self._permission()
        log_group = args.logs.group(f"{name}-log-group", self._log_group_name, self)
        self._alarm_on_failure(log_group)
        self.register_outputs({"logGroup": log_group.name})

    def _permission(self) -> list[dict[str, Any]]:
        placement = self._args.placement
        # Secrets Manager ends each ARN in a hyphen and six characters of its own choice.
        secret = placement.arn("secretsmanager", f"secret:{self._args.settings.secret_name}-??????")
        return [
            {
                "Sid": "ReadAgentSecret",
                "Effect": "Allow",
                "Action": "secretsmanager:GetSecretValue",
                "Resource": secret,
            },
            {
                "Sid": "DecryptAgentSecret",
                "Effect": "Allow",
                "Action": "kms:Decrypt",
                # The secret is the security team's, and so is its key, whose id this stack does not know: any key of
                # the account, for this one secret and through Secrets Manager only.
                "Resource": placement.arn("kms", "key/*"),
                "Condition": {
                    "StringEquals": {"kms:ViaService": f"secretsmanager.{placement.region}.amazonaws.com"},
                    "StringLike": {"kms:EncryptionContext:SecretARN": secret},
                },
            },
            {
                "Sid": "ReportAgentActivation",
                "Effect": "Allow",
                "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
                "Resource": placement.arn("logs", f"log-group:{self._log_group_name}:*"),
            },
        ]

    def _alarm_on_failure(self, log_group: aws.cloudwatch.LogGroup) -> None:
        """Each node's report is evidence that it was protected; one that says otherwise wakes somebody."""
        aws.cloudwatch.LogMetricFilter(
            f"{self._name}-failures",
            name=self._args.placement.name(f"{self._name}-activation-failures"),
            log_group_name=log_group.name,
            pattern='{ $.event = "workload-security-agent" && $.result != "activated" }',
            metric_transformation=aws.cloudwatch.LogMetricFilterMetricTransformationArgs(
                namespace=METRIC_NAMESPACE, name=f"{METRIC}-{self._args.placement.stack}", value="1", default_value="0"
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self._args.alarms.when(
            f"{self._name}-not-activated",
            Metric(
                namespace=METRIC_NAMESPACE,
                name=f"{METRIC}-{self._args.placement.stack}",
                dimensions={},
                statistic="Sum",
                period_seconds=300,
            ),
            "GreaterThanThreshold",
            0,
            says=(
                f"A node could not activate its agent at {PRODUCTS[self._args.settings.product]}. It was powered off, "
                "or it joined unprotected where agentBreakGlassUntil lets it. "
                f"The failed step is in log group {self._log_group_name}: check the secret, the tenant's token and "
                "policy, and the agent's support for the node's kernel."
            ),
            parent=self,
        )


def boot_script(settings: AgentSettings, region: str, log_group_name: str) -> str:
    """The whole script: the settings as shell constants, then the steps of `agent_boot.sh`."""
    constants = {
        "REGION": region,
        "SECRET_NAME": settings.secret_name,
        "MANAGER_URL": settings.manager_url,
        "ACTIVATION_URL": settings.activation_url,
        "POLICY_ID": str(settings.policy_id),
        "LOG_GROUP": log_group_name,
        "PLATFORM": PLATFORM,
        "AGENT_HOME": AGENT_HOME,
        "UNITS": " ".join(KUBELET_UNITS),
        "UNIT_DIRECTORY": "/etc/systemd/system",
        "FLAG": "/run/softpos/agent-active",
        "HOME_OF_SCRIPT": "/usr/local/sbin",
        "BREAK_GLASS_UNTIL": settings.break_glass_until,
        "INSTANCE_ID_FILE": "/var/lib/cloud/data/instance-id",
        "ATTEMPTS": str(ATTEMPTS),
        "PAUSE_SECONDS": str(PAUSE_SECONDS),
    }
    steps = Path(__file__).with_name("agent_boot.sh").read_text(encoding="utf-8")
    lines = (f"{key}={shlex.quote(value)}" for key, value in constants.items())
    return "\n".join(("#!/bin/bash", *lines, "", steps))
