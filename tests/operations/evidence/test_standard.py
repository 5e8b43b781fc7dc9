"""Every requirement of the standard is there once, in order, with our own title and somebody who answers for it."""

import re

import pytest

from operations.evidence.records import number_key
from operations.evidence.responsibility import VENDORS, responsibilities, responsible, vendors
from operations.evidence.standard import standard
from policy.catalogue import requirements
from recording.program import Recording

GROUPS = {
    "1": (2, 8, 3, 5, 1),
    "2": (2, 7, 2),
    "3": (2, 1, 3, 2, 1, 1, 9),
    "4": (2, 2),
    "5": (2, 3, 5, 1),
    "6": (2, 4, 3, 3, 6),
    "7": (2, 6, 3),
    "8": (2, 8, 11, 3, 1, 3),
    "9": (2, 4, 4, 7, 1),
    "10": (2, 2, 4, 3, 1, 3, 3),
    "11": (2, 2, 2, 7, 2, 1),
    "12": (4, 1, 4, 2, 3, 3, 1, 5, 2, 7),
    "A1": (4, 3),
    "A2": (3,),
    "A3": (4, 6, 3, 1, 1),
}
"""By principal requirement: how many requirements its first group has, its second, and so on.

Source: Payment Card Industry Data Security Standard, Requirements and Testing Procedures, v4.0.1, June 2024.
"""
SERVICE_PROVIDERS = {"3.6.1.1", "8.2.3", "8.3.10", "8.3.10.1", "10.7.1", "11.4.6", "11.5.1.1", "12.4.1", "12.4.2"}
SERVICE_PROVIDERS |= {"12.4.2.1", "12.5.2.1", "12.5.3", "12.9.1", "12.9.2"}


def test_every_group_has_as_many_requirements_as_in_the_standard() -> None:
    wanted = {
        f"{principal}.{group}.{number}"
        for principal, amounts in GROUPS.items()
        for group, amount in enumerate(amounts, start=1)
        for number in range(1, amount + 1)
    }
    found = set(standard())
    assert {number for number in found if number.count(".") == 2} == wanted
    deeper = {number for number in found if number.count(".") > 2}
    assert {number for number in deeper if ".".join(number.split(".")[:3]) not in wanted} == set()


def test_the_order_is_the_standards_and_no_title_is_told_twice() -> None:
    numbers = list(standard())
    assert numbers == sorted(numbers, key=number_key)
    assert all(re.fullmatch(r"[A-Z].*[^.]", one.title) for one in standard().values())
    assert {number for number in requirements() if standard()[number].title != requirements()[number]} == set()


def test_what_only_service_providers_meet_is_marked() -> None:
    marked = {number for number, one in standard().items() if one.service_provider}
    assert marked >= SERVICE_PROVIDERS
    assert not marked & {"1.2.1", "3.5.1", "8.4.2", "11.4.5", "12.8.2", "12.10.1"}


def test_somebody_answers_for_every_requirement() -> None:
    assert {number for number in standard() if not responsible(number).parties} == set()


def test_a_third_party_is_named_only_where_it_takes_part(production: Recording, recording: Recording) -> None:
    assert "Fortinet" not in responsible("1.2.1").parties
    assert "Fortinet" in responsible("6.4.2").parties
    assert "Trend Micro" not in responsible("8.3.1").parties
    assert "Trend Micro" not in responsible("6.4.2", vendors(recording.resources)).parties
    assert vendors(recording.resources) == {"An approved scanning vendor"}
    assert "Trend Micro" in vendors(production.resources)
    named = {part.partition(":")[0] for row in responsibilities() for part in row.third_party.split(" | ") if part}
    assert named == set(VENDORS)


@pytest.mark.parametrize(("number", "party"), [("12.9.1", "customer"), ("12.8.2", "AWS"), ("9.4.1", "customer")])
def test_what_paycore_obtains_and_what_it_gives_are_told_apart(number: str, party: str) -> None:
    assert party in responsible(number).parties
    assert "AWS" not in responsible("12.9.1").parties
