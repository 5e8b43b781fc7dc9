"""A baseline lets today's findings stand, no other, and shrinks."""

from __future__ import annotations

import json
from pathlib import Path

from policy import pack
from policy.baseline import NAME, Baseline, from_events, load, text
from policy.judgement import Judgement
from tests.policy.asked import about, about_stack, configured
from tests.policy.cases.resources import token, urn

VOLUME = token("aws.ebs.Volume")
KNOWN = {"rule": "ec2-volume-encrypted", "urn": urn(VOLUME, "old")}


def test_known_finding_is_told_and_stops_nothing_and_a_new_one_does(judge: Judgement) -> None:
    answers = configured(judge, {}, Baseline([KNOWN]))
    (old,) = about(answers, VOLUME, {"encrypted": False}, "old")
    (new,) = about(answers, VOLUME, {"encrypted": False}, "new")
    assert (old.policyName, old.enforcementLevel) == ("ec2-volume-encrypted", 0)
    assert (new.policyName, new.enforcementLevel) == ("ec2-volume-encrypted", 1)


def test_entry_whose_finding_is_mended_must_be_taken_out(judge: Judgement) -> None:
    from tests.policy.cases.platform import Made, stack

    answers = configured(judge, {}, Baseline([KNOWN]))
    assert about(answers, VOLUME, {"encrypted": True}, "old") == []
    whole = stack({"old": Made("aws.ebs.Volume", {"encrypted": True})}, known=True).resources
    mended = [one for one in about_stack(answers, whole) if one.policyName == pack.BASELINE_MENDED]
    assert [one.message for one in mended] == [
        f"{NAME} still has ec2-volume-encrypted for {KNOWN['urn']}, which is mended; take the entry out."
    ]


def test_baseline_is_made_from_the_engine_s_events_and_read_again(tmp_path: Path) -> None:
    finding = {"policyName": KNOWN["rule"], "resourceUrn": KNOWN["urn"], "policyPackName": pack.NAME}
    events = [
        json.dumps({"policyEvent": {**finding, "enforcementLevel": "mandatory"}}),
        json.dumps({"policyEvent": {**finding, "enforcementLevel": "mandatory"}}),
        json.dumps({"policyEvent": {**finding, "enforcementLevel": "advisory", "resourceUrn": "another"}}),
        json.dumps({"policyEvent": {**finding, "enforcementLevel": "mandatory", "policyPackName": "another"}}),
        json.dumps({"resourcePreEvent": {}}),
    ]
    found = from_events(events, pack.NAME)
    assert found == [(KNOWN["rule"], KNOWN["urn"])]
    (tmp_path / NAME).write_text(text(found), encoding="utf-8")
    assert load(tmp_path).holds(KNOWN["rule"], KNOWN["urn"])
    assert load(tmp_path).problems == []


def test_baseline_of_another_shape_is_a_problem(tmp_path: Path) -> None:
    assert load(tmp_path).problems == load(None).problems == []
    for content in ("rule: x", "- [unclosed", "- rule: x"):
        (tmp_path / NAME).write_text(content, encoding="utf-8")
        (problem,) = load(tmp_path).problems
        assert NAME in problem
