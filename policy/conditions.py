"""Conditions of policy statements: which of them really say who may come, or what may be reached."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from .network import covers_the_world, network
from .wildcards import has_wildcard

Condition = tuple[str, str, tuple[Any, ...]]  # operator and key in lower case, values


def _is_named(value: str) -> bool:
    return not has_wildcard(value)


def names_an_owner(arn: str) -> bool:
    """An ARN of one account; where ARNs have no account, as those of S3, one that starts with a name."""
    parts = arn.split(":", 5)
    if len(parts) < 6:
        return not has_wildcard(arn)
    account, resource = parts[4:]
    return not has_wildcard(resource[:3]) if not account or parts[2] == "s3" else not has_wildcard(account)


def _names_an_organisation(path: str) -> bool:
    return not has_wildcard(path.partition("/")[0])


def _names_a_service(name: str) -> bool:
    return not has_wildcard(name.partition(".")[0])


def _starts_with_a_name(value: str) -> bool:
    return not has_wildcard(value[:4])


def _names_a_policy(arn: str) -> bool:
    """One policy, or those below a path, of an account's own: `arn:aws:iam::aws:policy/*` are all of AWS's."""
    owner, _, name = arn.partition("policy/")
    return not has_wildcard(name[:1]) and not (owner.endswith("::aws:") and has_wildcard(name))


def _names_an_alias(alias: str) -> bool:
    return _starts_with_a_name(alias.removeprefix("alias/"))


def _within_the_account(value: str) -> bool:
    return value.lower() == "true"


# Keys that say who comes, with the test that a value names somebody. AWS takes IfExists and ForAllValues for true where
# the request lacks the key, as that of an anonymous caller does: neither says who comes.
_CALLERS: Final[Mapping[str, Callable[[str], bool]]] = {
    "aws:principalaccount": _is_named,
    "aws:principalarn": names_an_owner,
    "aws:principalorgid": _is_named,
    "aws:principalorgpaths": _names_an_organisation,
    "aws:principalservicename": _names_a_service,
    "aws:sourceaccount": _is_named,
    "aws:sourcearn": names_an_owner,
    "aws:sourceorgid": _is_named,
    "aws:sourceorgpaths": _names_an_organisation,
    "aws:sourceowner": _is_named,
    "aws:sourcevpc": _is_named,
    "aws:sourcevpcarn": names_an_owner,
    "aws:sourcevpce": _is_named,
    "aws:vpceaccount": _is_named,
    "aws:vpceorgid": _is_named,
    "aws:userid": _starts_with_a_name,
    "elasticfilesystem:accessedviamounttarget": _within_the_account,
    "kms:calleraccount": _is_named,
    "s3:dataaccesspointaccount": _is_named,
    "s3:dataaccesspointarn": names_an_owner,
}
_POSITIVE: Final = ("stringequals", "stringlike", "arnequals", "arnlike", "ipaddress", "bool")
_NEGATIVE: Final = ("stringnotequals", "stringnotlike", "arnnotequals", "arnnotlike", "notipaddress")
# The exact operators take wildcards for themselves; those for ARNs read them either way.
_EXACT: Final = ("stringequals", "stringnotequals")
_BESIDE_A_DENY: Final = ("aws:principalisawsservice", "aws:viaawsservice")

# Keys that say what may be reached, or by which way, for statements of who holds a policy.
_TARGETS: Final[Mapping[str, Callable[[str], bool]]] = {
    "aws:resourcetag/": _starts_with_a_name,
    "ec2:resourcetag/": _starts_with_a_name,
    "iam:passedtoservice": _starts_with_a_name,
    "iam:permissionsboundary": _names_a_policy,
    "iam:policyarn": _names_a_policy,
    "iam:resourcetag/": _starts_with_a_name,
    "kms:encryptioncontext:": _starts_with_a_name,
    "kms:requestalias": _names_an_alias,
    "kms:resourcealiases": _names_an_alias,
    "kms:viaservice": _starts_with_a_name,
    "secretsmanager:resourcetag/": _starts_with_a_name,
    "secretsmanager:secretid": _starts_with_a_name,
    "ssm:resourcetag/": _starts_with_a_name,
}
_ALWAYS_PRESENT: Final = ("iam:passedtoservice", "iam:policyarn")  # so that IfExists makes no difference


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


def names_targets(conditions: Iterable[Condition]) -> bool:
    """Whether a condition limits what may be reached."""
    return any(
        operator.removeprefix("foranyvalue:").startswith(_POSITIVE)
        and (not operator.endswith("ifexists") or key in _ALWAYS_PRESENT)
        and any(
            key.startswith(target) and all(names(str(value)) for value in values) for target, names in _TARGETS.items()
        )
        for operator, key, values in conditions
    )


def says_who(conditions: Iterable[Condition]) -> bool:
    """Whether a condition asks something of the caller that not everybody in an account has: an external id, a name.

    `Null`, `*` and conditions that a request without the key fulfils ask nothing.
    """
    return any(
        operator.removeprefix("foranyvalue:").startswith((*_POSITIVE, "numeric", "date"))
        and not operator.endswith("ifexists")
        and any(str(value).strip("*?") for value in values)
        for operator, _, values in conditions
    )
