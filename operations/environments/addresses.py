"""Which range of addresses an environment gets: one that nothing else has."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Network

from command_line.exits import REFUSED, Stop

PREFIX_LENGTH = 20
"""The narrowest VPC that the program takes: three zones of three tiers, 4,096 addresses."""


def free_range(pool: IPv4Network, taken: Iterable[IPv4Network]) -> IPv4Network:
    """The first range of `pool` that overlaps none of `taken`.

    Raises:
        Stop: when none is left.
    """
    used = tuple(taken)
    for candidate in pool.subnets(new_prefix=PREFIX_LENGTH):
        if not any(candidate.overlaps(other) for other in used):
            return candidate
    raise Stop(
        REFUSED,
        f"softpos:temporaryCidrs: {pool} has no free /{PREFIX_LENGTH} left; "
        "allowed: a range with room; take an environment down, or widen the range.",
    )
