"""An exception counts only while somebody answers for it."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import pytest

from policy.exceptions import NAME, Exceptions, load
from policy.judgement import Judgement
from policy.rule import Resource
from tests.policy.cases.resources import urn

TODAY = datetime.date(2026, 11, 22)
RULES = ["ec2-imdsv2-required", "logs-retention"]
ENTRY = {
    "rule": "logs-retention",
    "resource": "short-lived",
    "reason": "A contract with the processor asks for deletion after 90 days.",
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
        ({"reason": "legacy"}, "has the reason 'legacy'; say why in 30 characters or more"),
        ({"owner": "the security team"}, "has the owner 'the security team'; give an address"),
        ({"expires": datetime.date(2028, 1, 1)}, "expires on 2028-01-01; give a day within a year, 2027-11-23 at the"),
        ({"rule": "*", "resource": "*"}, "would except every rule for every resource; name the rule, or give level"),
        ({"rule": "logs-*"}, "would except every rule; name the rule"),
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


@pytest.mark.parametrize("content", ["- [unclosed", "- rule: 'x"])
def test_file_that_cannot_be_read_is_a_problem(tmp_path: Path, content: str) -> None:
    (tmp_path / NAME).write_text(content, encoding="utf-8")
    found = load(RULES, TODAY, tmp_path)
    assert found.active == []
    assert found.problems[0].startswith("policy-exceptions.yaml cannot be read, so no exception counts: ")
    assert "\n" not in found.problems[0]


def test_empty_file_and_none_hold_no_exception(tmp_path: Path) -> None:
    assert load(RULES, TODAY, tmp_path).problems == []
    (tmp_path / NAME).write_text("# none\n", encoding="utf-8")
    assert load(RULES, TODAY, tmp_path).problems == []
    assert load(RULES, TODAY, None).active == []


def test_gradual_start_lets_every_rule_be_advisory_and_covers_nothing() -> None:
    entry = {key: ENTRY[key] for key in ("reason", "owner", "expires")}
    found = Exceptions([{"level": "advisory", **entry}], RULES, TODAY)
    assert found.problems == []
    assert found.allow_advisory()
    assert not found.cover("logs-retention", group("short-lived"))
    assert next(iter(found.used)).sentence().startswith("Every rule may be advisory until 2026-11-22 (owner security@")
    (problem,) = Exceptions([{"level": "disabled", **entry}], RULES, TODAY).problems
    assert "has the level 'disabled'; allowed is advisory" in problem


def test_only_exceptions_that_covered_something_are_listed() -> None:
    found = read()
    assert not found.used
    found.cover("logs-retention", group("other"))
    assert not found.used
    found.cover("logs-retention", group("short-lived"))
    assert [one.resource for one in found.used] == ["short-lived"]


def test_project_s_own_exceptions_count_and_lie_next_to_the_program(judge: Judgement) -> None:
    root = Path(__file__).parents[2]
    found = load({made.name for made in judge.rules}, TODAY, root)
    assert found.problems == []
    assert "ec2-instance-without-key-pair" in {one.rule for one in found.active}
    assert (root / "Pulumi.yaml").is_file()
    assert not list((root / "policy").glob("*exceptions*.yaml")), "a copy of the pack must not carry them along"
