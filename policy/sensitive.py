"""Recognising secrets and card numbers in text, by what they look like or by the name of what holds them.

The shapes are those of detect-secrets and gitleaks; each stands here as one linear expression, because importing such a
scanner costs longer than judging a whole stack.
"""

from __future__ import annotations

import base64
import binascii
import math
import re
import zlib
from collections import Counter
from functools import lru_cache
from typing import Final

# What each pattern recognises.
_SECRETS: Final = (
    ("a private key", re.compile(r"-----BEGIN (?:[A-Z]+ ){0,4}PRIVATE KEY(?: BLOCK)?-----")),
    ("an AWS access key id", re.compile(r"(?<![A-Z0-9])(?:AKIA|ASIA)[A-Z2-7]{16}(?![A-Z0-9])")),
    ("a GitHub token", re.compile(r"(?<!\w)(?:gh[pousr]_[A-Za-z0-9]{36}|github_pat_\w{60})")),
    ("a GitLab token", re.compile(r"(?<!\w)gl(?:pat|dt|rt|cbt|ptt)-[\w-]{20}")),
    ("a Pulumi token", re.compile(r"(?<!\w)pul-[0-9a-f]{40}(?!\w)")),
    ("a Slack token", re.compile(r"(?<!\w)xox[abeprs]-[A-Za-z0-9-]{10,}")),
    ("a Slack webhook", re.compile(r"hooks\.slack\.com/services/T\w+/B\w+/\w{16,}")),
    ("a Discord webhook", re.compile(r"discord(?:app)?\.com/api/webhooks/\d{15,20}/[\w-]{40,}")),
    ("a Teams webhook", re.compile(r"webhook\.office\.com/webhookb2/[\w@-]{36,}/\w+/[0-9a-f]{32}")),
    ("an Adyen key", re.compile(r"(?<!\w)AQE[A-Za-z0-9+/]{40,}={0,2}-[A-Za-z0-9+/=]{8,}-\S{6,}")),
    ("a Stripe key", re.compile(r"(?<!\w)(?:sk|rk)_(?:live|test)_[0-9A-Za-z]{16,}")),
    ("a webhook secret", re.compile(r"(?<!\w)whsec_[0-9A-Za-z+/=]{16,}")),
    ("a Google key", re.compile(r"(?<!\w)AIza[\w-]{35}")),
    ("a SendGrid key", re.compile(r"(?<!\w)SG\.[\w-]{16,}\.[\w-]{16,}")),
    ("a Twilio key", re.compile(r"(?<!\w)SK[0-9a-f]{32}(?!\w)")),
    ("an npm token", re.compile(r"(?<!\w)npm_[A-Za-z0-9]{36}")),
    ("a PyPI token", re.compile(r"(?<!\w)pypi-AgE[\w-]{50,}")),
    ("a Docker token", re.compile(r"(?<!\w)dckr_pat_[\w-]{20,}")),
    ("a Vault token", re.compile(r"(?<!\w)hv[sbr]\.[\w-]{20,}")),
    ("a Datadog, New Relic or Square key", re.compile(r"(?<!\w)(?:NRAK-[A-Z0-9]{27}|sq0(?:atp|csp)-[\w-]{22,})")),
    ("an OpenAI or Anthropic key", re.compile(r"(?<!\w)sk-(?:proj-|ant-)?[\w-]{32,}")),
    ("an Azure key", re.compile(r"AccountKey=[A-Za-z0-9+/=]{80,}")),
    ("a JSON web token", re.compile(r"(?<!\w)eyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}")),
    (
        "an agent activation token",
        re.compile(r"(?i)[\"']?(?:token|tenantid)[:=]\s{0,8}[0-9A-F]{8}-(?:[0-9A-F]{4}-){3}[0-9A-F]{12}"),
    ),
    (
        "a password",
        re.compile(
            r"(?i)(?<!:)(?:password|passwd|passphrase|pwd|secret|secret_?(?:access_?)?key|api_?key|auth_?token|"
            r"access_?token)[\"']?\s{0,8}[:=]\s{0,8}[\"']?"
            r"(?![\"'$<{%*(\s/]|\{\{|null|true|false|none|arn:|file:|env:|vault:|https?://[^@\s]*(?:\s|$))"
            r"[^\s\"',;&}<>$()]{6,}"
        ),
    ),
    (
        "a password in an argument",
        re.compile(
            r"(?i)(?<![\w-])--?[\w-]{0,30}(?:password|passwd|pwd|secret|api-?key|"
            r"token)(?:=|\s{1,4})[\"']?(?![\"'$<{%*(\s/-]|arn:|file:|env:)[^\s\"'$<>{}()]{6,}"
        ),
    ),
    (
        "a password",
        re.compile(r"(?i)<(\w{0,30}(?:password|passwd|secret|token))>(?![\s$<{%])[^\s<>${}]{6,}</\1>"),
    ),
    (
        "a password",
        re.compile(
            r"(?i)define\(\s{0,4}[\"'][\w-]{0,30}(?:password|secret|key|token)[\"']\s{0,4},\s{0,4}[\"'][^\"'$<{]{6,}"
        ),
    ),
    ("a password", re.compile(r"\blogin\s{1,4}\S{1,64}\s{1,4}password\s{1,4}(?![$<{%])\S{6,}")),
    (
        "a token in an address",
        re.compile(r"(?i)[?&](?:\w{0,20}token|sig|signature|api_?key|key|secret)=(?=[^&\s]{0,64}\d)[\w%.~+/-]{16,}"),
    ),
    ("a password in an address", re.compile(r"(?i)jdbc:oracle:thin:[^\s/:@]{1,64}/(?![$<{*])[^\s@/]{4,}@")),
    # Commands that take a password, as boot scripts call them.
    (
        "a password in an argument",
        re.compile(r"(?<!\w)(?:mysql|mysqldump|mariadb)(?:\s[^\n]{0,200})?\s-p(?![\s$\"'{<])\S{6,}"),
    ),
    (
        "a password in an argument",
        re.compile(
            r"(?<!\w)curl(?:\s[^\n]{0,200})?\s(?:-u|--user)\s{1,4}[\"']?[^\s:$\"']{1,64}:(?![$\"'{<\s])[^\s\"']{4,}"
        ),
    ),
    (
        "a password in an argument",
        re.compile(
            r"(?<!\w)(?:docker|podman|helm|oc|skopeo|az)\s[^\n]{0,20}login(?:\s[^\n]{0,200})?\s(?:-p|--password)[\s=]{1,4}"
            r"[\"']?(?![$\"'{<\s-])\S{4,}"
        ),
    ),
    ("a password in an argument", re.compile(r"(?<!\w)sshpass\s{1,4}-p\s{0,4}[\"']?(?!\$)[^\s\"']{4,}")),
    (
        "a password in an argument",
        re.compile(r"(?i)ConvertTo-SecureString\s{1,4}(?:-String\s{1,4})?[\"'][^\"'$]{4,}[\"']"),
    ),
    (
        "a password in an argument",
        re.compile(r"(?i)(?<!\w)net1?\s{1,4}user\s{1,4}\S{1,32}\s{1,4}(?![/$%*])\S{6,}\s{1,4}/add"),
    ),
    (
        "a user's password",
        re.compile(r"(?<![\w:$])[\w.-]{1,32}:(?!\$)[^\s:'\"|]{6,}['\"]?\s{0,4}\|\s{0,4}(?:sudo\s{1,4})?chpasswd"),
    ),
    (
        "a user's password",
        re.compile(r"(?<!\w)chpasswd:\s[\s\S]{0,200}?(?<![\w:$])[a-z_][\w-]{0,31}:(?![\s$]|RANDOM|R\b)[^\s:]{6,}"),
    ),
    ("an AWS secret key", re.compile(r"(?i)aws_secret_access_key[\s=:\"']{1,6}[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+])")),
    ("a password", re.compile(r"(?<![\w$])[A-Z][A-Z0-9_]{0,40}_(?:PASS|PWD|PW)=[\"']?(?![$\"'{<(\s/])[^\s\"']{6,}")),
    ("a token", re.compile(r"(?i)(?<![\w$-])\w{0,40}token=[\"']?(?=[^\s\"']{0,64}\d)[A-Za-z0-9_.+/-]{16,}")),
    (
        "a password in an address",
        re.compile(r"(?i)(?<!\w)[a-z][a-z0-9+.-]{1,30}://[^\s/:@$<{]{0,64}:(?!\*)[^\s/@$<{*]{1,128}@"),
    ),
    (
        "an authorization header",
        re.compile(
            r"(?i)authorization[\"']?\s{0,4}[:=]\s{0,4}[\"']?(?:basic|bearer)\s{1,4}"
            r"[A-Za-z0-9+/=._-]{16,}"
        ),
    ),
)
# Every match of the patterns above holds one of these; looking for them first spares most texts the patterns.
_MARKS: Final = re.compile(
    r"(?i)private key|akia|asia|gh[pousr]_|github_pat|gl(?:pat|dt|rt|cbt|ptt)-|pul-|xox|hooks\.slack|_live_|_test_|"
    r"whsec|"
    r"aiza|SG\.|SK[0-9a-f]{32}|npm_|pypi-|dckr_|hv[sbr]\.|nrak|sq0|sk-|accountkey|eyj|token|tenantid|pass|pwd|secret|"
    r"api[_-]?key|://|mysql|mariadb|curl|authorization|define\(|webhook|login|securestring|net1?\s+user|aqe|[?&](?:sig|key)|jdbc"
)

# Names whose value is a secret whatever it looks like, but for references; and names that may also be those of a
# reference, a header or a setting, whose value must look like a secret too.
_ENDING: Final = r"(?:[_.-]?(?:value|plain|plaintext|text|old|new|current|previous|prod|production|b64|base64|\d))*$"
_SECRET_NAME: Final = re.compile(
    r"(?i)(?:password|passwd|passphrase|passwort|pass|pwd|pw|secret_?access_?key|"
    r"auth_?token|access_?token|refresh_?token|bearer_?token|preshared_?key|pre_?shared_?key|activation_?token|"
    r"client_?secret|secret_?string|secret_?binary|secret_?key_?base|jwt_?secret|signing_?(?:key|secret)|"
    r"webhook_?secret|hmac_?secret|bgp_?auth_?key|plain_?text_?(?:value|password)|pin_?block|zpk|tmk|passwords)"
    + _ENDING
)
_PERHAPS_SECRET_NAME: Final = re.compile(
    r"(?i)(?:credentials?|creds|api[_-]?key|token|secrets?|basic_?auth|htpasswd|"
    r"(?:license|access|private|secret|shared|signing|encryption|master|hmac|aes|des|pin|zone|card|cipher|crypto)_?key|"
    r"salt|pepper|connection_?string|dsn)" + _ENDING
)
_BARE_NAMES: Final = re.compile(
    r"(?i)^(?:pass|pw|pwd)$|[a-z0-9](?:_|-|\.)(?:pass|pw|pwd)\b|[a-z](?:Pass|Pw|Pwd)\b|^PG|password"
)
# Names that end like a secret's and hold a setting.
_NOT_SECRET: Final = re.compile(r"(?i)^(?:manage|rotate|reset|enable|require|has|is|allow|use|no)|bypass|compass$")

_REFERENCE: Final = re.compile(
    r"arn:|/[\w.@:*/-]*$|/\S*[/.]|\$(?:[{(\[$]|\w+$)|\{\{|%\(|<[^>]*>|file:|env:|vault:|ssm:|secretsmanager:|resolve:|"
    r"https?://|s3://|urn:|sm://|awssm|projects/"
)
_WORD_LIKE: Final = re.compile(
    r"[a-z]+(?:[-_./:](?:[a-z]+\d{0,3}|v?\d{1,4}))*|[A-Z][A-Z_]*|[\d.]+|true|false|null|none|yes|no", re.I
)
_SETTINGS: Final = ("true", "false", "null", "seconds", "minutes", "hours", "days")
_PAIR: Final = re.compile(r"[^\s:]{1,64}:\S{4,}")  # user:password
_BASIC: Final = re.compile(r"(?<!\w)[Bb]asic\s{1,4}([A-Za-z0-9+/]{8,}={0,2})")
_SHORTEST_SECRET: Final = 8  # characters

# A value that nobody would type: letters of both cases and digits in one run, of as many kinds as a key has.
_RUN: Final = re.compile(r"[A-Za-z0-9+/=_-]{24,120}")
_LEAST_ENTROPY: Final = 4.2  # bits per character; an AWS secret key has about 4.7, words and hexadecimal less than 4
_PUBLIC_BY_NAME: Final = re.compile(
    r"(?i)hash|sha\d*|digest|checksum|etag|fingerprint|thumbprint|certificate|public|_?ids?$|arn|version|nonce|name$|"
    r"uri$|url$|path|image|key_?id|policy|template|token$_?file|user_?data|body|pattern|expression|query|records"
)

# Issuer ranges of the card networks and the lengths of their numbers.
_CARD_NETWORKS: Final = (
    ("Visa", re.compile(r"4(?:\d{15}|\d{18})")),  # those of 13 digits are no longer issued
    ("Mastercard", re.compile(r"(?:5[1-5]\d{2}|222[1-9]|22[3-9]\d|2[3-6]\d{2}|27[01]\d|2720)\d{12}")),
    ("American Express", re.compile(r"3[47]\d{13}")),
    ("Discover", re.compile(r"(?:6011|65\d{2}|64[4-9]\d)\d{12}")),
    ("JCB", re.compile(r"35(?:2[89]|[3-8]\d)\d{12}")),
    ("Diners Club", re.compile(r"3(?:0[0-5]|[68]\d)\d{11}")),
    ("UnionPay", re.compile(r"62\d{14,17}")),
    ("Maestro", re.compile(r"(?:50[1-9]\d|5[6-8]\d{2}|67\d{2}|6304|6390)\d{8,15}")),
    ("Troy", re.compile(r"9792\d{12}")),
)
_DIGITS: Final = re.compile(
    r"(?:(?<![A-Za-z0-9.+/-])|(?<=%B))(?<![\w.]:)(?<![\w.]::)"
    r"(?:\d{13,19}|\d{4}[ -]\d{4}[ -]\d{4}[ -]\d{4}|\d{4}[ -]\d{6}[ -]\d{5})(?![\w.-]|:\d)"
    r"|(?i:\b(?:pan|card|cardnumber|card_number|number):)\d{13,19}(?!\d)"
)
_SHORTEST_CARD_NUMBER: Final = 13  # digits
_BASE64: Final = re.compile(r"[A-Za-z0-9+/\s]{24,}={0,2}\s*")
_BASE64_INSIDE: Final = re.compile(r"(?<![A-Za-z0-9+/_-])[A-Za-z0-9+/]{24,}={0,2}(?![A-Za-z0-9+/_-])")
_DEEPEST: Final = 3  # levels of base64 within base64
_LONGEST_UNPACKED: Final = 1024 * 1024  # bytes; user data has at most 16 KiB packed


@lru_cache(maxsize=8192)  # the same names, tags and ARNs come again and again
def secret_in(text: str, depth: int = 0) -> str | None:
    """What kind of secret or card number stands in a text, if any; base64 and gzip are looked into."""
    if found := _secret_in_plain(text):
        return found
    if depth == _DEEPEST or len(text) < 24:
        return None
    if (decoded := from_base64(text)) is not None:
        return secret_in(decoded, depth + 1)
    for match in _BASE64_INSIDE.finditer(text):
        if (decoded := from_base64(match[0])) is not None and (found := secret_in(decoded, depth + 1)):
            return found
    return None


def secret_by_name(name: str, value: str) -> bool:
    """Whether a value is a secret because of the name that it has: `DB_PASSWORD`, `clientSecret`, `API_KEY`."""
    if not value or _NOT_SECRET.search(name) or _REFERENCE.match(value) or value.lower() in _SETTINGS:
        return False
    if name.lower() in ("auth", "authorization", "basicauthcredentials") and _pair_in_base64(value.rpartition(" ")[2]):
        return True
    if _SECRET_NAME.search(name) and (not _short(name) or _BARE_NAMES.search(name)):
        return True
    return (
        _PERHAPS_SECRET_NAME.search(name) is not None
        and len(value) >= _SHORTEST_SECRET
        and _WORD_LIKE.fullmatch(value) is None
        and " " not in value
        and "://" not in value  # an address is searched for a password of its own
    )


def _pair_in_base64(text: str) -> bool:
    try:
        return _PAIR.fullmatch(base64.b64decode(text, validate=True).decode("ascii")) is not None
    except (binascii.Error, UnicodeDecodeError):
        return False


def _short(name: str) -> bool:
    """Names that end in `pass` or `pw` alone: those of words, such as `bypass`, are not meant."""
    return re.search(r"(?i)(?:pass|pwd?)\d*$", name) is not None


def random_secret(name: str, value: str) -> bool:
    """Whether a value is random enough for a key, whatever its name, unless the name says that it is public."""
    if _PUBLIC_BY_NAME.search(name) or _REFERENCE.match(value) or "-----BEGIN" in value or value.startswith("ssh-"):
        return False
    run = _RUN.fullmatch(value)
    if run is None or value.startswith(("AQIC", "MII", "AAAA", "LS0t")) or from_base64(value) is not None:
        return False
    kinds = (re.search(kind, value) for kind in (r"[a-z]", r"[A-Z]", r"\d"))
    return all(kinds) and len(re.split(r"[-_/]", value)) <= 3 and _entropy(value) >= _LEAST_ENTROPY


def _entropy(text: str) -> float:
    return -sum(count / len(text) * math.log2(count / len(text)) for count in Counter(text).values())


def from_base64(text: str) -> str | None:
    """The text that a base64 text stands for, unpacked if it is gzip; None for what is not base64 of text."""
    if len(text) < 24 or not _BASE64.fullmatch(text):
        return None
    try:
        content = base64.b64decode(text, validate=False)
        if content.startswith(b"\x1f\x8b"):
            content = _unpacked(content)
        decoded = content.decode("utf-8")
    except (binascii.Error, UnicodeDecodeError, OSError, EOFError, zlib.error):
        return None
    return decoded if decoded.isprintable() or any(mark in decoded for mark in "\n\r\t") else None


def _unpacked(content: bytes) -> bytes:
    unpacking = zlib.decompressobj(zlib.MAX_WBITS | 16)
    return unpacking.decompress(content, _LONGEST_UNPACKED)


def _secret_in_plain(text: str) -> str | None:
    if _MARKS.search(text):
        for what, pattern in _SECRETS:
            if pattern.search(text):
                return what
    if any(_pair_in_base64(found[1]) for found in _BASIC.finditer(text)):
        return "a user's password"
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
