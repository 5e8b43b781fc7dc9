"""How long an environment lives: durations as people write them, moments as settings hold them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from command_line.exits import BAD_INPUT, Stop

DEFAULT_TTL = "8h"
"""A working day."""
SHORTEST = timedelta(minutes=30)
"""Less would expire while it is being created."""
UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
MOMENT = "%Y-%m-%dT%H:%M:%SZ"


def ttl(text: str, hours_max: int) -> timedelta:
    """A time to live such as ``90m``, ``8h`` or ``2d``.

    Raises:
        Stop: when it is no duration, shorter than `SHORTEST` or longer than `hours_max` hours.
    """
    allowed = f"30m to {hours_max}h, written as 90m, 8h or 2d"
    found = re.fullmatch(r"(\d{1,5})([mhd])", text)
    if not found:
        raise Stop(BAD_INPUT, f"--ttl: {text!r} is not allowed; allowed: {allowed}; write a number and its unit.")
    length = int(found[1]) * UNITS[found[2]]
    if not SHORTEST <= length <= timedelta(hours=hours_max):
        raise Stop(BAD_INPUT, f"--ttl: {text!r} is not allowed; allowed: {allowed}; extend it later if need be.")
    return length


def now() -> datetime:
    """This second, in UTC."""
    return datetime.now(UTC).replace(microsecond=0)


def as_text(moment: datetime) -> str:
    """A moment as settings and tags hold it."""
    return moment.astimezone(UTC).strftime(MOMENT)


def as_moment(text: str) -> datetime:
    """The moment that `as_text` wrote."""
    return datetime.strptime(text, MOMENT).replace(tzinfo=UTC)


def left(until: datetime, at: datetime) -> str:
    """The time that is left, to the minute, as people say it."""
    minutes = int((until - at).total_seconds() // 60)
    if minutes < 0:
        return f"expired {left(at, until)} ago"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min"
