"""The remediation loop: what an assessor found, and what became of it."""

import datetime
import subprocess
from pathlib import Path

import pytest

from command_line.exits import Stop
from operations.evidence.assessment import Assessment
from operations.evidence.findings import State, Tracked, as_csv, read_findings, track

HEADER = "id,requirement,text,severity,due,rule,resource\n"
TODAY = datetime.date(2026, 11, 22)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    directory = tmp_path / "repository"
    directory.mkdir()
    git(directory, "init", "--quiet")
    git(directory, "commit", "--allow-empty", "-m", "Start")
    return directory


def git(directory: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=Somebody", "-c", "user.email=somebody@example.com", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *identity, "-C", str(directory), *arguments], check=True, capture_output=True)  # noqa: S607


def tracked(row: str, assessment: Assessment, repository: Path) -> Tracked:
    file = repository.parent / "findings.csv"
    file.write_text(HEADER + row + "\n", encoding="utf-8")
    (found,) = track(read_findings(file), assessment, repository, TODAY)
    return found


def test_a_finding_is_linked_to_the_rules_and_resources_of_its_requirement(
    assessment: Assessment, repository: Path
) -> None:
    found = tracked("F-1,2.2.6,Metadata service version 1,High,2026-12-31,,", assessment, repository)
    assert found.state is State.OPEN
    assert "ec2-imdsv2-required" in found.rules
    assert {"bastion", "nodes-template"} <= set(found.resources)
    assert not found.overdue


def test_a_finding_past_its_date_is_overdue(assessment: Assessment, repository: Path) -> None:
    assert tracked("F-1,2.2.6,Metadata,high,2026-11-21,,", assessment, repository).overdue


def test_a_commit_that_says_so_mends_a_finding(assessment: Assessment, repository: Path) -> None:
    git(repository, "commit", "--allow-empty", "-m", "Rotate the key", "-m", "Mends: F-7")
    found = tracked("F-7,3.7.4,Key does not rotate,medium,2026-01-01,kms-rotation,key", assessment, repository)
    assert found.state is State.MENDED
    assert len(found.commits) == 1
    assert not found.overdue


def test_a_mended_finding_whose_rule_is_broken_again_is_reopened(assessment: Assessment, repository: Path) -> None:
    git(repository, "commit", "--allow-empty", "-m", "Require IMDSv2", "-m", "Mends: F-1, F-2")
    found = tracked("F-2,2.2.6,Metadata,high,2026-12-31,ec2-imdsv2-required,bastion", assessment, repository)
    assert found.state is State.REOPENED


def test_a_finding_that_no_rule_can_judge_stays_open_until_a_person_says_otherwise(
    assessment: Assessment, repository: Path
) -> None:
    row = "F-9,9.4.1,Media are not locked away,low,2026-12-31,,"
    assert tracked(row, assessment, repository).state is State.OPEN
    git(repository, "commit", "--allow-empty", "-m", "Record the new safe", "-m", "Mends: f-9")
    assert tracked(row, assessment, repository).state is State.MENDED


def test_words_in_a_message_mend_nothing(assessment: Assessment, repository: Path) -> None:
    git(repository, "commit", "--allow-empty", "-m", "Look at F-7 some day")
    row = "F-7,3.7.4,Key does not rotate,medium,2026-12-31,kms-rotation,key"
    assert tracked(row, assessment, repository).state is State.OPEN


def test_the_result_is_a_spreadsheet_without_formulas(assessment: Assessment, repository: Path) -> None:
    found = tracked("F-1,2.2.6,=cmd(),high,2026-12-31,,", assessment, repository)
    assert "'=cmd()" in as_csv([found])


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "lacks id, requirement"),
        ("id,text\nF-1,x\n", "lacks requirement, severity, due"),
        (HEADER + ",1.2.1,x,high,2026-01-01,,\n", "line 2: id is empty"),
        (
            HEADER + "F-1,99.9,x,high,2026-01-01,,\n",
            "line 2: requirement is '99.9'; allowed: a number of PCI DSS v4.0.1",
        ),
        (HEADER + "F-1,8.3.12,x,high,2026-01-01,,\n", "line 2: requirement is '8.3.12'"),
        (HEADER + "F-1,1.2.1,x,grave,2026-01-01,,\n", "severity is 'grave'; allowed: critical, high"),
        (HEADER + "F-1,1.2.1,x,high,soon,,\n", "due is 'soon'; allowed: a date"),
        (HEADER + "F-1,1.2.1,x,high,2026-01-01,,\nF-1,1.2.1,y,high,2026-01-01,,\n", "two findings are named F-1"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_with_the_place(tmp_path: Path, content: str, words: str) -> None:
    file = tmp_path / "findings.csv"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(Stop) as stop:
        read_findings(file)
    assert words in stop.value.lines[0]
