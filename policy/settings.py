"""Checks of one setting each, for the tables of rules that say the same of many kinds of resource."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .reading import Findings
from .rule import Resource
from .stack import at

Check = Callable[[Resource], Findings]
Table = Mapping[str, Sequence[Check]]


def be(path: str, *allowed: Any, default: Any = None) -> Check:
    return lambda resource: at(resource, path).must_be(*allowed, default=default)


def not_be(path: str, *forbidden: Any, wanted: str, default: Any = None) -> Check:
    return lambda resource: at(resource, path).must_not_be(*forbidden, wanted=wanted, default=default)


def given(path: str, wanted: str, *, other_than: str | None = None) -> Check:
    return lambda resource: at(resource, path).must_be_given(wanted, other_than=other_than)


def own_key(path: str) -> Check:
    return lambda resource: at(resource, path).must_name_own_key()


def absent(path: str, wanted: str) -> Check:
    return lambda resource: at(resource, path).must_not_be_given(wanted)


def at_least(path: str, least: float, unit: str = "", default: float | None = None) -> Check:
    return lambda resource: at(resource, path).must_be_at_least(least, unit, default=default)


def include(path: str, *wanted: str) -> Check:
    return lambda resource: at(resource, path).must_include(*wanted)


def satisfy(path: str, holds: Callable[[Any], bool], wanted: str, *, default: Any = None) -> Check:
    return lambda resource: at(resource, path).must(holds, wanted, default=default)


def each(path: str, check: Callable[[Any], Findings]) -> Check:
    """The check for every item of a list."""
    return lambda resource: [finding for item in at(resource, path) for finding in check(item)]


def judged(table: Table, resource: Resource) -> Findings:
    """What is wrong by the table's checks for the resource's kind."""
    return [finding for check in table[resource.kind] for finding in check(resource)]
