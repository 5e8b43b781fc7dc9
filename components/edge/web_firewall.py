"""The web application firewall before the load balancer: managed rules, a rate limit, and logs without card data.

Creates a WAFv2 web ACL, its log group and the association with one load balancer. Trust boundary: what the rules match
goes no further; what WAF records of a request never holds its body, query, cookies or authorization.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

import pulumi
import pulumi_aws as aws

from ..foundations.alarms import Alarms, Metric
from ..foundations.log_storage import LogStorage
from ..foundations.placement import DataClass, Placement
from .settings import EdgeSettings

WINDOW_SECONDS = 300
"""Window of the rate limit, as `EdgeSettings.waf_requests_per_five_minutes` names it."""
BLOCKED_ALARM = 1000
"""Blocked requests in five minutes that are an attack rather than the internet's usual noise."""
LOG_GROUP_PREFIX = "aws-waf-logs-"
"""WAF writes only to destinations with this prefix."""
SECRET_HEADERS = ("authorization", "cookie")


class RuleGroup(NamedTuple):
    """A managed rule group, as WAF knows it."""

    vendor: str
    name: str


REPUTATION = RuleGroup("AWS", "AWSManagedRulesAmazonIpReputationList")
KNOWN_BAD_INPUTS = RuleGroup("AWS", "AWSManagedRulesKnownBadInputsRuleSet")
"""Log4Shell and its like, by AWS in each choice: what Fortinet's group holds is not published."""
RULE_GROUPS: Mapping[str, tuple[RuleGroup, ...]] = {
    # Needs Fortinet's subscription in AWS Marketplace; without it WAF answers WAFSubscriptionNotFoundException.
    "fortinet": (REPUTATION, KNOWN_BAD_INPUTS, RuleGroup("Fortinet", "all_rules")),
    "aws": (
        REPUTATION,
        RuleGroup("AWS", "AWSManagedRulesCommonRuleSet"),
        KNOWN_BAD_INPUTS,
        RuleGroup("AWS", "AWSManagedRulesSQLiRuleSet"),
    ),
}
"""Groups for each value of `EdgeSettings.waf_rules`, in the order in which they are asked."""


@dataclass(frozen=True, kw_only=True)
class WebFirewallArgs:
    """Inputs of `WebFirewall`."""

    placement: Placement
    logs: LogStorage
    alarms: Alarms
    settings: EdgeSettings
    mode: Literal["block", "count"]
    """What happens to what the rules match; a migration counts first."""
    load_balancer_arn: pulumi.Input[str]


class WebFirewall(pulumi.ComponentResource):
    """A web ACL on one load balancer."""

    metric_name: str
    """The ACL's name in CloudWatch (dimension ``WebACL``)."""
    association: aws.wafv2.WebAclAssociation
    """A listener that waits for this is never open without the firewall."""

    def __init__(self, name: str, args: WebFirewallArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("softpos:edge:WebFirewall", name, {}, opts)
        self._name = name
        self._args = args
        self._children = pulumi.ResourceOptions(parent=self)
        self.metric_name = args.placement.name(name)
        acl = self._create_acl()
        self._create_log(acl)
        self.association = aws.wafv2.WebAclAssociation(
            f"{name}-association", resource_arn=args.load_balancer_arn, web_acl_arn=acl.arn, opts=self._children
        )
        self._create_alarm()
        self.register_outputs({"metricName": self.metric_name})

    def _create_acl(self) -> aws.wafv2.WebAcl:
        groups = RULE_GROUPS[self._args.settings.waf_rules]
        return aws.wafv2.WebAcl(
            self._name,
            description=f"SoftPOS {self._args.placement.stack}: before the public load balancer",
            scope="REGIONAL",
            default_action={"allow": {}},
            rules=[self._limit_rate(), *(self._apply(group, 1 + index) for index, group in enumerate(groups))],
            data_protection_config={"data_protections": self._withhold()},
            visibility_config=_visible(self.metric_name),
            tags=self._args.placement.tags(self._name, DataClass.CARDHOLDER),
            opts=self._children,
        )

    @property
    def _blocks(self) -> bool:
        return self._args.mode == "block"

    def _limit_rate(self) -> aws.wafv2.WebAclRuleArgsDict:
        return {
            "name": "rate-limit",
            "priority": 0,
            "action": {"block": {}} if self._blocks else {"count": {}},
            "statement": {
                "rate_based_statement": {
                    "limit": self._args.settings.waf_requests_per_five_minutes,
                    "evaluation_window_sec": WINDOW_SECONDS,
                    "aggregate_key_type": "IP",
                }
            },
            "visibility_config": _visible("rate-limit"),
        }

    def _apply(self, group: RuleGroup, priority: int) -> aws.wafv2.WebAclRuleArgsDict:
        name = f"{group.vendor}-{group.name}"
        return {
            "name": name,
            "priority": priority,
            # The group's own actions, or only counting them.
            "override_action": {"none": {}} if self._blocks else {"count": {}},
            "statement": {"managed_rule_group_statement": {"vendor_name": group.vendor, "name": group.name}},
            "visibility_config": _visible(name),
        }

    def _withhold(self) -> list[aws.wafv2.WebAclDataProtectionConfigDataProtectionArgsDict]:
        """Bodies and queries may carry a card number: no log, sample or match detail may repeat it (PCI DSS 3.4.1)."""
        return [
            {"action": "SUBSTITUTION", "field": {"field_type": "BODY"}},
            {"action": "SUBSTITUTION", "field": {"field_type": "QUERY_STRING"}},
            {"action": "SUBSTITUTION", "field": {"field_type": "SINGLE_HEADER", "field_keys": list(SECRET_HEADERS)}},
        ]

    def _create_log(self, acl: aws.wafv2.WebAcl) -> None:
        log_group_name = f"{LOG_GROUP_PREFIX}{self._args.placement.name(self._name)}"
        log_group = self._args.logs.group(f"{self._name}-log-group", log_group_name, self)
        aws.wafv2.WebAclLoggingConfiguration(
            f"{self._name}-log",
            resource_arn=acl.arn,
            log_destination_configs=[log_group.arn],
            redacted_fields=[
                {"query_string": {}},
                {"single_header": {"name": SECRET_HEADERS[0]}},
                {"single_header": {"name": SECRET_HEADERS[1]}},
            ],
            opts=self._children,
        )

    def _create_alarm(self) -> None:
        placement = self._args.placement
        self._args.alarms.when(
            f"{self._name}-blocked",
            Metric(
                namespace="AWS/WAFV2",
                # What is only counted must be investigated as well (PCI DSS 6.4.2).
                name="BlockedRequests" if self._blocks else "CountedRequests",
                dimensions={"WebACL": self.metric_name, "Region": placement.region, "Rule": "ALL"},
                statistic="Sum",
                period_seconds=WINDOW_SECONDS,
            ),
            "GreaterThanThreshold",
            BLOCKED_ALARM,
            says=(
                f"WAF {self._args.mode}s many requests: an attack, or a rule that hits customers. "
                "Read the log group's top rules."
            ),
            parent=self,
        )


def _visible(metric_name: str) -> aws.wafv2.WebAclRuleVisibilityConfigArgsDict:
    return {"cloudwatch_metrics_enabled": True, "metric_name": metric_name, "sampled_requests_enabled": True}
