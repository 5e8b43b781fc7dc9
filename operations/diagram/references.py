"""Which resource a value points at: by id, ARN or name, as AWS itself refers to things."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from recording.recorder import Resource

IDENTITIES = ("id", "arn", "name", "allocationId")
"""Outputs by whose value other resources refer to a resource."""


class References:
    """The resources of one stack, found by what others call them."""

    def __init__(self, resources: Iterable[Resource]) -> None:
        self.resources = tuple(resources)
        self._by_identity: dict[tuple[str, str], Resource] = {}
        for resource in self.resources:
            values = {resource.id, *(resource.outputs.get(key) for key in IDENTITIES)}
            for value in values:
                if isinstance(value, str) and value:
                    self._by_identity.setdefault((resource.type, value), resource)

    def of(self, *types: str) -> Iterator[Resource]:
        """All resources of these types, in the order of `types`."""
        for type_ in types:
            yield from (resource for resource in self.resources if resource.type == type_)

    def find(self, value: Any, *types: str) -> Resource | None:
        """The resource of one of `types` that `value` names, if any."""
        if not isinstance(value, str):
            return None
        return next((found for type_ in types if (found := self._by_identity.get((type_, value)))), None)

    def find_all(self, values: Any, *types: str) -> list[Resource]:
        """The resources that a value, or each of a list of values, names."""
        listed = values if isinstance(values, list) else [values]
        return [found for value in listed if (found := self.find(value, *types))]

    def target(self, resource: Resource, property_: str, type_: str) -> Resource | None:
        """The resource that a property names, or else the one that the engine says it depends on."""
        found = self.find(resource.inputs.get(property_), type_)
        if found:
            return found
        needed = resource.property_dependencies.get(property_, ())
        return next((other for other in self.of(type_) if other.urn in needed), None)
