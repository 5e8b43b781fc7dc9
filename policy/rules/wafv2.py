"""WAFv2: web ACLs, their rules and logs."""

from __future__ import annotations

from ..rule import HIGH, StackFindings, rule
from ..stack import Stack


@rule(
    "wafv2-attached-to-load-balancers",
    "Every internet-facing application load balancer has a web ACL",
    requirements="6.4.1 6.4.2",
    controls="ALB_WAF_ENABLED",
    severity=HIGH,
    remedy="associate it with a web ACL by wafv2.WebAclAssociation",
)
def attached_to_load_balancers(stack: Stack) -> StackFindings:
    lacking = stack.each_must_have(
        ("aws.lb.LoadBalancer",),
        ("aws.wafv2.WebAclAssociation",),
        "resourceArn",
        "a web ACL on it",
        "without a web ACL",
    )
    return [
        (balancer, finding)
        for balancer, finding in lacking
        if balancer
        and balancer["internal"].value is not True
        and balancer["loadBalancerType"].value in (None, "application")
    ]
