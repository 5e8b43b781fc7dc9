"""SNS: topics and who is told."""

from __future__ import annotations

from typing import Final

from ..reading import Findings
from ..rule import LOW, MEDIUM, Resource, rule

# Protocols whose deliveries SNS can log, as its properties name them.
_PROTOCOLS: Final = ("lambda", "http", "sqs", "firehose", "application")


@rule(
    "sns-encrypted",
    "Topics are encrypted with a customer-managed key",
    on="aws.sns.Topic",
    requirements="3.5.1 8.3.2",
    controls="SNS_ENCRYPTED_KMS",
    severity=MEDIUM,
    remedy="set kmsMasterKeyId to a customer-managed key",
)
def topic_encrypted(topic: Resource) -> Findings:
    return topic["kmsMasterKeyId"].must_be_given("a customer-managed key", other_than="alias/aws/sns")


@rule(
    "sns-delivery-logged",
    "Topics log deliveries that fail",
    on="aws.sns.Topic",
    requirements="10.4.2 10.7.2 11.5.2",
    controls="SNS_TOPIC_MESSAGE_DELIVERY_NOTIFICATION_ENABLED",
    severity=LOW,
    remedy="set the failure feedback role of a protocol that the topic uses, such as lambdaFailureFeedbackRoleArn",
)
def delivery_logged(topic: Resource) -> Findings:
    roles = [topic[f"{protocol}FailureFeedbackRoleArn"] for protocol in _PROTOCOLS]
    if any(not role.absent for role in roles):
        return []
    return roles[0].must_be_given("a failure feedback role for a protocol")


@rule(
    "sns-subscription-encrypted",
    "Messages leave by encrypted protocols",
    on="aws.sns.TopicSubscription",
    requirements="4.2.1 2.2.7",
    severity=MEDIUM,
    remedy="use https instead of http",
)
def subscription_encrypted(subscription: Resource) -> Findings:
    return subscription["protocol"].must_not_be("http", wanted="https")
