"""Log groups that AWS's log delivery service writes to, on behalf of VPN tunnels and caches.

The permission hangs on the log group itself: policies of the account are limited to ten a Region, which a handful of
stacks would use up.
"""

from __future__ import annotations

import json

import pulumi
import pulumi_aws as aws

from .log_storage import LogStorage

DELIVERY_SERVICE = "delivery.logs.amazonaws.com"


def delivered_log_group(
    logs: LogStorage, name: str, log_group_name: str, parent: pulumi.Resource
) -> tuple[aws.cloudwatch.LogGroup, aws.cloudwatch.LogResourcePolicy]:
    """A log group and the permission to deliver to it; who delivers must wait for both."""
    placement = logs.placement
    group = logs.group(name, log_group_name, parent)
    statement = {
        "Sid": "LogDelivery",
        "Effect": "Allow",
        "Principal": {"Service": DELIVERY_SERVICE},
        "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
        "Resource": placement.arn("logs", f"log-group:{log_group_name}:log-stream:*"),
        "Condition": {
            "StringEquals": {"aws:SourceAccount": placement.account_id},
            "ArnLike": {"aws:SourceArn": placement.arn("logs", "*")},
        },
    }
    permission = aws.cloudwatch.LogResourcePolicy(
        f"{name}-delivery",
        resource_arn=group.arn,
        policy_document=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
        opts=pulumi.ResourceOptions(parent=parent),
    )
    return group, permission
