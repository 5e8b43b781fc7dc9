"""Reading property values, known or not, without ever failing on them.

A preview knows only a part of the values. The Pulumi SDK raises an error when an unknown one is read, which would end
a rule at its first unknown. Here values are taken over once into a plain form in which an unknown is the object
`UNKNOWN`, so that a rule judges everything that is known and names what is not.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import Enum
from typing import Any, Final, NamedTuple

from pulumi_policy.deserialize import SPECIAL_SECRET_SIG, SPECIAL_SIG_KEY
from pulumi_policy.proxy import (
    UNKNOWN_ARCHIVE_VALUE,
    UNKNOWN_ARRAY_VALUE,
    UNKNOWN_ASSET_VALUE,
    UNKNOWN_BOOLEAN_VALUE,
    UNKNOWN_NUMBER_VALUE,
    UNKNOWN_OBJECT_VALUE,
    UNKNOWN_STRING_VALUE,
)

NOT_SET: Final = "not set"
_LONGEST_SHOWN: Final = 80  # characters of a found value in a message: more hides the sentence around it

_UNKNOWN_SENTINELS: Final = frozenset(
    (
        UNKNOWN_ARCHIVE_VALUE,
        UNKNOWN_ARRAY_VALUE,
        UNKNOWN_ASSET_VALUE,
        UNKNOWN_BOOLEAN_VALUE,
        UNKNOWN_NUMBER_VALUE,
        UNKNOWN_OBJECT_VALUE,
        UNKNOWN_STRING_VALUE,
    )
)


class _Unknown(Enum):
    UNKNOWN = "unknown"


UNKNOWN: Final = _Unknown.UNKNOWN


class SecretText(str):
    """Text that the program marked as a Pulumi secret: encrypted in the state, so not plain text."""

    __slots__ = ()


class Breach(NamedTuple):
    """A known value that a rule forbids."""

    property: str
    found: str
    wanted: str


class Unjudged(NamedTuple):
    """A value that a rule needed and that only the deployment will tell."""

    property: str
    wanted: str


Finding = Breach | Unjudged
Findings = list[Finding]


def plain_from_wire(fields: Mapping[str, Any], secret: bool = False) -> dict[str, Any]:
    """The fields of a protobuf Struct: unknowns become UNKNOWN, the text of secrets SecretText, nulls are absent."""
    read = {key: _plain_value(value, secret) for key, value in fields.items()}
    return {key: value for key, value in read.items() if value is not None}


def _plain_value(value: Any, secret: bool) -> Any:
    kind = value.WhichOneof("kind")
    if kind == "string_value":
        text: str = value.string_value
        if text in _UNKNOWN_SENTINELS:
            return UNKNOWN
        return SecretText(text) if secret else text
    if kind == "struct_value":
        fields = value.struct_value.fields
        return _signed_value(fields, secret) if SPECIAL_SIG_KEY in fields else plain_from_wire(fields, secret)
    if kind == "list_value":
        return [_plain_value(item, secret) for item in value.list_value.values]
    return getattr(value, kind) if kind in ("bool_value", "number_value") else None


def _signed_value(fields: Mapping[str, Any], secret: bool) -> Any:
    """An object that stands for something else: a secret or an output has its value inside, an asset its own keys."""
    if "value" in fields:
        return _plain_value(fields["value"], secret or fields[SPECIAL_SIG_KEY].string_value == SPECIAL_SECRET_SIG)
    rest = {key: value for key, value in fields.items() if key != SPECIAL_SIG_KEY}
    return plain_from_wire(rest, secret) if rest else UNKNOWN


def normal(value: Any) -> Any:
    """One form for what providers treat as the same: true and "true", 443 and 443.0 and "443"."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return f"{value:.15g}"
    return value


def number(value: Any) -> float | None:
    """A number given as a number or as digits; anything else is none."""
    if isinstance(value, bool):
        return None
    if isinstance(value, (int, float)):
        return float(value)
    if isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            return None
    return None


def version_of(value: Any) -> tuple[int, ...]:
    """The leading numbers of a version: (8, 4) of "8.4.mysql_aurora.8.4.8", (1, 36) of 1.36; empty without any."""
    numbers = []
    for part in str(value).split("."):
        if not part.isdigit():
            break
        numbers.append(int(part))
    return tuple(numbers)


def shown(value: Any) -> str:
    """A value as a message shows it: JSON, shortened; never the text of a secret."""
    if value is None:
        return NOT_SET
    if value is UNKNOWN:
        return "not known before deployment"
    if isinstance(value, SecretText):
        return "a secret"
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = json.dumps(value, default=shown)
    return text if len(text) <= _LONGEST_SHOWN else text[: _LONGEST_SHOWN - 1] + "…"


def among(values: Iterable[Any]) -> str:
    """Allowed values as a message names them: `a`, `a or b`, `a, b or c`."""
    *most, last = [shown(value) for value in values]
    return f"{', '.join(most)} or {last}" if most else last


class Property:
    """A value somewhere in a resource, with the path that leads to it.

    `properties["rules"][...]` always answers: a missing child is absent (None), a child of an unknown is unknown.
    The `must…` methods return what is wrong: nothing, a breach, or that it could not be judged.
    """

    __slots__ = ("inherited", "path", "value")

    def __init__(self, path: str, value: Any, inherited: bool = False) -> None:
        self.path = path
        self.value = value
        self.inherited = inherited  # unknown only because something above it is

    def __getitem__(self, key: str) -> Property:
        path = f"{self.path}.{key}" if self.path else key
        value = self.value
        if isinstance(value, dict):
            return Property(path, value.get(key))
        if isinstance(value, list) and len(value) == 1:  # the provider flattens lists of at most one item
            return Property(self.path, value[0])[key]
        return Property(path, UNKNOWN if value is UNKNOWN else None, inherited=value is UNKNOWN)

    def __iter__(self) -> Iterator[Property]:
        """The items of a list; a single object counts as a list of one, an unknown list as one unknown item."""
        value = self.value
        if isinstance(value, list):
            for index, item in enumerate(value):
                yield Property(f"{self.path}[{index}]", item)
        elif value is not None:
            yield self

    @property
    def absent(self) -> bool:
        return self.value is None or self.value == "" or self.value == []

    @property
    def unknown(self) -> bool:
        return self.value is UNKNOWN

    @property
    def known(self) -> bool:
        return not self.absent and not self.unknown

    @property
    def text(self) -> str | None:
        """The value when it is a known text."""
        return self.value if isinstance(self.value, str) else None

    def guards(self, concerns: Callable[[Any], bool], findings: Findings) -> Findings:
        """Findings that count only where this value concerns the rule; while it is unknown they are left unjudged."""
        if self.unknown:
            return [Unjudged(self.path, finding.wanted) for finding in findings]
        return findings if concerns(self.value) else []

    def breach(self, wanted: str, found: str | None = None) -> Findings:
        return [Breach(self.path, shown(self.value) if found is None else found, wanted)]

    def unjudged(self, wanted: str) -> Findings:
        return [Unjudged(self.path, wanted)]

    def must(self, holds: Callable[[Any], bool], wanted: str, *, default: Any = None) -> Findings:
        """A known value must satisfy `holds`. `default` is what AWS takes when nothing is set; None: nothing good."""
        if self.unknown:
            return self.unjudged(wanted)
        value = default if self.value is None else self.value
        if value is not None and holds(value):
            return []
        absent_default = self.value is None and default is not None
        return self.breach(wanted, f"{NOT_SET}, which means {shown(default)}" if absent_default else None)

    def must_be(self, *allowed: Any, default: Any = None) -> Findings:
        normals = {normal(value) for value in allowed}
        return self.must(lambda value: _hashable(normal(value)) in normals, among(allowed), default=default)

    def must_not_be(self, *forbidden: Any, wanted: str, default: Any = None) -> Findings:
        normals = {normal(value) for value in forbidden}
        return self.must(lambda value: _hashable(normal(value)) not in normals, wanted, default=default)

    def must_be_at_least(self, least: float, unit: str = "", *, default: Any = None) -> Findings:
        wanted = f"at least {least:g} {unit}".rstrip()
        return self.must(lambda value: (number(value) or 0) >= least, wanted, default=default)

    def must_be_at_most(self, most: float, unit: str = "", *, default: Any = None) -> Findings:
        wanted = f"at most {most:g} {unit}".rstrip()
        return self.must(lambda value: (n := number(value)) is not None and n <= most, wanted, default=default)

    def must_be_given(self, wanted: str, *, other_than: str | None = None) -> Findings:
        """Something must stand there; a reference that only the deployment resolves is something."""
        if self.unknown:
            return self.unjudged(wanted) if self.inherited else []
        if self.absent or self.value == {}:
            return self.breach(wanted, NOT_SET)
        return self.breach(wanted) if other_than is not None and self.value == other_than else []

    def must_name_own_key(self) -> Findings:
        """A customer-managed key must be named; the alias of one of AWS's own keys is none."""
        wanted = "a customer-managed key"
        own = self.must_be_given(wanted)
        return own or (self.breach(wanted) if "alias/aws/" in str(self.value) else [])

    def must_not_be_given(self, wanted: str) -> Findings:
        if self.absent:
            return []
        return self.unjudged(wanted) if self.unknown and self.inherited else self.breach(wanted, "set")

    def must_include(self, *wanted: str) -> Findings:
        """A list must hold at least these."""
        text = f"a list with {', '.join(wanted)}"
        if self.unknown:
            return self.unjudged(text)
        items = self.value if isinstance(self.value, list) else [self.value]
        missing = [item for item in wanted if item not in items]
        if not missing:
            return []
        return self.unjudged(text) if UNKNOWN in items else self.breach(text)

    def must_only_include(self, *allowed: Any) -> Findings:
        """A list must hold something, and nothing but these."""
        text = f"only {among(allowed)}"
        normals = {normal(item) for item in allowed}
        if self.unknown:
            return self.unjudged(text)
        items = self.value if isinstance(self.value, list) else [] if self.value is None else [self.value]
        if not items or any(item is not UNKNOWN and _hashable(normal(item)) not in normals for item in items):
            return self.breach(text)
        return self.unjudged(text) if UNKNOWN in items else []


def _hashable(value: Any) -> Any:
    return value if isinstance(value, (str, _Unknown)) else shown(value)


def sentinels_to_unknown(value: Any) -> Any:
    """The same for decoded JSON, in which the SDK's texts for unknown values may stand."""
    if isinstance(value, dict):
        return {key: sentinels_to_unknown(item) for key, item in value.items()}
    if isinstance(value, list):
        return [sentinels_to_unknown(item) for item in value]
    return UNKNOWN if isinstance(value, str) and value in _UNKNOWN_SENTINELS else value
