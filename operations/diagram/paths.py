"""An arrow of the drawing: traffic that security groups let through, from one actor to another."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from operations.plan.segmentation import ALL_PORTS, Opening


@dataclass(frozen=True)
class Path:
    """One kind of traffic that security groups let through, from one actor to another."""

    source: str
    target: str
    ports: tuple[str, ...]
    openings: tuple[Opening, ...]
    """The rules that allow it: the target's, and the source's where the source limits what goes out."""
    whole: bool
    """Whether both ends allow it; with one end only, nothing passes."""

    @property
    def label(self) -> str:
        return ", ".join(self.ports)


def shown_ports(allowed: Iterable[Opening]) -> tuple[str, ...]:
    """As people say them: ``443``, ``1024-65535``, ``53/udp``, ``all``; TCP first."""
    ordered = sorted({(opening.protocol != "tcp", opening.ports, opening.protocol) for opening in allowed})
    return tuple(_shown(ports, protocol) for _, ports, protocol in ordered)


def _shown(ports: tuple[int, int], protocol: str) -> str:
    first, last = ports
    text = "all" if ports == ALL_PORTS else f"{first}" if first == last else f"{first}-{last}"
    return text if protocol in ("tcp", "-1") else f"{text}/{protocol}"
