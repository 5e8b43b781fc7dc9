"""Requirements 3.6.1.1, 4.2.1.1 and 12.3.3: the keys and certificates of the stack, and the protocols that it speaks.

What an application does by itself, phones and the data centre are not in it; the entity adds them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import astuple, dataclass, fields
from typing import Any

from operations.evidence.tables import as_table
from recording.recorder import Resource

KEY, CERTIFICATE = "aws:kms/key:Key", "aws:acm/certificate:Certificate"
VPN = "aws:ec2/vpnConnection:VpnConnection"
DAYS_A_YEAR = 365
GCM = (
    "TLS_AES_128_GCM_SHA256, TLS_AES_256_GCM_SHA384, TLS_CHACHA20_POLY1305_SHA256; "
    "ECDHE-ECDSA-AES128-GCM-SHA256, ECDHE-ECDSA-AES256-GCM-SHA384, ECDHE-RSA-AES128-GCM-SHA256, "
    "ECDHE-RSA-AES256-GCM-SHA384"
)
POLICIES: Mapping[str, tuple[str, str]] = {
    "ELBSecurityPolicy-TLS13-1-2-Res-2021-06": ("TLS 1.3, TLS 1.2", GCM),
    "ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09": (
        "TLS 1.3, TLS 1.2",
        f"{GCM}; key exchange also by X25519MLKEM768, SecP256r1MLKEM768, SecP384r1MLKEM1024",
    ),
}
"""Protocols and suites of the load balancer's policies.

Source: AWS, Application Load Balancer user guide, security policies.
"""


@dataclass(frozen=True)
class Key:
    """A key or certificate. The custodian's cell is the entity's."""

    name: str
    kind: str
    algorithm: str
    protects: str
    kept_in: str
    cryptoperiod: str
    custodian: str = ""


@dataclass(frozen=True)
class Suite:
    """A place where data is encrypted on its way. The review's cells are the entity's."""

    where: str
    protocols: str
    suites: str
    setting: str
    reviewed_on: str = ""
    plan: str = ""


def keys(resources: Iterable[Resource]) -> tuple[Key, ...]:
    """Every key, certificate and secret of the stack, by kind and name."""
    known = tuple(resources)
    found = [*_kms(known), *_certificates(known), *_others(known)]
    return tuple(sorted(found, key=lambda one: (one.kind, one.name)))


def suites(resources: Iterable[Resource]) -> tuple[Suite, ...]:
    """Every protocol and suite that a resource of the stack sets."""
    return tuple(
        suite for one in resources for type_, read in _READERS.items() if one.type == type_ for suite in read(one)
    )


def keys_csv(rows: Iterable[Key]) -> str:
    """The key inventory for a spreadsheet."""
    return as_table([field.name for field in fields(Key)], map(astuple, rows))


def suites_csv(rows: Iterable[Suite]) -> str:
    """The cipher suites for a spreadsheet."""
    return as_table([field.name for field in fields(Suite)], map(astuple, rows))


def _kms(known: tuple[Resource, ...]) -> Iterator[Key]:
    for one in known:
        if one.type != KEY:
            continue
        marks = [mark for mark in (one.id, one.outputs.get("arn")) if isinstance(mark, str) and mark]
        users = sorted({other.name for other in known if other.type != "aws:kms/alias:Alias" and _uses(other, marks)})
        spec = str(one.inputs.get("customerMasterKeySpec") or one.inputs.get("keySpec") or "SYMMETRIC_DEFAULT")
        days = one.inputs.get("rotationPeriodInDays", DAYS_A_YEAR)
        yield Key(
            name=one.name,
            kind="KMS key",
            algorithm="AES-256-GCM" if spec == "SYMMETRIC_DEFAULT" else spec,
            protects=f"{one.inputs.get('description', '')}: {', '.join(users) or 'nothing yet'}",
            kept_in="AWS KMS, in hardware security modules",
            cryptoperiod=f"{days} days, rotated by KMS"
            if one.inputs.get("enableKeyRotation")
            else "no rotation by KMS",
        )


def _uses(other: Resource, marks: list[str]) -> bool:
    text = json.dumps({key: value for key, value in other.inputs.items() if key != "policy"})
    return any(mark in text for mark in marks)


def _certificates(known: tuple[Resource, ...]) -> Iterator[Key]:
    for one in known:
        if one.type == CERTIFICATE:
            yield Key(
                name=str(one.inputs.get("domainName")),
                kind="certificate",
                algorithm=str(one.inputs.get("keyAlgorithm") or "RSA_2048"),
                protects="payments between phone and load balancer",
                kept_in="AWS Certificate Manager; the private key cannot be read",
                cryptoperiod="renewed by ACM before it expires",
            )


def _others(known: tuple[Resource, ...]) -> Iterator[Key]:
    for one in known:
        if one.type == "aws:ec2/keyPair:KeyPair":
            kind = str(one.inputs.get("publicKey", "")).partition(" ")[0]
            yield Key(one.name, "SSH key", kind, "log-in to hosts", "with its owner; never in AWS", "set by the entity")
        if one.type == VPN:
            yield Key(
                f"{one.name}, both tunnels", "pre-shared key", "secret of IKEv2", "the way to the data centre",
                "Secrets Manager" if one.inputs.get("presharedKeyStorage") == "SecretsManager" else "the VPN service",
                "set by the entity",
            )  # fmt: skip
        if one.type == "aws:secretsmanager/secret:Secret":
            rotated = [
                str((other.inputs.get("rotationRules") or {}).get("scheduleExpression", "scheduled"))
                for other in known
                if other.type == "aws:secretsmanager/secretRotation:SecretRotation"
                and other.inputs.get("secretId") == one.id
            ]
            yield Key(
                one.name, "secret", "password or address", str(one.inputs.get("description", "")),
                "Secrets Manager, under a KMS key", rotated[0] if rotated else "set by the entity",
            )  # fmt: skip


def _listener(one: Resource) -> Iterator[Suite]:
    policy = str(one.inputs.get("sslPolicy") or "not set")
    protocols, found = POLICIES.get(policy, ("see AWS's table of policies", "see AWS's table of policies"))
    yield Suite("phones to load balancer", protocols, found, f"{one.name}: sslPolicy = {policy}")


def _target_group(one: Resource) -> Iterator[Suite]:
    if str(one.inputs.get("protocol")) == "HTTPS":
        yield Suite("load balancer to pods", "TLS 1.2 or later", "as the load balancer chooses", f"{one.name}: HTTPS")


def _parameters(one: Resource) -> Iterator[Suite]:
    found = {row["name"]: row["value"] for row in one.inputs.get("parameters") or () if "name" in row}
    if "tls_version" in found:
        required = found.get("require_secure_transport", "not set")
        setting = f"{one.name}: tls_version = {found['tls_version']}, require_secure_transport = {required}"
        named = found.get("ssl_cipher", "the engine's own")
        yield Suite("pods and DMS to database", found["tls_version"], named, setting)


def _cache(one: Resource) -> Iterator[Suite]:
    on = one.inputs.get("transitEncryptionEnabled")
    setting = f"{one.name}: transitEncryptionEnabled = {str(on).lower()}"
    yield Suite("pods to cache", "TLS 1.2 or later" if on else "none", "the engine's own", setting)


def _endpoint(one: Resource) -> Iterator[Suite]:
    mode = str(one.inputs.get("sslMode") or "none")
    yield Suite(f"DMS, {one.name}", "TLS 1.2" if mode != "none" else "none", "the engine's own", f"sslMode = {mode}")


def _vpn(one: Resource) -> Iterator[Suite]:
    for tunnel in ("tunnel1", "tunnel2"):
        phases = [
            f"phase {phase}: "
            + ", ".join(_listed(one, f"{tunnel}Phase{phase}{part}Algorithms") for part in ("Encryption", "Integrity"))
            + f", groups {_listed(one, f'{tunnel}Phase{phase}DhGroupNumbers')}"
            for phase in (1, 2)
        ]
        versions = _listed(one, f"{tunnel}IkeVersions")
        yield Suite(f"data centre to VPC, {tunnel}", f"IPsec, {versions}", "; ".join(phases), one.name)


def _listed(one: Resource, key: str) -> str:
    found: Any = one.inputs.get(key)
    return ", ".join(map(str, found)) if isinstance(found, list) else "AWS's defaults"


_READERS = {
    "aws:lb/listener:Listener": _listener,
    "aws:lb/targetGroup:TargetGroup": _target_group,
    "aws:rds/clusterParameterGroup:ClusterParameterGroup": _parameters,
    "aws:elasticache/replicationGroup:ReplicationGroup": _cache,
    "aws:dms/endpoint:Endpoint": _endpoint,
    VPN: _vpn,
}
"""Where a resource says how data is encrypted on its way."""
