"""Which changes replace a resource instead of updating it.

`facts/replacements.csv` lists, for the types of this program, the properties that the AWS provider marks as forcing a
new resource. The SDK's documentation is silent about most of them, so each property that this program sets was held
against a plan of the provider itself (see docs/upgrades.md); a property that is missing there shows here as an update
in place. A name always replaces.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from facts.replacements import replacing
from recording.names import naming
from recording.sdk import BRIDGE_DEFAULTS, ResourceType


def changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Top-level properties that differ."""
    names = sorted({*before, *after} - {BRIDGE_DEFAULTS})
    return [name for name in names if before.get(name) != after.get(name)]


def replacing_paths(kind: ResourceType, inputs: Mapping[str, Any]) -> frozenset[str]:
    """The paths of the properties of a resource with these inputs whose change makes a new one, its name among them."""
    if kind.token.startswith("kubernetes:"):
        return frozenset(
            {"metadata.name", "metadata.namespace", *(["spec.selector"] if ":apps/" in kind.token else [])}
        )
    rule = naming(kind)
    user_data = ("userData", "userDataBase64") if inputs.get("userDataReplaceOnChange") else ()
    return frozenset({*replacing().get(kind.token, ()), *([rule.property] if rule else []), *user_data})


def replaces(kind: ResourceType, before: Mapping[str, Any], after: Mapping[str, Any], name: str) -> bool:
    """Whether the change of the top-level property `name` makes a new resource."""
    paths = (path for path in replacing_paths(kind, after) if path.split(".")[0] == name)
    return any(value_at(before, path) != value_at(after, path) for path in paths)


def value_at(inputs: Mapping[str, Any], path: str) -> Any:
    """The value at a path such as ``launchTemplate.id``, or nothing."""
    found: Any = inputs
    for step in path.split("."):
        found = found.get(step) if isinstance(found, Mapping) else None
    return found


def with_ignored(before: Mapping[str, Any], after: Mapping[str, Any], ignored: Iterable[str]) -> dict[str, Any]:
    """`after` with the values of `before` at the ignored paths, such as ``scalingConfig.desiredSize``."""
    result = dict(after)
    for path in ignored:
        name, _, rest = path.partition(".")
        old, new = before.get(name), result.get(name)
        if rest and isinstance(old, Mapping) and isinstance(new, Mapping):
            result[name] = with_ignored(old, new, [rest])
        elif not rest:
            result[name] = old
    return {name: value for name, value in result.items() if name in before or name in after}
