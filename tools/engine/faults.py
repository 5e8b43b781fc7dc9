"""What can go wrong on demand: failed, stalled, throttled and half-heard creations, and roles not usable yet."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["fail", "lose-answer", "stall", "throttle"]


@dataclass
class Fault:
    """One thing that goes wrong.

    ``fail`` refuses the creation, nothing exists afterwards. ``lose-answer`` makes the thing and then fails, so that
    AWS has it and the engine does not know. ``stall`` answers only when `released` is set. ``throttle`` takes
    `seconds` longer, as the real provider's own patience with "Rate exceeded" does.
    """

    kind: Kind
    type: str = ""
    """Only creations of this type, or any."""
    name: str = ""
    """Only the resource with this logical name, or any."""
    skip: int = 0
    """How many matching creations go well first."""
    times: int = 1
    """How many then go wrong."""
    seconds: float = 30.0
    released: threading.Event = field(default_factory=threading.Event)
    happened: list[str] = field(default_factory=list)
    """Logical names for which it has gone wrong."""


class Faults:
    """The faults of one account; each creation asks whether it is its turn."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._lock = threading.Lock()

    def add(self, fault: Fault) -> Fault:
        """Have `fault` happen from now on."""
        with self._lock:
            self._faults.append(fault)
        return fault

    def clear(self) -> None:
        """Nothing goes wrong any more; what is stalled goes on."""
        with self._lock:
            for fault in self._faults:
                fault.released.set()
            self._faults.clear()

    def due(self, type_: str, name: str) -> Fault | None:
        """The fault that this creation meets, counted as happened."""
        with self._lock:
            return next((fault for fault in self._faults if _takes(fault, type_, name)), None)


def _takes(fault: Fault, type_: str, name: str) -> bool:
    if fault.type not in ("", type_) or fault.name not in ("", name):
        return False
    if fault.skip > 0:
        fault.skip -= 1
        return False
    if fault.times <= 0:
        return False
    fault.times -= 1
    fault.happened.append(name)
    return True
