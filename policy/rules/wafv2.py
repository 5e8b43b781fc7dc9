"""WAFv2: web ACLs, their rules and logs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from ..reading import Breach, Findings, Property, number
from ..rule import HIGH, MEDIUM, Resource, StackFindings, rule
from ..stack import Stack

_ACL: Final = "aws.wafv2.WebAcl"
_FIREWALL: Final = "6.4.2"
_NAMING_REQUESTS: Final = ("byteMatchStatement", "ipSetReferenceStatement", "geoMatchStatement", "regexMatchStatement")
_MANY_COUNTRIES: Final = 100


def _rules(acl: Resource) -> list[Property]:
    return [acl] if acl.kind == "aws.wafv2.WebAclRule" else list(acl["rules"])


@rule(
    "wafv2-attached-to-load-balancers",
    "Every internet-facing application load balancer has a web ACL",
    about="aws.lb.LoadBalancer",
    requirements=_FIREWALL,
    controls="ALB_WAF_ENABLED",
    severity=HIGH,
    remedy="associate it with a web ACL by wafv2.WebAclAssociation",
)
def attached_to_load_balancers(stack: Stack) -> StackFindings:
    lacking = stack.each_must_have(
        ("aws.lb.LoadBalancer",), ("aws.wafv2.WebAclAssociation",), "resourceArn", "a web ACL", "without a web ACL"
    )
    return [
        (balancer, finding)
        for balancer, finding in lacking
        if balancer
        and balancer["internal"].value is not True
        and balancer["loadBalancerType"].value in (None, "application")
    ]


@rule(
    "wafv2-has-rules",
    "Web ACLs and rule groups are not empty",
    about=(_ACL, "aws.wafv2.RuleGroup"),
    requirements=_FIREWALL,
    controls="WAFV2_WEBACL_NOT_EMPTY WAFV2_RULEGROUP_NOT_EMPTY",
    severity=HIGH,
    remedy="add rules, at least a managed rule group",
)
def has_rules(stack: Stack) -> StackFindings:
    elsewhere, blurred = stack.linked(
        ("aws.wafv2.WebAclRule", "aws.wafv2.WebAclRuleGroupAssociation"), "webAclArn", (_ACL,)
    )
    return [
        (acl, finding)
        for acl in stack.of(_ACL, "aws.wafv2.RuleGroup")
        if acl.urn not in elsewhere and acl["ruleJson"].absent and acl["rulesJson"].absent and not blurred
        for finding in acl["rules"].must_be_given("rules")
    ]


@rule(
    "wafv2-managed-rules",
    "Web ACLs carry managed rules",
    on=_ACL,
    requirements=_FIREWALL,
    severity=HIGH,
    remedy="add a managed rule group, such as AWSManagedRulesCommonRuleSet of AWS, for all requests",
)
def managed_rules(acl: Resource, *, allowed_vendors: Sequence[str] = ()) -> Findings:
    wanted = f"a managed rule group of {' or '.join(allowed_vendors) or 'any vendor'} for all requests"
    if not acl["ruleJson"].absent:
        return []
    groups = [entry["statement"]["managedRuleGroupStatement"] for entry in acl["rules"]]
    vendors = [group["vendorName"] for group in groups if not _scoped_to_a_part(group)]
    if any(vendor.text in allowed_vendors if allowed_vendors else vendor.known for vendor in vendors):
        return []
    unknown = [finding for vendor in vendors if vendor.unknown for finding in vendor.unjudged(wanted)]
    found = ", ".join(str(vendor.value) for vendor in vendors if vendor.known)
    return unknown or acl["rules"].breach(wanted, f"with managed rules of {found}" if found else "without one")


def _scoped_to_a_part(group: Property) -> bool:
    """Whether a group looks at certain requests only; a scope that takes some out leaves the group whole."""
    scope = group["scopeDownStatement"]
    return any(not scope[kind].absent for kind in _NAMING_REQUESTS)


@rule(
    "wafv2-nothing-allowed-first",
    "No rule lets every request through before the managed rules see it",
    on=_ACL,
    requirements=_FIREWALL,
    severity=HIGH,
    remedy="remove the rule, or let it allow named requests only",
)
def nothing_allowed_first(acl: Resource) -> Findings:
    rules = list(acl["rules"])
    guarding = [
        number(entry["priority"].value) or 0
        for entry in rules
        if not entry["statement"]["managedRuleGroupStatement"].absent
    ]
    first = min(guarding, default=float("inf"))
    return [
        finding
        for entry in rules
        if entry["action"]["allow"].value is not None and (number(entry["priority"].value) or 0) < first
        if _matches_everything(entry["statement"])
        for finding in entry["action"].breach("no allowance of every request", "allow, for every request")
    ]


def _matches_everything(statement: Property) -> bool:
    text = statement["byteMatchStatement"]
    size = statement["sizeConstraintStatement"]
    pattern = statement["regexMatchStatement"]["regexString"].text
    return (
        not statement["notStatement"].absent
        or (
            text["searchString"].text in ("/", "") and text["positionalConstraint"].value in ("STARTS_WITH", "CONTAINS")
        )
        or (size["comparisonOperator"].value in ("GE", "GT", "NE") and number(size["size"].value) in (0, -1))
        or (pattern is not None and pattern.strip("^$()") in (".*", ".+", "/.*", "[\\s\\S]*"))
        or len(list(statement["geoMatchStatement"]["countryCodes"])) > _MANY_COUNTRIES
    )


@rule(
    "wafv2-fortinet-rules",
    "Web ACLs carry Fortinet's managed rules, or AWS's own where the account has no subscription",
    on=_ACL,
    severity=HIGH,
    remedy="add a managed rule group with vendorName Fortinet (a subscription of the account) or AWS",
    wish=True,
)
def fortinet_rules(acl: Resource) -> Findings:
    vendors = {entry["statement"]["managedRuleGroupStatement"]["vendorName"].text for entry in acl["rules"]}
    return [] if vendors & {"Fortinet", "AWS"} else acl["rules"].breach("a managed rule group of Fortinet or AWS")


@rule(
    "wafv2-blocks-in-production",
    "Production rules block; none only counts",
    on=(_ACL, "aws.wafv2.WebAclRule", "aws.wafv2.RuleGroup"),
    requirements=_FIREWALL,
    severity=HIGH,
    remedy="set overrideAction to none (own rules: action to block)",
    production_only=True,
)
def blocks_in_production(acl: Resource) -> Findings:
    return [
        finding
        for entry in _rules(acl)
        for place in _counting(entry)
        for finding in place.must_not_be_given("no counting")
    ]


def _counting(entry: Property) -> Iterator[Property]:
    yield entry["overrideAction"]["count"]
    yield entry["action"]["count"]
    for override in entry["statement"]["managedRuleGroupStatement"]["ruleActionOverrides"]:
        yield override["actionToUse"]["count"]


@rule(
    "wafv2-metrics",
    "Web ACLs, rule groups and their rules are measured",
    on=(_ACL, "aws.wafv2.RuleGroup", "aws.wafv2.WebAclRule"),
    requirements="10.4.1 10.4.1.1 10.7.2",
    controls="WAFV2_RULEGROUP_LOGGING_ENABLED",
    severity=MEDIUM,
    remedy="set visibilityConfig.cloudwatchMetricsEnabled to true",
)
def metrics(acl: Resource) -> Findings:
    places = [acl, *(entry for entry in _rules(acl) if entry is not acl)]
    return [f for place in places for f in place["visibilityConfig"]["cloudwatchMetricsEnabled"].must_be(True)]


@rule(
    "wafv2-logged",
    "Every web ACL writes logs",
    about=_ACL,
    requirements="10.4.2 10.2.1",
    controls="WAF.11 WAFV2_LOGGING_ENABLED",
    severity=MEDIUM,
    remedy="add a wafv2.WebAclLoggingConfiguration for it",
)
def logged(stack: Stack) -> StackFindings:
    return stack.each_must_have(
        (_ACL,), ("aws.wafv2.WebAclLoggingConfiguration",), "resourceArn", "a logging configuration", "without logs"
    )


@rule(
    "wafv2-logs-without-credentials",
    "Web ACL logs leave the authorization header out",
    on="aws.wafv2.WebAclLoggingConfiguration",
    requirements="8.3.2 3.3.1 10.3.1",
    severity=MEDIUM,
    remedy="redact the single header authorization",
)
def logs_without_credentials(configuration: Resource) -> Findings:
    wanted = "with the header authorization"
    fields = configuration["redactedFields"]
    if fields.unknown:
        return fields.unjudged(wanted)
    if any(str(field["singleHeader"]["name"].value).lower() == "authorization" for field in fields):
        return []
    return [Breach("redactedFields", "without the header authorization", wanted)]
