"""What each tier's network ACL lets through: a table, coarse on purpose. Security groups decide; ACLs are the fence.

ACLs keep no state, so replies need their own entries: the ephemeral ports. They leave out 3389, so that no entry opens
remote desktop to the world (PCI DSS 1.3.1); a reply that happens to use it is retried on another port.

The way to the data centre's database is there only while the migration needs it; nothing else of the data centre can be
reached from the application tier, but for replies to whom the Kubernetes API answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from ..foundations.subnet_plan import Tier

Peer = Literal["vpc", "trusted", "on-premises", "source", "router", "anywhere"]
"""`source` and `router` are the single addresses of the data centre's database and router, in the phases of a migration
that need them; in the others they are nobody, and their rules are not there."""
Port = int | Literal["source", "router", "router health"]
"""A number, or a port that is a setting."""


@dataclass(frozen=True)
class Rule:
    """One kind of traffic; `peer` is where it comes from (ingress) or goes to (egress). The first match decides."""

    direction: Literal["ingress", "egress"]
    peer: Peer
    protocol: Literal["tcp", "udp"]
    from_port: Port
    to_port: Port
    action: Literal["allow", "deny"] = "allow"


def _replies(direction: Literal["ingress", "egress"], peer: Peer) -> tuple[Rule, ...]:
    return (Rule(direction, peer, "tcp", 1024, 3388), Rule(direction, peer, "tcp", 3390, 65535))


NETWORK_RULES: Mapping[Tier, tuple[Rule, ...]] = {
    Tier.PUBLIC: (
        Rule("ingress", "anywhere", "tcp", 443, 443),
        Rule("ingress", "trusted", "tcp", 22, 22),
        Rule("ingress", "vpc", "tcp", 0, 65535),
        *_replies("ingress", "anywhere"),
        Rule("egress", "source", "tcp", "source", "source"),
        Rule("egress", "router", "tcp", "router", "router"),
        Rule("egress", "router", "tcp", "router health", "router health"),
        Rule("egress", "on-premises", "tcp", 0, 65535, "deny"),
        Rule("egress", "anywhere", "tcp", 0, 65535),
    ),
    Tier.APPLICATION: (
        Rule("ingress", "vpc", "tcp", 0, 65535),
        Rule("ingress", "vpc", "udp", 53, 53),
        Rule("ingress", "vpc", "udp", 1024, 65535),
        Rule("ingress", "on-premises", "tcp", 443, 443),
        *_replies("ingress", "anywhere"),
        Rule("egress", "source", "tcp", "source", "source"),
        # Replies to those who call the Kubernetes API; Linux and Windows take these ports.
        Rule("egress", "on-premises", "tcp", 32768, 65535),
        Rule("egress", "on-premises", "tcp", 0, 65535, "deny"),
        Rule("egress", "anywhere", "tcp", 0, 65535),
        Rule("egress", "vpc", "udp", 0, 65535),
    ),
    Tier.DATA: (
        Rule("ingress", "vpc", "tcp", 3306, 3306),
        Rule("ingress", "vpc", "tcp", 6379, 6379),
        *_replies("ingress", "vpc"),
        *_replies("ingress", "source"),
        *_replies("egress", "vpc"),
        Rule("egress", "vpc", "tcp", 443, 443),
        Rule("egress", "source", "tcp", "source", "source"),
    ),
}


def acl_entries(
    tier: Tier,
    direction: Literal["ingress", "egress"],
    ranges: Mapping[Peer, tuple[str, ...]],
    ports: Mapping[str, int],
) -> list[dict[str, Any]]:
    """The arguments of a tier's ACL entries in one direction: a rule for each range, numbered in the table's order.

    Args:
        ranges: the CIDR ranges behind each kind of peer.
        ports: the numbers of the ports that are settings.
    """
    rules = [(rule, cidr) for rule in NETWORK_RULES[tier] if rule.direction == direction for cidr in ranges[rule.peer]]
    return [
        {
            "rule_no": 100 + index,
            "action": rule.action,
            "protocol": rule.protocol,
            "cidr_block": cidr,
            "from_port": _number(rule.from_port, ports),
            "to_port": _number(rule.to_port, ports),
        }
        for index, (rule, cidr) in enumerate(rules)
    ]


def _number(port: Port, ports: Mapping[str, int]) -> int:
    return ports[port] if isinstance(port, str) else port
