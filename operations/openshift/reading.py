"""Export files as objects: YAML of several documents, JSON, lists. Values of secrets end here.

What this module hands on holds no value of a Secret, no private key and no copy of an object in an annotation: each is
replaced by `WITHHELD` at once, so that nothing after it could print one.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from command_line.exits import BAD_INPUT, Stop
from operations.openshift.sensitive import WITHHELD, is_key_material, is_worth_hiding

DEEPEST = 60
"""Levels of nesting; the deepest field of any Kubernetes object lies at about 20."""
MOST_VALUES = 5_000_000
"""Values in one export. Repeated YAML anchors can stand for billions of values in a few lines."""
FROM = "oc get ... -o yaml"


@dataclass
class Objects:
    """What was read: objects without their secret values, and what only the values could say."""

    found: list[dict[str, Any]] = field(default_factory=list)
    secret_values: set[str] = field(default_factory=set)
    """Values of Secrets, plain; looked for in environments and files, and never written."""
    with_values: int = 0
    """How many Secrets came with values."""
    private_keys: int = 0
    """How many Routes came with a private key."""


class _Loader(yaml.CSafeLoader):
    """YAML as Kubernetes means it: moments stay text, and a key that appears twice is an error."""


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict[Any, Any]:
    loader.flatten_mapping(node)
    seen = set()
    for key, _ in node.value:
        if isinstance(key, yaml.ScalarNode) and key.value in seen:
            raise yaml.constructor.ConstructorError(None, None, "a key appears twice", key.start_mark)
        seen.add(key.value if isinstance(key, yaml.ScalarNode) else id(key))
    return {
        str(loader.construct_object(key, deep=True)): loader.construct_object(item, deep=True)
        for key, item in node.value
    }


_Loader.add_constructor("tag:yaml.org,2002:map", _mapping)
for _tag in ("timestamp", "value"):
    _Loader.add_constructor(f"tag:yaml.org,2002:{_tag}", lambda _loader, node: str(node.value))


def read_objects(files: tuple[Path, ...], say: Callable[[int], None] = lambda _: None) -> Objects:
    """Read every object of `files`, lists opened; `say` hears how many there are so far.

    Raises:
        Stop: with one sentence that names the file, when it cannot be read, is no YAML or JSON, or holds no object.
    """
    objects = Objects()
    for path in files:
        before = len(objects.found)
        for number, document in enumerate(_documents(path), 1):
            for item in _opened(document, f"{path}, document {number}"):
                objects.found.append(_withheld(item, objects))
                say(len(objects.found))
        if len(objects.found) == before:
            raise Stop(BAD_INPUT, f"{path}: holds no object; allowed: what `{FROM}` gives; export it again.")
    return objects


def _documents(path: Path) -> Iterator[Any]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise Stop(BAD_INPUT, f"{path}: is no UTF-8 text; allowed: YAML or JSON of `{FROM}`; export again.") from None
    except OSError as error:
        raise Stop(BAD_INPUT, f"{path}: cannot be read ({error.strerror}); give a file of `{FROM}`.") from None
    try:
        if text.lstrip().startswith("{"):
            with suppress(json.JSONDecodeError):  # several documents, or YAML in its flow form
                yield _plain(json.loads(text), path)
                return
        for document in yaml.load_all(text, Loader=_Loader):
            if document is not None:
                yield _plain(document, path)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        # The parser's own words could quote the file.
        twice = getattr(error, "problem", "") == "a key appears twice"
        what = "a key appears twice in one mapping" if twice else "is not YAML"
        raise Stop(BAD_INPUT, f"{path}{where}: {what}; allowed: what `{FROM}` gives; correct it there.") from None


def _plain(document: Any, path: Path) -> Any:
    """A copy without shared parts, refused when anchors make it endless or huge."""
    left = MOST_VALUES

    def copy(value: Any, depth: int) -> Any:
        nonlocal left
        left -= 1
        if depth > DEEPEST or left < 0:
            limits = f"{DEEPEST} levels and {MOST_VALUES:,} values"
            raise Stop(BAD_INPUT, f"{path}: is nested too deeply or too large; allowed: {limits}; export it in parts.")
        if isinstance(value, dict):
            return {str(key): copy(item, depth + 1) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [copy(item, depth + 1) for item in value]
        return value if isinstance(value, str | int | float | bool) or value is None else str(value)

    return copy(document, 0)


def _opened(document: Any, where: str) -> Iterator[dict[str, Any]]:
    """The objects of a document: itself, or the items of a list, also of a list of one kind."""
    if not isinstance(document, dict) or not isinstance(document.get("kind"), str) or not document["kind"]:
        raise Stop(
            BAD_INPUT,
            f"{where}: is no Kubernetes object; allowed: a mapping with a kind, as `{FROM}` gives; export again.",
        )
    kind = document["kind"]
    if not kind.endswith("List") or "items" not in document:
        yield document
        return
    items = document["items"] if document["items"] is not None else []
    if not isinstance(items, list):
        raise Stop(
            BAD_INPUT,
            f"{where}: the items of its list are no list; allowed: a list of objects; export again with `{FROM}`.",
        )
    for number, item in enumerate(items, 1):
        if isinstance(item, dict) and "kind" not in item and kind != "List":
            item = {"apiVersion": document.get("apiVersion", ""), "kind": kind.removesuffix("List"), **item}
        yield from _opened(item, f"{where}, item {number}")


def _withheld(item: dict[str, Any], objects: Objects) -> dict[str, Any]:
    """The object without what nobody may see."""
    kind = item["kind"]
    metadata = item.get("metadata")
    if isinstance(metadata, dict) and isinstance(annotations := metadata.get("annotations"), dict):
        for name in annotations:
            if name.endswith("last-applied-configuration"):
                annotations[name] = WITHHELD
    if kind == "Secret":
        _withhold_secret(item, objects)
    elif kind == "Template":
        parameters = item.get("parameters")
        for parameter in parameters if isinstance(parameters, list) else ():
            if isinstance(parameter, dict) and "value" in parameter:
                parameter["value"] = WITHHELD
    if kind == "Route" and isinstance(item.get("spec"), dict) and isinstance(item["spec"].get("tls"), dict):
        objects.private_keys += "key" in item["spec"]["tls"]
    withheld: dict[str, Any] = _without_keys(item)
    return withheld


def _withhold_secret(item: dict[str, Any], objects: Objects) -> None:
    has_values = False
    for section in ("data", "stringData"):
        values = item.get(section)
        if not isinstance(values, dict):
            if values is not None:
                item[section] = WITHHELD
            continue
        for name, value in values.items():
            has_values = has_values or value not in (None, "")
            if isinstance(value, str):
                objects.secret_values |= {
                    text for text in (value.strip(), _decoded(value)) if is_worth_hiding(name, text)
                }
            values[name] = WITHHELD
    objects.with_values += has_values


def _decoded(value: str) -> str:
    try:
        return base64.b64decode(value, validate=True).decode("utf-8").strip()
    except ValueError:
        return ""


def _without_keys(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_keys(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_keys(item) for item in value]
    return WITHHELD if isinstance(value, str) and is_key_material(value) else value
