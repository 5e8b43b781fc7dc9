"""Every Kubernetes object of the program against the published schemas of the API, for both versions that it offers."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import kubernetes_validate
import pytest

from tests.judges.programs import ENVIRONMENT, played

VERSIONS = ("1.35", "1.36")


def objects(program: str) -> dict[str, dict[str, Any]]:
    """The objects by logical name, as they are sent."""
    resources = [one for one in played(program).resources if one.type.startswith("kubernetes:")]
    return {one.name: dict(one.inputs) for one in resources if one.custom and one.inputs.get("kind")}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("program", ["dev", "prod", "the other choices", ENVIRONMENT])
def test_every_object_follows_the_schema_of_its_kind(program: str, version: str, tell: Callable[[str], None]) -> None:
    found = objects(program)
    assert len(found) > 10
    for name, one in found.items():
        try:
            kubernetes_validate.validate(one, version, strict=True)
        except kubernetes_validate.ValidationError as error:
            pytest.fail(f"{name}: {error.message}")
    kinds = {one["kind"] for one in found.values()}
    tell(f"Kubernetes {version}, {program}: {len(found)} objects of {len(kinds)} kinds follow the schemas")


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("Deployment", lambda one: one["spec"].update(replicaz=2)),
        ("Deployment", lambda one: one["spec"].update(replicas="two")),
        ("NetworkPolicy", lambda one: one["spec"].update(policyTypes="Ingress")),
        ("Service", lambda one: one["spec"]["ports"][0].update(port="https")),
    ],
)
def test_an_object_that_the_api_would_refuse_is_found(kind: str, change: Callable[[dict[str, Any]], None]) -> None:
    sample = copy.deepcopy(next(one for one in objects("prod").values() if one["kind"] == kind))
    change(sample)
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(sample, "1.36", strict=True)
