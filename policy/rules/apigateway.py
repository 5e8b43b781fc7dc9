"""API Gateway: a public way in beside the load balancer, for programs that use it."""

from __future__ import annotations

from typing import Final

from ..reading import Findings
from ..rule import HIGH, MEDIUM, Resource, StackFindings, rule
from ..stack import Stack

_STAGE: Final = "aws.apigateway.Stage"
_DOMAIN: Final = "aws.apigateway.DomainName"


@rule(
    "apigateway-tls-policy",
    "Domain names of APIs speak TLS 1.2 and newer only",
    on=(_DOMAIN, "aws.apigatewayv2.DomainName"),
    requirements="4.2.1 2.2.7 8.3.2",
    severity=HIGH,
    remedy="set securityPolicy to TLS_1_2",
)
def tls_policy(domain: Resource) -> Findings:
    place = domain if domain.kind == _DOMAIN else domain["domainNameConfiguration"]
    return place["securityPolicy"].must(
        lambda policy: str(policy).startswith(("TLS_1_2", "SecurityPolicy_TLS13", "SecurityPolicy_TLS12")), "TLS_1_2"
    )


@rule(
    "apigateway-access-logs",
    "Stages of APIs write access logs",
    on=(_STAGE, "aws.apigatewayv2.Stage"),
    requirements="10.2.1 10.2.1.4 10.2.2 10.4.2",
    controls="APIGateway.9",
    severity=MEDIUM,
    remedy="set accessLogSettings.destinationArn",
)
def access_logs(stage: Resource) -> Findings:
    return stage["accessLogSettings"]["destinationArn"].must_be_given("a log group")


@rule(
    "apigateway-firewall",
    "Every stage of a REST API has a web ACL",
    about=_STAGE,
    requirements="6.4.2",
    severity=HIGH,
    remedy="associate it with a web ACL by wafv2.WebAclAssociation",
)
def firewall(stack: Stack) -> StackFindings:
    return stack.each_must_have(
        (_STAGE,), ("aws.wafv2.WebAclAssociation",), "resourceArn", "a web ACL", "without a web ACL"
    )
