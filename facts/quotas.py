"""What an AWS account allows of each thing: the usual quota, the most that AWS raises it to, and the source of both."""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path
from typing import NamedTuple

READ_ON = "2026-11-30"
ACL_RULES = "rules of a network ACL in one direction"
GROUP_RULES = "rules of a security group in one direction"
LISTENER_RULES = "rules of an application load balancer"


class Quota(NamedTuple):
    """One row of `quotas.csv`."""

    what: str
    service: str
    """As Service Quotas names it."""
    code: str
    """Empty where Service Quotas does not offer it for a request."""
    usual: int
    """What a new account has."""
    most: int | None
    """The most that AWS raises it to; nothing where AWS names no such bound."""
    type: str
    """The Pulumi type of which each resource takes one; empty where the amount is counted otherwise."""
    source: str


@cache
def quotas() -> tuple[Quota, ...]:
    """All rows, in the table's order."""
    with Path(__file__).with_name("quotas.csv").open(encoding="utf-8", newline="") as file:
        return tuple(
            Quota(
                row["what"],
                row["service"],
                row["code"],
                int(row["usual"]),
                int(row["most"]) if row["most"] else None,
                row["types"],
                row["source"],
            )
            for row in csv.DictReader(file)
        )


def quota(what: str) -> Quota:
    """The row of one thing."""
    return next(one for one in quotas() if one.what == what)
