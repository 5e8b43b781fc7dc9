"""The load balancer and the public name, as AWS tells them, and the calls that change them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from command_line.exits import FAILED, REFUSED, Stop
from operations.traffic.aws import Aws
from operations.traffic.stack import Rule, Traffic
from operations.traffic.weights import action, at_once, share

ADDRESS_TYPES = ("A", "AAAA", "CNAME")
Call = tuple[str, str, dict[str, Any]]
"""Service, operation and arguments of a call that changes something."""


class Balancer:
    """The rules by which traffic moves, in the order of the stack's output."""

    def __init__(self, aws: Aws, traffic: Traffic) -> None:
        self._aws = aws
        self._traffic = traffic

    def shares(self) -> dict[str, Fraction | None]:
        """Per cent at AWS by rule; None for a rule that forwards to something else, or is gone."""
        actions = self._actions()
        old = self._traffic.old_target_group_arn
        return {
            rule.arn: share(actions[rule.arn], old, rule.new_target_group_arn) if rule.arn in actions else None
            for rule in self._traffic.rules
        }

    def binds(self) -> bool:
        """Whether a rule's action may still keep a client on AWS by its cookie."""
        actions, old = self._actions(), self._traffic.old_target_group_arn
        return not all(at_once(actions.get(rule.arn, []), old) for rule in self._traffic.rules)

    def order(self, percent: int, cookie_seconds: int) -> list[Call]:
        """The calls that send so many per cent to AWS, one for each rule."""
        return [self._order(rule, percent, cookie_seconds) for rule in self._traffic.rules]

    def health(self) -> dict[str, dict[str, str]]:
        """State of each target, by target group and address."""
        groups = (self._traffic.old_target_group_arn, *self._traffic.new_target_group_arns)
        return {group: self._health(group) for group in groups}

    def _health(self, group: str) -> dict[str, str]:
        told = self._aws.call("elbv2", "describe_target_health", TargetGroupArn=group)["TargetHealthDescriptions"]
        return {
            f"{one['Target']['Id']}:{one['Target'].get('Port', '')}": str(one["TargetHealth"]["State"]) for one in told
        }

    def _actions(self) -> dict[str, list[dict[str, Any]]]:
        wanted = [rule.arn for rule in self._traffic.rules]
        told = self._aws.call("elbv2", "describe_rules", RuleArns=wanted)["Rules"]
        return {one["RuleArn"]: one["Actions"] for one in told}

    def _order(self, rule: Rule, percent: int, cookie_seconds: int) -> Call:
        actions = action(percent, self._traffic.old_target_group_arn, rule.new_target_group_arn, cookie_seconds)
        return "elbv2", "modify_rule", {"RuleArn": rule.arn, "Actions": actions}


class PublicName:
    """The record sets of the name that serves payments."""

    def __init__(self, aws: Aws, traffic: Traffic) -> None:
        self._aws = aws
        self._traffic = traffic

    def zone(self) -> tuple[str, set[str], bool]:
        """The zone's name, the name servers that it must be delegated to, and whether it is private."""
        told = self._aws.call("route53", "get_hosted_zone", Id=self._traffic.zone_id)
        servers = {name.rstrip(".").lower() for name in told.get("DelegationSet", {}).get("NameServers", [])}
        zone = told["HostedZone"]
        return str(zone["Name"]), servers, bool(zone.get("Config", {}).get("PrivateZone"))

    def record_sets(self) -> list[dict[str, Any]]:
        """What the name has of addresses and aliases now."""
        name = f"{self._traffic.host_name.rstrip('.')}.".lower()
        told = self._aws.call(
            "route53",
            "list_resource_record_sets",
            HostedZoneId=self._traffic.zone_id,
            StartRecordName=name,
            MaxItems="100",
        )["ResourceRecordSets"]
        return [one for one in told if one["Name"].lower() == name and one["Type"] in ADDRESS_TYPES]

    def leads_here(self) -> bool:
        """Whether the name leads to the load balancer, and to nothing else."""
        found = self.record_sets()
        return len(found) == 1 and _is_alias(found[0], self._traffic)

    def order(self, before: Sequence[Mapping[str, Any]]) -> Call:
        """The one change that leads the name to the load balancer. An alias and a CNAME cannot both have a name, so a
        CNAME goes in the same change.
        """
        gone = [{"Action": "DELETE", "ResourceRecordSet": one} for one in before if one["Type"] == "CNAME"]
        alias = {
            "Name": self._traffic.host_name,
            "Type": "A",
            "AliasTarget": {
                "HostedZoneId": self._traffic.load_balancer_zone_id,
                "DNSName": self._traffic.load_balancer_dns_name,
                "EvaluateTargetHealth": True,
            },
        }
        return self._change([*gone, {"Action": "UPSERT", "ResourceRecordSet": alias}])

    def order_back(self, before: Sequence[Mapping[str, Any]]) -> Call:
        """The one change that leads the name to where it led before."""
        kinds = {one["Type"] for one in before}
        gone = [
            {"Action": "DELETE", "ResourceRecordSet": one} for one in self.record_sets() if one["Type"] not in kinds
        ]
        return self._change([*gone, *({"Action": "UPSERT", "ResourceRecordSet": dict(one)} for one in before)])

    def refuse_what_cannot_move(self) -> list[dict[str, Any]]:
        """The record sets that the one change would replace. Raises `Stop` for a form that it cannot."""
        found, host = self.record_sets(), self._traffic.host_name
        forms = {
            f"{host}: the zone has no record of this name; make the one that serves payments now, then run again.": (
                not found
            ),
            f"{host}: it has several record sets or a routing policy; make it one simple record first.": (
                any("SetIdentifier" in one for one in found) or len(found) > 1
            ),
            f"{host}: it has an AAAA record, and the load balancer speaks IPv4 only: phones with IPv6 would stay at "
            "the data centre; remove it first, and wait for its TTL.": any(one["Type"] == "AAAA" for one in found),
        }
        problems = [sentence for sentence, holds in forms.items() if holds]
        if problems:
            raise Stop(REFUSED, *problems)
        return found

    def _change(self, changes: list[dict[str, Any]]) -> Call:
        batch = {"Comment": "traffic moves between the data centre and AWS", "Changes": changes}
        return "route53", "change_resource_record_sets", {"HostedZoneId": self._traffic.zone_id, "ChangeBatch": batch}


def _is_alias(record: Mapping[str, Any], traffic: Traffic) -> bool:
    alias = str(record.get("AliasTarget", {}).get("DNSName", "")).rstrip(".").lower()
    wanted = traffic.load_balancer_dns_name.rstrip(".").lower()
    return record["Type"] == "A" and alias.removeprefix("dualstack.") == wanted.removeprefix("dualstack.")


def told(call: Call) -> str:
    """A call as the dry run shows it."""
    service, operation, arguments = call
    given = ", ".join(f"{name}={value}" for name, value in arguments.items())
    return f"aws> {service}.{operation}({given})"


def not_as_ordered(what: str) -> Stop:
    """AWS took an order and tells something else afterwards."""
    return Stop(FAILED, f"{what}: AWS took the change, and tells another state when it is read back.")
