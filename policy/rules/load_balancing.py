"""Elastic Load Balancing: application and network load balancers, and the classic one."""

from __future__ import annotations

from typing import Final

from ..reading import Breach, Findings, number
from ..rule import HIGH, LOW, MEDIUM, Resource, StackFindings, rule
from ..stack import Stack

# Policies with TLS 1.2 and 1.3 only and forward secrecy, as AWS names them; FIPS and post-quantum forms included.
STRONG_POLICIES: Final = (
    "ELBSecurityPolicy-TLS13-1-2-Res-",
    "ELBSecurityPolicy-TLS13-1-3-",
    "ELBSecurityPolicy-TLS13-1-2-2021-06",
    "ELBSecurityPolicy-TLS13-1-2-PQ-",
    "ELBSecurityPolicy-TLS13-1-2-FIPS-",
    "ELBSecurityPolicy-TLS13-1-2-Res-FIPS-",
    "ELBSecurityPolicy-FS-1-2-Res-",
)
_ENCRYPTED: Final = ("HTTPS", "TLS")
_PLAIN_PORTS: Final = (80, 8000, 8080)


def _is_application(balancer_type: object) -> bool:
    return balancer_type in (None, "application")  # provider default


def _is_encrypted(protocol: object) -> bool:
    return protocol in _ENCRYPTED


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
    # Listeners of gateway load balancers have no protocol; on a network load balancer the targets may end TLS, but
    # nobody ends it on a port of plain HTTP.
    if listener["protocol"].value in ("TCP", "TCP_UDP") and number(listener["port"].value) in _PLAIN_PORTS:
        return listener["port"].breach("a port of TLS, such as 443")
    # AWS default on a port: HTTP.
    default = "GENEVE" if listener["port"].absent else "HTTP"
    findings = listener["protocol"].must_not_be("HTTP", wanted="HTTPS", default=default)
    actions = list(listener["defaultActions"])
    if findings and actions and all(action["redirect"]["protocol"].value == "HTTPS" for action in actions):
        return []
    return findings


@rule(
    "lb-listener-rule-https",
    "Rules of listeners send nobody to plain HTTP",
    on="aws.lb.ListenerRule",
    requirements="2.2.7 4.2.1",
    severity=HIGH,
    remedy="redirect to protocol HTTPS on port 443",
)
def listener_rule_https(entry: Resource) -> Findings:
    return [
        finding
        for action in entry["actions"]
        for finding in action["redirect"]["protocol"].must_not_be("HTTP", wanted="HTTPS", default="HTTPS")
    ]


@rule(
    "lb-listener-rules-behind-tls",
    "Listeners of plain HTTP redirect by every rule, not by their default action alone",
    about="aws.lb.ListenerRule",
    requirements="2.2.7 4.2.1",
    severity=HIGH,
    remedy="move the rule to the listener of HTTPS",
)
def listener_rules_behind_tls(stack: Stack) -> StackFindings:
    return [
        (entry, Breach("listenerArn", f"{listener.name}, which takes plain HTTP", "a listener of HTTPS"))
        for entry in stack.of("aws.lb.ListenerRule")
        for listener in stack.targets(entry, entry["listenerArn"], "aws.lb.Listener")
        if listener["protocol"].value == "HTTP"
        and not all(action["redirect"]["protocol"].value == "HTTPS" for action in entry["actions"])
    ]


@rule(
    "lb-listener-tls-policy",
    "Listeners speak TLS 1.2 and 1.3 with forward secrecy only",
    on="aws.lb.Listener",
    requirements="4.2.1 2.2.7 8.3.2",
    severity=HIGH,
    remedy="set sslPolicy to ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09 or ELBSecurityPolicy-TLS13-1-2-Res-2021-06",
)
def listener_tls_policy(listener: Resource) -> Findings:
    # AWS default: ELBSecurityPolicy-2016-08, which still speaks TLS 1.0.
    findings = listener["sslPolicy"].must(
        lambda policy: str(policy).startswith(STRONG_POLICIES), "a policy of TLS 1.2 and 1.3 with forward secrecy"
    )
    return listener["protocol"].guards(_is_encrypted, findings)


@rule(
    "lb-listener-acm-certificate",
    "Listeners use certificates of ACM, which renews them",
    on="aws.lb.Listener",
    requirements="4.2.1.1 3.7.1 3.6.1",
    controls="ELBV2_ACM_CERTIFICATE_REQUIRED",
    severity=MEDIUM,
    remedy="set certificateArn to the ARN of an ACM certificate",
)
def listener_acm_certificate(listener: Resource) -> Findings:
    certificate = listener["certificateArn"]
    if certificate.unknown:
        return []
    findings = certificate.must(lambda arn: ":acm:" in str(arn), "the ARN of an ACM certificate")
    return listener["protocol"].guards(_is_encrypted, findings)


@rule(
    "lb-drops-invalid-headers",
    "Application load balancers drop invalid headers",
    on="aws.lb.LoadBalancer",
    requirements="6.2.4",
    controls="ELB.4 ALB_HTTP_DROP_INVALID_HEADER_ENABLED",
    severity=MEDIUM,
    remedy="set dropInvalidHeaderFields to true",
)
def drops_invalid_headers(balancer: Resource) -> Findings:
    return balancer["loadBalancerType"].guards(_is_application, balancer["dropInvalidHeaderFields"].must_be(True))


@rule(
    "lb-desync-mitigation",
    "Load balancers defend against request smuggling",
    on=("aws.lb.LoadBalancer", "aws.elb.LoadBalancer"),
    requirements="6.2.4",
    controls="ELB.12 ALB_DESYNC_MODE_CHECK ELB.14",
    severity=MEDIUM,
    remedy="set desyncMitigationMode to strictest or defensive",
)
def desync_mitigation(balancer: Resource) -> Findings:
    # AWS default: defensive.
    return balancer["desyncMitigationMode"].must_be("strictest", "defensive", default="defensive")


@rule(
    "lb-access-logs",
    "Load balancers write access logs",
    on=("aws.lb.LoadBalancer", "aws.elb.LoadBalancer"),
    requirements="10.2.1 10.2.1.4 10.2.2",
    controls="ELB_LOGGING_ENABLED",
    severity=MEDIUM,
    remedy="set accessLogs with a bucket and enabled true",
)
def access_logs(balancer: Resource) -> Findings:
    if balancer["loadBalancerType"].value == "gateway":
        return []
    # Provider default of enabled: false for lb, true for elb.
    default = True if balancer.kind == "aws.elb.LoadBalancer" else None
    logs = balancer["accessLogs"]
    return logs["bucket"].must_be_given("a bucket") or logs["enabled"].must_be(True, default=default)


@rule(
    "lb-waf-fails-closed",
    "Requests that the web application firewall could not inspect are refused",
    on="aws.lb.LoadBalancer",
    requirements="6.4.2",
    severity=HIGH,
    remedy="remove enableWafFailOpen, or set it to false",
)
def waf_fails_closed(balancer: Resource) -> Findings:
    return balancer["enableWafFailOpen"].must_be(False, default=False)  # AWS default


@rule(
    "lb-idle-timeout",
    "Load balancers end idle connections",
    on=("aws.lb.LoadBalancer", "aws.elb.LoadBalancer"),
    severity=LOW,
    remedy="set idleTimeout to at most 900 seconds",
)
def idle_timeout(balancer: Resource, *, maximum_seconds: int = 900) -> Findings:
    findings = balancer["idleTimeout"].must_be_at_most(maximum_seconds, "seconds", default=60)  # AWS default
    return balancer["loadBalancerType"].guards(_is_application, findings)


@rule(
    "lb-idle-timeout-given",
    "The time after which load balancers end idle connections was chosen",
    on="aws.lb.LoadBalancer",
    severity=LOW,
    remedy="set idleTimeout",
    wish=True,
)
def idle_timeout_given(balancer: Resource) -> Findings:
    findings = balancer["idleTimeout"].must_be_given("a time in seconds")
    return balancer["loadBalancerType"].guards(_is_application, findings)


@rule(
    "lb-session-persistence",
    "Target groups of application load balancers keep a client with its target",
    on="aws.lb.TargetGroup",
    severity=LOW,
    wish=True,
    remedy="set stickiness with type lb_cookie and enabled true",
)
def session_persistence(group: Resource) -> Findings:
    sticky = group["stickiness"]
    # Provider default of enabled inside a given stickiness block: true.
    findings = sticky.must_be_given("session persistence") or sticky["enabled"].must_be(True, default=True)
    return group["protocol"].guards(lambda protocol: protocol in ("HTTP", "HTTPS"), findings)


@rule(
    "lb-deletion-protection",
    "Production load balancers cannot be deleted by mistake",
    on="aws.lb.LoadBalancer",
    severity=LOW,
    remedy="set enableDeletionProtection to true",
    production_only=True,
)
def deletion_protection(balancer: Resource) -> Findings:
    return balancer["enableDeletionProtection"].must_be(True)


@rule(
    "lb-cross-zone",
    "Load balancers spread requests over all availability zones",
    on=("aws.elb.LoadBalancer", "aws.lb.TargetGroup"),
    severity=LOW,
    remedy="leave cross-zone load balancing on",
)
def cross_zone(balancer: Resource) -> Findings:
    if balancer.kind == "aws.elb.LoadBalancer":
        return balancer["crossZoneLoadBalancing"].must_be(True, default=True)  # provider default
    # AWS default: what the load balancer says, which for an application load balancer is always on.
    place = balancer["loadBalancingCrossZoneEnabled"]
    return place.must_not_be(False, wanted="true or use_load_balancer_configuration", default=True)


@rule(
    "lb-classic-listener-https",
    "Classic load balancer listeners take HTTPS or TLS",
    on="aws.elb.LoadBalancer",
    requirements="2.2.7 4.2.1",
    controls="ELB.3",
    severity=HIGH,
    remedy="set lbProtocol to https with sslCertificateId, or use an application load balancer",
)
def classic_listener_https(balancer: Resource) -> Findings:
    return [
        finding
        for listener in balancer["listeners"]
        for finding in listener["lbProtocol"].must(lambda name: str(name).lower() in ("https", "ssl"), "https or ssl")
    ]


@rule(
    "lb-classic-without-firewall",
    "Web traffic comes in by an application load balancer, which can have a web application firewall",
    on="aws.elb.LoadBalancer",
    requirements="6.4.2",
    severity=MEDIUM,
    remedy="use lb.LoadBalancer of type application with a web ACL, or set internal to true",
)
def classic_without_firewall(balancer: Resource) -> Findings:
    return balancer["internal"].must_be(True)
