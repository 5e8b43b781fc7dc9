"""Recognising secrets and card numbers in text, by what they look like or by the name of what holds them."""

from __future__ import annotations

import base64
import binascii
import re
from functools import lru_cache
from typing import Final

# What each pattern recognises.
_SECRETS: Final = (
    ("a private key", re.compile(r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----")),
    ("an AWS access key id", re.compile(r"(?<![A-Z0-9])(?:AKIA|ASIA)[A-Z2-7]{16}(?![A-Z0-9])")),
    ("a GitHub token", re.compile(r"(?<!\w)(?:gh[pousr]_[A-Za-z0-9]{36}|github_pat_\w{60})")),
    ("a Pulumi token", re.compile(r"(?<!\w)pul-[0-9a-f]{40}(?!\w)")),
    ("a Slack token", re.compile(r"(?<!\w)xox[abprs]-[A-Za-z0-9-]{10,}")),
    ("a JSON web token", re.compile(r"(?<!\w)eyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}")),
    (
        "an agent activation token",
        re.compile(r"(?i)[\"']?(?:token|tenantid)[:=]\s*[0-9A-F]{8}-(?:[0-9A-F]{4}-){3}[0-9A-F]{12}"),
    ),
    (
        "a password",
        re.compile(
            r"(?i)(?<!:)(?:password|passwd|pwd|secret|api_?key|auth_?token)[\"']?\s*[:=]\s*[\"']?"
            r"(?![\"'$<{%*(\s]|\{\{|null|true|false|none|arn:)[^\s\"',;&}<>$()]{6,}"
        ),
    ),
    ("a password in an address", re.compile(r"(?<!\w)[a-z][a-z0-9+.-]*://[^\s/:@$<{]+:[^\s/@$<{*]+@")),
)
# Every match of the patterns above holds one of these; looking for them first spares most texts the patterns.
_MARKS: Final = (
    "private key",
    "akia",
    "asia",
    "ghp_",
    "gho_",
    "ghu_",
    "ghs_",
    "ghr_",
    "github_pat_",
    "pul-",
    "xox",
    "eyj",
    "token",
    "tenantid",
    "pass",
    "pwd",
    "secret",
    "apikey",
    "api_key",
    "://",
)

# Names of properties, variables and parameters whose value is a secret whatever it looks like.
_SECRET_NAME: Final = re.compile(
    r"(?i)(?:^|[a-z0-9_.-])?(?:password|passwd|passphrase|private_?key|secret_?(?:access_?)?key|auth_?token|api_?key|"
    r"access_?token|preshared_?key|pre_?shared_?key|activation_?token|secret_?string|secret_?binary|credentials?)$"
)

# Issuer ranges of the card networks and the lengths of their numbers.
_CARD_NETWORKS: Final = (
    ("Visa", re.compile(r"4(?:\d{12}|\d{15}|\d{18})")),
    ("Mastercard", re.compile(r"(?:5[1-5]\d{2}|222[1-9]|22[3-9]\d|2[3-6]\d{2}|27[01]\d|2720)\d{12}")),
    ("American Express", re.compile(r"3[47]\d{13}")),
    ("Discover", re.compile(r"(?:6011|65\d{2}|64[4-9]\d)\d{12}")),
    ("JCB", re.compile(r"35(?:2[89]|[3-8]\d)\d{12}")),
    ("Diners Club", re.compile(r"3(?:0[0-5]|[68]\d)\d{11}")),
    ("UnionPay", re.compile(r"62\d{14,17}")),
    ("Troy", re.compile(r"9792\d{12}")),
)
_DIGITS: Final = re.compile(
    r"(?<![\w.:/-])(?:\d{13,19}|\d{4}[ -]\d{4}[ -]\d{4}[ -]\d{4}|\d{4}[ -]\d{6}[ -]\d{5})(?![\w.-]|:\d)"
)
_SHORTEST_CARD_NUMBER: Final = 13  # digits
_BASE64: Final = re.compile(r"[A-Za-z0-9+/\s]{40,}={0,2}\s*")


@lru_cache(maxsize=8192)  # the same names, tags and ARNs come again and again
def secret_in(text: str) -> str | None:
    """What kind of secret or card number stands in a text, if any; base64 is looked into."""
    return _secret_in_plain(text) or (_secret_in_plain(decoded) if (decoded := from_base64(text)) else None)


def holds_a_secret_by_name(name: str) -> bool:
    return _SECRET_NAME.search(name) is not None


def from_base64(text: str) -> str | None:
    """The text that a base64 text stands for; None for what is not base64 of text."""
    if len(text) < 40 or not _BASE64.fullmatch(text):
        return None
    try:
        return base64.b64decode(text, validate=False).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        return None


def _secret_in_plain(text: str) -> str | None:
    lowered = text.lower()
    if any(mark in lowered for mark in _MARKS):
        for what, pattern in _SECRETS:
            if pattern.search(text):
                return what
    return _card_number_in(text)


def _card_number_in(text: str) -> str | None:
    if len(text) < _SHORTEST_CARD_NUMBER:
        return None
    for match in _DIGITS.finditer(text):
        digits = re.sub(r"\D", "", match[0])
        if _luhn(digits):
            for network, pattern in _CARD_NETWORKS:
                if pattern.fullmatch(digits):
                    return f"a {network} card number"
    return None


def _luhn(digits: str) -> bool:
    """The check digit of card numbers (ISO/IEC 7812-1); numbers of equal digits do not count."""
    total = 0
    for position, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + position % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0 and len(set(digits)) > 1
