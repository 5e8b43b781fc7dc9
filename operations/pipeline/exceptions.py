"""The policy pack's exceptions that are about to end: time to mend the resource, or to have the exception renewed."""

from __future__ import annotations

import datetime
from collections.abc import Sequence

from policy.exceptions import Exempt
from policy.pack import judgement

DAYS = 14


def expiring(today: datetime.date, days: int = DAYS) -> list[Exempt]:
    """The exceptions that count today and end within `days`, the first to end first."""
    last = today + datetime.timedelta(days=days)
    found = judgement(today).exceptions.active
    return sorted((one for one in found if one.expires <= last), key=lambda one: one.expires)


def render(found: Sequence[Exempt], today: datetime.date) -> str:
    """The exceptions as an issue's text."""
    lines = [f"- {(one.expires - today).days} days left: {one.sentence()}" for one in found]
    remedy = "Mend the resource and remove the entry of `policy-exceptions.yaml`, or have its owner renew it."
    return "\n".join([*lines, "", remedy])
