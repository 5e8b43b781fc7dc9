"""An exception counts only while somebody answers for it."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import pytest

from policy import exceptions
from policy.exceptions import Exceptions, load
from policy.judgement import Judgement
from policy.rule import Resource
from tests.policy.cases.resources import urn

TODAY = datetime.date(2026, 11, 22)
RULES = ["ec2-imdsv2-required", "logs-retention"]
ENTRY = {
    "rule": "logs-retention",
    "resource": "short-lived",
    "reason": "Deleted by contract after 90 days.",
    "owner": "security@example.com",
    "expires": datetime.date(2026, 11, 22),
}
GROUP = "aws:cloudwatch/logGroup:LogGroup"


def group(name: str) -> Resource:
    return Resource(GROUP, name, urn(GROUP, name), {})


def read(**changes: Any) -> Exceptions:
    return Exceptions([{key: value for key, value in {**ENTRY, **changes}.items() if value is not None}], RULES, TODAY)


def test_exception_covers_its_rule_and_resource_only_on_its_last_day_too() -> None:
    found = read()
    assert found.problems == []
    assert found.cover("logs-retention", group("short-lived"))
    assert not found.cover("logs-retention", group("other"))
    assert not found.cover("ec2-imdsv2-required", group("short-lived"))
    assert not found.allow_loosening("logs-retention")


def test_exception_by_urn_pattern_and_for_the_whole_rule() -> None:
    by_urn = read(resource="urn:pulumi:prod::*::aws:cloudwatch/*::short-*")
    assert by_urn.cover("logs-retention", group("short-term"))
    assert not by_urn.cover("logs-retention", None)
    whole = read(resource="*")
    assert whole.cover("logs-retention", None)
    assert whole.allow_loosening("logs-retention")


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"expires": datetime.date(2026, 11, 21)}, "expired on 2026-11-21; mend the resource, or have security@"),
        ({"expires": "next year"}, "expires 'next year'; give a date as YYYY-MM-DD"),
        ({"expires": datetime.datetime(2027, 1, 1, tzinfo=datetime.UTC)}, "give a date as YYYY-MM-DD"),
        ({"owner": None}, "lacks owner; give all of rule, resource, reason, owner, expires"),
        ({"owner": "", "reason": None}, "lacks reason and owner"),
        ({"rule": "log-retention"}, "names an unknown rule, the nearest is logs-retention"),
        ({"note": "x"}, "has the unknown key note"),
    ],
)
def test_exception_that_nobody_answers_for_is_a_problem_and_covers_nothing(
    changes: dict[str, Any], problem: str
) -> None:
    found = read(**changes)
    assert found.active == []
    assert len(found.problems) == 1
    assert found.problems[0].startswith("Exception 1 does not count: ")
    assert problem in found.problems[0]
    assert not found.cover("logs-retention", group("short-lived"))


@pytest.mark.parametrize("entries", ["text", [["list"]], {"rule": "logs-retention"}])
def test_file_of_another_shape_is_a_problem(entries: Any) -> None:
    assert len(Exceptions(entries, RULES, TODAY).problems) == 1


@pytest.mark.parametrize("content", [None, "- [unclosed", "- rule: 'x"])
def test_file_that_cannot_be_read_is_a_problem(tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "exceptions.yaml"
    if content is not None:
        file.write_text(content, encoding="utf-8")
    found = load(RULES, TODAY, file)
    assert found.active == []
    assert found.problems[0].startswith("exceptions.yaml cannot be read, so no exception counts: ")
    assert "\n" not in found.problems[0]


def test_empty_file_holds_no_exception(tmp_path: Path) -> None:
    file = tmp_path / "exceptions.yaml"
    file.write_text("# none\n", encoding="utf-8")
    assert load(RULES, TODAY, file).problems == []


def test_project_s_own_exceptions_count_on_the_day_of_the_release(judge: Judgement) -> None:
    found = load({made.name for made in judge.rules}, TODAY)
    assert found.problems == []
    assert ("ec2-instance-without-key-pair", "bastion-host") in {(one.rule, one.resource) for one in found.active}
    assert exceptions.FILE.is_file()
