"""A recorded program's resources, found by type."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from recording.recorder import Resource

Protocol = Literal["tcp", "udp"]
Direction = Literal["egress", "ingress"]
EVERY_PROTOCOL = "-1"
PROTOCOL_NUMBERS = {"6": "tcp", "17": "udp"}
"""Numbers that AWS takes for the protocols' names."""


class Recorded:
    """The resources of one program."""

    def __init__(self, resources: Iterable[Resource]) -> None:
        self.resources = tuple(resources)
        self._by_type: dict[str, list[Resource]] = {}
        for resource in self.resources:
            self._by_type.setdefault(resource.type, []).append(resource)

    def of(self, type_: str) -> list[Resource]:
        """All resources of one type."""
        return self._by_type.get(type_, [])


def is_for(found: object, protocol: Protocol) -> bool:
    """Whether a rule for `found`, a protocol's name or number, is for `protocol`."""
    return PROTOCOL_NUMBERS.get(str(found), str(found)) in (EVERY_PROTOCOL, protocol)
