"""What looks like a secret outside a Secret: in environments, arguments, configuration files, addresses.

The judgement is wide on purpose. A plain value that is taken for a secret costs a person one question; a secret that is
taken for a plain value ends in a file.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Set

WITHHELD = "(withheld)"
"""Stands where a value was."""
SHORTEST_SECRET = 6
"""Letters of a secret's value below which it is too common to be looked for elsewhere."""
_WORDS = (
    r"pass(?:word|wd|phrase|wort)?|pwd|secret|token|api[-_.]?key|access[-_.]?key|private[-_.]?key|master[-_.]?key|"
    r"encryption[-_.]?key|signing[-_.]?key|mac[-_.]?key|pin[-_.]?key|key[-_.]?store|credential[s]?|auth|authorization|"
    r"bearer|salt|pepper|hmac|cert|pem|pin|jwt|cookie|session[-_.]?key|license|licence|dsn|connection[-_.]?string"
)
SENSITIVE_NAME = re.compile(rf"(^|[^a-z])({_WORDS})($|[^a-z])", re.IGNORECASE)
SENSITIVE_ENDING = re.compile(
    r"(password|passwd|passphrase|secret|token|apikey|privatekey|credentials?|pwd)$", re.IGNORECASE
)
HARMLESS_NAME = re.compile(
    r"(_|\b)(file|path|dir|url|uri|host|port|ttl|timeout|seconds|length|policy|enabled|name|type|algorithm|ref|header)$",
    re.IGNORECASE,
)
"""Names such as PASSWORD_FILE or TOKEN_TTL that say where or how, not what."""
USER_IN_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://[^/\s:@]*:[^/\s@]+@", re.IGNORECASE)
ASSIGNED = re.compile(
    rf"(?:^|[\s;&?,{{\"'<-])(?P<name>[\w.-]*(?:{_WORDS})[\w.-]*)[\"']?\s*(?:[=:]|\s)\s*[\"']?(?P<value>[^\s\"'&;,}}>]+)",
    re.IGNORECASE,
)
KNOWN_FORMS = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY|\bAKIA[0-9A-Z]{16}\b|\bASIA[0-9A-Z]{16}\b|\beyJ[\w-]{8,}\.[\w-]+\.|"
    r"\bgh[pousr]_[A-Za-z0-9]{20,}|\bxox[abpr]-[\w-]{10,}|\bsk_(live|test)_\w{10,}|\bsha256~[\w-]{20,}|"
    r"\b(Bearer|Basic)\s+[\w+/=.-]{8,}|\bhvs\.[\w-]{10,}"
)
RANDOM = re.compile(r"[A-Za-z0-9+/_=-]{20,}")
MOST_ORDERED_BITS = 3.7
"""Bits per letter; words and names of hosts have fewer, keys of 20 letters and more have more."""
FILE_PATH = re.compile(r"/[\w./-]+")
DELIMITERS = re.compile(r"[\s\"'=,;&?@/<>{}()\[\]|]+")
PLAIN_WORD = re.compile(r"[a-z][a-z_.-]{0,20}")
"""A value such as the name of a database, which is no secret only because a Secret repeats it."""
REFERENCES = re.compile(r"\$\([A-Za-z_][A-Za-z0-9_.-]*\)|\$\{[^}]*\}")


def is_key_material(text: str) -> bool:
    """Whether the text holds a private key in PEM form."""
    return "PRIVATE KEY" in text


def has_sensitive_name(name: str) -> bool:
    """Whether a value with this name is a secret by its name."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    named = SENSITIVE_NAME.search(spaced) or SENSITIVE_ENDING.search(name)
    return bool(named) and not HARMLESS_NAME.search(spaced)


def looks_secret(name: str, value: str, known: Set[str] = frozenset()) -> bool:
    """Whether a value must not be written; `known` are values of Secrets.

    A value that only refers to others (``$(NAME)``) is none.
    """
    if value == WITHHELD:
        return True
    text = REFERENCES.sub("", value).strip()
    if not text:
        return False
    if FILE_PATH.fullmatch(text) and not re.search("pass|pwd|secret|token", name, re.IGNORECASE):
        return holds_secret(text, known)
    if has_sensitive_name(name) and text.lower() not in ("true", "false", "none") and not text.isdigit():
        return True
    if has_sensitive_name(name) and text.isdigit() and len(text) >= 4:
        return True
    return holds_secret(text, known)


def holds_secret(text: str, known: Set[str] = frozenset()) -> bool:
    """Whether a text of any form (an argument, a file, an address) holds a secret."""
    if text == WITHHELD or KNOWN_FORMS.search(text) or USER_IN_ADDRESS.search(text):
        return True
    if known and (text in known or not known.isdisjoint(DELIMITERS.split(text))):
        return True
    for found in ASSIGNED.finditer(REFERENCES.sub("", text)):
        value = found["value"].lower()
        if (
            has_sensitive_name(found["name"])
            and value not in ("true", "false", "none", "null")
            and not value.startswith("$")
        ):
            return True
    return any(_is_random(word) for word in RANDOM.findall(text))


def is_worth_hiding(name: str, value: str) -> bool:
    """Whether an entry of a Secret is looked for elsewhere: no short value, no plain word under a harmless name."""
    if len(value) < SHORTEST_SECRET:
        return False
    return has_sensitive_name(name) or not PLAIN_WORD.fullmatch(value)


def secret_names(text: str) -> list[str]:
    """Names under which a configuration file assigns secrets."""
    return list(dict.fromkeys(found["name"] for found in ASSIGNED.finditer(text) if has_sensitive_name(found["name"])))


def without_login(address: str) -> str:
    """An address without user and password."""
    return re.sub(r"(?<=://)[^/\s@]*@", "", address)


def _is_random(word: str) -> bool:
    if not (any(map(str.isdigit, word)) and any(map(str.isalpha, word))):
        return False
    if re.fullmatch(r"[0-9a-f]{64}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", word):
        return False  # a digest, a UUID
    if "/" in word or "_" in word or "-" in word:
        longest = max(re.split(r"[/_-]", word), key=len)
        if len(longest) < 16:
            return False  # a path or a name of words
    counts = Counter(word)
    bits = -sum(n / len(word) * math.log2(n / len(word)) for n in counts.values())
    return bits > MOST_ORDERED_BITS
