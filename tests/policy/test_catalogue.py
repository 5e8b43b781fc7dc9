"""Every control of AWS for PCI DSS is accounted for, and the document that says so is current."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from policy import catalogue
from policy.catalogue import UnaccountedError, __main__, controls, document, is_current, write
from policy.judgement import Judgement

# Where AWS's own mapping names a requirement that is about something else, the rule does not follow it.
DOUBTED = {
    ("ec2-imdsv2-required", "EC2_IMDSV2_CHECK"): "8.2.8 is about idle sessions of people",
    ("ec2-imdsv2-required", "AUTOSCALING_LAUNCHCONFIG_REQUIRES_IMDSV2"): "8.2.8 is about idle sessions of people",
}
PINNED = Path(__file__).with_name("rules.txt")


def test_rule_set_is_the_pinned_one(judge: Judgement) -> None:
    """A rule that is lost would let everything it forbids pass: removing one means removing its line here."""
    assert sorted(made.name for made in judge.rules) == PINNED.read_text(encoding="utf-8").split()


def test_every_control_has_an_answer(judge: Judgement) -> None:
    rows = controls(judge.rules)
    assert len(rows) == 279
    assert all(row.by or row.state == "not applicable" for row in rows)


def test_rule_shares_a_requirement_with_each_control_it_answers(judge: Judgement) -> None:
    asked = {row.identifier: row.requirements for row in controls(judge.rules)}
    strangers = [
        (made.name, identifier)
        for made in judge.rules
        for identifier in made.controls
        if made.requirements and asked[identifier] and not set(asked[identifier]) & set(made.requirements)
    ]
    assert strangers == list(DOUBTED)


def test_document_in_the_repository_is_current(judge: Judgement) -> None:
    assert is_current(judge.rules), "run .venv/bin/python -m policy.catalogue"


def test_control_without_answer_stops_the_generator(judge: Judgement) -> None:
    lost = [made for made in judge.rules if "EC2.171" not in made.controls]
    with pytest.raises(UnaccountedError, match=r"EC2\.171 is unaccounted for: name it in a rule's controls"):
        document(lost)


def test_control_answered_twice_stops_the_generator(judge: Judgement) -> None:
    first, *rest = judge.rules
    twice = replace(first, controls=(*first.controls, "IAM.5"))
    with pytest.raises(UnaccountedError, match=r"IAM\.5 is in accounted\.csv although a rule enforces it"):
        document([twice, *rest])


def test_invented_requirement_number_stops_the_generator(judge: Judgement) -> None:
    first, *rest = judge.rules
    with pytest.raises(UnaccountedError, match=r"names the requirement 99\.1, which requirements\.csv lacks"):
        document([replace(first, requirements=("99.1",)), *rest])


def test_stale_document_is_noticed_and_written_anew(judge: Judgement, tmp_path: Path) -> None:
    file = tmp_path / "docs" / "controls.md"
    listing = tmp_path / "RULES.md"
    assert not is_current(judge.rules, file, listing)
    write(judge.rules, file, listing)
    assert is_current(judge.rules, file, listing)
    for written in (file, listing):
        before = written.read_text(encoding="utf-8")
        written.write_text("old", encoding="utf-8")
        assert not is_current(judge.rules, file, listing)
        written.write_text(before, encoding="utf-8")
    assert [found.name for found in file.parent.iterdir()] == ["controls.md"]


def test_check_fails_on_a_stale_document(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert __main__.main(["--check"]) == 1
    assert (
        capsys.readouterr().err
        == "docs/controls.md is stale: run .venv/bin/python -m policy.catalogue and commit it.\n"
    )
    assert __main__.main([]) == 0
    assert __main__.main(["--check"]) == 0
    assert __main__.main(["--verify"]) == 2


def test_every_requirement_that_is_explained_is_served(judge: Judgement) -> None:
    assert set(catalogue.requirements()) == {number for made in judge.rules for number in made.requirements}


def test_readme_of_the_pack_gives_the_true_counts(judge: Judgement) -> None:
    rows = controls(judge.rules)
    enforced = sum(row.state == "enforced" for row in rows)
    readme = Path(catalogue.__file__).parents[1].joinpath("README.md").read_text(encoding="utf-8")
    assert f"\n{len(judge.rules)} rules that judge" in readme
    assert f"They answer {enforced}\nof the {len(rows)} controls" in readme
