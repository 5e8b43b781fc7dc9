"""An exception that is about to end is named in time, with its owner."""

import datetime

from operations.pipeline import exceptions
from policy.exceptions import Exempt
from policy.pack import judgement

TODAY = datetime.date(2026, 11, 23)


def test_the_packs_own_exceptions_are_found_when_their_end_is_near() -> None:
    known = judgement(TODAY).exceptions.active
    assert known
    first = min(one.expires for one in known)
    before = first - datetime.timedelta(days=14)
    assert exceptions.expiring(before - datetime.timedelta(days=1)) == []
    assert [one.expires for one in exceptions.expiring(before)] == [first] * len(exceptions.expiring(before))
    assert exceptions.expiring(before)


def test_the_issue_names_days_rule_resource_and_owner() -> None:
    one = Exempt(
        rule="rds-tls", resource="db", reason="because", owner="sec@x.y", expires=TODAY + datetime.timedelta(days=3)
    )
    text = exceptions.render([one], TODAY)
    assert "- 3 days left: rds-tls is excepted for db until 2026-11-26 (owner sec@x.y): because" in text
    assert "policy-exceptions.yaml" in text
