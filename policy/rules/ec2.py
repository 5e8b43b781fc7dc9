"""EC2: instances, launch templates and configurations, volumes, snapshots."""

from __future__ import annotations

from typing import Final

from ..reading import Findings
from ..rule import HIGH, MEDIUM, Resource, rule

_LAUNCHED: Final = (
    "aws.ec2.Instance",
    "aws.ec2.LaunchTemplate",
    "aws.ec2.LaunchConfiguration",
    "aws.ec2.SpotInstanceRequest",
)


@rule(
    "ec2-imdsv2-required",
    "The instance metadata service answers to session tokens only (IMDSv2)",
    on=_LAUNCHED,
    requirements="2.2.6 8.2.8",
    controls="EC2.8 EC2.170 AutoScaling.3 EC2_IMDSV2_CHECK AUTOSCALING_LAUNCHCONFIG_REQUIRES_IMDSV2",
    severity=HIGH,
    remedy="set metadataOptions.httpTokens to required",
)
def imdsv2_required(launched: Resource) -> Findings:
    if launched["metadataOptions"]["httpEndpoint"].value == "disabled":
        return []
    return launched["metadataOptions"]["httpTokens"].must_be("required")


@rule(
    "ec2-instance-without-key-pair",
    "Instances have no key pair: people log in as themselves, through Session Manager",
    on=("aws.ec2.Instance", "aws.ec2.SpotInstanceRequest"),
    requirements="8.2.1 8.2.2",
    controls="EC2_NO_AMAZON_KEY_PAIR",
    severity=MEDIUM,
    remedy="remove keyName and use Session Manager, or record an exception",
)
def without_key_pair(instance: Resource) -> Findings:
    return instance["keyName"].must_not_be_given("no key pair")
