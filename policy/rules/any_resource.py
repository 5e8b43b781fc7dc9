"""What holds for every resource, whatever it is."""

from __future__ import annotations

from typing import Any

from ..reading import Findings, Property, SecretText
from ..rule import CRITICAL, EVERY_KIND, Resource, rule
from ..sensitive import holds_a_secret_by_name, secret_in

_WANTED = "a reference to Secrets Manager, or a Pulumi secret"

# Names that end like a secret's and hold none: references to one, and settings about one.
_NOT_SECRET_THOUGH_NAMED_SO = frozenset(("manageMasterUserPassword",))


@rule(
    "any-no-secret-in-plain-text",
    "No property holds a password, token, private key or card number in plain text",
    on=EVERY_KIND,
    requirements="8.6.2 8.3.2 3.5.1",
    severity=CRITICAL,
    remedy="keep it in Secrets Manager and refer to it, and replace the secret, since it has been exposed",
)
def no_secret_in_plain_text(resource: Resource) -> Findings:
    findings: Findings = []
    _search("", "", resource.value, findings)
    return findings


def _search(path: str, name: str, value: Any, findings: Findings) -> None:
    if isinstance(value, dict):
        for key, item in value.items():
            _search(f"{path}.{key}" if path else key, key, item, findings)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            _search(f"{path}[{index}]", name, item, findings)
    elif isinstance(value, str) and not isinstance(value, SecretText) and value:
        what = secret_in(value)
        if what is None and _is_literal(name, value) and holds_a_secret_by_name(name):
            what = "a secret"
        if what:
            findings += Property(path, value).breach(_WANTED, f"{what} in plain text")


def _is_literal(name: str, value: str) -> bool:
    """A value, not the name or ARN of where the value is kept."""
    return name not in _NOT_SECRET_THOUGH_NAMED_SO and not value.startswith(("arn:", "/", "${", "{{resolve:"))
