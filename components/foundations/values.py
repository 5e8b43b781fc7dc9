"""What one setting may be: each kind of value reads the configuration's text and refuses what is not allowed.

A kind is a callable ``(text) -> value`` that raises `Refused` with what is allowed and what to do. The settings name
the kind of each setting in the field's annotation; nothing here knows a key.
"""

from __future__ import annotations

import base64
import difflib
import json
import re
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from ipaddress import IPv4Address, IPv4Network, IPv6Network, ip_address, ip_network
from typing import Any, Literal, get_args, get_origin

Kind = Callable[[str], Any]
"""Reads a value from text; raises `Refused`."""
Network = IPv4Network | IPv6Network

LONGEST_SHOWN = 80
"""Characters of a refused value that a sentence repeats."""
WIDEST_TRUSTED_IPV4 = 24
"""Widest range that still names somebody: one office or one VPN gateway pool, 256 addresses."""
ED25519_BYTES = 32
RSA_BITS = 2048
"""Shortest RSA key that NIST SP 800-131A still allows."""
WIDEST_TRUSTED_IPV6 = 48
"""Widest IPv6 range that still names somebody: the usual assignment to one site."""


class Refused(ValueError):  # noqa: N818 (reads as the sentence it starts)
    """A value that is not allowed; `allowed` and `remedy` complete the sentence that the user reads."""

    def __init__(self, allowed: str, remedy: str) -> None:
        super().__init__(f"allowed: {allowed}; {remedy}")
        self.allowed = allowed
        self.remedy = remedy
        self.place = ""
        self.found: object = None

    def at(self, place: str, found: object) -> Refused:
        """The same refusal of `found`, a value at `place` inside a structured setting."""
        self.place, self.found = place + self.place, found if self.found is None else self.found
        return self


@dataclass(frozen=True)
class Matching:
    """Text of one form in plain ASCII, described in words a user understands."""

    pattern: str
    description: str
    remedy: str = "correct the value"

    def __call__(self, text: str) -> str:
        if not re.fullmatch(self.pattern, text, re.ASCII):
            raise Refused(self.description, self.remedy)
        return text


@dataclass(frozen=True)
class Optionally:
    """Nothing (an empty text) or a value of another kind."""

    kind: Callable[[str], Any]

    def __call__(self, text: str) -> Any:
        if text == "":
            return ""
        try:
            return self.kind(text)
        except Refused as refusal:
            raise Refused(f"nothing, or {refusal.allowed}", refusal.remedy) from None


@dataclass(frozen=True)
class OneOf:
    """One of a few named choices."""

    choices: tuple[str, ...]

    def __call__(self, text: str) -> str:
        if text not in self.choices:
            raise Refused(" or ".join(self.choices), "choose one of them")
        return text


@dataclass(frozen=True)
class Between:
    """A whole number within bounds, both included."""

    least: int
    most: int
    unit: str
    reason: str = ""

    def __call__(self, text: str) -> int:
        allowed = f"a whole number of {self.unit} from {self.least} to {self.most}{self.reason and f' ({self.reason})'}"
        if not re.fullmatch(r"-?[0-9]{1,18}", text):
            raise Refused(allowed, "give a number without a unit")
        number = int(text)
        if not self.least <= number <= self.most:
            raise Refused(allowed, "choose a value within the range")
        return number


@dataclass(frozen=True)
class OneOfNumbers:
    """One of the few numbers that AWS accepts."""

    choices: tuple[int, ...]
    unit: str
    reason: str

    def __call__(self, text: str) -> int:
        if text not in map(str, self.choices):
            listed = ", ".join(map(str, self.choices))
            raise Refused(f"a number of {self.unit} among {listed} ({self.reason})", "choose one of them")
        return int(text)


def yes_or_no(text: str) -> bool:
    """A boolean as Pulumi writes it: ``true`` or ``false``."""
    if text not in ("true", "false"):
        raise Refused("true or false", "write one of the two words")
    return text == "true"


def kind_of(hint: Any) -> Kind:
    """The kind that a field's annotation declares, or that its type says alone: `Literal` and `bool`."""
    if get_origin(hint) is Literal:
        return OneOf(get_args(hint))
    if hint is bool:
        return yes_or_no
    kind: Kind = get_args(hint)[1]
    return kind


def moment(text: str) -> str:
    """A point in time, to the second, in UTC; it stays text, which sorts and compares as time does."""
    allowed = "a moment in UTC such as 2026-11-30T18:00:00Z"
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z", text, re.ASCII):
        raise Refused(allowed, "write date and time to the second, with a final Z")
    try:
        datetime.fromisoformat(text)
    except ValueError:
        raise Refused(allowed, "write a date and time that exist") from None
    return text


@dataclass(frozen=True)
class ListOf:
    """A JSON list of values of one kind, without repetitions."""

    kind: Callable[[str], Any]
    least: int = 0
    most: int = 50

    def __call__(self, text: str) -> tuple[Any, ...]:
        amount = f"exactly {self.least}" if self.least == self.most else f"{self.least} to {self.most}"
        try:
            items = json.loads(text)
        except (ValueError, RecursionError):
            raise Refused(f"a list of {amount} items", "write a YAML list, one item a line") from None
        if not isinstance(items, list) or not all(type(item) in (str, int) for item in items):
            raise Refused(f"a list of {amount} items", "write a YAML list, one item a line")
        if not self.least <= len(items) <= self.most:
            raise Refused(f"a list of {amount} items, not {len(items)}", "add or remove items")
        values = []
        for item in items:
            try:
                values.append(self.kind(str(item)))
            except Refused as refusal:
                found = repr(item) if len(repr(item)) <= LONGEST_SHOWN else f"{repr(item)[:LONGEST_SHOWN]}..."
                raise Refused(f"in each item, {refusal.allowed} (found {found})", refusal.remedy) from None
        if len(set(map(str, values))) != len(values):
            raise Refused("a list without repetitions", "remove the repeated item")
        return tuple(values)


def network(text: str) -> Network:
    """An IPv4 or IPv6 range in CIDR notation without host bits."""
    try:
        return ip_network(text)
    except ValueError:
        raise Refused(
            "a CIDR range without host bits such as 198.51.100.0/24", "write the range's first address and its length"
        ) from None


@dataclass(frozen=True)
class PrivateRange:
    """A private IPv4 range (RFC 1918 or the shared space of RFC 6598) of a bounded size."""

    widest: int
    narrowest: int

    def __call__(self, text: str) -> IPv4Network:
        allowed = f"a private IPv4 range between /{self.widest} and /{self.narrowest} such as 10.20.0.0/16"
        found = network(text)
        if not isinstance(found, IPv4Network) or not is_private(found):
            raise Refused(allowed, "take a range from 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16 or 100.64.0.0/10")
        if not self.widest <= found.prefixlen <= self.narrowest:
            raise Refused(allowed, "change the length of the range")
        return found


PRIVATE_RANGES = tuple(map(IPv4Network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10")))
UNROUTED_RANGES = (*PRIVATE_RANGES, *map(IPv4Network, ("0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/3")))
DOCUMENTATION_RANGES = tuple(map(IPv4Network, ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24")))


def is_private(found: IPv4Network) -> bool:
    """Whether a range lies wholly within the address space that is never routed on the internet."""
    return any(found.subnet_of(private) for private in PRIVATE_RANGES)


def trusted_range(text: str) -> IPv4Network:
    """A public range narrow enough to name who is trusted: IPv4, at most /24.

    IPv6 ranges are refused, the wide ones as wide: VPC, bastion and Kubernetes API answer on IPv4 only.
    """
    found = network(text)
    allowed = (
        f"a public IPv4 range no wider than /{WIDEST_TRUSTED_IPV4} (and no IPv6 wider than /{WIDEST_TRUSTED_IPV6})"
    )
    widest = WIDEST_TRUSTED_IPV4 if isinstance(found, IPv4Network) else WIDEST_TRUSTED_IPV6
    if found.prefixlen < widest:
        raise Refused(allowed, "name the office or VPN range that really connects, never the whole internet")
    if not isinstance(found, IPv4Network):
        raise Refused(allowed, "give the IPv4 range; nothing here listens on IPv6")
    if any(found.subnet_of(other) for other in UNROUTED_RANGES):
        raise Refused(allowed, "give the public address as the internet sees it; private ranges arrive through the VPN")
    return found


def public_address(text: str) -> IPv4Address:
    """One public IPv4 address, as a customer gateway has it."""
    try:
        found = ip_address(text)
    except ValueError:
        raise Refused("a public IPv4 address such as 203.0.113.10", "write one address without a length") from None
    if not isinstance(found, IPv4Address) or any(found in other for other in UNROUTED_RANGES):
        raise Refused("a public IPv4 address such as 203.0.113.10", "give the address that the internet sees")
    return found


REGIONS = tuple(
    re.findall(
        r"\S+",
        """
        af-south-1 ap-east-1 ap-east-2 ap-northeast-1 ap-northeast-2 ap-northeast-3 ap-south-1 ap-south-2
        ap-southeast-1 ap-southeast-2 ap-southeast-3 ap-southeast-4 ap-southeast-5 ap-southeast-6 ap-southeast-7
        ca-central-1 ca-west-1 eu-central-1 eu-central-2 eu-north-1 eu-south-1 eu-south-2 eu-west-1 eu-west-2 eu-west-3
        il-central-1 me-central-1 me-south-1 mx-central-1 sa-east-1 us-east-1 us-east-2 us-west-1 us-west-2
        """,
    )
)
"""AWS's public Regions (partition `aws`) as of November 2026; a test holds them against the AWS SDK's own list."""


def region(text: str) -> str:
    """One of AWS's public Regions, by its code."""
    if text not in REGIONS:
        near = " or ".join(difflib.get_close_matches(text[:LONGEST_SHOWN].lower().replace("_", "-"), REGIONS, 2, 0.85))
        allowed = "a public AWS Region such as eu-central-1"
        raise Refused(allowed, f"did you mean {near}? Correct it" if near else "write the Region's code")
    return text


account_number = Matching(r"\d{12}", "the 12 digits of the AWS account", "quote the number in YAML")


def tag_value(text: str) -> str:
    """What AWS takes as a tag's value: letters and digits of any script, spaces inside, and a few signs."""
    if not re.fullmatch(r"[\w .:/=+@-]{1,128}", text) or text != text.strip():
        raise Refused(
            "1 to 128 letters, digits, spaces and any of . : / = + - @ _, which is what AWS takes as a tag",
            "write a name",
        )
    return text


def private_address(text: str) -> IPv4Address:
    """One private IPv4 address, as a server in the data centre has it."""
    allowed = "a private IPv4 address such as 10.80.16.10"
    try:
        found = ip_address(text)
    except ValueError:
        raise Refused(allowed, "write one address without a length") from None
    if not isinstance(found, IPv4Address) or not is_private(IPv4Network(found)):
        raise Refused(allowed, "give the address that the VPN reaches")
    return found


url_path = Matching(r"/[\w./-]*", "a path such as /health")

domain = Matching(
    r"(?=.{4,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}",
    "a lower-case DNS name such as pay.example.com",
    "write the name without protocol, port or final dot",
)

image_by_digest = Matching(
    r"\d{12}\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.com(\.cn)?/[a-z0-9._/-]+@sha256:[0-9a-f]{64}",
    "an ECR image by digest, <account>.dkr.ecr.<region>.amazonaws.com/<repository>@sha256:<64 hex digits>",
    "replace the tag by the digest that `aws ecr describe-images` shows",
)

certificate_name = Matching(
    rf"(?=.{{4,64}}$){domain.pattern}",
    "a lower-case DNS name of at most 64 characters, which is ACM's limit for a certificate's name",
    "write a shorter name, without protocol, port or final dot",
)

email = Matching(
    r"[\w.!#$%&'*+/=?^`{|}~-]{1,64}@(?=.{1,255}$)([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,63}",
    "an e-mail address",
    "write one address",
)

role_arn = Matching(
    r"arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]+", "the ARN of an IAM role", "copy it from the IAM console"
)

UNREVIEWED_ROLES = ("softpos-preview",)
"""Roles that run code of pull requests before anybody has reviewed it."""


def administrator_arn(text: str) -> str:
    """The ARN of a role that may administer the cluster: never one that a pull request takes."""
    arn = role_arn(text)
    if arn.rpartition("/")[2].lower() in UNREVIEWED_ROLES:
        allowed = "the ARN of an IAM role that no pull request takes"
        raise Refused(allowed, "leave it out: pull requests run with this role, and a preview needs no Kubernetes")
    return arn


SECURITY_KEYS = ("sk-ssh-ed25519@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com")
RESERVED_NAMES = ("root", "ec2-user", "ssm-user", "nobody")


def named_administrator(text: str) -> str:
    """A person's account name and the public half of a FIDO2 security key: ``ana sk-ssh-ed25519@... AAAA...``."""
    allowed = f"a name and a security key, 'ana {SECURITY_KEYS[0]} AAAA...'"
    remedy = "make a key with ssh-keygen -t ed25519-sk -O verify-required, and give the line of its .pub file"
    name, _, key = text.partition(" ")
    words = key.split(" ")
    if not re.fullmatch(r"[a-z][a-z0-9-]{1,30}", name) or name in RESERVED_NAMES:
        raise Refused(
            allowed, "give 2 to 31 small letters, digits and hyphens, a letter first, no account of the system"
        )
    if len(words) < 2 or words[0] not in SECURITY_KEYS or not text.isprintable() or not text.isascii():
        raise Refused(allowed, remedy)
    try:
        parts = _ssh_parts(base64.b64decode(words[1], validate=True))
    except ValueError:
        raise Refused(allowed, remedy) from None
    if parts[0] != words[0].encode() or len(parts) != (3 if "ed25519" in words[0] else 4):
        raise Refused(allowed, remedy)
    return f"{name} {words[0]} {words[1]}"


def ssh_public_key(text: str) -> str:
    """The public half of an Ed25519 or RSA key pair in OpenSSH's one-line form."""
    allowed = "an OpenSSH public key, 'ssh-ed25519 AAAA...' or 'ssh-rsa AAAA...'"
    if "PRIVATE KEY" in text:
        raise Refused(
            allowed, "this is a private key: take it out of the configuration, make a new pair, give the .pub"
        )
    words = text.split(" ")
    if len(words) < 2 or words[0] not in ("ssh-ed25519", "ssh-rsa") or not text.isprintable():
        raise Refused(allowed, "paste the one line from the .pub file")
    try:
        parts = _ssh_parts(base64.b64decode(words[1], validate=True))
    except ValueError:
        raise Refused(allowed, "paste the whole line from the .pub file") from None
    if parts[0] != words[0].encode() or len(parts) != (2 if words[0] == "ssh-ed25519" else 3):
        raise Refused(allowed, "paste the whole line from the .pub file")
    if words[0] == "ssh-ed25519" and len(parts[1]) != ED25519_BYTES:
        raise Refused(allowed, "paste the whole line from the .pub file")
    if words[0] == "ssh-rsa" and int.from_bytes(parts[2], "big").bit_length() < RSA_BITS:
        raise Refused(f"{allowed} of at least {RSA_BITS} bits", "make a new pair with ssh-keygen -t ed25519")
    return text


def _ssh_parts(wire: bytes) -> list[bytes]:
    """The fields of a key in SSH's wire format (RFC 4251, section 5), each after its length.

    Raises:
        ValueError: when the last field is not whole.
    """
    parts = []
    while wire:
        length = int.from_bytes(wire[:4], "big")
        part, wire = wire[4 : 4 + length], wire[4 + length :]
        if len(part) != length or not length:
            raise ValueError("a field is cut off")
        parts.append(part)
    return parts or [b""]


def certificate_pem(text: str) -> str:
    """One or more X.509 certificates in PEM form, and nothing else."""
    allowed = "PEM text of certificates (-----BEGIN CERTIFICATE-----)"
    if "PRIVATE KEY" in text:
        raise Refused(
            allowed, "this holds a private key: take it out of the configuration and give the certificate only"
        )
    block = r"-----BEGIN CERTIFICATE-----\s[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----\s*"
    if not re.fullmatch(rf"({block})+", text.strip() + "\n", re.ASCII):
        raise Refused(allowed, "paste the certificate authority's public certificate")
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=text)
    except (ssl.SSLError, ValueError):
        raise Refused(allowed, "paste the whole certificate: what is given cannot be decoded") from None
    return text.strip() + "\n"
