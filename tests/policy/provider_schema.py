"""The properties that resources of pulumi_aws have, read from the provider's own Python classes."""

from __future__ import annotations

import importlib
import re
from functools import cache
from typing import Any

_DEEPEST = 7
_NESTED = re.compile(r"_inputs\.(\w+Args)\b|'(\w+Args)'")


def resource_arguments(kind: str) -> type | None:
    """The class of a resource's arguments: `aws.rds.Cluster` has pulumi_aws.rds.cluster.ClusterArgs."""
    _, module_name, class_name = kind.split(".")
    module = importlib.import_module(f"pulumi_aws.{'lambda_' if module_name == 'lambda' else module_name}")
    resource = getattr(module, class_name, None)
    if resource is None:
        return None
    definition = importlib.import_module(resource.__module__)
    # Named InitArgs where an input type of the same service already has the name.
    arguments: type | None = getattr(definition, f"{class_name}InitArgs", None)
    return arguments or getattr(definition, f"{class_name}Args", None)


@cache
def properties(arguments: type) -> dict[str, type | None]:
    """The properties by their name on the wire, with the class of those that are objects or lists of objects."""
    found = {}
    for name, member in vars(arguments).items():
        if isinstance(member, property) and member.fget is not None:
            annotation = str(member.fget.__annotations__.get("return", ""))
            found[_wire_name(member.fget, name)] = _nested(arguments, annotation)
    return found


def filled(arguments: type, value: Any = "x", depth: int = 0) -> dict[str, Any]:
    """An object in which every property is given, down to the deepest that rules read."""
    return {
        name: value if nested is None else [filled(nested, value, depth + 1)] if depth < _DEEPEST else []
        for name, nested in properties(arguments).items()
    }


def _wire_name(getter: Any, name: str) -> str:
    first, *rest = name.split("_")
    return str(getattr(getter, "_pulumi_name", None) or first + "".join(part.capitalize() for part in rest))


def _nested(arguments: type, annotation: str) -> type | None:
    match = _NESTED.search(annotation)
    if match is None:
        return None
    package = arguments.__module__.rpartition(".")[0]
    inputs = importlib.import_module(f"{package}._inputs")
    nested: type | None = getattr(inputs, match[1] or match[2], None)
    return nested
