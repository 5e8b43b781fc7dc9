"""Sets of whole numbers as sorted, disjoint spans: ports, and IPv4 addresses as numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network


@dataclass(frozen=True)
class Spans:
    """A set of numbers; build it by `of`, which puts any spans in order."""

    spans: tuple[tuple[int, int], ...] = ()
    """First and last number of each span."""

    @classmethod
    def of(cls, spans: Iterable[tuple[int, int]]) -> Spans:
        """The numbers of all `spans`, each with its first and last number."""
        joined: list[tuple[int, int]] = []
        for first, last in sorted(spans):
            if first > last:
                continue
            if joined and first <= joined[-1][1] + 1:
                joined[-1] = joined[-1][0], max(last, joined[-1][1])
            else:
                joined.append((first, last))
        return cls(tuple(joined))

    @classmethod
    def addresses(cls, ranges: Iterable[IPv4Network | str]) -> Spans:
        """The addresses of CIDR ranges."""
        networks = map(IPv4Network, ranges)
        return cls.of((int(network.network_address), int(network.broadcast_address)) for network in networks)

    def __bool__(self) -> bool:
        return bool(self.spans)

    def __or__(self, other: Spans) -> Spans:
        return Spans.of((*self.spans, *other.spans))

    def __and__(self, other: Spans) -> Spans:
        if self.spans == other.spans:
            return self
        return Spans.of((max(one[0], two[0]), min(one[1], two[1])) for one in self.spans for two in other.spans)

    def __sub__(self, other: Spans) -> Spans:
        left = list(self.spans)
        for first, last in other.spans:
            left = [
                part
                for start, end in left
                for part in ((start, min(end, first - 1)), (max(start, last + 1), end))
                if part[0] <= part[1]
            ]
        return Spans.of(left)

    def within(self, other: Spans) -> bool:
        """Whether every number of this set is in the other."""
        return not self - other

    def as_ports(self) -> str:
        """``443, 1024-3388``: how a person reads ports."""
        return ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in self.spans)

    def as_addresses(self) -> str:
        """``10.80.0.0-10.80.3.255``: how a person reads addresses; a whole range is shown by its first and last."""
        return ", ".join(
            str(IPv4Address(first)) if first == last else f"{IPv4Address(first)}-{IPv4Address(last)}"
            for first, last in self.spans
        )


def over_each(addresses: Spans, ranges: Iterable[Spans], answer: Callable[[Spans], Spans], *, surely: bool) -> Spans:
    """Ask `answer` about each part of `addresses` that lies wholly inside or wholly outside each range.

    Answers with the numbers that all parts gave (surely), or that any gave.
    """
    parts = [addresses]
    for one in ranges:
        parts = [piece for part in parts for piece in (part & one, part - one) if piece]
    answers = [answer(part) for part in parts]
    found = answers[0] if answers else Spans()
    for other in answers[1:]:
        found = found & other if surely else found | other
    return found


NOTHING = Spans()
EVERY_PORT = Spans(((0, 65535),))
EVERY_ADDRESS = Spans.addresses(["0.0.0.0/0"])
