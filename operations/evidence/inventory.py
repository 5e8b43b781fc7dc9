"""Requirement 12.5.1: every system component, what it is for, whose it is, where it is, and why it is in scope.

The words are those of the PCI SSC's guidance on scoping: a system that stores, processes or transmits card data; one
that is connected to such a system; one that provides security to it or could affect its security; and one that is out.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping
from dataclasses import astuple, dataclass, fields
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

from operations.diagram.architecture import Architecture
from operations.evidence.records import Origin
from operations.evidence.tables import as_table
from recording.recorder import Resource

NOT_NAMED = "not named"
GLOBAL = ("iam", "route53")
"""Services of the account that belong to no Region."""
AWS_PROVIDER = "pulumi:providers:aws"


class Scope(StrEnum):
    """Where a component is in PCI DSS's sense, the strictest first."""

    CARDHOLDER = "cardholder"
    CONNECTED = "connected"
    SECURITY = "security"
    OUT = "out of scope"
    NONE = "no system"


REASONS: Mapping[Scope, str] = {
    Scope.CARDHOLDER: "It stores, processes or transmits card data.",
    Scope.CONNECTED: "It has a way to a system with card data.",
    Scope.SECURITY: "It provides security to the systems with card data, or could affect it.",
    Scope.OUT: "It has no way to card data, and whoever changes it cannot change the security of what has.",
    Scope.NONE: "It exists in the program only; nothing of it runs.",
}


@dataclass(frozen=True)
class Known:
    """What a row of `inventory.csv` says of a resource type, or of all types that start alike."""

    type: str
    function: str
    scope: str
    data_class: str


@dataclass(frozen=True)
class Component:
    """One row of the inventory."""

    name: str
    type: str
    function: str
    owner: str
    data_class: str
    location: str
    in_scope: Scope
    reason: str
    protected: str
    id: str
    id_source: str
    """Whether AWS gave the id, or a rehearsal invented it."""
    component: str
    urn: str


UNKNOWN = Known("", "not described; it counts as in scope until a person has decided", "security", "operations")


@cache
def known_types() -> tuple[Known, ...]:
    """The table, the longest beginnings first."""
    with Path(__file__).with_suffix(".csv").open(encoding="utf-8", newline="") as file:
        rows = [Known(**row) for row in csv.DictReader(file)]
    return tuple(sorted(rows, key=lambda row: -len(row.type)))


@cache
def known_type(type_: str) -> Known:
    """The row of a type: the longest beginning that fits; for a type without one the strict answer."""
    return next((row for row in known_types() if type_.startswith(row.type)), UNKNOWN)


def inventory(resources: Iterable[Resource], architecture: Architecture, origin: Origin) -> tuple[Component, ...]:
    """Every resource of the stack that is no mere grouping, by type and name."""
    found = tuple(resources)
    known = {one.urn: one for one in found}
    provider = next((one for one in found if one.type == AWS_PROVIDER), None)
    account = _Account(provider)
    drawn = _drawn(architecture)
    rows = (_component(one, account, drawn.get(one.urn), architecture, known, origin) for one in found if one.custom)
    return tuple(sorted(rows, key=lambda row: (row.type, row.name)))


def as_csv(rows: Iterable[Component]) -> str:
    """The inventory for a spreadsheet."""
    return as_table([field.name for field in fields(Component)], (map(str, astuple(row)) for row in rows))


class _Account:
    """What the stack's AWS provider says of the account: Region, number and default owner."""

    def __init__(self, provider: Resource | None) -> None:
        inputs: Mapping[str, Any] = provider.inputs if provider else {}
        self.region = str(inputs.get("region") or "not named")
        self.number = ", ".join(_decoded(inputs.get("allowedAccountIds")) or ["not named"])
        tags = _decoded(inputs.get("defaultTags")) or {}
        self.owner = str(tags.get("tags", {}).get("Owner") or NOT_NAMED)


def _decoded(value: Any) -> Any:
    """A provider's lists and maps travel as JSON text."""
    return json.loads(value) if isinstance(value, str) else value


def _drawn(architecture: Architecture) -> dict[str, str]:
    """By URN, the strictest scope of the drawn things that a resource is part of."""
    order = ("cardholder", "connected", "other")
    found: dict[str, str] = {}
    for key, actor in architecture.actors.items():
        for resource in actor.resources:
            found[resource.urn] = min(found.get(resource.urn, "other"), architecture.scope[key], key=order.index)
    return found


def _component(
    resource: Resource,
    account: _Account,
    drawn: str | None,
    architecture: Architecture,
    known: Mapping[str, Resource],
    origin: Origin,
) -> Component:
    row = known_type(resource.type)
    tags = resource.inputs.get("tags")
    tags = tags if isinstance(tags, Mapping) else {}
    scope = _scope(row, str(tags.get("DataClass", "")), drawn)
    rehearsed = origin.source == "rehearsal"
    return Component(
        name=resource.name,
        type=resource.type,
        function=row.function,
        owner=str(tags.get("Owner") or account.owner),
        data_class=str(tags.get("DataClass") or _inherited(resource, known) or row.data_class),
        location=_location(resource, account, architecture),
        in_scope=scope,
        reason=REASONS[scope],
        protected=str(resource.protect).lower(),
        id=resource.id,
        id_source="invented by the rehearsal" if rehearsed else "of the state",
        component=resource.parent.rpartition("::")[2],
        urn=resource.urn,
    )


def _scope(row: Known, data_class: str, drawn: str | None) -> Scope:
    """The strictest of what tag, drawing and table say; the drawing knows only what is in the network."""
    said = [{"out": Scope.OUT, "none": Scope.NONE}.get(row.scope) or Scope(row.scope)]
    said += [Scope.CARDHOLDER] if data_class == "cardholder" else []
    said += [Scope(drawn)] if drawn in (Scope.CARDHOLDER, Scope.CONNECTED) else []
    return min(said, key=list(Scope).index)


def _inherited(resource: Resource, known: Mapping[str, Resource]) -> str:
    """The data class of the resource that this one belongs to: a bucket's of its settings, a key's of its alias."""
    for urn in resource.dependencies:
        other = known.get(urn)
        if other and other.parent == resource.parent and resource.name.startswith(f"{other.name}-"):
            tags = other.inputs.get("tags")
            if isinstance(tags, Mapping) and tags.get("DataClass"):
                return str(tags["DataClass"])
    return ""


def _location(resource: Resource, account: _Account, architecture: Architecture) -> str:
    if resource.type.startswith("kubernetes:"):
        namespace = (resource.inputs.get("metadata") or {}).get("namespace")
        return f"Kubernetes, namespace {namespace}" if namespace else "Kubernetes, the whole cluster"
    if resource.type.startswith(("pulumi:", "random:")):
        return "the program"
    if resource.type.partition(":")[2].partition("/")[0] in GLOBAL:
        return f"account {account.number}, global"
    region = str(resource.inputs.get("region") or account.region)
    zones = next((actor.zones for actor in architecture.actors.values() if resource in actor.resources[:1]), ())
    own = resource.inputs.get("availabilityZone")
    zones = (str(own),) if own else zones
    return f"account {account.number}, {region}" + (f", zones {', '.join(zones)}" if zones else "")
