"""Who and what may pass the VPC's doors to AWS: this account's principals, to this account's resources.

Without a policy a door lets everybody through, so that a stranger's credentials, brought to a node, carry data out to
the stranger's own bucket, log group or topic (PCI DSS 1.3.2). What AWS itself keeps for its customers is excepted by
name: the repositories of the operating system, the layers of images, and the documents of Systems Manager.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ..foundations.placement import Placement

AWS_BUCKETS = (
    "al2023-repos-{region}-*",
    "amazon-ssm-{region}",
    "amazon-ssm-packages-{region}",
    "amazoncloudwatch-agent-{region}",
    "aws-patch-manager-{region}-*",
    "aws-ssm-{region}",
    "patch-baseline-snapshot-{region}",
    "prod-{region}-starport-layer-bucket",
)
"""AWS's own, read without or with credentials: packages of Amazon Linux, agents, patches, layers of images in ECR
(Amazon Linux 2023 user guide, "Deterministic upgrades"; Systems Manager user guide, "SSM Agent communications with AWS
managed S3 buckets"; Amazon ECR user guide, "Minimum Amazon S3 bucket permissions for Amazon ECR")."""
PULLS = ("ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")
"""Reading an image carries nothing out; add-ons of EKS come from AWS's account."""
OWNED_BY_AWS = ("ec2messages", "ssm", "ssmmessages")
"""Services whose requests also name what AWS owns: documents, public parameters, channels."""


def endpoint_policy(placement: Placement, service: str) -> str:
    """The policy of one endpoint, as JSON text."""
    ours = {"aws:PrincipalAccount": placement.account_id}
    # Not every request names a resource, and then it carries nothing of another account.
    here = {} if service in OWNED_BY_AWS else {"aws:ResourceAccount": placement.account_id}
    statements = [_allow("OwnPrincipals", "*", "*", {"StringEquals": ours, "StringEqualsIfExists": here})]
    if service == "s3":
        buckets = [f"arn:{placement.partition}:s3:::{name.format(region=placement.region)}/*" for name in AWS_BUCKETS]
        statements.append(_allow("ReadWhatAwsKeeps", "s3:GetObject", buckets, {}))
    if service.startswith("ecr."):
        statements.append(_allow("PullImages", list(PULLS), "*", {"StringEquals": ours}))
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def _allow(sid: str, action: str | list[str], resource: str | list[str], tests: Mapping[str, Any]) -> dict[str, Any]:
    condition = {operator: test for operator, test in tests.items() if test}
    statement = {"Sid": sid, "Effect": "Allow", "Principal": "*", "Action": action, "Resource": resource}
    return {**statement, "Condition": condition} if condition else statement
