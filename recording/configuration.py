"""A stack's configuration as the Pulumi engine would hand it to the program: defaults, the stack's file, overrides."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recording.strict_yaml import YamlError, read_yaml

STACK_FILE_KEYS = ("config", "secretsprovider", "encryptedkey", "encryptionsalt")
"""What the engine keeps in a stack's file and the program may have there."""
FORMS: Mapping[str, tuple[tuple[type, ...], str]] = {
    "string": ((str, int, float), "a text"),
    "integer": ((int, str), "a whole number"),
    "boolean": ((bool, str), "true or false"),
    "array": ((list, str), "a list"),
}
"""The Python types in which a type that `Pulumi.yaml` declares may arrive, and its name in a sentence. What
`pulumi config set` wrote is text; the setting itself judges it."""
LONGEST_FILE = 1_000_000
"""Characters of a settings file."""
LONGEST_SHOWN = 60


class ConfigurationError(Exception):
    """The project's or stack's file cannot be read; each argument is one sentence."""


@dataclass(frozen=True)
class Configuration:
    """Configuration text by full key (``softpos:nodeCount``), of one stack."""

    project: str
    stack: str
    values: Mapping[str, str]


def read_configuration(root: Path, stack: str, overrides: Mapping[str, str]) -> Configuration:
    """Read `Pulumi.yaml` and `Pulumi.<stack>.yaml` under `root`, then lay `overrides` over them.

    Raises:
        ConfigurationError: for a missing stack, YAML that is not plain, a value of another type than declared, or
            one that only a CLI could read.
    """
    project_file = _mapping(root / "Pulumi.yaml")
    project = project_file.get("name")
    if not isinstance(project, str) or not project:
        raise ConfigurationError("Pulumi.yaml: `name` is missing; write the project's name, as in the repository.")
    declared = _section(project_file, "Pulumi.yaml")
    values: dict[str, str] = {}
    for key, declaration in declared.items():
        default = declaration.get("default") if isinstance(declaration, dict) else declaration
        if default is not None:
            values[_full(project, key)] = _as_text(default)
    known = stack_names(root)
    if stack not in known:
        near = difflib.get_close_matches(stack[:LONGEST_SHOWN], known, n=1)
        advice = f"did you mean {near[0]}?" if near else "choose one of them, or write the file of a new one."
        raise ConfigurationError(f"stack: there is no stack {_short(stack)}; allowed: {', '.join(known)}; {advice}")
    types = {_full(project, key): one.get("type", "") for key, one in declared.items() if isinstance(one, dict)}
    values |= _stack_values(root / f"Pulumi.{stack}.yaml", types)
    values.update({_full(project, key): value for key, value in overrides.items()})
    return Configuration(project=project, stack=stack, values=values)


def stack_names(root: Path) -> list[str]:
    """The stacks that have a file under `root`, sorted."""
    files = (path.name for path in root.glob("Pulumi.?*.yaml") if path.is_file())
    return sorted(name.removeprefix("Pulumi.").removesuffix(".yaml") for name in files)


def _stack_values(path: Path, types: Mapping[str, str]) -> dict[str, str]:
    """The settings of a stack's file as text, each checked against its declared type."""
    content = _mapping(path)
    problems = [_unknown_section(path.name, key) for key in content if key not in STACK_FILE_KEYS]
    values: dict[str, str] = {}
    for key, value in _section(content, path.name).items():
        problem = _problem(key, value, types.get(key, ""), path.name)
        if problem:
            problems.append(problem)
        else:
            values[key] = _as_text(value)
    if problems:
        raise ConfigurationError(*problems)
    return values


def _unknown_section(name: str, key: str) -> str:
    if key == "environment":
        return (
            f"{name}: `environment` (Pulumi ESC) is not allowed; only the Pulumi CLI can read what it adds; "
            "write the settings under `config:`."
        )
    near = difflib.get_close_matches(key[:LONGEST_SHOWN], STACK_FILE_KEYS, n=1)
    advice = f"did you mean {near[0]}?" if near else "remove it, or move it below `config:`."
    return f"{name}: {_short(key)} is not allowed; allowed: {', '.join(STACK_FILE_KEYS)}; {advice}"


def _problem(key: str, value: object, declared: str, name: str) -> str:
    """What is wrong with the form of one setting of a stack's file, or nothing."""
    if ":" not in key:
        return f"{_short(key)} in {name} has no namespace; allowed: softpos:<setting>; write it in full."
    shown = key if key.isprintable() and len(key) <= LONGEST_SHOWN else _short(key)
    if _encrypted(value):
        return (
            f"{shown}: the value in {name} is encrypted and cannot be read without the Pulumi CLI; "
            "keep secrets in Secrets Manager, not in the stack's configuration."
        )
    if _holds_nothing(value):
        return f"{shown}: nothing is given in {name}; allowed: a value; write one, or remove the line for the default."
    types, form = FORMS.get(declared, ((), ""))
    if types and type(value) not in types:
        found = "a list" if isinstance(value, list) else "a mapping" if isinstance(value, dict) else json.dumps(value)
        return f"{shown}: {found} in {name} is not allowed; allowed: {form}; write one, a text in quotes."
    return ""


def _encrypted(value: object) -> bool:
    if isinstance(value, dict):
        return "secure" in value or any(map(_encrypted, value.values()))
    return isinstance(value, list) and any(map(_encrypted, value))


def _holds_nothing(value: object) -> bool:
    return value is None or (isinstance(value, list) and any(map(_holds_nothing, value)))


def _mapping(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8-sig")
        content = read_yaml(text) if len(text) <= LONGEST_FILE else None
    except YamlError as error:
        raise ConfigurationError(f"{path.name}, {error}.") from None
    except UnicodeDecodeError as error:
        raise ConfigurationError(
            f"{path.name}: byte {error.start + 1} is not UTF-8; allowed: text in UTF-8; save the file as such."
        ) from None
    except OSError as error:
        raise ConfigurationError(
            f"{path.name}: cannot be read ({error.strerror}); correct the file or its rights."
        ) from None
    if len(text) > LONGEST_FILE:
        raise ConfigurationError(f"{path.name}: has {len(text)} characters; allowed: {LONGEST_FILE}; shorten it.")
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise ConfigurationError(f"{path.name}: holds no mapping; start from the file in the repository.")
    return content


def _section(content: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    section = content.get("config")
    if section is None:
        return {}
    if not isinstance(section, dict):
        raise ConfigurationError(
            f"{name}: `config` is not a mapping; write `config:` and a `key: value` line for each setting."
        )
    return section


def _full(project: str, key: str) -> str:
    return key if ":" in key else f"{project}:{key}"


def _as_text(value: object) -> str:
    """Configuration is text to a program: structures travel as JSON, booleans in lower case."""
    if isinstance(value, str):
        return value
    return json.dumps(value)


def _short(value: str) -> str:
    shown = repr(value)
    return shown if len(shown) <= LONGEST_SHOWN else f"{shown[:LONGEST_SHOWN]}..."
