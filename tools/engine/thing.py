"""What exists in the stand-in account, and its refusal to do something."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from recording.sdk import BRIDGE_DEFAULTS

ROLE = "aws:iam/role:Role"
BUCKET = "aws:s3/bucket:Bucket"
KUBERNETES = "kubernetes:"


class Refused(Exception):  # noqa: N818 (AWS's answer, not a fault here)
    """The account does not do it; the message is AWS's kind of error and the reason."""


@dataclass(eq=False)
class Thing:
    """Something that exists, or is being created (`ready` is then false)."""

    number: str
    type: str
    name: str
    """Logical name."""
    urn: str
    inputs: dict[str, Any]
    home: str = ""
    """The cluster of a Kubernetes object."""
    id: str = ""
    invented: dict[str, Any] = field(default_factory=dict)
    """Outputs that AWS makes up."""
    outputs: dict[str, Any] = field(default_factory=dict)
    ready: bool = False
    since: float = 0.0
    """Played second at which it was ready."""
    known: frozenset[str] = frozenset()
    """By what others may refer to it: its id and every text in its outputs."""

    def __str__(self) -> str:
        return f"{self.type.rpartition(':')[2]} {self.id or self.name}"


def texts(value: Any) -> frozenset[str]:
    """Every text inside a value."""
    return frozenset(_texts(value))


def _texts(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield value
        case Mapping():
            for key, member in value.items():
                if key != BRIDGE_DEFAULTS:
                    yield from _texts(member)
        case list() | tuple():
            for member in value:
                yield from _texts(member)


def kubernetes_id(thing: Thing) -> str:
    """``namespace/name`` of a Kubernetes object, or only its name where it has no namespace; empty for all else."""
    if not thing.type.startswith(KUBERNETES):
        return ""
    metadata = thing.inputs["metadata"]
    return "/".join(filter(None, (metadata.get("namespace"), metadata["name"])))
