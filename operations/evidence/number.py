"""Which numbers PCI DSS v4.0.1 has: every group of requirements, and how many requirements it holds."""

from __future__ import annotations

import re
from collections.abc import Mapping

GROUPS: Mapping[str, tuple[int, ...]] = {
    "1": (2, 8, 3, 5, 1),
    "2": (2, 7, 2),
    "3": (2, 1, 3, 2, 1, 1, 9),
    "4": (2, 2),
    "5": (2, 3, 5, 1),
    "6": (2, 4, 3, 3, 6),
    "7": (2, 6, 3),
    "8": (2, 8, 11, 3, 1, 3),
    "9": (2, 4, 4, 7, 1),
    "10": (2, 2, 4, 3, 1, 3, 3),
    "11": (2, 2, 2, 7, 2, 1),
    "12": (4, 1, 4, 2, 3, 3, 1, 5, 2, 7),
    "A1": (4, 3),
    "A2": (3,),
    "A3": (4, 6, 3, 1, 1),
}
"""By principal requirement: how many requirements stand in its first group, its second, and so on.

Source: Payment Card Industry Data Security Standard, Requirements and Testing Procedures, v4.0.1, June 2024.
"""
DEEPEST = 4
"""Parts of the longest number, such as 3.5.1.1."""
_FORM = re.compile(r"(A?[1-9][0-9]?)((?:\.[1-9][0-9]?)*)")


def is_requirement(number: str) -> bool:
    """Whether the standard has this number, or a requirement or group that it belongs to."""
    matched = _FORM.fullmatch(number)
    if matched is None or matched[1] not in GROUPS:
        return False
    below = [int(part) for part in matched[2].split(".")[1:]]
    groups = GROUPS[matched[1]]
    if len(below) >= DEEPEST or (below and below[0] > len(groups)):
        return False
    return len(below) < 2 or below[1] <= groups[below[0] - 1]
