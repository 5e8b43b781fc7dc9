"""The verdicts on invented exports are those that a careful person wrote down before."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.operations.openshift.conftest import CASES, NAMES, Result, expected


@pytest.mark.parametrize("name", NAMES)
def test_each_object_gets_the_expected_verdict_and_its_facts_are_told(
    name: str, inspect: Callable[..., Result]
) -> None:
    result, wanted = inspect(CASES / f"{name}.yaml"), expected(name)
    assert result.code == 0
    assert {entry["object"]: entry["verdict"] for entry in result.document["objects"]} == {
        entry["object"]: entry["verdict"] for entry in wanted["objects"]
    }
    for entry in wanted["objects"]:
        found = result.of(entry["object"])
        told = f"{found['target']} {found['says']}".lower()
        assert [word for word in entry.get("mentions", ()) if str(word).lower() not in told] == [], entry["object"]
        assert set(found.get("keys", ())) >= set(entry.get("keys", ()))


@pytest.mark.parametrize("name", NAMES)
def test_settings_result_as_expected(name: str, inspect: Callable[..., Result]) -> None:
    found = inspect(CASES / f"{name}.yaml").document["settings"]
    wanted = expected(name).get("settings", {})
    assert {
        service: {key: found.get(service, {}).get(key) for key in values} for service, values in wanted.items()
    } == wanted


@pytest.mark.parametrize("name", NAMES)
def test_no_value_of_a_secret_is_written(name: str, inspect: Callable[..., Result]) -> None:
    result = inspect(CASES / f"{name}.yaml")
    for value in expected(name).get("never_written", ()):
        assert value not in result.output
        assert value not in str(result.document)


def test_an_object_has_the_fields_of_the_contract(inspect: Callable[..., Result]) -> None:
    document = inspect(CASES / "06-secrets.yaml").document
    assert set(document) == {"objects", "project", "settings"}
    words = {"carried", "changed", "decision", "impossible", "ignored"}
    for entry in document["objects"]:
        assert {"object", "verdict", "target", "says"} <= set(entry)
        assert entry["verdict"] in words
        assert entry["says"]
