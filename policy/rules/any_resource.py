"""What holds for every resource, whatever it is."""

from __future__ import annotations

import json
from typing import Any, Final

from ..reading import Findings, Property, SecretText
from ..rule import CRITICAL, EVERY_KIND, Resource, rule
from ..sensitive import random_secret, secret_by_name, secret_in

_WANTED: Final = "a reference to Secrets Manager, or a Pulumi secret"
# A pair of these keys is a name and its value, as in the environments of ECS, CodeBuild and Kubernetes.
_PAIRS: Final = (
    ("name", "value"),
    ("key", "value"),
    ("Name", "Value"),
    ("Key", "Value"),
    ("parameterKey", "parameterValue"),
)
_KEPT_ELSEWHERE: Final = ("PARAMETER_STORE", "SECRETS_MANAGER")  # CodeBuild: the value is the name of a parameter
_OPTIONS: Final = ("args", "command", "entryPoint", "entrypoint", "containerArgs")
# The value of an API key or password below a name of this kind has the name `value`.
_CARRIERS: Final = ("apiKey", "basic", "oauth", "clientParameters")
_LONGEST_DOCUMENT: Final = 256 * 1024  # characters; longer ones are searched as text


@rule(
    "any-no-secret-in-plain-text",
    "No property holds a password, token, private key or card number in plain text",
    on=EVERY_KIND,
    requirements="8.6.2 8.3.2 3.5.1",
    controls="CodeBuild.1 CodeBuild.2 ECS.8",
    severity=CRITICAL,
    remedy="keep it in Secrets Manager and refer to it, and replace the secret, since it has been exposed",
)
def no_secret_in_plain_text(resource: Resource) -> Findings:
    findings: Findings = []
    search = _Search(findings)
    search.of("", "", resource.value)
    called = {"aws.ssm.Parameter": str(resource["name"].value), "aws.apigateway.ApiKey": "api_key"}.get(resource.kind)
    if called:  # the name of what stands in `value` is elsewhere
        search.text("value", called, resource["value"].value)
    return list(dict.fromkeys(findings))


class _Search:
    """A walk through everything that a resource holds, documents in JSON included."""

    def __init__(self, findings: Findings) -> None:
        self._findings = findings

    def of(self, path: str, name: str, value: Any) -> None:
        if isinstance(value, str):
            self.text(path, name, value)
        elif isinstance(value, dict):
            self._object(path, name, value)
        elif isinstance(value, list):
            self._list(path, name, value)

    def _object(self, path: str, name: str, value: dict[str, Any]) -> None:
        for first, second in _PAIRS:
            held = value.get(first)
            if isinstance(held, str) and second in value and value.get("type") not in _KEPT_ELSEWHERE:
                called = name if name in _CARRIERS else held
                self.text(f"{path}.{second}" if path else second, called, value[second])
        for key, item in value.items():
            self.of(f"{path}.{key}" if path else key, name if key == "value" and name in _CARRIERS else key, item)

    def _list(self, path: str, name: str, value: list[Any]) -> None:
        for index, item in enumerate(value):
            self.of(f"{path}[{index}]", name, item)
            option = value[index - 1] if index and name in _OPTIONS else None
            if isinstance(option, str) and option.startswith("-") and "=" not in option:
                self.text(f"{path}[{index}]", option.strip("-").replace("-", "_"), item)

    def text(self, path: str, name: str, value: Any) -> None:
        if not isinstance(value, str) or isinstance(value, SecretText) or not value:
            return
        what = secret_in(value)
        if what is None and (secret_by_name(name, value) or random_secret(name, value)):
            what = "a secret"
        if what:
            self._findings += Property(path, value).breach(_WANTED, f"{what} in plain text")
        elif value[0] in "[{" and len(value) <= _LONGEST_DOCUMENT:
            self._document(path, value)

    def _document(self, path: str, value: str) -> None:
        try:
            content = json.loads(value)
        except ValueError:
            return
        self.of(path, "", content)
