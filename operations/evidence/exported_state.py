"""A stack's resources out of an exported state, as ``pulumi stack export`` writes it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from google.protobuf import struct_pb2

from command_line.exits import BAD_INPUT, Stop
from recording.recorder import SECRET_SIGNATURE, SIGNATURE, WITHHELD, Resource

ROOT_TYPE = "pulumi:pulumi:Stack"
PROJECT_TYPES = "softpos:"


def read_state(path: Path) -> tuple[str, tuple[Resource, ...]]:
    """The stack's name and its resources. Secrets, encrypted or not, become ``[secret]`` before anything sees them.

    Raises:
        Stop: when the file is not an exported state.
    """
    try:
        given = json.loads(path.read_text(encoding="utf-8"))["deployment"]["resources"]
        resources = tuple(_resource(one) for one in given if one["type"] != ROOT_TYPE and not one.get("delete"))
        stack = given[0]["urn"].split(":")[2]
    except (OSError, ValueError, RecursionError, LookupError, TypeError, AttributeError):
        raise Stop(
            BAD_INPUT,
            f"--state: {path} is not an exported state; allowed: a file that pulumi stack export wrote; export again.",
        ) from None
    return stack, resources


def _resource(given: Mapping[str, Any]) -> Resource:
    inputs = _without_marks(given.get("inputs") or {})
    wire = struct_pb2.Struct()
    wire.update(_for_the_pack(inputs))
    type_ = str(given["type"])
    return Resource(
        urn=str(given["urn"]),
        type=type_,
        name=str(given["urn"]).rpartition("::")[2],
        parent=str(given.get("parent", "")),
        dependencies=tuple(sorted(given.get("dependencies") or ())),
        inputs=inputs,
        wire_inputs=wire,
        property_dependencies={
            key: tuple(urns or ()) for key, urns in (given.get("propertyDependencies") or {}).items()
        },
        provider=str(given.get("provider", "")).rpartition("::")[0],
        custom=bool(given.get("custom")),
        remote=not given.get("custom") and not type_.startswith(PROJECT_TYPES),
        protect=bool(given.get("protect")),
        retain_on_delete=bool(given.get("retainOnDelete")),
        id=str(given.get("id", "")),
        outputs=_without_marks(given.get("outputs") or {}),
        source=_source(str(given.get("sourcePosition") or "")),
    )


def _source(position: str) -> tuple[str, ...]:
    """``project:///components/x.py#12,3`` as the engine keeps it, as file and line."""
    path, _, place = position.removeprefix("project:///").partition("#")
    return (f"{path}:{place.partition(',')[0]}",) if place else ()


def _without_marks(value: Any) -> Any:
    """Plain data: secrets withheld, and without the provider's own ``__defaults``."""
    if isinstance(value, Mapping):
        if SIGNATURE in value:
            return WITHHELD if value[SIGNATURE] == SECRET_SIGNATURE else dict(_own(value))
        return dict(_own(value))
    if isinstance(value, list):
        return [_without_marks(item) for item in value]
    return value


def _own(value: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for key, member in value.items():
        if not key.startswith("__") and key != SIGNATURE:
            yield key, _without_marks(member)


def _for_the_pack(value: Any) -> Any:
    """The same with withheld secrets marked as secrets, as they travel to a policy pack."""
    if isinstance(value, Mapping):
        return {key: _for_the_pack(member) for key, member in value.items()}
    if isinstance(value, list):
        return [_for_the_pack(item) for item in value]
    return {SIGNATURE: SECRET_SIGNATURE, "value": WITHHELD} if value == WITHHELD else value
