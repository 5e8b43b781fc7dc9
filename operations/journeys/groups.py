"""Security groups of a recorded program: what is not named at both ends is closed. They keep state, so replies pass."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, get_args

from operations.journeys.places import Place
from operations.journeys.recorded import EVERY_PROTOCOL, Direction, Protocol, Recorded, is_for
from operations.journeys.spans import EVERY_PORT, Spans, over_each

GROUP = "aws:ec2/securityGroup:SecurityGroup"


@dataclass(frozen=True)
class _Rule:
    """One rule: for another group, or for addresses."""

    protocol: str
    ports: Spans
    group: str
    addresses: Spans


class SecurityGroups:
    """All groups and rules of a program."""

    def __init__(self, program: Recorded) -> None:
        self.names: Mapping[str, str] = {group.id: group.name for group in program.of(GROUP)}
        """Logical name by id; the default group, which is closed, is not among them."""
        self._rules = {
            (group, direction): tuple(map(_rule, found))
            for direction in get_args(Direction)
            for group, found in _inputs(program, direction).items()
        }

    def open_ports(self, direction: Direction, own: Place, peer: Place, protocol: Protocol, *, surely: bool) -> Spans:
        """The ports that the groups of `own` open in one direction towards `peer`."""
        if "node" in (own.side, peer.side) or own.side != "VPC":
            return EVERY_PORT
        rules = [
            rule
            for group in own.groups
            for rule in self._rules.get((group, direction), ())
            if is_for(rule.protocol, protocol)
        ]
        known = Spans.of(span for rule in rules if rule.group in peer.groups for span in rule.ports.spans)
        by_address = [rule for rule in rules if rule.addresses]

        def answer(part: Spans) -> Spans:
            return known | Spans.of(
                span for rule in by_address if part.within(rule.addresses) for span in rule.ports.spans
            )

        return over_each(peer.addresses, {rule.addresses for rule in by_address}, answer, surely=surely)


def _inputs(program: Recorded, direction: Direction) -> Mapping[str, list[Mapping[str, Any]]]:
    """The rules' properties by group, of rules that are resources and of rules inside a group."""
    kind = direction.capitalize()
    found: dict[str, list[Mapping[str, Any]]] = {}
    for rule in program.of(f"aws:vpc/securityGroup{kind}Rule:SecurityGroup{kind}Rule"):
        found.setdefault(rule.inputs["securityGroupId"], []).append(rule.inputs)
    for group in program.of(GROUP):
        found.setdefault(group.id, []).extend(_inline(group.inputs.get(direction) or ()))
    return found


def _inline(rules: Iterable[Mapping[str, Any]]) -> Iterable[Mapping[str, Any]]:
    """Rules inside a group, in the words of rules that are resources of their own."""
    for rule in rules:
        ports = {
            "ipProtocol": rule.get("protocol", EVERY_PROTOCOL),
            "fromPort": rule.get("fromPort"),
            "toPort": rule.get("toPort"),
        }
        yield from ({**ports, "cidrIpv4": cidr} for cidr in rule.get("cidrBlocks") or ())
        yield from ({**ports, "referencedSecurityGroupId": group} for group in rule.get("securityGroups") or ())


def _rule(inputs: Mapping[str, Any]) -> _Rule:
    """Prefix lists are AWS's own services, and nothing here has an IPv6 address: such rules are for nobody here."""
    every = str(inputs["ipProtocol"]) == EVERY_PROTOCOL
    return _Rule(
        str(inputs["ipProtocol"]),
        EVERY_PORT if every else Spans.of([(int(inputs["fromPort"]), int(inputs["toPort"]))]),
        inputs.get("referencedSecurityGroupId") or "",
        Spans.addresses(filter(None, [inputs.get("cidrIpv4")])),
    )
