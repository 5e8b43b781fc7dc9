"""Evidence says what was looked at, and calls nothing a pass that nobody judged."""

import datetime
from dataclasses import replace

import pytest

from command_line.project import ROOT
from operations.evidence.assessment import Assessment, Outcome, Reach, Result, assess, reach
from operations.plan.judgement import PolicyPack
from policy import pack
from policy.exceptions import Exceptions
from policy.judgement import Judgement
from policy.rule import EVERY_KIND
from recording.program import Recording
from tests.operations.sample import SECRET

UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""Pulumi's own text for a string that only the deployment will tell."""


def result(assessment: Assessment, rule: str, name: str = "") -> Result:
    (found,) = [one for one in assessment.results if one.rule.name == rule and one.urn.rpartition("::")[2] == name]
    return found


def test_a_pass_names_the_setting_that_was_found(assessment: Assessment) -> None:
    found = result(assessment, "kms-rotation", "key")
    assert found.outcome is Outcome.PASS
    assert "enableKeyRotation = true" in found.setting


def test_a_rule_without_a_resource_is_not_applicable(assessment: Assessment) -> None:
    assert result(assessment, "ecr-scan-on-push").outcome is Outcome.NOT_APPLICABLE


def test_a_rule_over_the_stack_that_finds_nothing_to_look_at_is_not_applicable(assessment: Assessment) -> None:
    assert result(assessment, "dms-behind-vpn").outcome is Outcome.NOT_APPLICABLE


def test_every_rule_has_a_result(assessment: Assessment) -> None:
    assert {one.rule.name for one in assessment.results} == {rule.name for rule in assessment.rules}


def test_the_results_of_a_rule_stand_by_kind_as_in_every_other_run(
    recording: Recording, assessment: Assessment
) -> None:
    kind = {resource.urn: resource.type for resource in recording.resources}
    kinds = {
        rule.name: [kind[one.urn] for one in assessment.of(rule) if one.urn]
        for rule in assessment.rules
        if len(rule.on) > 1 and not rule.over_stack and EVERY_KIND not in rule.on
    }
    assert any(len(set(found)) > 1 for found in kinds.values())
    assert {name for name, found in kinds.items() if found != sorted(found)} == set()


def test_what_only_production_must_fulfil_is_not_applicable_elsewhere(assessment: Assessment) -> None:
    outcomes = {one.rule.name: one.outcome for one in assessment.results if one.rule.production_only}
    assert {"rds-deletion-protection", "ec2-nat-gateway-per-zone"} <= set(outcomes)
    assert set(outcomes.values()) == {Outcome.NOT_APPLICABLE}


def test_an_unknown_value_is_undetermined_and_never_a_pass(recording: Recording) -> None:
    changed = []
    for resource in recording.resources:
        if resource.name == "key":
            wire = type(resource.wire_inputs)()
            wire.CopyFrom(resource.wire_inputs)
            wire["enableKeyRotation"] = UNKNOWN
            resource = replace(resource, wire_inputs=wire)
        changed.append(resource)
    found = result(assess("sample", changed), "kms-rotation", "key")
    assert found.outcome is Outcome.UNDETERMINED
    assert "not known before deployment" in found.message


def test_an_excepted_breach_is_excepted_and_never_a_pass(recording: Recording, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = {
        "rule": "ec2-imdsv2-required",
        "resource": "bastion",
        "reason": "A test shows what becomes of an excepted breach.",
        "owner": "somebody@example.com",
        "expires": datetime.date(2026, 12, 31),
    }
    judge = pack.judgement()
    excepted = Exceptions([entry], {rule.name for rule in judge.rules}, datetime.date(2026, 1, 1))
    monkeypatch.setattr(pack, "judgement", lambda: Judgement(judge.rules, excepted))
    found = result(assess("sample", recording.resources), "ec2-imdsv2-required", "bastion")
    assert found.outcome is Outcome.EXCEPTED
    assert "somebody@example.com" in found.message


def test_no_secret_enters(assessment: Assessment) -> None:
    assert SECRET not in "".join(f"{one.setting}{one.message}" for one in assessment.results)
    assert "masterPassword = [secret]" in result(assessment, "rds-managed-password", "database").setting


def test_the_analyzer_finds_the_same(recording: Recording, assessment: Assessment) -> None:
    with PolicyPack(ROOT / "policy", "softpos", recording.stack) as analyzer:
        verdicts = analyzer.judge(recording.resources, {})
    known = {rule.name for rule in assessment.rules}
    told = {(finding.policy, finding.urn) for finding in verdicts.violations if finding.policy in known}
    found = {(one.rule.name, one.urn) for one in assessment.results if one.outcome is Outcome.FAIL}
    assert found == told


def test_the_reach_of_the_rules_is_what_the_assessment_found(recording: Recording, assessment: Assessment) -> None:
    outcomes = [assessment.worst(assessment.of(rule)) for rule in assessment.rules]
    idle = outcomes.count(Outcome.NOT_APPLICABLE)
    assert idle
    assert reach(recording.stack, recording.resources, ()) == Reach(len(outcomes) - idle, 0, idle)
