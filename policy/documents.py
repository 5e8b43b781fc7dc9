"""IAM and resource policy documents, given as JSON text or as objects, read into statements."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any, Final

from .network import covers_the_world, network
from .reading import UNKNOWN, Findings, Property, sentinels_to_unknown
from .rule import Resource

# Where resources carry a document, by kind: what its holder may do, who may take a role, who may reach a resource.
IDENTITY_POLICIES: Final[Mapping[str, str]] = {
    "aws.iam.Policy": "policy",
    "aws.iam.RolePolicy": "policy",
    "aws.iam.GroupPolicy": "policy",
    "aws.iam.UserPolicy": "policy",
    "aws.iam.Role": "inlinePolicies",
    "aws.ssoadmin.PermissionSetInlinePolicy": "inlinePolicy",
}
RESOURCE_POLICIES: Final[Mapping[str, str]] = {
    "aws.s3.BucketPolicy": "policy",
    "aws.s3.Bucket": "policy",
    "aws.s3.AccessPoint": "policy",
    "aws.kms.Key": "policy",
    "aws.kms.KeyPolicy": "policy",
    "aws.sns.Topic": "policy",
    "aws.sns.TopicPolicy": "policy",
    "aws.sqs.Queue": "policy",
    "aws.sqs.QueuePolicy": "policy",
    "aws.secretsmanager.Secret": "policy",
    "aws.secretsmanager.SecretPolicy": "policy",
    "aws.ecr.RepositoryPolicy": "policy",
    "aws.ecr.RegistryPolicy": "policy",
    "aws.backup.VaultPolicy": "policy",
    "aws.efs.FileSystemPolicy": "policy",
    "aws.cloudwatch.LogResourcePolicy": "policyDocument",
    "aws.cloudwatch.EventBusPolicy": "policy",
    "aws.cloudwatch.LogDestinationPolicy": "accessPolicy",
}

# Conditions that say who comes, so that a principal of "*" is not everyone.
_NAMING_CONDITIONS: Final = frozenset(
    (
        "aws:principalaccount",
        "aws:principalarn",
        "aws:principalorgid",
        "aws:principalorgpaths",
        "aws:sourceaccount",
        "aws:sourcearn",
        "aws:sourceorgid",
        "aws:sourceorgpaths",
        "aws:sourceowner",
        "aws:sourcevpc",
        "aws:sourcevpce",
        "kms:calleraccount",
        "s3:dataaccesspointaccount",
        "s3:dataaccesspointarn",
    )
)
_POSITIVE_OPERATORS: Final = ("stringequals", "stringlike", "arnequals", "arnlike", "ipaddress")


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement; every list is a list, whatever form the document used. Actions are in lower case.

    incomplete: a part of it is known only at deployment.
    """

    place: Property
    allows: bool
    actions: tuple[str, ...]
    all_but_actions: tuple[str, ...]
    resources: tuple[str, ...]
    all_but_resources: tuple[str, ...]
    principals: tuple[tuple[str, str], ...]
    all_but_principals: bool
    conditions: tuple[tuple[str, str, tuple[Any, ...]], ...]
    incomplete: bool

    def allows_action(self, action: str) -> bool:
        """Whether the statement allows an action, wildcards and NotAction included."""
        if not self.allows:
            return False
        name = action.lower()
        if self.all_but_actions:
            return not any(fnmatchcase(name, pattern) for pattern in self.all_but_actions)
        return any(fnmatchcase(name, pattern) for pattern in self.actions)

    @property
    def on_everything(self) -> bool:
        return bool(self.all_but_resources) or any(
            set(_resource_part(arn)) <= {"*", ":", "/"} for arn in self.resources
        )

    def on_all_of(self, service: str) -> bool:
        """Whether it covers every resource of a service, as `*` or as an ARN that names none."""
        prefix = f"arn:*:{service}:*"
        return self.on_everything or any(
            fnmatchcase(arn.lower(), prefix) and _resource_part(arn).rpartition("/")[2] == "*" and arn.count("/") <= 1
            for arn in self.resources
        )

    @property
    def names_everyone(self) -> bool:
        """Whether anybody in the world is meant and no condition says otherwise."""
        everyone = self.all_but_principals or any(who == "*" for kind, who in self.principals if kind != "Service")
        return everyone and not any(_narrows(*condition) for condition in self.conditions)

    def has_condition(self, *keys: str) -> bool:
        return any(key in keys for _, key, _ in self.conditions)


def _resource_part(arn: str) -> str:
    """The last part of an ARN, which names the resource; the whole of what is not an ARN."""
    parts = arn.split(":", 5)
    return parts[5] if len(parts) == 6 and parts[0] == "arn" else arn


def _narrows(operator: str, key: str, values: tuple[Any, ...]) -> bool:
    if not operator.startswith(_POSITIVE_OPERATORS) or operator.endswith("ifexists"):
        return False
    if key == "aws:sourceip":
        ranges = [network(value) for value in values if isinstance(value, str)]
        return not covers_the_world([found for found in ranges if found is not None])
    return key in _NAMING_CONDITIONS and not any(value == "*" for value in values)


def identity_documents(resource: Resource) -> list[Property]:
    return _documents(resource, IDENTITY_POLICIES)


def resource_documents(resource: Resource) -> list[Property]:
    return _documents(resource, RESOURCE_POLICIES)


def _documents(resource: Resource, places: Mapping[str, str]) -> list[Property]:
    held = resource[places[resource.kind]]
    documents = [item["policy"] for item in held] if held.path == "inlinePolicies" else [held]
    return [document for document in documents if not document.absent]


def statements(document: Property) -> list[Statement]:
    """The statements of a document that is known; none of one that is unknown or cannot be read."""
    content = _content(document.value)
    if not isinstance(content, dict):
        return []
    body = Property(document.path, content)["Statement"]
    return [_statement(entry) for entry in body if isinstance(entry.value, dict)]


def readable(document: Property) -> bool:
    return document.unknown or isinstance(_content(document.value), dict)


def unknown_documents(documents: Iterable[Property], wanted: str) -> Findings:
    return [finding for document in documents if document.unknown for finding in document.unjudged(wanted)]


def _content(value: Any) -> Any:
    return _parsed(str(value)) if isinstance(value, str) else value


@lru_cache(maxsize=512)
def _parsed(text: str) -> Any:
    try:
        return sentinels_to_unknown(json.loads(text))
    except ValueError:
        return None


def _statement(entry: Property) -> Statement:
    given: dict[str, Any] = entry.value
    principal = given.get("Principal")
    conditions = given.get("Condition")
    return Statement(
        place=entry,
        allows=given.get("Effect") == "Allow",
        actions=tuple(action.lower() for action in _texts(given.get("Action"))),
        all_but_actions=tuple(action.lower() for action in _texts(given.get("NotAction"))),
        resources=tuple(_texts(given.get("Resource"))),
        all_but_resources=tuple(_texts(given.get("NotResource"))),
        principals=tuple(_principals(principal)),
        all_but_principals=given.get("NotPrincipal") is not None and given.get("Effect") == "Allow",
        conditions=tuple(_conditions(conditions)),
        incomplete=_holds_unknown(given),
    )


def _holds_unknown(value: Any) -> bool:
    if isinstance(value, dict):
        return any(_holds_unknown(item) for item in value.values())
    if isinstance(value, list):
        return any(_holds_unknown(item) for item in value)
    return value is UNKNOWN


def _texts(value: Any) -> Iterator[str]:
    for item in value if isinstance(value, list) else [value]:
        if isinstance(item, str):
            yield item


def _principals(value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for kind, who in value.items():
            yield from ((str(kind), text) for text in _texts(who))
    else:
        yield from (("AWS", text) for text in _texts(value))


def _conditions(value: Any) -> Iterator[tuple[str, str, tuple[Any, ...]]]:
    if not isinstance(value, dict):
        return
    for operator, tests in value.items():
        if isinstance(tests, dict):
            for key, values in tests.items():
                yield str(operator).lower(), str(key).lower(), tuple(values if isinstance(values, list) else [values])
