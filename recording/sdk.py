"""What a resource type takes and gives, read from the SDK's own classes.

The real providers refuse unknown properties, missing required ones and wrong types by name, and turn a text such as
``"5"`` into the number that the property wants. So does `checked`, from the same declarations that the program uses.
"""

from __future__ import annotations

import collections.abc
import importlib
import inspect
import re
import sys
import threading
import types
import typing
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

import pulumi

UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""What stands on the wire for a value that a preview cannot know."""
BRIDGE_DEFAULTS = "__defaults"
"""Key by which the real AWS provider lists, in every checked object, the defaults that it laid in."""
_IMPORTING = threading.RLock()
"""The SDK imports its modules on first use, and not safely from several threads at once."""


class NoSuchType(LookupError):  # noqa: N818 (says what is missing)
    """The installed SDK does not know a type; the message is one sentence."""


@dataclass(frozen=True)
class Failure:
    """One reason why the inputs are refused."""

    property: str
    """Path of the property, such as ``vpcConfig.subnetIds[0]``."""
    reason: str


@dataclass(frozen=True)
class ResourceType:
    """One type of the SDK."""

    token: str
    inputs: type
    """The SDK's class of its arguments."""
    outputs: frozenset[str]
    secret_outputs: frozenset[str]
    """Outputs that the SDK has the engine keep encrypted."""


def resource_type(token: str) -> ResourceType:
    """The type behind a token such as ``aws:ec2/vpc:Vpc``.

    Raises:
        NoSuchType: when the installed SDK has none.
    """
    with _IMPORTING:
        return _resource_type(token)


@cache
def _resource_type(token: str) -> ResourceType:
    package, module, name = token.split(":")
    area = module.partition("/")[0] if package != "kubernetes" else _kubernetes_module(module)
    try:
        found = importlib.import_module(f"pulumi_{package}" + ("" if area == "index" else f".{area}"))
        resource: type = getattr(found, name)
    except (ImportError, AttributeError):
        raise NoSuchType(f"{token}: the installed SDK has no such type; correct the program or lock the SDK.") from None
    home = sys.modules[resource.__module__]
    arguments = getattr(home, f"{name}InitArgs", None) or getattr(home, f"{name}Args")
    source = Path(str(home.__file__)).read_text(encoding="utf-8")
    secret = re.search(r"additional_secret_outputs=\[([^]]*)\]", source)
    return ResourceType(
        token=token,
        inputs=arguments,
        outputs=frozenset(_declared(resource)),
        secret_outputs=frozenset(re.findall(r'"(\w+)"', secret[1])) if secret else frozenset(),
    )


def checked(kind: ResourceType, inputs: Mapping[str, Any]) -> tuple[dict[str, Any], list[Failure]]:
    """The inputs as the provider would take them, or why it would not."""
    failures: list[Failure] = []
    with _IMPORTING:
        taken = _object(kind.inputs, inputs, "", failures)
    return taken, failures


def properties(arguments: type) -> Mapping[str, Any]:
    """Each property of a class of arguments, in the provider's spelling, with its type."""
    with _IMPORTING:
        return _properties(arguments)


def _kubernetes_module(module: str) -> str:
    group, _, version = module.partition("/")
    return f"{group.partition('.')[0]}.{version}"


@cache
def _properties(arguments: type) -> Mapping[str, Any]:
    names = {"Output": pulumi.Output, "T": Any, **vars(sys.modules[arguments.__module__])}
    # The empty mapping keeps `typing` from answering with a class of the same name from another module.
    return {getter._pulumi_name: typing.get_type_hints(getter, names, {})["return"] for getter in _getters(arguments)}


@cache
def _required(arguments: type) -> frozenset[str]:
    parameters = inspect.signature(arguments.__init__).parameters  # type: ignore[misc]
    needed = {name for name, one in parameters.items() if one.default is one.empty and not name.startswith("__")}
    return frozenset(getter._pulumi_name for getter in _getters(arguments) if getter.__name__ in needed)


def _getters(arguments: type) -> Iterator[Any]:
    for member in vars(arguments).values():
        if isinstance(member, property) and hasattr(member.fget, "_pulumi_name"):
            yield member.fget


def _declared(resource: type) -> Iterator[str]:
    for getter in _getters(resource):
        yield getter._pulumi_name


def _object(arguments: type, found: Mapping[str, Any], path: str, failures: list[Failure]) -> dict[str, Any]:
    declared = _properties(arguments)
    given = {key: value for key, value in found.items() if value is not None and key != BRIDGE_DEFAULTS}
    for name in sorted(_required(arguments) - set(given)):
        failures.append(Failure(f"{path}{name}", "Missing required argument"))
    taken: dict[str, Any] = {}
    for name, value in given.items():
        if name in declared:
            taken[name] = _value(declared[name], value, f"{path}{name}", failures)
        else:
            failures.append(Failure(f"{path}{name}", "Invalid or unknown key"))
    return taken


def _value(hint: Any, value: Any, path: str, failures: list[Failure]) -> Any:
    if value is None or value == UNKNOWN:
        return value
    refusals: list[Failure] = []
    for option in _options(hint):
        tried: list[Failure] = []
        taken = _as(option, value, path, tried)
        if not tried:
            return taken
        refusals = refusals or tried
    failures.extend(refusals)
    return value


def _options(hint: Any) -> list[Any]:
    """The types that a hint allows, without what only matters to programs (outputs, awaitables, absence)."""
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        return [option for member in typing.get_args(hint) for option in _options(member)]
    if hint is type(None) or typing.get_origin(hint) in (collections.abc.Awaitable, pulumi.Output):
        return []
    return [hint]


def _as(option: Any, value: Any, path: str, failures: list[Failure]) -> Any:
    """`value` as the one type `option`, or a failure."""
    origin, members = typing.get_origin(option), typing.get_args(option)
    if option is Any:
        return value
    if origin is Literal:
        if value not in members:
            failures.append(Failure(path, f"expected {' or '.join(map(repr, members))}, got {value!r}"))
        return value
    if origin in (collections.abc.Sequence, list):
        if not isinstance(value, list):
            failures.append(Failure(path, f"expected a list, got {_kind(value)}"))
            return value
        return [_value(members[0], member, f"{path}[{index}]", failures) for index, member in enumerate(value)]
    if not isinstance(option, type) and origin is None:
        return value
    if origin in (collections.abc.Mapping, dict) or (isinstance(option, type) and _getters_of(option)):
        if not isinstance(value, dict):
            failures.append(Failure(path, f"expected an object, got {_kind(value)}"))
            return value
        if origin is None:
            return _object(option, value, f"{path}.", failures)
        return {key: _value(members[1], member, f"{path}.{key}", failures) for key, member in value.items()}
    return _scalar(option, value, path, failures)


@cache
def _getters_of(option: type) -> bool:
    return any(True for _ in _getters(option))


def _scalar(option: type, value: Any, path: str, failures: list[Failure]) -> Any:
    """Numbers, truth values and text, turned into one another where the real provider does it."""
    turn = next((turn for type_, turn in SCALARS.items() if issubclass(option, type_)), None)
    if turn is None:
        return value
    turned = turn(value)
    if turned is None:
        failures.append(Failure(path, f"expected {option.__name__}, got {_kind(value)}"))
        return value
    return turned


def _truth(value: Any) -> bool | None:
    return value if isinstance(value, bool) else {"true": True, "false": False}.get(str(value))


def _number(value: Any) -> int | float | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, str) and re.fullmatch(r"-?\d+(\.\d+)?", value):
        return float(value) if "." in value else int(value)
    return value if isinstance(value, (int, float)) else None


def _whole(value: Any) -> int | None:
    number = _number(value)
    return number if isinstance(number, int) else None


def _text(value: Any) -> str | None:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, (str, int, float)) else None


SCALARS: Mapping[type, Callable[[Any], Any]] = {bool: _truth, int: _whole, float: _number, str: _text}
"""How each simple type takes a value; nothing where it does not."""


def _kind(value: Any) -> str:
    return f"{type(value).__name__} {value!r}"[:80]
