"""Where alarms go: one encrypted topic, and the people who read it.

Trust boundary: only the AWS services in `PUBLISHERS` and the findings' rules publish, for this account, over TLS.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from ..foundations.placement import DataClass, Placement

PUBLISHERS = ("cloudwatch.amazonaws.com", "events.rds.amazonaws.com", "dms.amazonaws.com")
"""Who tells: alarms, database events, migration events. The logs key lets the same services encrypt."""


@dataclass(frozen=True, kw_only=True)
class AlarmTopicArgs:
    """Inputs of `AlarmTopic`."""

    placement: Placement
    key_arn: pulumi.Input[str]
    """The logs key."""
    emails: tuple[str, ...]
    """Who is told; each confirms once by the link that AWS sends."""
    paging_url: str = ""
    """Where a paging service takes alarms over HTTPS; empty for none."""


class AlarmTopic(pulumi.ComponentResource):
    """The topic of all alarms."""

    arn: pulumi.Output[str]

    def __init__(self, name: str, args: AlarmTopicArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("softpos:audit:AlarmTopic", name, {}, opts)
        placement = args.placement
        children = pulumi.ResourceOptions(parent=self)
        physical_name = placement.name("alarms")
        topic = aws.sns.Topic(
            name,
            name=physical_name,
            display_name=f"SoftPOS {placement.stack}",
            kms_master_key_id=args.key_arn,
            tags=placement.tags(name, DataClass.AUDIT),
            opts=children,
        )
        aws.sns.TopicPolicy(
            f"{name}-policy",
            arn=topic.arn,
            policy=json.dumps(topic_policy(placement, placement.arn("sns", physical_name))),
            opts=children,
        )
        for email in args.emails:
            aws.sns.TopicSubscription(
                f"{name}-to-{email}", topic=topic.arn, protocol="email", endpoint=email, opts=children
            )
        if args.paging_url:
            aws.sns.TopicSubscription(
                f"{name}-to-paging",
                topic=topic.arn,
                protocol="https",
                endpoint=args.paging_url,
                # Paging services confirm by themselves; until then the deployment waits a minute and goes on.
                endpoint_auto_confirms=True,
                opts=children,
            )
        self.arn = topic.arn
        self.register_outputs({"arn": self.arn})


def topic_policy(placement: Placement, topic_arn: str) -> dict[str, Any]:
    """Who may publish to the topic."""
    publish = {"Effect": "Allow", "Action": "sns:Publish", "Resource": topic_arn}
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "ServicesTell",
                "Principal": {"Service": list(PUBLISHERS)},
                "Condition": {"StringEquals": {"aws:SourceAccount": placement.account_id}},
                **publish,
            },
            {
                "Sid": "FindingsTell",
                "Principal": {"Service": "events.amazonaws.com"},
                # EventBridge names its rule to SNS, not its account: aws:SourceAccount would refuse every finding.
                "Condition": {"ArnLike": {"aws:SourceArn": placement.arn("events", "rule/*")}},
                **publish,
            },
            {
                "Sid": "RefuseWithoutTls",
                "Principal": "*",
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
                **publish,
                "Effect": "Deny",
            },
        ],
    }
