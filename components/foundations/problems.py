"""What is wrong with a value, as the user reads it: the same sentence wherever the value was given."""

from __future__ import annotations

import re
from typing import NamedTuple

import pulumi

from .values import LONGEST_SHOWN


class Problem(NamedTuple):
    """One value that cannot be used, as the user reads it."""

    key: str
    value: str
    allowed: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.key}: {self.value} is not allowed; allowed: {self.allowed}; {self.remedy}."


class NotAllowed(pulumi.RunError, ValueError):  # noqa: N818 (reads as the sentence that it shows)
    """Values that cannot be used; `problems` holds every reason, one line each.

    The engine shows a `RunError` without a traceback.
    """

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems


def camel(*names: str) -> str:
    """Names in snake case as one name in camel case, as Pulumi's configuration and schemas have it."""
    head, *rest = "_".join(names).split("_")
    return head + "".join(map(str.capitalize, rest))


def shown(value: str) -> str:
    """A value as a problem may show it: short, on one line, and never key material."""
    if "PRIVATE KEY" in value:
        return "[withheld: key material]"
    flat = re.sub(r"\s+", " ", value)
    return repr(flat if len(flat) <= LONGEST_SHOWN else f"{flat[: LONGEST_SHOWN - 3]}...")
