"""The package's schema, written from the components' declarations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, get_args

from components.foundations.placement import Placement
from provider.declarations import (
    Declaration,
    inputs_of,
    is_choice,
    is_list,
    is_object,
    members_of,
    outputs_of,
    plain,
)
from provider.exports import EXPORTS, NAME, VERSION

TYPES = {Placement: "Place"}
"""Types that the package had before by another name."""
FORMER_INPUTS = {
    "Network": {
        "natPerZone": {
            "type": "boolean",
            "plain": True,
            "description": "A NAT gateway in each zone; true unless given.",
            "deprecationMessage": "Use nat.",
        }
    }
}
SCALARS = {str: "string", int: "integer", bool: "boolean"}


def schema() -> dict[str, Any]:
    """The whole package in Pulumi's schema language."""
    types: dict[str, Any] = {}
    resources: dict[str, Any] = {}
    for name, export in EXPORTS.items():
        resource = {
            "isComponent": True,
            "description": (export.component.__doc__ or "").strip(),
            **_members(inputs_of(export), types, name, "inputProperties", "requiredInputs"),
            **_members(outputs_of(export), types, name, "properties", "required"),
        }
        resources[f"{NAME}:index:{name}"] = resource
        if export.formerly:
            former = f"{NAME}:index:{export.formerly}"
            inputs = {**resource["inputProperties"], **FORMER_INPUTS.get(export.formerly, {})}
            deprecated = f"Use {NAME}.{name}, which keeps its resources."
            resources[former] = {**resource, "inputProperties": inputs, "deprecationMessage": deprecated}
            resource["aliases"] = [{"type": former}]
    languages = ("nodejs", "python", "csharp", "java", "go")
    return {
        "name": NAME,
        "version": VERSION,
        "displayName": "SoftPOS components",
        "language": {language: {"respectSchemaVersion": True} for language in languages},
        "resources": resources,
        "types": types,
    }


def _members(
    declared: Iterable[Declaration], types: dict[str, Any], owner: str, properties: str, required: str
) -> dict[str, Any]:
    listed = list(declared)
    given = properties == "inputProperties" or owner not in EXPORTS
    return {
        properties: {one.key: _property(one, types, owner, given=given) for one in listed},
        required: sorted(one.key for one in listed if not one.optional),
    }


def _property(one: Declaration, types: dict[str, Any], owner: str, *, given: bool) -> dict[str, Any]:
    found = {"description": one.words, **_type(one.hint, types, owner, one.name)}
    if given and not one.later and "$ref" not in found:
        found["plain"] = True
    if type(one.default) in SCALARS and one.default != "":
        found["default"] = one.default
    return found


def _type(hint: Any, types: dict[str, Any], owner: str, name: str) -> dict[str, Any]:
    bare = plain(hint)
    if is_list(bare):
        return {"type": "array", "items": _type(get_args(bare)[0], types, owner, name)}
    if isinstance(bare, type) and bare in SCALARS:
        return {"type": SCALARS[bare]}
    if is_choice(bare):
        token = f"{NAME}:index:{owner}{_pascal(name)}"
        choices = [{"name": _pascal(choice), "value": choice} for choice in get_args(bare)]
        types[token] = {"type": "string", "enum": choices, "description": f"What {name} of {owner} may be."}
        return {"$ref": f"#/types/{token}", "plain": True}
    if is_object(bare):
        token = f"{NAME}:index:{TYPES.get(bare, bare.__name__)}"
        if token not in types:
            types[token] = {}
            words = (bare.__doc__ or bare.__name__).strip()
            members = _members(members_of(bare), types, bare.__name__, "properties", "required")
            types[token] = {"type": "object", "description": words, **members}
        return {"$ref": f"#/types/{token}", "plain": True}
    if issubclass(getattr(bare, "__origin__", type(None)), Mapping):
        return {"type": "object", "additionalProperties": _type(get_args(bare)[1], types, owner, name)}
    return {"type": "string"}


def _pascal(name: str) -> str:
    return "".join(word[:1].upper() + word[1:] for word in name.replace("-", "_").split("_"))
