"""A part of an exported object that remembers which of its fields a rule has read.

A field that no rule reads is named in the object's verdict: nothing is dropped in silence.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

Step = str | int
Way = tuple[Step, ...]
ANY = "*"


class Part:
    """A mapping inside an exported object; a field of another type than asked for reads as absent."""

    def __init__(self, value: Any, way: Way = (), read: set[Way] | None = None) -> None:
        self.value: dict[str, Any] = value if isinstance(value, dict) else {}
        self._way = way
        self._read: set[Way] = read if read is not None else set()

    def get(self, *way: str) -> Any:
        """The value at `way`, which counts as read with all that is below it; None when absent."""
        found = self._find(way)
        if found is not None:
            self._read.add((*self._way, *way))
        return found

    def text(self, *way: str) -> str:
        """A scalar as text, without the spaces around it; empty when absent."""
        found = self.get(*way)
        if isinstance(found, bool):
            return str(found).lower()
        return str(found).strip() if isinstance(found, str | int | float) else ""

    def number(self, *way: str) -> int | None:
        """A whole number, also one written as text; None when absent or something else."""
        found = self.get(*way)
        if isinstance(found, bool):
            return None
        if isinstance(found, int):
            return found
        return int(found) if isinstance(found, str) and found.isascii() and found.isdigit() else None

    def flag(self, *way: str) -> bool:
        """Whether the value is true."""
        return self.text(*way) == "true"

    def mapping(self, *way: str) -> dict[str, str]:
        """A mapping of texts, as labels are."""
        found = self.get(*way)
        if not isinstance(found, dict):
            return {}
        return {str(key): _scalar(value) for key, value in found.items()}

    def texts(self, *way: str) -> list[str]:
        """A list of texts, as a command is."""
        found = self.get(*way)
        return [_scalar(item) for item in found] if isinstance(found, list) else []

    def part(self, *way: str) -> Part:
        """The mapping at `way`; its fields are read one by one."""
        return Part(self._find(way), (*self._way, *way), self._read)

    def parts(self, *way: str) -> list[Part]:
        """The mappings of the list at `way`."""
        found = self._find(way)
        if not isinstance(found, list):
            return []
        return [
            Part(item, (*self._way, *way, number), self._read)
            for number, item in enumerate(found)
            if isinstance(item, dict)
        ]

    def has(self, *way: str) -> bool:
        """Whether the field is there, empty or not; it counts as read."""
        found = self._find(way)
        self._read.add((*self._way, *way))
        return found is not None

    def _find(self, way: tuple[str, ...]) -> Any:
        found: Any = self.value
        for step in way:
            if not isinstance(found, dict):
                return None
            found = found.get(step)
        return found

    def unread(self) -> tuple[str, ...]:
        """The fields below this part that no rule has read and that mean something, as dotted paths, sorted."""
        return tuple(sorted(set(self._unread(self.value, self._way))))

    def _unread(self, value: Any, way: Way) -> Iterator[str]:
        if way in self._read or says_nothing(way, value):
            return
        if isinstance(value, dict) and value:
            for key, item in value.items():
                yield from self._unread(item, (*way, str(key)))
        elif isinstance(value, list) and value:
            for number, item in enumerate(value):
                yield from self._unread(item, (*way, number))
        else:
            yield dotted(way)


def dotted(way: Way) -> str:
    """A path as people write it: ``spec.containers[].image``."""
    return ".".join(str(step) for step in way if isinstance(step, str)) if way else "(the whole object)"


def _scalar(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, str | int | float) else ""


@cache
def _silent() -> dict[str, frozenset[str]]:
    """Values that say nothing, by path; ``.key`` is that key anywhere, ``path.*`` all that is below a path."""
    table: dict[str, set[str]] = {}
    with (Path(__file__).parent / "silent_fields.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            table.setdefault(row["path"], set()).add(row["value"])
    return {path: frozenset(values) for path, values in table.items()}


def says_nothing(way: Way, value: Any) -> bool:
    """Whether the platform wrote this field itself, or it holds what it would hold when absent."""
    if not way or isinstance(way[-1], int):
        return False
    path = dotted(way)
    for pattern in (path, f".{way[-1]}", f"{dotted(way[:-1])}.*"):
        expected = _silent().get(pattern, frozenset())
        if ANY in expected or (expected and _written(value) in expected):
            return True
    return False


def _written(value: Any) -> str:
    if isinstance(value, dict | list):
        return "" if not value else "(more)"
    return "" if value is None else _scalar(value)
