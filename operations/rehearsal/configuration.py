"""A stack's configuration as the Pulumi engine would hand it to the program: defaults, the stack's file, overrides."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml


class ConfigurationError(Exception):
    """The project's or stack's file cannot be read; the message is one sentence."""


@dataclass(frozen=True)
class Configuration:
    """Configuration text by full key (``softpos:nodeCount``), of one stack."""

    project: str
    stack: str
    values: Mapping[str, str]


def read_configuration(root: Path, stack: str, overrides: Mapping[str, str]) -> Configuration:
    """Read `Pulumi.yaml` and `Pulumi.<stack>.yaml` under `root`, then lay `overrides` over them.

    Raises:
        ConfigurationError: for a missing stack, unreadable YAML, or a value that only a CLI could decrypt.
    """
    project_file = _mapping(root / "Pulumi.yaml")
    if "name" not in project_file:
        raise ConfigurationError("Pulumi.yaml: `name` is missing; write the project's name, as in the repository.")
    project = str(project_file["name"])
    values: dict[str, str] = {}
    for key, declaration in _section(project_file, "Pulumi.yaml").items():
        default = declaration.get("default") if isinstance(declaration, dict) else declaration
        if default is not None:
            values[_full(project, key)] = _as_text(default)
    stack_path = root / f"Pulumi.{stack}.yaml"
    if not stack_path.is_file():
        known = stack_names(root)
        near = difflib.get_close_matches(stack, known, n=1)
        raise ConfigurationError(
            f"stack: there is no stack {stack!r}; allowed: {', '.join(known)}"
            f"{f'; did you mean {near[0]}?' if near else f'; write {stack_path.name} or choose one of them.'}"
        )
    for key, value in _section(_mapping(stack_path), stack_path.name).items():
        if isinstance(value, dict) and set(value) == {"secure"}:
            raise ConfigurationError(
                f"{key}: the value in {stack_path.name} is encrypted and cannot be read without the Pulumi CLI; "
                "keep secrets in Secrets Manager, not in the stack's configuration."
            )
        values[_full(project, key)] = _as_text(value)
    values.update({_full(project, key): value for key, value in overrides.items()})
    return Configuration(project=project, stack=stack, values=values)


def stack_names(root: Path) -> list[str]:
    """The stacks that have a file under `root`, sorted."""
    return sorted(path.name.removeprefix("Pulumi.").removesuffix(".yaml") for path in root.glob("Pulumi.*.yaml"))


def _mapping(path: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "not YAML"
        raise ConfigurationError(f"{path.name}{where}: {problem}; correct the YAML at that place.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path.name}: cannot be read ({error}); correct the file or its rights.") from None
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise ConfigurationError(f"{path.name}: holds no mapping; start from the file in the repository.")
    return content


def _section(content: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    section = content.get("config") or {}
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
