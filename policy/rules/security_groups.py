"""Security groups: who may come in from where, and go out to where."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ..network import (
    EGRESS,
    INGRESS,
    RDP,
    SSH,
    Opening,
    closed_to_the_world,
    covers_the_world,
    egress,
    ingress,
    networks,
    no_wider_than,
)
from ..reading import Findings, Property, shown
from ..rule import CRITICAL, HIGH, MEDIUM, Resource, StackFindings, rule
from ..stack import Stack

_DATA_STORES: Final = {
    "aws.rds.Cluster": "vpcSecurityGroupIds",
    "aws.rds.Instance": "vpcSecurityGroupIds",
    "aws.elasticache.ReplicationGroup": "securityGroupIds",
    "aws.elasticache.Cluster": "securityGroupIds",
    "aws.dms.ReplicationInstance": "vpcSecurityGroupIds",
}
_GROUP: Final = "aws.ec2.SecurityGroup"
_NAMED_SOURCE: Final = (16, 32)  # prefixes, IPv4 and IPv6, of the widest range that one organisation has


@rule(
    "ec2-ssh-from-trusted-ranges",
    "SSH is open to named trusted ranges only",
    on=INGRESS,
    requirements="1.3.1 1.4.2 2.2.7",
    controls="EC2.13 EC2.53 EC2.54 INCOMING_SSH_DISABLED",
    severity=CRITICAL,
    remedy="name the ranges that administrators come from",
)
def ssh_from_trusted_ranges(
    group: Resource, *, minimum_ipv4_prefix: int = 24, minimum_ipv6_prefix: int = 48
) -> Findings:
    findings: Findings = []
    for opening in ingress(group):
        wide = no_wider_than(opening, minimum_ipv4_prefix, minimum_ipv6_prefix)
        reaches = opening.reaches(SSH)
        if wide and reaches is None:
            findings += opening.place.unjudged("closed on port 22")
        elif wide and reaches:
            findings += wide
    return findings


@rule(
    "ec2-rdp-closed-to-the-world",
    "Remote Desktop is closed to the internet",
    on=INGRESS,
    requirements="1.3.1 1.4.2",
    controls="EC2.14 EC2.53 EC2.54",
    severity=CRITICAL,
    remedy="remove the entry, or name the ranges that administrators come from",
)
def rdp_closed(group: Resource) -> Findings:
    wanted = "closed to the internet"
    return [
        finding
        for opening in ingress(group)
        for finding in closed_to_the_world(opening, wanted, opening.reaches(RDP))
        or (_too_wide(opening) if opening.reaches(RDP) else [])
    ]


@rule(
    "ec2-world-reaches-only-https",
    "The internet reaches nothing but HTTPS",
    on=INGRESS,
    requirements="1.2.5 1.3.1 1.4.2",
    controls="RESTRICTED_INCOMING_TRAFFIC VPC_SG_OPEN_ONLY_TO_AUTHORIZED_PORTS Redshift.15",
    severity=HIGH,
    remedy="open port 443 only, on the load balancer, and name the sources of everything else",
)
def world_reaches_only_https(group: Resource, *, allowed_ports: Sequence[float] = (443,)) -> Findings:
    named = ", ".join(f"{port:g}" for port in allowed_ports)
    wanted = f"at most port {named} open to the internet"
    return [
        finding
        for opening in ingress(group)
        if not _within(opening, allowed_ports) and not _judged_as_administration(opening)
        for finding in closed_to_the_world(opening, wanted, opening.ports_known or None) or _too_wide(opening)
    ]


def _too_wide(opening: Opening) -> Findings:
    """A cloud's or a country's whole range is no named source, although it is not the world."""
    return no_wider_than(opening, *_NAMED_SOURCE) if opening.ports_known else []


def _within(opening: Opening, allowed: Sequence[float]) -> bool:
    """A single TCP or UDP port out of the allowed ones; UDP on 443 is HTTP/3."""
    first, last = opening.ports()
    protocol = opening.protocol_name()
    return first == last and first in [float(port) for port in allowed] and protocol in ("tcp", "udp")


def _judged_as_administration(opening: Opening) -> bool:
    return opening.ports() in ((SSH, SSH), (RDP, RDP)) and opening.protocol_name() == "tcp"


@rule(
    "ec2-groups-name-ports",
    "What one security group lets in from another, or from itself, is limited to named ports",
    on=INGRESS,
    requirements="1.2.5 1.3.1 1.4.4",
    severity=MEDIUM,
    remedy="name the protocol and the ports that the members need of each other",
)
def groups_name_ports(group: Resource) -> Findings:
    if group.kind == "aws.ec2.DefaultSecurityGroup":
        return []  # closed as a whole by ec2-default-security-group-closed
    return [
        finding
        for opening in ingress(group)
        if not opening.ranges and opening.every_port and _names_a_group(opening.place)
        for finding in opening.place.breach("named ports", f"all ports of protocol {opening.protocol_name()}")
    ]


def _names_a_group(place: Property) -> bool:
    inline = not isinstance(place, Resource)
    named = ("securityGroups",) if inline else ("sourceSecurityGroupId", "referencedSecurityGroupId")
    return place["self"].value in (True, "true") or any(not place[name].absent for name in named)


@rule(
    "ec2-prefix-list-names-ranges",
    "Lists of ranges, which entries may refer to, do not hold the world",
    on=("aws.ec2.ManagedPrefixList", "aws.ec2.ManagedPrefixListEntry", "aws.workspaces.IpGroup"),
    requirements="1.2.5 1.3.1 1.4.2",
    severity=HIGH,
    remedy="name the ranges that are meant",
)
def prefix_list_names_ranges(prefixes: Resource) -> Findings:
    if prefixes.kind == "aws.ec2.ManagedPrefixListEntry":
        places = [prefixes["cidr"]]
    else:
        places = [entry["cidr"] for entry in prefixes["entries"]] + [entry["source"] for entry in prefixes["rules"]]
    if covers_the_world(networks(places)):
        return places[0].breach("named ranges", ", ".join(shown(place.value) for place in places))
    return [finding for place in places if place.unknown for finding in place.unjudged("named ranges")]


@rule(
    "ec2-egress-by-port",
    "Outbound traffic to the internet is limited to named ports",
    on=EGRESS,
    requirements="1.3.2 1.4.2",
    severity=HIGH,
    remedy="name the protocol and the ports that are needed, such as TCP 443",
)
def egress_by_port(group: Resource) -> Findings:
    return [f for opening in egress(group) for f in closed_to_the_world(opening, "named ports", opening.every_port)]


@rule(
    "ec2-default-security-group-closed",
    "The default security group lets nothing in and nothing out",
    on="aws.ec2.DefaultSecurityGroup",
    requirements="1.2.8 1.3.1 2.2.1",
    controls="VPC_DEFAULT_SECURITY_GROUP_CLOSED",
    severity=HIGH,
    remedy="leave ingress and egress empty, and give every resource a security group of its own",
)
def default_group_closed(group: Resource) -> Findings:
    return group["ingress"].must_not_be_given("no entry") + group["egress"].must_not_be_given("no entry")


@rule(
    "ec2-default-security-group-managed",
    "Every VPC's default security group is taken over and closed",
    about="aws.ec2.Vpc",
    requirements="1.2.8 1.3.1 2.2.1",
    controls="VPC_DEFAULT_SECURITY_GROUP_CLOSED",
    severity=HIGH,
    remedy="add an ec2.DefaultSecurityGroup without entries for the VPC",
)
def default_group_managed(stack: Stack) -> StackFindings:
    return stack.each_must_have(
        ("aws.ec2.Vpc",),
        ("aws.ec2.DefaultSecurityGroup",),
        "vpcId",
        "closed by the stack",
        "with AWS's open default group",
    )


@rule(
    "ec2-data-not-next-to-the-internet",
    "No data store accepts what the internet can reach: there is another tier between them",
    about=tuple(_DATA_STORES),
    requirements="1.4.4 1.4.2 1.3.1",
    severity=CRITICAL,
    remedy="let the application tier's security group in, not the one that is open to the internet",
)
def data_not_next_to_the_internet(stack: Stack) -> StackFindings:
    public, sources = _public_groups(stack), _sources(stack)
    findings: StackFindings = []
    for kind, path in _DATA_STORES.items():
        for store in stack.of(kind):
            for group in stack.targets(store, store[path], _GROUP):
                reached = [source for source in sources.get(group.urn, []) if source in public]
                if group.urn in public:
                    findings += [
                        (store, f)
                        for f in store[path].breach("a closed security group", f"{group.name}, open to the internet")
                    ]
                findings += [
                    (store, finding)
                    for source in reached
                    for finding in store[path].breach(
                        "closed to groups that the internet reaches",
                        f"{group.name}, which lets in {stack.by_urn[source].name}, open to the internet",
                    )
                ]
    return findings


def _public_groups(stack: Stack) -> set[str]:
    """The security groups (URNs) that let in the internet on some port."""
    return {
        owner.urn
        for entry in stack.of(*INGRESS)
        if any(covers_the_world(networks(opening.ranges)) for opening in ingress(entry))
        for owner in _owners(stack, entry)
    }


def _owners(stack: Stack, entry: Resource) -> list[Resource]:
    return [entry] if entry.kind == _GROUP else stack.targets(entry, entry["securityGroupId"], _GROUP)


def _sources(stack: Stack) -> dict[str, list[str]]:
    """For each security group the groups (URNs) that it lets in."""
    found: dict[str, list[str]] = {}
    for entry in stack.of(*INGRESS):
        references = [entry["referencedSecurityGroupId"], entry["sourceSecurityGroupId"]]
        if entry.kind == _GROUP:
            references = [rule_entry["securityGroups"] for rule_entry in entry["ingress"]]
        elif entry["type"].value == "egress":
            continue
        for owner in _owners(stack, entry):
            for reference in references:
                found.setdefault(owner.urn, []).extend(
                    group.urn for group in stack.targets(entry, reference, _GROUP) if group.urn != owner.urn
                )
    return found
