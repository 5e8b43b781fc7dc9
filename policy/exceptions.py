"""Exceptions: rules that a named resource may break for a while, with a reason and somebody who answers for it."""

from __future__ import annotations

import datetime
import re
from collections.abc import Collection
from dataclasses import dataclass
from difflib import get_close_matches
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final

import yaml

from .rule import Resource

EVERYTHING: Final = "*"
NAME: Final = "policy-exceptions.yaml"
SHORTEST_REASON: Final = 30  # characters
LONGEST_DAYS: Final = 366
_KEYS: Final = ("rule", "resource", "reason", "owner", "expires")
_ADDRESS: Final = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_GRADUAL_START: Final = "advisory"


@dataclass(frozen=True, kw_only=True)
class Exempt:
    """One exception. expires: the last day on which it counts.

    level: `advisory` where the entry is a gradual start: configuration may then make every rule advisory.
    """

    rule: str
    resource: str
    reason: str
    owner: str
    expires: datetime.date
    level: str = ""

    def covers(self, resource: Resource | None) -> bool:
        if self.resource == EVERYTHING:
            return True
        return resource is not None and (self.resource == resource.name or fnmatchcase(resource.urn, self.resource))

    def sentence(self) -> str:
        what = f"{self.rule} is excepted for {self.resource}" if self.rule else f"Every rule may be {self.level}"
        return f"{what} until {self.expires} (owner {self.owner}): {' '.join(self.reason.split())}"


class Exceptions:
    """The exceptions that count today, what is wrong with the others in a sentence each, and which were needed.

    used: those that covered something so far, which a run lists.
    """

    def __init__(self, entries: Any, known_rules: Collection[str], today: datetime.date) -> None:
        self.active: list[Exempt] = []
        self.problems: list[str] = []
        self.used: dict[Exempt, None] = {}
        if entries is not None and not isinstance(entries, list):
            self.problems.append("The exceptions are not a list: each entry starts with a dash.")
            entries = None
        for position, entry in enumerate(entries or [], start=1):
            problem = _problem(entry, known_rules, today)
            if problem:
                self.problems.append(f"Exception {position} does not count: {problem}")
            else:
                self.active.append(Exempt(**{"rule": "", "resource": "", **entry}))
        self._by_rule: dict[str, list[Exempt]] = {}
        for exempt in self.active:
            self._by_rule.setdefault(exempt.rule, []).append(exempt)

    def cover(self, rule: str, resource: Resource | None) -> bool:
        return self._use(exempt for exempt in self._by_rule.get(rule, ()) if exempt.covers(resource))

    def allow_loosening(self, rule: str) -> bool:
        """Whether an exception for the whole rule lets configuration loosen it."""
        return self._use(exempt for exempt in self._by_rule.get(rule, ()) if exempt.resource == EVERYTHING)

    def allow_advisory(self) -> bool:
        """Whether an entry for a gradual start lets configuration make every rule advisory."""
        return self._use(iter(self._by_rule.get("", ())))

    def _use(self, fitting: Any) -> bool:
        first = next(iter(fitting), None)
        if first is not None:
            self.used[first] = None
        return first is not None


def load(known_rules: Collection[str], today: datetime.date, folder: Path | None) -> Exceptions:
    """Reads the file in the program's folder; one that cannot be read holds no exception and is itself a problem."""
    if folder is None or not (file := folder / NAME).is_file():
        return Exceptions([], known_rules, today)
    try:
        entries = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        exceptions = Exceptions([], known_rules, today)
        exceptions.problems.append(f"{NAME} cannot be read, so no exception counts: {' '.join(str(error).split())}")
        return exceptions
    return Exceptions(entries, known_rules, today)


def _problem(entry: Any, known_rules: Collection[str], today: datetime.date) -> str | None:
    """What is wrong with an entry, in one sentence; None: it counts."""
    if not isinstance(entry, dict):
        return f"it is {entry!r}, wanted the keys {', '.join(_KEYS)}."
    gradual = "level" in entry
    keys = ("level", *_KEYS[2:]) if gradual else _KEYS
    what = "the gradual start" if gradual else f"{entry.get('rule')} for {entry.get('resource')}"
    lacking = [key for key in keys if not entry.get(key)]
    if lacking:
        return f"{what} lacks {' and '.join(lacking)}; give all of {', '.join(keys)}."
    unknown = [str(key) for key in entry if key not in keys]
    if unknown:
        return f"{what} has the unknown key {unknown[0]}; allowed are {', '.join(keys)}."
    if gradual and entry["level"] != _GRADUAL_START:
        return f"{what} has the level {entry['level']!r}; allowed is {_GRADUAL_START}."
    if not gradual and (problem := _rule_problem(str(entry["rule"]), entry["resource"], known_rules)):
        return f"{what} {problem}"
    return _answer_problem(what, entry, today)


def _rule_problem(name: str, resource: Any, known_rules: Collection[str]) -> str | None:
    if EVERYTHING in name:
        everywhere = " for every resource" if resource == EVERYTHING else ""
        return f"would except every rule{everywhere}; name the rule, or give level: {_GRADUAL_START} instead of both."
    if name not in known_rules:
        near = get_close_matches(name, list(known_rules), n=1)
        return f"names an unknown rule{f', the nearest is {near[0]}' if near else ''}; correct or remove it."
    return None


def _answer_problem(what: str, entry: dict[str, Any], today: datetime.date) -> str | None:
    """Whether somebody answers for the entry, says why, and for how long."""
    reason = " ".join(str(entry["reason"]).split())
    if len(reason) < SHORTEST_REASON:
        return f"{what} has the reason {reason!r}; say why in {SHORTEST_REASON} characters or more."
    if not _ADDRESS.fullmatch(str(entry["owner"])):
        return f"{what} has the owner {entry['owner']!r}; give an address that people answer, such as team@example.com."
    expires = entry["expires"]
    if not isinstance(expires, datetime.date) or isinstance(expires, datetime.datetime):
        return f"{what} expires {expires!r}; give a date as YYYY-MM-DD."
    if expires < today:
        return f"{what} expired on {expires}; mend the resource, or have {entry['owner']} renew it."
    latest = today + datetime.timedelta(days=LONGEST_DAYS)
    if expires > latest:
        return f"{what} expires on {expires}; give a day within a year, {latest} at the latest."
    return None
