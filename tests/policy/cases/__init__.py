"""What is compliant, and which one change breaks which rule: a file per room of the rules.

Each file has BASELINES, a compliant resource for every kind that its rules judge, and ROWS, the changes.
"""

from __future__ import annotations

import copy
import re
from dataclasses import dataclass
from typing import Any, Final

from pulumi_policy.proxy import UNKNOWN_STRING_VALUE

BROKEN: Final = "broken"
FINE: Final = "fine"
UNDETERMINED: Final = "undetermined"
UNKNOWN: Final = UNKNOWN_STRING_VALUE


@dataclass(frozen=True)
class Row:
    """One change to the compliant resource of a kind, and what the rule says of it.

    path: the property that is changed. value: what it becomes. property: where the message says it is, when elsewhere.
    absent, unknown: what the rule says when the property is removed, or known only at deployment.
    also: further rules that the same change breaks. setup: changes that come first and break nothing.
    """

    rule: str
    kind: str
    path: str
    value: Any
    absent: str = BROKEN
    unknown: str = UNDETERMINED
    property: str | None = None
    also: tuple[str, ...] = ()
    setup: tuple[tuple[str, Any], ...] = ()

    def __str__(self) -> str:
        return f"{self.rule}-{self.kind}-{self.path}-{str(self.value)[:30]}"


def changed(properties: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """A copy in which the value at the path is another, or gone when it is None."""
    result = copy.deepcopy(properties)
    place: Any = result
    *way, last = keys = _keys(path)
    for key, following in zip(way, keys[1:], strict=True):
        if isinstance(place, dict) and key not in place:
            place[key] = [] if isinstance(following, int) else {}
        place = place[key]
    if value is not None:
        if isinstance(place, list) and last == len(place):
            place.append(value)
        else:
            place[last] = value
    elif isinstance(place, list):
        place[last] = {}
    else:
        place.pop(last, None)
    return result


def _keys(path: str) -> list[Any]:
    return [int(key) if key.isdigit() else key.replace("~", ".") for key in re.split(r"\.|\[|\]\.?", path) if key]
