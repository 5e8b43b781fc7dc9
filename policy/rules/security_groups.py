"""Security groups: who may come in from where."""

from __future__ import annotations

from typing import Final

from ..network import RDP, SECURITY_GROUPS, SSH, closed_to_the_world, ingress, no_wider_than
from ..reading import Findings
from ..rule import CRITICAL, Resource, rule

# The ports of AWS Config's restricted-common-ports and of the data stores of this platform: FTP, MySQL, PostgreSQL,
# SQL Server, Oracle, Redis, MongoDB, the kubelet and etcd.
_RESTRICTED_PORTS: Final = (20, 21, 1433, 1521, 2379, 3306, 4333, 5432, 6379, 10250, 27017)


@rule(
    "ec2-ssh-from-trusted-ranges",
    "SSH is open to named trusted ranges only",
    on=SECURITY_GROUPS,
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
        if wide and (reaches := opening.reaches(SSH)) is not False:
            findings += wide if reaches else opening.first_port.unjudged("a port other than 22")
    return findings


@rule(
    "ec2-rdp-closed-to-the-world",
    "Remote Desktop is closed to the internet",
    on=SECURITY_GROUPS,
    requirements="1.3.1 1.4.2",
    controls="EC2.14 EC2.53 EC2.54 RESTRICTED_INCOMING_TRAFFIC",
    severity=CRITICAL,
    remedy="remove the entry, or name the ranges that administrators come from",
)
def rdp_closed(group: Resource) -> Findings:
    return [
        finding
        for opening in ingress(group)
        if opening.reaches(RDP)
        for finding in closed_to_the_world(opening, "no internet range")
    ]
