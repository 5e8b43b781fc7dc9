"""What tests ask of a program's security groups: who gets in, which rules have one end only, what a group protects."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from operations.plan.segmentation import EGRESS, GROUP, INGRESS, Opening
from recording.recorder import Resource


def inward(all_openings: Iterable[Opening], group: str) -> tuple[Opening, ...]:
    """What a group lets in."""
    return tuple(opening for opening in all_openings if opening.direction == "ingress" and opening.group == group)


def one_sided(all_openings: Iterable[Opening]) -> tuple[Opening, ...]:
    """Openings between two groups that are open at one end only: traffic is dropped there, or a rule is left over.

    A range at the other end counts as open to the group: which addresses a group's members have is not known here.
    """
    known = tuple(all_openings)
    return tuple(opening for opening in known if not opening.from_outside and not _has_other_end(opening, known))


def bearers(resources: Iterable[Resource]) -> Mapping[str, tuple[Resource, ...]]:
    """By group name, the resources that are in that group."""
    known = [resource for resource in resources if resource.type not in (GROUP, INGRESS, EGRESS)]
    groups = [resource for resource in resources if resource.type == GROUP]
    return {
        group.name: tuple(resource for resource in known if group.id in set(_texts(resource.inputs)))
        for group in groups
    }


def _has_other_end(opening: Opening, known: tuple[Opening, ...]) -> bool:
    return any(
        other.direction != opening.direction
        and other.group == opening.peer
        and (other.peer == opening.group or other.from_outside)
        and (other.covers(opening) or opening.covers(other))
        for other in known
    )


def _texts(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield value
        case dict():
            for member in value.values():
                yield from _texts(member)
        case list():
            for member in value:
                yield from _texts(member)
