"""Changes grouped by cause: what somebody changed, and below it all that follows from it.

A cause is a component of the program in which something differs that nothing else explains. A difference is explained
where the resource only follows a replaced one, or where it is the same change of addresses as another resource's: a
subnet of a network with a new range, a rule that names it.
"""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network, ip_network

from operations.rehearsal.page.comparison import Change, Difference, Kind

ADDRESS = re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}\b")
CONTEXT_LINES = 1
"""Around each changed line of a value."""
GRAVITY = (Kind.STUCK, Kind.REPLACED, Kind.DELETED, Kind.CHANGED, Kind.NEW)


@dataclass(frozen=True)
class Line:
    """One line of a difference: kept, taken away, or put in its place."""

    sign: str
    """A space, ``-`` or ``+``."""
    text: str


@dataclass
class Cause:
    """One component in which somebody changed something."""

    component: str
    own: list[Change] = field(default_factory=list)
    """What differs by itself, in the program's order."""
    consequences: list[Change] = field(default_factory=list)
    """What follows from it."""

    @property
    def every(self) -> list[Change]:
        """Own changes and consequences; a resource that is both is one."""
        return list({change.urn: change for change in (*self.consequences, *self.own)}.values())

    @property
    def kinds(self) -> list[tuple[str, int]]:
        """How many resources meet each fate, gravest first."""
        counted = Counter(change.kind for change in self.every)
        return [(kind.value, counted[kind]) for kind in GRAVITY if counted[kind]]

    @property
    def holding(self) -> list[Change]:
        """Those that hold something, and lose it or stop the update."""
        return sorted((change for change in self.every if change.data), key=lambda one: GRAVITY.index(one.kind))

    @property
    def moved(self) -> bool:
        """Whether whole networks are replaced, and something is in them that cannot move."""
        return any(change.kind is Kind.STUCK for change in self.every)


@dataclass(frozen=True)
class _Renumbering:
    """A range that became another; everything in it moves along."""

    before: IPv4Network
    after: IPv4Network
    cause: str
    urn: str
    """Of the resource that has the range."""

    def explains(self, change: Change, difference: Difference) -> bool:
        """Whether the old value with its addresses moved is the new one, whatever the order of its members."""
        if change.urn == self.urn:
            return False
        moved = ADDRESS.sub(self._moved, difference.before)
        return moved != difference.before and sorted(_words(moved)) == sorted(_words(difference.after))

    def concerns(self, text: str) -> bool:
        """Whether a name or value has an address of either range."""
        return any(IPv4Address(found) in range_ for found in _addresses(text) for range_ in (self.before, self.after))

    def _moved(self, found: re.Match[str]) -> str:
        try:
            address = IPv4Address(found[0])
        except ValueError:
            return found[0]
        if address not in self.before:
            return found[0]
        offset = int(address) - int(self.before.network_address)
        return str(IPv4Address(int(self.after.network_address) + offset))


def group(changes: Iterable[Change]) -> tuple[Cause, ...]:
    """The causes of changes, gravest first, each with what follows from it.

    Args:
        changes: as `compare` gives them, in any order.
    """
    known = {change.urn: change for change in changes}
    ordered = list(_in_order(known))
    renumberings = _widest([made for change in ordered for made in _renumberings(change)])
    causes: dict[str, Cause] = {}
    cause_of: dict[str, str] = {}
    for change in ordered:
        upstream = _upstream(change, cause_of, renumberings)
        if upstream:
            causes.setdefault(upstream, Cause(upstream)).consequences.append(change)
        if not upstream or _own(change, renumberings):
            causes.setdefault(change.component, Cause(change.component)).own.append(change)
        cause_of[change.urn] = upstream or change.component
    return tuple(sorted(causes.values(), key=_gravity))


def _gravity(cause: Cause) -> tuple[int, int, str]:
    worst = min(GRAVITY.index(change.kind) for change in cause.every)
    return (worst, -len(cause.every), cause.component)


def _in_order(known: Mapping[str, Change]) -> Iterator[Change]:
    """What is needed first."""
    done: set[str] = set()

    def visit(change: Change) -> Iterator[Change]:
        if change.urn in done:
            return
        done.add(change.urn)
        for urn in (*change.needs, *(urn for one in change.differences for urn in one.follows)):
            if urn in known:
                yield from visit(known[urn])
        yield change

    for change in known.values():
        yield from visit(change)


def _renumberings(change: Change) -> Iterator[_Renumbering]:
    for difference in change.differences:
        if difference.replaces and not difference.follows and "/" in difference.before:
            try:
                before, after = ip_network(difference.before), ip_network(difference.after)
            except ValueError:
                continue
            if isinstance(before, IPv4Network) and isinstance(after, IPv4Network):
                yield _Renumbering(before, after, change.component, change.urn)


def _widest(found: list[_Renumbering]) -> list[_Renumbering]:
    """Those of no larger range that moved as well."""
    return [
        one
        for one in found
        if not any(one.before != other.before and one.before.subnet_of(other.before) for other in found)
    ]


def _own(change: Change, renumberings: list[_Renumbering]) -> list[Difference]:
    """The differences that nothing else explains."""
    return [
        difference
        for difference in change.differences
        if not difference.follows and not any(one.explains(change, difference) for one in renumberings)
    ]


def _upstream(change: Change, cause_of: Mapping[str, str], renumberings: list[_Renumbering]) -> str:
    """The cause that a change follows from; empty where it is one itself."""
    followed = [cause_of[urn] for one in change.differences for urn in one.follows if urn in cause_of]
    if followed:
        return followed[0]
    if change.kind is Kind.STUCK:
        return next((one.cause for one in renumberings), "")
    if change.kind in (Kind.NEW, Kind.DELETED):
        return next((one.cause for one in renumberings if one.concerns(change.name.replace("-", " "))), "")
    return next((one.cause for found in change.differences for one in renumberings if one.explains(change, found)), "")


def _words(text: str) -> list[str]:
    return re.findall(r"[\w./:*-]+", text)


def _addresses(text: str) -> Iterator[IPv4Address]:
    for found in ADDRESS.findall(text):
        try:
            yield IPv4Address(found)
        except ValueError:
            continue


def lines(difference: Difference) -> list[Line]:
    """A difference line by line, unchanged stretches left out but for the lines next to a change."""
    compared = difflib.unified_diff(
        difference.before.splitlines(), difference.after.splitlines(), n=CONTEXT_LINES, lineterm=""
    )
    shown = [line for line in compared if not line.startswith(("---", "+++"))]
    return [Line(line[0], line[1:]) if not line.startswith("@@") else Line("@", "") for line in shown][1:]
