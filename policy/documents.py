"""IAM and resource policy documents, given as JSON text or as objects, read into statements."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from .conditions import denies_all_but_named, narrows
from .document_places import IDENTITY_POLICIES, RESOURCE_POLICIES
from .reading import UNKNOWN, Findings, Property, sentinels_to_unknown
from .rule import Resource
from .wildcards import covers_every_resource, matches


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

    def covers_action(self, action: str) -> bool:
        """Whether the statement is about an action, wildcards and NotAction included."""
        if self.all_but_actions:
            return not any(matches(pattern, action) for pattern in self.all_but_actions)
        return any(matches(pattern, action) for pattern in self.actions)

    def allows_action(self, action: str) -> bool:
        return self.allows and self.covers_action(action)

    @property
    def on_everything(self) -> bool:
        return all(self.on_all_of(service) for service in ("ec2", "iam", "kms", "s3"))

    def on_all_of(self, service: str) -> bool:
        """Whether it covers every resource of a service, whatever its name."""
        return bool(self.all_but_resources) or any(covers_every_resource(arn, service) for arn in self.resources)

    @property
    def about_everyone(self) -> bool:
        """Whether anybody in the world is meant, conditions aside."""
        return self.all_but_principals or any(_is_everyone(who) for _, who in self.principals)

    @property
    def _for_any_distribution(self) -> bool:
        """CloudFront as a whole: anybody can make a distribution that reads from here."""
        return any(kind == "Service" and who == "cloudfront.amazonaws.com" for kind, who in self.principals)

    @property
    def names_everyone(self) -> bool:
        """Whether anybody in the world is meant and no condition says otherwise."""
        open_to_many = self.about_everyone or self._for_any_distribution
        return open_to_many and not any(narrows(*condition) for condition in self.conditions)


def _is_everyone(who: str) -> bool:
    """`*`, or an ARN whose account is a wildcard."""
    account = who.split(":", 5)[4:5]
    return not who.strip("*?") or (who.startswith("arn:") and account != [""] and not account[0].strip("*?"))


def open_to_everyone(document: Property) -> list[Statement]:
    """The statements that allow everyone, unless another one denies all but the callers that it names."""
    found = statements(document)
    closed = [one for one in found if not one.allows and one.about_everyone and denies_all_but_named(one.conditions)]
    return [
        one
        for one in found
        if one.allows and one.names_everyone and not any(_covers_actions(guard, one) for guard in closed)
    ]


def _covers_actions(guard: Statement, guarded: Statement) -> bool:
    return all(guard.covers_action(action.replace("*", "x")) for action in guarded.actions or ("*",))


def identity_documents(resource: Resource) -> list[Property]:
    return _documents(resource, IDENTITY_POLICIES)


def resource_documents(resource: Resource) -> list[Property]:
    return _documents(resource, RESOURCE_POLICIES)


def _documents(resource: Resource, places: Mapping[str, str]) -> list[Property]:
    held: Property = resource
    for key in places[resource.kind].split("."):
        held = held[key]
    documents = [item["policy"] for item in held] if held.path == "inlinePolicies" else [held]
    return [document for document in documents if not document.absent]


def statements(document: Property) -> list[Statement]:
    """The statements of a document that is known; none of one that is unknown or cannot be read."""
    content = _content(document.value)
    if not isinstance(content, dict):
        return []
    body = Property(document.path, {str(key).capitalize(): value for key, value in content.items()})["Statement"]
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
    given: dict[str, Any] = {str(key).lower(): value for key, value in entry.value.items()}
    allows = str(given.get("effect")).lower() == "allow"
    return Statement(
        place=entry,
        allows=allows,
        actions=tuple(action.lower() for action in _texts(given.get("action"))),
        all_but_actions=tuple(action.lower() for action in _texts(given.get("notaction"))),
        resources=tuple(_texts(given.get("resource"))),
        all_but_resources=tuple(_texts(given.get("notresource"))),
        principals=tuple(_principals(given.get("principal"))),
        all_but_principals=given.get("notprincipal") is not None and allows,
        conditions=tuple(_conditions(given.get("condition"))),
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
