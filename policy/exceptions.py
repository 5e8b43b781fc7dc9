"""Exceptions: rules that a named resource may break for a while, with a reason and somebody who answers for it."""

from __future__ import annotations

import datetime
from collections.abc import Collection
from dataclasses import dataclass
from difflib import get_close_matches
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final

import yaml

from .rule import Resource

EVERYTHING: Final = "*"
FILE: Final = Path(__file__).with_name("exceptions.yaml")
_KEYS: Final = ("rule", "resource", "reason", "owner", "expires")


@dataclass(frozen=True, kw_only=True)
class Exempt:
    """One exception. expires: the last day on which it counts."""

    rule: str
    resource: str
    reason: str
    owner: str
    expires: datetime.date

    def covers(self, resource: Resource | None) -> bool:
        if self.resource == EVERYTHING:
            return True
        return resource is not None and (self.resource == resource.name or fnmatchcase(resource.urn, self.resource))

    def sentence(self) -> str:
        return (
            f"{self.rule} is excepted for {self.resource} until {self.expires} "
            f"(owner {self.owner}): {' '.join(self.reason.split())}"
        )


class Exceptions:
    """The exceptions that count today, and what is wrong with the others, a sentence each."""

    def __init__(self, entries: Any, known_rules: Collection[str], today: datetime.date) -> None:
        self.active: list[Exempt] = []
        self.problems: list[str] = []
        if entries is not None and not isinstance(entries, list):
            self.problems.append("The exceptions are not a list: each entry starts with a dash.")
            entries = None
        for position, entry in enumerate(entries or [], start=1):
            problem = _problem(entry, known_rules, today)
            if problem:
                self.problems.append(f"Exception {position} does not count: {problem}")
            else:
                self.active.append(Exempt(**{key: entry[key] for key in _KEYS}))
        self._by_rule: dict[str, list[Exempt]] = {}
        for exempt in self.active:
            self._by_rule.setdefault(exempt.rule, []).append(exempt)

    def cover(self, rule: str, resource: Resource | None) -> bool:
        return any(exempt.covers(resource) for exempt in self._by_rule.get(rule, ()))

    def allow_loosening(self, rule: str) -> bool:
        return any(exempt.resource == EVERYTHING for exempt in self._by_rule.get(rule, ()))


def load(known_rules: Collection[str], today: datetime.date, file: Path = FILE) -> Exceptions:
    """Reads the file; one that cannot be read holds no exception and is itself a problem."""
    try:
        entries = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        exceptions = Exceptions([], known_rules, today)
        exceptions.problems.append(
            f"{file.name} cannot be read, so no exception counts: {' '.join(str(error).split())}"
        )
        return exceptions
    return Exceptions(entries, known_rules, today)


def _problem(entry: Any, known_rules: Collection[str], today: datetime.date) -> str | None:
    if not isinstance(entry, dict):
        return f"it is {entry!r}, wanted the keys {', '.join(_KEYS)}."
    what = f"{entry.get('rule')} for {entry.get('resource')}"
    lacking = [key for key in _KEYS if not entry.get(key)]
    if lacking:
        return f"{what} lacks {' and '.join(lacking)}; give all of {', '.join(_KEYS)}."
    unknown = [str(key) for key in entry if key not in _KEYS]
    if unknown:
        return f"{what} has the unknown key {unknown[0]}; allowed are {', '.join(_KEYS)}."
    if entry["rule"] not in known_rules:
        near = get_close_matches(str(entry["rule"]), list(known_rules), n=1)
        return f"{what} names an unknown rule{f', the nearest is {near[0]}' if near else ''}; correct or remove it."
    if not isinstance(entry["expires"], datetime.date) or isinstance(entry["expires"], datetime.datetime):
        return f"{what} expires {entry['expires']!r}; give a date as YYYY-MM-DD."
    if entry["expires"] < today:
        return f"{what} expired on {entry['expires']}; mend the resource, or have {entry['owner']} renew it."
    return None
