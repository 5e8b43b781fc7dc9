"""Conditions of policy statements: which of them really say who may come, or what may be reached."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from .network import covers_the_world, network
from .wildcards import has_wildcard

Condition = tuple[str, str, tuple[Any, ...]]  # operator and key in lower case, values


def _is_named(value: str) -> bool:
    return not has_wildcard(value)


def _names_an_owner(arn: str) -> bool:
    """An ARN of one account; where ARNs have no account, as those of S3, one that starts with a name."""
    parts = arn.split(":", 5)
    if len(parts) < 6:
        return not has_wildcard(arn)
    account, resource = parts[4:]
    return not has_wildcard(account) if account else not has_wildcard(resource[:3])


def _names_an_organisation(path: str) -> bool:
    return not has_wildcard(path.partition("/")[0])


def _names_a_service(name: str) -> bool:
    return not has_wildcard(name.partition(".")[0])


def _starts_with_a_name(value: str) -> bool:
    return not has_wildcard(value[:4])


def _within_the_account(value: str) -> bool:
    return value.lower() == "true"


# Keys that say who comes, with the test that a value names somebody. AWS takes IfExists and ForAllValues for true where
# the request lacks the key, as that of an anonymous caller does: neither says who comes.
_CALLERS: Final[Mapping[str, Callable[[str], bool]]] = {
    "aws:principalaccount": _is_named,
    "aws:principalarn": _names_an_owner,
    "aws:principalorgid": _is_named,
    "aws:principalorgpaths": _names_an_organisation,
    "aws:principalservicename": _names_a_service,
    "aws:sourceaccount": _is_named,
    "aws:sourcearn": _names_an_owner,
    "aws:sourceorgid": _is_named,
    "aws:sourceorgpaths": _names_an_organisation,
    "aws:sourceowner": _is_named,
    "aws:sourcevpc": _is_named,
    "aws:sourcevpcarn": _names_an_owner,
    "aws:sourcevpce": _is_named,
    "aws:vpceaccount": _is_named,
    "aws:vpceorgid": _is_named,
    "aws:userid": _starts_with_a_name,
    "elasticfilesystem:accessedviamounttarget": _within_the_account,
    "kms:calleraccount": _is_named,
    "s3:dataaccesspointaccount": _is_named,
    "s3:dataaccesspointarn": _names_an_owner,
}
_POSITIVE: Final = ("stringequals", "stringlike", "arnequals", "arnlike", "ipaddress", "bool")
_NEGATIVE: Final = ("stringnotequals", "stringnotlike", "arnnotequals", "arnnotlike", "notipaddress")
# The exact operators take wildcards for themselves; those for ARNs read them either way.
_EXACT: Final = ("stringequals", "stringnotequals")
_BESIDE_A_DENY: Final = ("aws:principalisawsservice", "aws:viaawsservice")

# Keys that say what may be reached, or by which way, for statements of who holds a policy.
_TARGETS: Final = (
    "aws:resourcetag/",
    "ec2:resourcetag/",
    "iam:passedtoservice",
    "iam:permissionsboundary",
    "iam:policyarn",
    "iam:resourcetag/",
    "kms:encryptioncontext:",
    "kms:requestalias",
    "kms:resourcealiases",
    "kms:viaservice",
    "secretsmanager:resourcetag/",
    "secretsmanager:secretid",
    "ssm:resourcetag/",
)


def narrows(operator: str, key: str, values: tuple[Any, ...]) -> bool:
    """Whether a condition of an Allow says who comes, so that a principal of "*" is not everyone."""
    base = operator.removeprefix("foranyvalue:")
    return base.startswith(_POSITIVE) and not base.endswith("ifexists") and _names_callers(base, key, values)


def denies_all_but_named(conditions: Iterable[Condition]) -> bool:
    """Whether the conditions of a Deny leave only callers that they name, whatever an Allow says."""
    rest = [condition for condition in conditions if condition[1] not in _BESIDE_A_DENY]
    return len(rest) == 1 and rest[0][0].startswith(_NEGATIVE) and _names_callers(*rest[0])


def _names_callers(operator: str, key: str, values: tuple[Any, ...]) -> bool:
    texts = [str(value) for value in values]
    if key == "aws:sourceip":
        ranges = [network(text) for text in texts]
        return bool(ranges) and not covers_the_world([found for found in ranges if found is not None])
    test = _CALLERS.get(key)
    if test is None:
        return False
    exact = operator.removesuffix("ifexists").removesuffix("ignorecase") in _EXACT
    return bool(texts) and all(test(text) or (exact and text.strip("*?") != "") for text in texts)


def names_targets(conditions: Iterable[Condition], *keys: str) -> bool:
    """Whether a condition limits what may be reached: by one of these keys, or by any key that can."""
    return any(
        operator.removeprefix("foranyvalue:").startswith(_POSITIVE)
        and key.startswith(keys or _TARGETS)
        and all(_starts_with_a_name(str(value)) for value in values)
        for operator, key, values in conditions
    )
