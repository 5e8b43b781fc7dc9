"""All resources of a stack and how they refer to each other, for the rules that no single resource can answer."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Final

from .reading import UNKNOWN, Breach, Property, Unjudged
from .rule import Resource, StackFindings, parts_of, stack_of

# Properties by whose value other resources refer to a resource.
_IDENTITIES: Final = ("id", "arn", "name", "bucket", "identifier", "clusterIdentifier", "family", "domain")

# While a preview does not know a provider's configuration, such as the address of a cluster that is still to be made,
# the engine shows the provider's resources without any property. Those of Kubernetes always have some.
_NEVER_EMPTY: Final = "kubernetes."


class Stack:
    """The resources by kind, and the references between them.

    A reference is known from the dependency that the engine records per property, also while the value itself is
    unknown, or else from the value: the id, ARN or name of another resource. Every index is built once, so that a
    rule over the stack costs time in proportion to the resources that it looks at.
    """

    def __init__(self, resources: Sequence[Resource]) -> None:
        resources = [part for resource in resources for part in parts_of(resource)]
        self.resources = resources
        self.by_urn = {resource.urn: resource for resource in resources}
        self.looked_at: set[str] = set()  # the kinds that a rule asked for
        self._by_kind: dict[str, list[Resource]] = defaultdict(list)
        self._by_identity: dict[object, list[Resource]] = defaultdict(list)
        for resource in resources:
            if not resource.value and resource.kind.startswith(_NEVER_EMPTY):
                resource.value = UNKNOWN
            self._by_kind[resource.kind].append(resource)
            for key in _IDENTITIES:
                value = resource[key].value
                if isinstance(value, str) and value:
                    self._by_identity[value].append(resource)

    @property
    def name(self) -> str:
        return stack_of(self.resources[0].urn) if self.resources else ""

    def of(self, *kinds: str) -> Iterator[Resource]:
        self.looked_at.update(kinds)
        for kind in kinds:
            yield from self._by_kind.get(kind, ())

    def targets(self, resource: Resource, reference: Property, *kinds: str) -> list[Resource]:
        """The resources of these kinds that a property of `resource` refers to; none when that cannot be told."""
        self.looked_at.update(kinds)
        values = reference.value if isinstance(reference.value, list) else [reference.value]
        by_value = [
            target
            for value in values
            if isinstance(value, str)
            for target in self._by_identity.get(value, ())
            if target.kind in kinds
        ]
        if by_value:
            return list(dict.fromkeys(by_value))
        direct = self._dependencies(resource, _root(reference))
        return [one for one in direct if one.kind in kinds] or [
            behind
            for one in direct
            for path in one.property_dependencies
            for behind in self._dependencies(one, path)
            if behind.kind in kinds and _same_service(one, behind)  # a bucket's policy passes on the bucket's name
        ]

    def _dependencies(self, resource: Resource, path: str) -> list[Resource]:
        return [self.by_urn[urn] for urn in resource.property_dependencies.get(path, ()) if urn in self.by_urn]

    def linked(self, kinds: Sequence[str], path: str, targets: Sequence[str]) -> tuple[dict[str, list[Resource]], bool]:
        """Who points at whom: for the resources of `kinds`, by the URN of what their property `path` refers to.

        The second answer tells whether some of them point at something unknown that depends on nothing in the stack:
        then nothing may be concluded from the absence of a link.
        """
        links: dict[str, list[Resource]] = defaultdict(list)
        blurred = False
        for resource in self.of(*kinds):
            reference = at(resource, path)
            found = self.targets(resource, reference, *targets)
            for target in found:
                links[target.urn].append(resource)
            traceable = bool(self._dependencies(resource, _root(reference)))
            blurred = blurred or (not found and reference.unknown and not traceable)
        return links, blurred

    def each_must_have(
        self, targets: Sequence[str], kinds: Sequence[str], path: str, wanted: str, found: str
    ) -> StackFindings:
        """Each resource of the kinds `targets` must be pointed at by one of `kinds`, through their property `path`."""
        links, blurred = self.linked(kinds, path, targets)
        missing = Unjudged("", wanted) if blurred else Breach("", found, wanted)
        return [(resource, missing) for resource in self.of(*targets) if resource.urn not in links]

    def depends_on(self, resource: Resource) -> set[str]:
        """The URNs of everything that must be there before the resource, directly or through others."""
        found: set[str] = set()
        waiting = [resource]
        while waiting:
            current = waiting.pop()
            references = {urn for urns in current.property_dependencies.values() for urn in urns}
            for urn in references.union(current.dependencies) - found:
                found.add(urn)
                if urn in self.by_urn:
                    waiting.append(self.by_urn[urn])
        return found


def _root(reference: Property) -> str:
    """The name of the top-level property, by which dependencies are recorded."""
    return reference.path.partition(".")[0].partition("[")[0]


def _same_service(one: Resource, other: Resource) -> bool:
    return one.kind.rpartition(".")[0] == other.kind.rpartition(".")[0]


def at(start: Property, path: str) -> Property:
    """The property at a dotted path."""
    for key in path.split("."):
        start = start[key]
    return start
