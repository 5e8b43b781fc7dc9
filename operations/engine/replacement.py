"""Which changes replace a resource instead of updating it.

`replacements.csv` lists, for the types of this program, the properties that the AWS provider marks as forcing a new
resource: from the SDK's documentation where it says so, else from the provider's own behaviour. The SDK's documentation
is silent about most of them; a property that is missing there shows here as an update in place. A name always replaces.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from operations.engine.names import naming
from operations.engine.sdk import BRIDGE_DEFAULTS, ResourceType


@cache
def replacing() -> Mapping[str, frozenset[str]]:
    """By type, the paths of the properties whose change replaces."""
    with Path(__file__).with_name("replacements.csv").open(encoding="utf-8", newline="") as file:
        return {row["type"]: frozenset(row["properties"].split()) for row in csv.DictReader(file)}


def changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Top-level properties that differ."""
    names = sorted({*before, *after} - {BRIDGE_DEFAULTS})
    return [name for name in names if before.get(name) != after.get(name)]


def replaces(kind: ResourceType, before: Mapping[str, Any], after: Mapping[str, Any], name: str) -> bool:
    """Whether the change of the top-level property `name` makes a new resource."""
    if kind.token.startswith("kubernetes:"):
        paths = {"metadata.name", "metadata.namespace", *(["spec.selector"] if ":apps/" in kind.token else [])}
    else:
        rule = naming(kind)
        paths = {*replacing().get(kind.token, ()), *([rule.property] if rule else [])}
        if after.get("userDataReplaceOnChange"):
            paths |= {"userData", "userDataBase64"}
    return any(path.split(".")[0] == name and value_at(before, path) != value_at(after, path) for path in paths)


def value_at(inputs: Mapping[str, Any], path: str) -> Any:
    """The value at a path such as ``launchTemplate.id``, or nothing."""
    found: Any = inputs
    for step in path.split("."):
        found = found.get(step) if isinstance(found, Mapping) else None
    return found
