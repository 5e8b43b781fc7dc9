"""Reads the stack's configuration into `Settings`: the only reader of `pulumi.Config`.

`load` refuses bad values before anything is registered and names all problems at once, one line each.
"""

from __future__ import annotations

import base64
import difflib
import os
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from ipaddress import IPv4Address, IPv4Network
from typing import Any, get_type_hints

import pulumi

from components.foundations.values import DOCUMENTATION_RANGES, ListOf, Refused, certificate_pem
from settings.checks import CHECKS, Draft, NotRead
from settings.groups import PROJECT, Key, Settings, known_keys
from settings.problems import Problem, SettingsError, shown, shown_key

ENGINES_OWN = "pulumi:"
"""Keys that the engine reads itself, such as ``pulumi:tags``."""
EXAMPLE_ACCOUNTS = ("123456789012", "111122223333")
"""Account numbers of AWS's documentation."""
REHEARSAL = "SOFTPOS_REHEARSAL"
"""Environment variable set by the rehearsals: example values are then flagged, not refused."""


def load() -> Settings:
    """Read this stack's settings.

    Raises:
        SettingsError: with every problem found, when any value cannot be used; also when a value is still an example
            and the deployment is a real one.
    """
    settings, problems = read(_given(), pulumi.get_stack())
    if settings is None:
        raise SettingsError(problems)
    examples = tuple(example_values(settings))
    if examples and os.environ.get(REHEARSAL) != "1":
        raise SettingsError(examples)
    return settings


def read(given: Mapping[str, str], stack: str) -> tuple[Settings | None, tuple[Problem, ...]]:
    """Turn configuration text, by full key, into settings, or into all the reasons why it cannot be."""
    known = {key.name: key for key in known_keys()}
    problems = [_unknown(name, known) for name in given if name not in known and not name.startswith(ENGINES_OWN)]
    values: dict[tuple[str, str], Any] = {}
    for key in known.values():
        if key.name not in given:
            problems.append(Problem(key.name, "nothing", "a value", _how_to_set(key)))
            continue
        try:
            values[key.group, key.field] = key.kind(given[key.name])
        except Refused as refusal:
            value = given[key.name] if refusal.found is None else str(refusal.found)
            problems.append(Problem(f"{key.name}{refusal.place}", shown(value), refusal.allowed, refusal.remedy))
    draft = Draft(values, stack)
    for check in CHECKS:
        try:
            problems.extend(check(draft))
        except NotRead:
            continue  # a value that the check needs is itself a problem, and named already
    if problems:
        return None, tuple(problems)
    members: dict[str, Any] = {field: value for (group, field), value in values.items() if group == ""}
    for name, hint in get_type_hints(Settings).items():
        if isinstance(hint, type) and is_dataclass(hint):
            members[name] = hint(**{field.name: values[name, field.name] for field in fields(hint)})
    return Settings(**members, stack=stack), ()


def example_values(settings: Settings) -> Iterator[Problem]:
    """Each value that is an example (documentation ranges, example.com, AWS's documentation account)."""
    remedy = "replace the example by your own value before a real deployment"
    for key in known_keys():
        group = getattr(settings, key.group) if key.group else settings
        found = getattr(group, key.field)
        for item in found if isinstance(found, tuple) else (found,):
            if _is_example(item):
                yield Problem(key.name, f"the example {shown(str(item))}", "a value of your own", remedy)
                break


def _is_example(item: object) -> bool:
    if isinstance(item, IPv4Address):
        item = IPv4Network(item)
    if isinstance(item, IPv4Network):
        return any(item.subnet_of(known) for known in DOCUMENTATION_RANGES)
    if not isinstance(item, str):
        return False
    if item.startswith("-----BEGIN CERTIFICATE"):
        encoded = item.removeprefix("-----BEGIN CERTIFICATE-----").partition("-----END")[0]
        item = base64.b64decode(encoded).decode("latin-1")
    return any(word in item for word in ("example.com", "example.net", "example.org", *EXAMPLE_ACCOUNTS))


def _given() -> dict[str, str]:
    """All configuration of the running stack, by full key."""
    return {**pulumi.runtime.get_config_env(), **pulumi.runtime.config.CONFIG.get()}


def _how_to_set(key: Key) -> str:
    """The command with which the CLI takes a value of this kind; as an argument it takes no list and no dash."""
    if isinstance(key.kind, ListOf):
        return f"run `pulumi config set --path '{key.name}[0]' VALUE`, the next with [1]"
    if key.kind is certificate_pem:
        return f"run `pulumi config set {key.name} < FILE`"
    return f"run `pulumi config set {key.name} VALUE`"


REPLACED = {
    f"{PROJECT}:migrationEnabled": f"{PROJECT}:migrationPhase, which replaces it (false: none or after; true: beside)"
}
"""Keys of earlier versions, and what to write in their place."""


def _unknown(name: str, known: Mapping[str, Key]) -> Problem:
    if name in REPLACED:
        return Problem(name, "this key", REPLACED[name], f"set that one and run `pulumi config rm {name}`")
    if not name.startswith(f"{PROJECT}:"):
        return Problem(
            shown_key(name),
            "this key",
            "the keys of Pulumi.yaml and aws:region, because every provider is made from these alone",
            "remove it, and choose credentials by the environment (AWS_PROFILE)",
        )
    own_words = [key.removeprefix(f"{PROJECT}:") for key in known]
    near = difflib.get_close_matches(name.removeprefix(f"{PROJECT}:"), own_words, n=1)
    return Problem(
        shown_key(name),
        "this key",
        f"the keys of Pulumi.yaml{f', nearest: {PROJECT}:{near[0]}' if near else ''}",
        f"correct or remove it (`pulumi config rm {shown_key(name)}`)",
    )
