"""Site-to-Site VPN."""

from __future__ import annotations

from typing import Final

from ..reading import Findings
from ..rule import HIGH, Resource, rule

_TUNNELS: Final = ("tunnel1", "tunnel2")
_STRONG_GROUPS: Final = tuple(range(20, 25))  # elliptic curves of 384 bits and more, and AWS's 22-24


@rule(
    "vpn-ikev2-only",
    "Both tunnels negotiate by IKEv2 only",
    on="aws.ec2.VpnConnection",
    requirements="4.2.1 2.2.7",
    severity=HIGH,
    remedy="set tunnel1IkeVersions and tunnel2IkeVersions to [ikev2]",
)
def ikev2_only(connection: Resource) -> Findings:
    return [f for tunnel in _TUNNELS for f in connection[f"{tunnel}IkeVersions"].must_only_include("ikev2")]


@rule(
    "vpn-strong-ciphers",
    "Both tunnels encrypt with AES-256-GCM in both phases",
    on="aws.ec2.VpnConnection",
    requirements="4.2.1 2.2.7",
    severity=HIGH,
    remedy="set the phase 1 and 2 encryption algorithms of both tunnels to [AES256-GCM-16]",
)
def strong_ciphers(connection: Resource) -> Findings:
    return [
        finding
        for tunnel in _TUNNELS
        for phase in (1, 2)
        for finding in connection[f"{tunnel}Phase{phase}EncryptionAlgorithms"].must_only_include("AES256-GCM-16")
    ]
