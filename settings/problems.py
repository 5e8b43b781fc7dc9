"""What is wrong with a setting, as the user reads it."""

from __future__ import annotations

from components.foundations.problems import NotAllowed, Problem, camel, shown
from components.foundations.values import LONGEST_SHOWN

__all__ = ["Problem", "SettingsError", "camel", "shown", "shown_key"]


class SettingsError(NotAllowed):
    """The configuration cannot be used."""


def shown_key(name: str) -> str:
    return name if name.isprintable() and len(name) <= LONGEST_SHOWN else repr(name[:LONGEST_SHOWN])
