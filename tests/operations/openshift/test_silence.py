"""Nothing is dropped in silence: each field of an export that means something changes the output when it is removed."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest

from operations.openshift.export import Export
from operations.openshift.part import Way, says_nothing
from operations.openshift.reading import Objects
from operations.openshift.review import review_export
from tests.operations.openshift.conftest import NAMES, items

SAME_WHEN_ABSENT = (
    "spec.triggers.1.imageChangeParams.containerNames",  # the only container
    "spec.triggers.1.imageChangeParams.from.kind",  # the only kind that triggers
    "spec.template.spec.containers.0.resources.requests.memory",  # Kubernetes takes the limit
    "spec.jobTemplate.spec.template.spec.containers.0.resources.requests.memory",  # the same
    "spec.jobTemplate.spec.template.spec.containers.0.name",  # a container without a name is never exported
)
"""Fields of the cases whose absence means what they say."""


def told(objects: list[dict[str, Any]]) -> dict[str, Any]:
    return review_export(Export(Objects(found=copy.deepcopy(objects)))).document()


def fields(value: Any, way: Way = ()) -> Iterator[Way]:
    """Every field that is neither the platform's own nor a default, whole mappings and lists included."""
    if way and says_nothing(way, value):
        return
    inner: list[Way] = []
    if isinstance(value, dict):
        inner = [found for key, item in value.items() for found in fields(item, (*way, key))]
    elif isinstance(value, list):
        inner = [found for number, item in enumerate(value) for found in fields(item, (*way, number))]
    if way and isinstance(way[-1], str) and (inner or not isinstance(value, dict | list) or not value):
        yield way
    yield from inner


def without(item: dict[str, Any], way: Way) -> dict[str, Any]:
    changed: Any = copy.deepcopy(item)
    part = changed
    for step in way[:-1]:
        part = part[step]
    del part[way[-1]]
    found: dict[str, Any] = changed
    return found


@pytest.mark.parametrize("name", NAMES)
def test_a_field_that_is_removed_changes_the_output(name: str) -> None:
    objects = items(name)
    whole = told(objects)
    silent = []
    for number, item in enumerate(objects):
        if whole["objects"][number]["verdict"] == "ignored":
            continue  # the whole object is told to be left behind
        for way in fields(item):
            changed = [*objects[:number], without(item, way), *objects[number + 1 :]]
            if told(changed) == whole:
                path = ".".join(map(str, way))
                if path in SAME_WHEN_ABSENT:
                    continue
                silent.append(f"{item['kind']}/{item['metadata']['name']}: {path}")
    assert silent == []
