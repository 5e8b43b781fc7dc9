"""Rules speak of things that exist: a rule on a property or kind that the provider does not have judges nothing."""

from __future__ import annotations

import re

import pytest

from policy import pack
from policy.reading import Property
from policy.rule import EVERY_KIND, Resource, Rule
from tests.policy.provider_schema import filled, properties, resource_arguments

RULES = [made for made in pack.judgement().rules if any(kind.startswith("aws.") for kind in made.on)]


@pytest.mark.parametrize("made", RULES, ids=lambda made: made.name)
def test_rule_is_on_kinds_and_properties_that_the_provider_has(made: Rule, monkeypatch: pytest.MonkeyPatch) -> None:
    kinds = {kind: resource_arguments(kind) for kind in made.on if kind != EVERY_KIND}
    missing = [kind for kind, arguments in kinds.items() if arguments is None]
    assert not missing, f"{made.name} is on kinds that pulumi_aws does not have"

    read: set[str] = set()
    original = Property.__getitem__

    def recording(self: Property, key: str) -> Property:
        found = original(self, key)
        read.add(re.sub(r"\[\d+\]", "", found.path))
        return found

    monkeypatch.setattr(Property, "__getitem__", recording)
    for kind, arguments in kinds.items():
        assert arguments is not None
        for values in ({}, filled(arguments), filled(arguments, "HTTPS"), filled(arguments, True)):
            resource = Resource("x", "name", "urn:pulumi:prod::project::type::name", values)
            resource.kind = kind
            made.judge(resource)
    unreal = {path for path in read if not any(_exists(path, arguments) for arguments in kinds.values())}
    assert not unreal, f"{made.name} reads properties that none of {', '.join(kinds)} has"


def _exists(path: str, arguments: type | None) -> bool:
    for key in path.split("."):
        if arguments is None:
            return True  # inside a document given as text
        known = properties(arguments)
        if key not in known:
            return False
        arguments = known[key]
    return True
