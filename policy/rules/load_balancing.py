"""Elastic Load Balancing: application and network load balancers, and the classic one."""

from __future__ import annotations

from ..reading import Findings
from ..rule import HIGH, Resource, rule


@rule(
    "lb-listener-https",
    "Load balancer listeners take HTTPS or TLS; plain HTTP is at most redirected to HTTPS",
    on="aws.lb.Listener",
    requirements="2.2.7 4.2.1",
    controls="ALB_HTTP_TO_HTTPS_REDIRECTION_CHECK",
    severity=HIGH,
    remedy="use protocol HTTPS on port 443 with a certificate, or remove the listener",
)
def listener_https(listener: Resource) -> Findings:
    findings = listener["protocol"].must_not_be("HTTP", wanted="HTTPS", default="HTTPS")
    actions = list(listener["defaultActions"])
    if findings and actions and all(action["redirect"]["protocol"].value == "HTTPS" for action in actions):
        return []
    return findings
