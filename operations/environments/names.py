"""What a test environment may be called: its name becomes a stack, a DNS label and part of every physical name."""

from __future__ import annotations

import re
from collections.abc import Collection

from command_line.exits import BAD_INPUT, Stop

PREFIX = "env-"
"""Every environment's stack begins so, and no other stack does."""
LONGEST = 10
"""Characters of a name. A load balancer's name ends at 32 and a bucket's at 63, of which ``softpos-``, `PREFIX`, the
role, the account and the Region leave this much."""
SHORTEST = 2
RESERVED = frozenset({"api", "dev", "main", "ns", "pay", "prod", "staging", "test", "www"})
"""Names that read like something permanent."""
ALLOWED = f"{SHORTEST} to {LONGEST} lower-case letters, digits and inner hyphens, a letter first, such as ana-3ds"


def environment_name(name: str, taken_labels: Collection[str] = ()) -> str:
    """Return `name` if an environment may be called so.

    Args:
        taken_labels: first labels of host names that exist in the zone already.

    Raises:
        Stop: with one line that says what is allowed.
    """
    if not re.fullmatch(rf"(?=.{{{SHORTEST},{LONGEST}}}$)[a-z](-?[a-z0-9])+", name):
        raise Stop(BAD_INPUT, f"NAME: {name!r} is not allowed; allowed: {ALLOWED}; choose another name.")
    if name in RESERVED or name in taken_labels:
        raise Stop(BAD_INPUT, f"NAME: {name!r} is reserved; allowed: {ALLOWED}; choose a name of your own.")
    return name


def stack_of(name: str) -> str:
    """The stack that an environment lives in."""
    return f"{PREFIX}{name}"


def is_environment(stack: str) -> bool:
    """Whether a stack is called as only environments are."""
    name = stack.removeprefix(PREFIX)
    if name == stack:
        return False
    try:
        environment_name(name)
    except Stop:
        return False
    return True
