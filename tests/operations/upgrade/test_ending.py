"""Versions that leave standard support are named in time."""

import datetime

import pytest

from components.cluster.settings import KUBERNETES_VERSIONS
from facts.lifetimes import lifetime, lifetimes
from operations.upgrade.ending import ending, render
from operations.upgrade.living import Living

LIVING = Living("1.35", "1.35", "", "8.0.mysql_aurora.3.10.4", "7.1", "a test")
END = datetime.date(2027, 3, 27)


@pytest.mark.parametrize(("days_before", "named"), [(61, False), (60, True), (0, True), (-5, True)])
def test_a_version_is_named_sixty_days_before_its_end_and_after_it(days_before: int, named: bool) -> None:
    found = ending({"prod": LIVING}, END - datetime.timedelta(days=days_before))
    assert ([one.lifetime.version for one in found] == ["1.35"]) is named


def test_the_issue_names_stack_version_day_and_source() -> None:
    today = END - datetime.timedelta(days=30)
    text = render(ending({"prod": LIVING}, today), today)
    assert "`prod`: kubernetes 1.35 ends on 2027-03-27, in 30 days (Amazon EKS user guide" in text


def test_a_version_without_a_published_end_is_not_invented() -> None:
    assert lifetime("aurora-mysql", "8.4.mysql_aurora.8.4.8") is None
    assert ending({"dev": Living("1.36", "1.36", "", "8.4.mysql_aurora.8.4.8", "7.1", "")}, END) == []


def test_every_kubernetes_version_that_settings_allow_has_an_end_and_every_row_a_source() -> None:
    assert all(lifetime("kubernetes", version) for version in KUBERNETES_VERSIONS)
    assert all(row.source and datetime.date.fromisoformat(row.read_on) for row in lifetimes())
