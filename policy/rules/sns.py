"""SNS: topics and who is told."""

from __future__ import annotations

from typing import Final

from ..reading import Findings
from ..rule import LOW, MEDIUM, Resource, StackFindings, rule
from ..stack import Stack

# Protocols whose deliveries SNS can log, as its properties name them.
_PROTOCOLS: Final = ("lambda", "http", "sqs", "firehose", "application")
_RECORDED_AS: Final = {"https": "http"}


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
    return topic["kmsMasterKeyId"].must_name_own_key()


@rule(
    "sns-delivery-logged",
    "Topics log deliveries that fail",
    about="aws.sns.Topic",
    requirements="10.4.2 10.7.2 11.5.2",
    controls="SNS_TOPIC_MESSAGE_DELIVERY_NOTIFICATION_ENABLED",
    severity=LOW,
    remedy="set the failure feedback role of a protocol that the topic uses, such as lambdaFailureFeedbackRoleArn",
)
def delivery_logged(stack: Stack) -> StackFindings:
    """SNS records no delivery by e-mail or text message: a topic with no other subscriber has nothing to record."""
    subscriptions, blurred = stack.linked(("aws.sns.TopicSubscription",), "topic", ("aws.sns.Topic",))
    findings: StackFindings = []
    for topic in stack.of("aws.sns.Topic"):
        protocols = {str(one["protocol"].value) for one in subscriptions.get(topic.urn, [])}
        recorded = {_RECORDED_AS.get(protocol, protocol) for protocol in protocols} & set(_PROTOCOLS)
        roles = [topic[f"{protocol}FailureFeedbackRoleArn"] for protocol in sorted(recorded)]
        if roles and not blurred and all(role.absent for role in roles):
            findings += [(topic, finding) for finding in roles[0].must_be_given("a failure feedback role")]
    return findings


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
