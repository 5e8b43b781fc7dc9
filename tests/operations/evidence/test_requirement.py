"""The one judgement of a requirement: the worst counts, and configuration alone passes none."""

from dataclasses import fields

import pytest

from operations.evidence.assessment import Outcome
from operations.evidence.records import UNNUMBERED, Record
from operations.evidence.requirement import MEANINGS, State, judge_requirements, known, known_requirements
from operations.evidence.standard import is_requirement
from policy import pack
from policy.catalogue import controls, requirements

EMPTY = {field.name: "" for field in fields(Record)}


def row(number: str, verdict: Outcome, rule: str = "some-rule") -> Record:
    return Record(**{**EMPTY, "requirement": number, "rule": rule, "verdict": verdict.value})


@pytest.mark.parametrize(
    ("number", "found", "state"),
    [
        ("3.7.4", [(Outcome.PASS, "a")], State.IN_PLACE),
        ("12.3.4", [(Outcome.PASS, "a")], State.SUPPORTS),
        ("3.7.4", [(Outcome.PASS, "a"), (Outcome.NOT_APPLICABLE, "b")], State.IN_PLACE),
        ("3.7.4", [(Outcome.PASS, "a"), (Outcome.UNDETERMINED, "")], State.UNDETERMINED),
        ("3.7.4", [(Outcome.PASS, "a"), (Outcome.UNDETERMINED, "b")], State.UNDETERMINED),
        ("3.7.4", [(Outcome.EXCEPTED, "a"), (Outcome.UNDETERMINED, "b")], State.UNDETERMINED),
        ("3.7.4", [(Outcome.PASS, "a"), (Outcome.EXCEPTED, "b")], State.EXCEPTED),
        ("3.7.4", [(Outcome.FAIL, "a"), (Outcome.UNDETERMINED, "b")], State.NOT_IN_PLACE),
        ("3.7.4", [(Outcome.NOT_APPLICABLE, "a")], State.NOT_TESTED),
        ("8.4.3", [(Outcome.UNDETERMINED, "")], State.NOT_TESTED),
        ("8.4.3", [(Outcome.NOT_APPLICABLE, "a"), (Outcome.UNDETERMINED, "")], State.NOT_TESTED),
        ("12.8", [(Outcome.UNDETERMINED, "")], State.CUSTOMERS),
    ],
)
def test_the_worst_counts(number: str, found: list[tuple[Outcome, str]], state: State) -> None:
    (judged,) = judge_requirements([row(number, verdict, rule) for verdict, rule in found])
    assert judged.state is state


def test_plans_people_and_reviews_are_never_in_place_by_configuration() -> None:
    for number in ("1.2.7", "6.2.3", "7.2.1", "10.4.1", "12.3.4", "12.10.1", "12.10.5"):
        (judged,) = judge_requirements([row(number, Outcome.PASS)])
        assert judged.state in (State.SUPPORTS, State.CUSTOMERS), number


def test_the_table_knows_its_words_and_says_what_remains() -> None:
    words = {State.IN_PLACE, State.SUPPORTS, State.CUSTOMERS}
    assert {one.requirement for one in known_requirements().values() if one.configuration_can not in words} == set()
    assert {one.requirement for one in known_requirements().values() if not one.remains.endswith(".")} == set()
    assert set(MEANINGS) == set(State)


def test_a_requirement_takes_the_nearest_row_above_it() -> None:
    assert known("1.3.1").requirement == "1.3"
    assert known("11.4.5").requirement == "11.4.5"
    assert known("11.4.2").requirement == "11.4"
    with pytest.raises(LookupError, match=r"99\.9 is in no row"):
        known("99.9")


def test_every_number_that_the_project_cites_is_one_of_the_standard() -> None:
    cited = {number for control in controls(pack.judgement().rules) for number in control.requirements}
    cited |= set(requirements()) | set(known_requirements())
    assert {number for number in cited if not is_requirement(number)} == {UNNUMBERED}


@pytest.mark.parametrize(
    "number", ["", "99.9", "0.1", "13", "1.6", "8.3.12", "A1.3", "A4.1", "8.3.", "8.3.1.1.1", "8.3.6.1", "x"]
)
def test_what_is_no_number_of_the_standard_is_told_apart(number: str) -> None:
    assert not is_requirement(number)
