"""Physical names: which AWS refuses, and how one is made where the program gives none."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from typing import Any

from facts.names import Naming, namings
from recording.sdk import BRIDGE_DEFAULTS, UNKNOWN, Failure, ResourceType, properties

RANDOM_DIGITS = 7
"""What Pulumi adds to a logical name to make a physical one."""
LONGEST_ELSE = 255
"""For a name that `names.csv` does not list."""
GIVEN_ELSEWHERE = ("namePrefix", "bucketPrefix", "clusterIdentifierPrefix", "identifierPrefix", "keyNamePrefix")


def naming(kind: ResourceType) -> Naming | None:
    """The rule for one type; a type with an optional ``name`` that is not listed is named by it."""
    listed = namings().get(kind.token)
    if listed or not kind.token.startswith("aws:") or "name" not in properties(kind.inputs):
        return listed
    return Naming("name", LONGEST_ELSE, ".*", "")


def named(
    kind: ResourceType,
    logical: str,
    inputs: Mapping[str, Any],
    previous: Mapping[str, Any],
    seed: bytes,
    taken: Callable[[str, str], bool],
) -> tuple[dict[str, Any], list[Failure]]:
    """`inputs` with a name, and why AWS would refuse it.

    Args:
        previous: the inputs of the last time; a name that was made then stays.
        seed: what the digits are drawn from when the rehearsal's, which never change, are taken.
        taken: whether a property has a value already in the account.
    """
    rule = naming(kind)
    if rule is None:
        return dict(inputs), []
    if rule.property not in inputs:
        if any(other in inputs for other in GIVEN_ELSEWHERE):
            return dict(inputs), []
        if rule.property in previous.get(BRIDGE_DEFAULTS, ()):
            made = previous[rule.property]
        elif len(logical) + 1 + RANDOM_DIGITS > rule.longest:
            reason = f"{logical!r} and {1 + RANDOM_DIGITS} characters exceed the maximum length of {rule.longest}"
            return dict(inputs), [Failure(rule.property, reason)]
        else:
            made = _digits(logical, f"{kind.token}/{logical}".encode())
            if taken(rule.property, made):
                made = _digits(logical, seed + logical.encode())
        defaults = [*inputs.get(BRIDGE_DEFAULTS, ()), rule.property]
        return {**inputs, rule.property: made, BRIDGE_DEFAULTS: defaults}, _refused(rule, made)
    return dict(inputs), _refused(rule, inputs[rule.property])


def _digits(logical: str, seed: bytes) -> str:
    return f"{logical}-{hashlib.sha256(seed).hexdigest()[:RANDOM_DIGITS]}"


def _refused(rule: Naming, name: Any) -> list[Failure]:
    if name == UNKNOWN:
        return []
    if len(name) > rule.longest:
        return [Failure(rule.property, f"{name!r} has {len(name)} characters; the longest allowed is {rule.longest}")]
    if not re.fullmatch(rule.pattern, name):
        return [Failure(rule.property, f"{name!r} does not match {rule.pattern}")]
    return []
