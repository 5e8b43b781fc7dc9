"""Site-to-Site VPN. AWS's defaults still allow IKEv1, AES-128, SHA-1 and 1024-bit groups, so every list must be set."""

from __future__ import annotations

from typing import Final

from ..reading import Findings
from ..rule import HIGH, MEDIUM, Resource, rule

_VPN: Final = "aws.ec2.VpnConnection"
_TUNNELS: Final = ("tunnel1", "tunnel2")
_PHASES: Final = tuple(f"{tunnel}Phase{phase}" for tunnel in _TUNNELS for phase in (1, 2))
_STRONG_GROUPS: Final = (20, 21, 22, 23, 24)


@rule(
    "vpn-ikev2-only",
    "Both tunnels negotiate by IKEv2 only",
    on=_VPN,
    requirements="4.2.1 2.2.7",
    severity=HIGH,
    remedy="set tunnel1IkeVersions and tunnel2IkeVersions to [ikev2]",
)
def ikev2_only(connection: Resource) -> Findings:
    return [f for tunnel in _TUNNELS for f in connection[f"{tunnel}IkeVersions"].must_only_include("ikev2")]


@rule(
    "vpn-strong-ciphers",
    "Both tunnels encrypt with AES-256-GCM in both phases",
    on=_VPN,
    requirements="4.2.1 2.2.7",
    severity=HIGH,
    remedy="set the phase 1 and 2 encryption algorithms of both tunnels to [AES256-GCM-16]",
)
def strong_ciphers(connection: Resource) -> Findings:
    return [
        f for phase in _PHASES for f in connection[f"{phase}EncryptionAlgorithms"].must_only_include("AES256-GCM-16")
    ]


@rule(
    "vpn-strong-integrity",
    "Both tunnels authenticate messages with SHA-2 in both phases",
    on=_VPN,
    requirements="4.2.1 2.2.7",
    severity=HIGH,
    remedy="set the phase 1 and 2 integrity algorithms of both tunnels to [SHA2-384, SHA2-512]",
)
def strong_integrity(connection: Resource) -> Findings:
    allowed = ("SHA2-256", "SHA2-384", "SHA2-512")
    return [f for phase in _PHASES for f in connection[f"{phase}IntegrityAlgorithms"].must_only_include(*allowed)]


@rule(
    "vpn-strong-groups",
    "Both tunnels agree on keys in Diffie-Hellman groups from 20 on, in both phases",
    on=_VPN,
    requirements="4.2.1 2.2.7",
    severity=HIGH,
    remedy="set the phase 1 and 2 DH group numbers of both tunnels to [20, 21]",
)
def strong_groups(connection: Resource) -> Findings:
    return [f for phase in _PHASES for f in connection[f"{phase}DhGroupNumbers"].must_only_include(*_STRONG_GROUPS)]


@rule(
    "vpn-tunnel-logs",
    "Both tunnels write logs",
    on=_VPN,
    requirements="10.4.2 10.2.1",
    controls="EC2.171",
    severity=MEDIUM,
    remedy="set cloudwatchLogOptions of both tunnels with logEnabled true and logGroupArn",
)
def tunnel_logs(connection: Resource) -> Findings:
    findings: Findings = []
    for tunnel in _TUNNELS:
        options = connection[f"{tunnel}LogOptions"]["cloudwatchLogOptions"]
        findings += options["logEnabled"].must_be(True) or options["logGroupArn"].must_be_given("a log group")
    return findings


@rule(
    "vpn-keys-in-secrets-manager",
    "Pre-shared keys are made and kept by Secrets Manager",
    on=_VPN,
    requirements="8.6.2 3.6.1 3.7.1",
    severity=HIGH,
    remedy="set presharedKeyStorage to SecretsManager and remove the pre-shared keys",
)
def keys_in_secrets_manager(connection: Resource) -> Findings:
    if not connection["customerGatewayId"].absent and connection["type"].value == "certificate":
        return []
    given = [f for tunnel in _TUNNELS for f in connection[f"{tunnel}PresharedKey"].must_not_be_given("no key")]
    return given or connection["presharedKeyStorage"].must_be("SecretsManager")
