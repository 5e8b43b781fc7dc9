"""IAM's decision for one request, as its documentation describes it, for the operators that our documents use."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

Document = Mapping[str, Any]


def decides(
    policies: Sequence[Document],
    action: str,
    resource: str,
    *,
    boundary: Document | None = None,
    context: Mapping[str, str] | None = None,
) -> bool:
    """Whether a role with these policies and this boundary may do `action` on `resource`.

    A refusal anywhere wins; else the policies and the boundary must both allow.
    """
    given = context or {}
    everything = [*policies, *([boundary] if boundary else [])]
    if any(_says("Deny", one, action, resource, given) for one in everything):
        return False
    within = boundary is None or _says("Allow", boundary, action, resource, given)
    return within and any(_says("Allow", one, action, resource, given) for one in policies)


def _says(effect: str, document: Document, action: str, resource: str, context: Mapping[str, str]) -> bool:
    return any(
        statement["Effect"] == effect
        and _listed(statement, "Action", action, ignore_case=True)
        and _listed(statement, "Resource", resource)
        and _conditions_hold(statement.get("Condition", {}), context)
        for statement in document["Statement"]
    )


def _listed(statement: Mapping[str, Any], key: str, value: str, *, ignore_case: bool = False) -> bool:
    if f"Not{key}" in statement:
        return not _any(statement[f"Not{key}"], value, ignore_case)
    return _any(statement[key], value, ignore_case)


def _any(patterns: str | Sequence[str], value: str, ignore_case: bool) -> bool:
    return any(_pattern(pattern, ignore_case).fullmatch(value) for pattern in _texts(patterns))


@cache
def _pattern(pattern: str, ignore_case: bool) -> re.Pattern[str]:
    text = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    return re.compile(text, re.IGNORECASE if ignore_case else 0)


def _conditions_hold(conditions: Mapping[str, Mapping[str, Any]], context: Mapping[str, str]) -> bool:
    return all(
        _holds(operator, context.get(key), list(_texts(wanted)))
        for operator, keys in conditions.items()
        for key, wanted in keys.items()
    )


def _holds(operator: str, found: str | None, wanted: Sequence[str]) -> bool:
    """A key that the request lacks satisfies only the negated operators."""
    match operator:
        case "StringEquals" | "Bool":
            return found in wanted
        case "StringNotEquals":
            return found not in wanted
        case "StringLike":
            return found is not None and _any(wanted, found, False)
        case _:
            raise NotImplementedError(operator)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str | bool):
        yield str(value).lower() if isinstance(value, bool) else value
    else:
        yield from map(str, value)
