"""What an update would do, told before it is done."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from command_line.exits import Stop
from operations.plan.document import Rehearsal, as_document
from operations.rehearsal.page.comparison import Comparison, Kind, compare, read_document
from tests.operations.rehearsal.page.conftest import rehearse
from tests.operations.sample import record_sample


@pytest.fixture(scope="module")
def old(rehearsal: Rehearsal) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(json.dumps(as_document(rehearsal)))
    return document


def changed(rehearsal: Rehearsal, name: str, **inputs: Any) -> Rehearsal:
    """The rehearsal with other inputs of one resource."""
    resources = tuple(
        replace(resource, inputs={**resource.inputs, **inputs}) if resource.name == name else resource
        for resource in rehearsal.recording.resources
    )
    return replace(rehearsal, recording=replace(rehearsal.recording, resources=resources))


def kinds(comparison: Comparison) -> dict[str, Kind]:
    return {change.name: change.kind for change in comparison.changes}


def test_the_same_program_changes_nothing(rehearsal: Rehearsal, old: dict[str, Any]) -> None:
    comparison = compare(rehearsal, old)
    assert comparison.changes == ()
    assert comparison.seconds == 0
    assert comparison.cost_after == comparison.cost_before


def test_a_change_in_place_is_no_replacement(rehearsal: Rehearsal, old: dict[str, Any]) -> None:
    comparison = compare(changed(rehearsal, "database", backupRetentionPeriod=7), old)
    assert kinds(comparison) == {"database": Kind.CHANGED}
    assert comparison.changes[0].data == ""


def test_a_replaced_database_takes_its_instances_along_and_says_what_that_means(
    rehearsal: Rehearsal, old: dict[str, Any]
) -> None:
    comparison = compare(changed(rehearsal, "database", engine="mysql"), old)
    assert kinds(comparison) == {"database": Kind.REPLACED, "database-writer": Kind.REPLACED}
    fate = next(change.data for change in comparison.changes if change.name == "database")
    assert fate == "holds payments: protected, so the update would stop before it is replaced"
    assert comparison.seconds > 60


def test_a_replaced_database_without_protection_is_lost(rehearsal: Rehearsal, old: dict[str, Any]) -> None:
    for resource in old["resources"]:
        resource["protect"] = False
    comparison = compare(changed(rehearsal, "database", engine="mysql"), old)
    assert "lost when it is replaced; what remains is its final snapshot" in comparison.changes[0].data
    for resource in old["resources"]:
        resource["protect"] = resource["name"] == "database"


def test_a_renamed_resource_is_deleted_and_made_anew(rehearsal: Rehearsal) -> None:
    before = as_document(rehearse(record_sample(name="payments")))
    found = kinds(compare(rehearsal, before))
    assert found == {
        "payments": Kind.DELETED,
        "payments-writer": Kind.DELETED,
        "database": Kind.NEW,
        "database-writer": Kind.NEW,
    }


def test_a_renamed_resource_with_an_alias_is_the_same(rehearsal: Rehearsal) -> None:
    before = as_document(rehearse(record_sample(name="payments")))
    aliases = {"database": "payments", "database-writer": "payments-writer"}
    resources = tuple(
        replace(resource, aliases=(aliases[resource.name],)) if resource.name in aliases else resource
        for resource in rehearsal.recording.resources
    )
    now = replace(rehearsal, recording=replace(rehearsal.recording, resources=resources))
    assert kinds(compare(now, before)) == {}


def test_another_stack_is_compared_by_what_is_in_it(rehearsal: Rehearsal) -> None:
    other = as_document(rehearse(record_sample("other", database_class="db.r7g.xlarge")))
    comparison = compare(rehearsal, other)
    assert kinds(comparison) == {"database-writer": Kind.CHANGED}
    assert comparison.stack == "other"


def test_the_cost_follows_the_size(rehearsal: Rehearsal) -> None:
    before = as_document(rehearse(record_sample(database_class="db.r7g.xlarge")))
    comparison = compare(rehearsal, before)
    assert round(comparison.cost_after.usd - comparison.cost_before.usd, 2) == round((0.276 - 0.553) * 730, 2)


RESOURCE = {"urn": "urn:pulumi:dev::p::t::n", "type": "t", "name": "n", "parent": "", "dependencies": [], "inputs": {}}
RESOURCE |= {"protect": False}


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{}",
        "null",
        '"text"',
        "[" * 100_000,
        "9" * 5_000,
        '{"stack": "dev", "resources": [{"urn": 1}]}',
        '{"stack": "dev", "resources": []}',
        '{"stack": "dev", "resources": [], "violations": null}',
        '{"stack": "dev", "resources": [], "violations": [{"policy": "x"}]}',
        '{"stack": "dev", "resources": [], "violations": ["x"]}',
        '{"stack": 5, "resources": [], "violations": []}',
        *(
            json.dumps({"stack": "dev", "resources": [{**RESOURCE, key: value}], "violations": []})
            for key, value in (
                ("inputs", []),
                ("inputs", None),
                ("dependencies", "x"),
                ("dependencies", [5]),
                ("protect", "yes"),
                ("parent", None),
                ("type", {}),
            )
        ),
    ],
    ids=lambda content: content[:60],
)
def test_what_is_no_rehearsal_is_refused_in_one_sentence(tmp_path: Path, content: str) -> None:
    file = tmp_path / "old.json"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(Stop, match=r"--against: .*old\.json is not a rehearsal; allowed"):
        read_document(file)
