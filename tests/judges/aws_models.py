"""AWS's own models as judges of recorded inputs: CloudFormation's schemas and the API models of the AWS SDK.

Both come from packages that follow AWS's publications (`cfn-lint` and `botocore`). For each Pulumi type `models.csv`
names the CloudFormation type and the API operation that describe the same thing. A recorded property is held against
the model's property of the same name, through all levels: patterns, enumerations, lengths, ranges and amounts. Names
that only one side knows are counted, not judged.

EC2's rule for descriptions, which the schemas lack, is asked in addition.
"""

from __future__ import annotations

import csv
import gzip
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import botocore
import cfnlint
import regex

from recording.recorder import WITHHELD, Resource
from tools.engine.texts import unreadable

SCHEMAS = Path(cfnlint.__file__).parent / "data" / "schemas"
API_MODELS = Path(botocore.__file__).parent / "data"
SHORTEST_ENDING = 4
"""Characters from which one name that ends as Pulumi's is taken for the same."""


class Finding(NamedTuple):
    """One recorded value that a model forbids."""

    resource: str
    property: str
    value: str
    rule: str

    def __str__(self) -> str:
        return f"{self.resource}: {self.property} {self.value!r}: {self.rule}"


class Model(NamedTuple):
    """One row of `models.csv`."""

    type: str
    cloudformation: str
    api: str


@dataclass
class Judgement:
    """What the models said of some resources, and how much of them they knew."""

    resources: int = 0
    types: set[str] = field(default_factory=set)
    judged: int = 0
    """Values that a model has a property for."""
    unknown: set[str] = field(default_factory=set)
    """Properties that no model has a name for."""
    findings: set[Finding] = field(default_factory=set)


@cache
def models() -> Mapping[str, Model]:
    """All rows of `models.csv` by Pulumi type."""
    text = (Path(__file__).parent / "models.csv").read_text(encoding="utf-8")
    return {row["type"]: Model(**row) for row in csv.DictReader(text.splitlines())}


def judge(resources: Iterable[Resource], region: str) -> Judgement:
    """Hold every resource of AWS against the models of `region`."""
    said = Judgement()
    for resource in resources:
        if not resource.type.startswith("aws:") or not resource.custom:
            continue
        said.resources += 1
        said.types.add(resource.type)
        for name, value in resource.inputs.items():
            _judge_property(resource, name, value, region, said)
    return said


def _judge_property(resource: Resource, name: str, value: Any, region: str, said: Judgement) -> None:
    for failure in unreadable(resource.type, {name: value}):
        said.findings.add(Finding(resource.name, name, str(value), failure.reason))
    row = models()[resource.type]
    known = False
    for root in (_schema(row.cloudformation, region), _shape(row.api)):
        found = root.member(name, resource.type) if root else None
        if found is None:
            continue
        known = True
        for path, inner, node in _walk(name, value, found):
            said.judged += 1
            for rule in node.refuses(inner):
                said.findings.add(Finding(resource.name, path, str(inner)[:120], rule))
    if not known:
        said.unknown.add(f"{resource.type} {name}")


def _walk(path: str, value: Any, node: Node) -> Iterator[tuple[str, Any, Node]]:
    """The value and everything in it, each with its place in the model."""
    if value is None or value == WITHHELD:
        return
    if isinstance(value, list):
        if node.is_list:
            yield path, value, node
        item = node.item() if node.is_list else node
        for index, inner in enumerate(value if item else ()):
            assert item is not None
            yield from _walk(f"{path}[{index}]", inner, item)
        return
    if node.is_list:
        item = node.item()
        if item is not None:
            yield from _walk(path, value, item)
        return
    yield path, value, node
    if isinstance(value, dict):
        for name, inner in value.items():
            below = node.member(name, "")
            if below is not None:
                yield from _walk(f"{path}.{name}", inner, below)


class Node:
    """A place in a model."""

    is_list = False

    def member(self, name: str, type_: str) -> Node | None:
        """The property that `name` of Pulumi means."""
        raise NotImplementedError

    def item(self) -> Node | None:
        """What a list holds."""
        raise NotImplementedError

    def refuses(self, value: Any) -> Iterator[str]:
        """Why the model forbids `value`, without what is in it."""
        raise NotImplementedError


@cache
def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


@cache
def _meant(name: str, type_: str, names: frozenset[str]) -> str | None:
    """The model's name for Pulumi's `name`: the same word, in the plural, or with the type's noun in front."""
    wanted = _plain(name)
    noun = _plain(type_.rpartition(":")[2])
    spellings = (
        *(wanted, f"{wanted}s", wanted.removesuffix("s"), f"{wanted.removesuffix('s')}es", f"{wanted}document"),
        *(f"{noun}{wanted}", f"{wanted}name", f"{wanted}entifier", f"db{wanted}", f"cache{wanted}", f"group{wanted}"),
    )
    by_plain = {_plain(one): one for one in sorted(names)}
    found = next((by_plain[one] for one in spellings if one in by_plain), None)
    if found is None and len(wanted) >= SHORTEST_ENDING:
        ending = [one for plain, one in by_plain.items() if plain.endswith(wanted)]
        found = ending[0] if len(ending) == 1 else None
    return found


# ---- CloudFormation's schemas ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class SchemaNode(Node):
    """A place in a CloudFormation schema."""

    document: Mapping[str, Any]
    place: Mapping[str, Any]

    @property
    def _resolved(self) -> Mapping[str, Any]:
        place = self.place
        while "$ref" in place:
            target: Any = self.document
            for step in place["$ref"].removeprefix("#/").split("/"):
                target = target[step]
            place = target
        return place

    @property
    def is_list(self) -> bool:  # type: ignore[override]
        return self._resolved.get("type") == "array"

    def member(self, name: str, type_: str) -> Node | None:
        properties = self._resolved.get("properties") or {}
        read_only = {one.rpartition("/")[2] for one in self.document.get("readOnlyProperties", ())}
        found = _meant(name, type_, frozenset(properties) - read_only)
        return SchemaNode(self.document, properties[found]) if found else None

    def item(self) -> Node | None:
        items = self._resolved.get("items")
        return SchemaNode(self.document, items) if isinstance(items, dict) else None

    def refuses(self, value: Any) -> Iterator[str]:
        place = self._resolved
        options = place.get("oneOf") or place.get("anyOf")
        if options and not isinstance(value, dict):
            refusals = [list(SchemaNode(self.document, one).refuses(value)) for one in options]
            if all(refusals):
                yield from refusals[0]
        yield from _refusals(
            value,
            pattern=place.get("pattern"),
            allowed=place.get("enum"),
            length=(place.get("minLength"), place.get("maxLength")),
            amount=(place.get("minItems"), place.get("maxItems")),
            within=(place.get("minimum"), place.get("maximum")),
            source="CloudFormation",
            whole=False,  # an expression of JSON Schema may match anywhere
        )


@cache
def _schema(name: str, region: str) -> SchemaNode | None:
    if not name:
        return None
    files = json.loads((SCHEMAS / "providers" / f"{region}.json").read_text(encoding="utf-8"))
    if name not in files:
        raise LookupError(f"{name}: CloudFormation has no such type in {region}.")
    document = json.loads((SCHEMAS / "resources" / f"{files[name]}.json").read_text(encoding="utf-8"))
    return SchemaNode(document, document)


# ---- The API models of the SDK ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ShapeNode(Node):
    """A place in the model of an API."""

    shapes: Mapping[str, Any]
    name: str

    @property
    def _shape(self) -> Mapping[str, Any]:
        shape: Mapping[str, Any] = self.shapes[self.name]
        return shape

    @property
    def is_list(self) -> bool:  # type: ignore[override]
        return bool(self._shape["type"] == "list")

    def member(self, name: str, type_: str) -> Node | None:
        members = self._shape.get("members") or {}
        found = _meant(name, type_, frozenset(members))
        return ShapeNode(self.shapes, members[found]["shape"]) if found else None

    def item(self) -> Node | None:
        return ShapeNode(self.shapes, self._shape["member"]["shape"]) if self.is_list else None

    def refuses(self, value: Any) -> Iterator[str]:
        shape = self._shape
        bounds = (shape.get("min"), shape.get("max"))
        is_number = shape["type"] in ("integer", "long", "float", "double")
        yield from _refusals(
            value,
            pattern=shape.get("pattern"),
            allowed=shape.get("enum"),
            length=bounds if shape["type"] == "string" else (None, None),
            amount=bounds if shape["type"] == "list" else (None, None),
            within=bounds if is_number else (None, None),
            source=f"the API ({self.name})",
            whole=True,
        )


@cache
def _api(service: str) -> Mapping[str, Any]:
    [*_, newest] = sorted((API_MODELS / service).glob("*/service-2.json.gz"))
    model: Mapping[str, Any] = json.loads(gzip.decompress(newest.read_bytes()))
    return model


@cache
def _shape(api: str) -> ShapeNode:
    service, _, operation = api.partition(":")
    operation, *steps = operation.split(".")
    model = _api(service)
    node = ShapeNode(model["shapes"], model["operations"][operation]["input"]["shape"])
    for step in steps:
        shape = model["shapes"][node.name]
        if shape["type"] == "list":
            shape = model["shapes"][shape["member"]["shape"]]
        node = ShapeNode(model["shapes"], shape["members"][step]["shape"])
    if node.is_list:
        node = ShapeNode(model["shapes"], model["shapes"][node.name]["member"]["shape"])
    return node


# ---- What a model may ask of a value ---------------------------------------------------------------------------------


def _refusals(
    value: Any,
    *,
    pattern: str | None,
    allowed: list[Any] | None,
    length: tuple[int | None, int | None],
    amount: tuple[int | None, int | None],
    within: tuple[float | None, float | None],
    source: str,
    whole: bool,
) -> Iterator[str]:
    if isinstance(value, list):
        yield from _bounded(len(value), amount, "entries", source)
        return
    if isinstance(value, dict):
        return
    if allowed is not None and str(value) not in map(str, allowed) and value is not None:
        yield f"{source} allows {', '.join(map(str, allowed[:8]))}{' ...' if len(allowed) > 8 else ''}"
    if isinstance(value, str):
        yield from _bounded(len(value), length, "characters", source)
        if pattern is not None and not _expression(pattern, whole).search(value):
            yield f"{source} asks for {pattern}"
    if any(bound is not None for bound in within):
        try:
            yield from _bounded(float(value), within, "as the value", source)
        except (TypeError, ValueError):
            yield f"{source} asks for a number"


@cache
def _expression(pattern: str, whole: bool) -> Any:
    # Java, which AWS writes them for, writes the upper planes of Unicode as pairs.
    pattern = pattern.replace(r"\uD800\uDC00-\uDBFF\uDFFF", r"\U00010000-\U0010FFFF")
    return regex.compile(rf"\A(?:{pattern})\Z" if whole else pattern)


def _bounded(found: float, bounds: tuple[float | None, float | None], what: str, source: str) -> Iterator[str]:
    least, most = bounds
    if least is not None and found < least:
        yield f"{source} asks for at least {least} {what}, found {found:g}"
    if most is not None and found > most:
        yield f"{source} allows at most {most} {what}, found {found:g}"
