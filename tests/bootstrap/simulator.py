"""IAM's decision for one request, as its documentation describes it, for the operators that our documents use."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from facts.authorization import carries

Document = Mapping[str, Any]


def decides(
    policies: Sequence[Document],
    action: str,
    resource: str,
    *,
    boundary: Document | None = None,
    context: Mapping[str, str] | None = None,
    resource_policy: Document | None = None,
) -> bool:
    """Whether a role with these policies and this boundary may do `action` on `resource`.

    A refusal anywhere wins; else the policies and the boundary must both allow, or a policy of the resource that names
    the session. That one needs neither (IAM user guide, "Policy evaluation logic", case of a role session). Of
    `context`, a request tells only the keys that its action carries.
    """
    return not refusal(policies, action, resource, boundary=boundary, context=context, resource_policy=resource_policy)


IMPLICIT = "no statement allows it"
BEYOND = "the boundary does not allow it"


def refusal(
    policies: Sequence[Document],
    action: str,
    resource: str,
    *,
    boundary: Document | None = None,
    context: Mapping[str, str] | None = None,
    resource_policy: Document | None = None,
) -> str:
    """Why `decides` says no: the Sid of the statement that refuses, `IMPLICIT` or `BEYOND`; empty when it says yes."""
    given = {key: value for key, value in (context or {}).items() if carries(action, key)}
    everything = [*policies, *(one for one in (boundary, resource_policy) if one)]
    for one in everything:
        if sid := _says("Deny", one, action, resource, given):
            return sid
    if resource_policy and _says("Allow", resource_policy, action, resource, given):
        return ""
    if not any(_says("Allow", one, action, resource, given) for one in policies):
        return IMPLICIT
    return "" if boundary is None or _says("Allow", boundary, action, resource, given) else BEYOND


def _says(effect: str, document: Document, action: str, resource: str, context: Mapping[str, str]) -> str:
    """The Sid of the first statement with this effect that fits the request; empty when none does."""
    for statement in document["Statement"]:
        if (
            statement["Effect"] == effect
            and _listed(statement, "Action", action, ignore_case=True)
            and _listed(statement, "Resource", resource)
            and _conditions_hold(statement.get("Condition", {}), context)
        ):
            return str(statement.get("Sid", "a statement without Sid"))
    return ""


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
        case "StringEquals" | "Bool" | "ForAnyValue:StringEquals":
            return found in wanted
        case "ForAllValues:StringEquals":  # a request without the key fits as well; where that matters, `Null` bars it
            return found is None or found in wanted
        case "StringNotEquals":
            return found not in wanted
        case "StringLike" | "ArnLike":
            return found is not None and _any(wanted, found, False)
        case "ArnNotLike" | "StringNotLikeIfExists":
            return found is None or not _any(wanted, found, False)
        case "StringEqualsIfExists":
            return found is None or found in wanted
        case "StringNotEqualsIfExists":
            return found is None or found not in wanted
        case "BoolIfExists":
            return found is None or found in wanted
        case "Null":
            return str(found is None).lower() in wanted
        case _:
            raise NotImplementedError(operator)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str | bool):
        yield str(value).lower() if isinstance(value, bool) else value
    else:
        yield from map(str, value)
