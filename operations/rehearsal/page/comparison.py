"""Two rehearsals of one stack: what is new, changed, replaced and deleted, and what that means for data, time and cost.

What forces a replacement is AWS's to say; the tests on the engine use the same table (`engine/replacements.csv`). A
preview in the account decides; this comparison says beforehand where to look.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from google.protobuf import struct_pb2

from command_line.exits import BAD_INPUT, Stop
from facts.stateful import HOLDINGS
from operations.plan.document import Rehearsal
from operations.plan.forecast import forecast_creation
from operations.rehearsal.page.prices import Estimate, estimate
from recording.recorder import Resource
from recording.replacement import replaces, replacing_paths
from recording.sdk import resource_type

VPC = "aws:ec2/vpc:Vpc"
BOUND = frozenset(
    {
        "aws:rds/cluster:Cluster",
        "aws:elasticache/replicationGroup:ReplicationGroup",
        "aws:eks/cluster:Cluster",
        "aws:lb/loadBalancer:LoadBalancer",
        "aws:dms/replicationInstance:ReplicationInstance",
    }
)
"""Types that AWS keeps in the VPC in which they were created: their subnets may change within it only.

Sources: the API references of ModifyDBSubnetGroup, ModifyCacheSubnetGroup, UpdateClusterConfig (EKS), SetSubnets
(Elastic Load Balancing) and ModifyReplicationSubnetGroup.
"""

RESOURCE_FORM: Mapping[str, type] = {
    "urn": str,
    "type": str,
    "name": str,
    "parent": str,
    "dependencies": list,
    "inputs": dict,
    "protect": bool,
}
"""What a resource must be in a rehearsal's JSON."""


class Kind(StrEnum):
    """What an update would do to a resource, gravest first."""

    STUCK = "cannot move"
    DELETED = "deleted"
    REPLACED = "replaced"
    CHANGED = "changed"
    NEW = "new"


@dataclass(frozen=True)
class Difference:
    """One property that is no longer what it was."""

    path: str
    before: str
    """The whole value; JSON with a line for each member."""
    after: str
    replaces: bool
    follows: tuple[str, ...] = ()
    """The URNs of replaced resources that the property refers to; then before and after are empty."""


@dataclass(frozen=True)
class Change:
    """What would become of one resource."""

    kind: Kind
    urn: str
    type: str
    name: str
    differences: tuple[Difference, ...]
    data: str
    """What the change means for what the resource holds; empty where it holds nothing or is left alone."""
    component: str = ""
    """The outermost component of the program that the resource is part of."""
    needs: tuple[str, ...] = ()
    """URNs of what the resource depends on."""
    places: tuple[str, ...] = ()
    """Files and lines of the program, innermost first."""
    holds: str = ""
    """What the resource holds, where it is replaced, deleted or cannot move."""
    protected: bool = False
    """Whether the engine refuses to delete it."""
    retained: bool = False
    """Whether it stays in the account when the engine deletes it."""


@dataclass(frozen=True)
class Comparison:
    """A rehearsal against an older one, or against one of another stack."""

    stack: str
    """Of the older one."""
    changes: tuple[Change, ...]
    seconds: float
    """Forecast of creating what is new or replaced, from the median times."""
    cost_before: Estimate
    cost_after: Estimate
    violations_gone: tuple[str, ...]
    violations_new: tuple[str, ...]

    def of(self, kind: Kind) -> tuple[Change, ...]:
        """The changes of one kind."""
        return tuple(change for change in self.changes if change.kind is kind)


def read_document(path: Path) -> dict[str, Any]:
    """A rehearsal's JSON, as ``rehearse --json`` writes it.

    Raises:
        Stop: when the file is not one.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        _check(document, {"stack": str, "resources": list, "violations": list})
        for resource in document["resources"]:
            _check(resource, RESOURCE_FORM)
            _check(resource["dependencies"], dict.fromkeys(range(len(resource["dependencies"])), str))
        for finding in document["violations"]:
            _check(finding, {"message": str})
        estimate(resources_of(document))
    except (OSError, ValueError, RecursionError, LookupError, TypeError, AttributeError):
        raise Stop(
            BAD_INPUT, f"--against: {path} is not a rehearsal; allowed: a file that rehearse --json wrote; choose one."
        ) from None
    found: dict[str, Any] = document
    return found


def _check(found: Any, form: Mapping[Any, type]) -> None:
    """Raises `TypeError` where a member has another type than in `form`, `LookupError` where it is missing."""
    for key, type_ in form.items():
        if not isinstance(found[key], type_):
            raise TypeError(f"{key} is no {type_.__name__}")


def resources_of(document: Mapping[str, Any], stack: str = "") -> tuple[Resource, ...]:
    """The resources of a rehearsal's JSON, under the names that they would have in `stack`."""
    old, own = f"urn:pulumi:{document['stack']}::", f"urn:pulumi:{stack or document['stack']}::"

    def renamed(urn: str) -> str:
        return urn.replace(old, own, 1)

    return tuple(
        Resource(
            urn=renamed(given["urn"]),
            type=given["type"],
            name=given["name"],
            parent=renamed(given["parent"]),
            dependencies=tuple(map(renamed, given["dependencies"])),
            inputs=given["inputs"],
            wire_inputs=struct_pb2.Struct(),
            property_dependencies={},
            provider="",
            custom=not given["type"].startswith("softpos:"),
            protect=given["protect"],
            retain_on_delete=given.get("retain_on_delete", False),
            source=tuple(given.get("source", ())),
        )
        for given in document["resources"]
    )


def compare(new: Rehearsal, old: Mapping[str, Any]) -> Comparison:
    """What would change if `new` were deployed where `old` is."""
    before = {resource.urn: resource for resource in resources_of(old, new.recording.stack)}
    after = {_former(resource, before): resource for resource in new.recording.resources}
    changes = [_placed(change, before, after) for change in (*_gone(before, after), *_kept(before, after))]
    created = {change.urn for change in changes if change.kind in (Kind.NEW, Kind.REPLACED)}
    sentences_before = {finding["message"] for finding in old.get("violations", ())}
    sentences_after = {finding.message for finding in new.verdicts.violations}
    order = {kind: index for index, kind in enumerate(Kind)}
    return Comparison(
        stack=old["stack"],
        changes=tuple(
            sorted(changes, key=lambda change: (order[change.kind], not change.data, change.type, change.name))
        ),
        seconds=forecast_creation(resource for resource in new.recording.resources if resource.urn in created).seconds,
        cost_before=estimate(before.values()),
        cost_after=estimate(new.recording.resources),
        violations_gone=tuple(sorted(sentences_before - sentences_after)),
        violations_new=tuple(sorted(sentences_after - sentences_before)),
    )


def _former(resource: Resource, before: Mapping[str, Resource]) -> str:
    """The URN under which the older program knew a resource: its own, or one of its aliases."""
    if resource.urn in before:
        return resource.urn
    head = resource.urn.rpartition("::")[0]
    known = (name if name.startswith("urn:") else f"{head}::{name}" for name in resource.aliases)
    return next((urn for urn in known if urn in before), resource.urn)


def _gone(before: Mapping[str, Resource], after: Mapping[str, Resource]) -> Iterable[Change]:
    for urn, resource in before.items():
        if urn not in after:
            yield Change(Kind.DELETED, urn, resource.type, resource.name, (), _fate(resource, "deleted"))


def _kept(before: Mapping[str, Resource], after: Mapping[str, Resource]) -> Iterable[Change]:
    replaced: set[str] = set()
    networks: set[str] = set()
    own = {resource.urn: resource for resource in after.values()}
    for urn, resource in after.items():  # in the order of registration: what is referred to comes first
        old = before.get(urn)
        if old is None:
            yield Change(Kind.NEW, resource.urn, resource.type, resource.name, (), "")
            continue
        differences = tuple(_differences(resource, old.inputs, resource.inputs))
        fixed = _fixed(resource)
        moved = {
            key: urns
            for key, urns in resource.property_dependencies.items()
            if key in fixed and replaced.intersection(urns)
        }
        if moved:
            differences += tuple(
                Difference(key, "", "", replaces=True, follows=tuple(sorted(replaced.intersection(urns))))
                for key, urns in moved.items()
            )
        if any(difference.replaces for difference in differences):
            replaced.add(resource.urn)
            networks |= {resource.urn} if resource.type == VPC else set()
            yield Change(Kind.REPLACED, resource.urn, resource.type, resource.name, differences, _fate(old, "replaced"))
        elif resource.type in BOUND and networks.intersection(_needs(resource, own)):
            yield Change(
                Kind.STUCK, resource.urn, resource.type, resource.name, differences, _fate(old, "created again")
            )
        elif differences:
            yield Change(Kind.CHANGED, resource.urn, resource.type, resource.name, differences, "")


def _needs(resource: Resource, known: Mapping[str, Resource]) -> set[str]:
    """The URNs of all that a resource depends on, directly or not."""
    found: set[str] = set()
    waiting = list(resource.dependencies)
    while waiting:
        urn = waiting.pop()
        if urn not in found:
            found.add(urn)
            waiting.extend(known[urn].dependencies if urn in known else ())
    return found


def _placed(change: Change, before: Mapping[str, Resource], after: Mapping[str, Resource]) -> Change:
    """With the component, the needs and the place in the program of the resource as it is now, or was."""
    own = {resource.urn: resource for resource in after.values()}
    known = own if change.urn in own else before
    resource = known[change.urn]
    outermost, parent = resource.name, known.get(resource.parent)
    while parent:
        outermost, parent = parent.name, known.get(parent.parent)
    former = before.get(change.urn, resource)
    holding = HOLDINGS.get(change.type)
    return replace(
        change,
        component=outermost,
        needs=resource.dependencies,
        places=resource.source,
        holds=holding.what if holding and change.data else "",
        protected=former.protect,
        retained=former.retain_on_delete,
    )


def _differences(resource: Resource, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterable[Difference]:
    for key in sorted({*before, *after}):
        if key in resource.ignore_changes or before.get(key) == after.get(key):
            continue
        replaced = _judged(resource) and replaces(resource_type(resource.type), before, after, key)
        for path, old, new in _leaves(key, before.get(key), after.get(key)):
            yield Difference(path, _shown(old), _shown(new), replaced)


def _leaves(path: str, before: Any, after: Any) -> Iterable[tuple[str, Any, Any]]:
    """The innermost values that differ; lists count as one value."""
    if isinstance(before, dict) and isinstance(after, dict):
        for key in sorted({*before, *after}):
            if before.get(key) != after.get(key):
                yield from _leaves(f"{path}.{key}", before.get(key), after.get(key))
    else:
        yield path, before, after


def _shown(value: Any) -> str:
    """A value in full: text as it is, JSON in text or in data with a line for each member."""
    if value is None:
        return "not set"
    if isinstance(value, str):
        try:
            decoded = json.loads(value) if value[:1] in "[{" else value
        except ValueError:
            return value
        return value if isinstance(decoded, str) else json.dumps(decoded, indent=1, sort_keys=True)
    return json.dumps(value, indent=1, sort_keys=True)


def _judged(resource: Resource) -> bool:
    return resource.type.startswith(("aws:", "kubernetes:"))


def _fixed(resource: Resource) -> frozenset[str]:
    """The properties in which something can force a replacement."""
    paths = replacing_paths(resource_type(resource.type), resource.inputs) if _judged(resource) else ()
    return frozenset(path.split(".")[0] for path in paths)


def _fate(resource: Resource, verb: str) -> str:
    """What happens to what a resource holds when it goes."""
    holding = HOLDINGS.get(resource.type)
    if holding is None:
        return ""
    if resource.protect:
        return f"holds {holding.what}: protected, so the update would stop before it is {verb}"
    if resource.retain_on_delete:
        return f"holds {holding.what}: left in the account, no longer managed"
    kept = f"; what remains is its {holding.kept_by}" if holding.kept_by else ""
    return f"holds {holding.what}: lost when it is {verb}{kept}"
