"""Versions whose support ends soon: one issue for all stacks, opened in time and closed when it is over."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from facts.lifetimes import Lifetime, lifetime
from operations.upgrade.living import Living

DAYS = 60


class Ending(NamedTuple):
    """One version in use whose end is near or past."""

    stack: str
    lifetime: Lifetime


def ending(stacks: Mapping[str, Living], today: datetime.date, days: int = DAYS) -> list[Ending]:
    """What ends within `days` from `today`, or has ended, the first to end first."""
    last = today + datetime.timedelta(days=days)
    found = [
        Ending(stack, row)
        for stack, living in stacks.items()
        for product, version in _in_use(living)
        if (row := lifetime(product, version)) and row.ends <= last
    ]
    return sorted(dict.fromkeys(found), key=lambda one: (one.lifetime.ends, one.stack))


def render(found: Sequence[Ending], today: datetime.date) -> str:
    """The endings as an issue's text."""
    lines = []
    for stack, row in found:
        left = (row.ends - today).days
        when = f"ends on {row.ends}, in {left} days" if left >= 0 else f"ended on {row.ends}"
        lines.append(f"- `{stack}`: {row.product} {row.version} {when} ({row.source}, read {row.read_on})")
    remedy = "Plan it: `.venv/bin/python -m operations upgrade plan --help`."
    return "\n".join([*lines, "", remedy])


def _in_use(living: Living) -> list[tuple[str, str]]:
    engine = "aurora-mysql" if "aurora" in living.database else "mysql"
    return [("kubernetes", living.kubernetes), ("kubernetes", living.nodes), (engine, living.database)]
