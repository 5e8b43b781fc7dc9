"""One comment and one issue a topic, however often the pipeline runs; and never somebody else's."""

import pytest

from command_line.exits import Stop
from operations.pipeline import drift
from operations.pipeline.changes import Change, Preview
from operations.pipeline.comment import mark
from operations.pipeline.github import repository_of_run
from tests.operations.pipeline.github_server import GitHub

URN = "urn:pulumi:dev::softpos::aws:s3/bucket:Bucket::audit-trail"


def test_a_comment_is_edited_not_repeated(github: GitHub) -> None:
    for text in ("first", "second", "third"):
        github.repository.comment(7, "preview dev", f"{mark('preview dev')}\n{text}")
    assert [comment["body"] for comment in github.comments] == [f"{mark('preview dev')}\nthird"]


def test_each_stack_has_a_comment_of_its_own(github: GitHub) -> None:
    for stack in ("dev", "prod", "dev"):
        github.repository.comment(7, f"preview {stack}", mark(f"preview {stack}"))
    assert len(github.comments) == 2


def test_the_comment_is_found_behind_many_others(github: GitHub) -> None:
    for number in range(230):
        github.add_comment(f"chat {number}")
    github.repository.comment(7, "preview dev", mark("preview dev"))
    for number in range(30):
        github.add_comment(f"more {number}")
    github.repository.comment(7, "preview dev", mark("preview dev") + " again")
    assert sum(comment["body"].startswith(mark("preview dev")) for comment in github.comments) == 1


def test_a_persons_comment_with_the_same_mark_is_left_alone(github: GitHub) -> None:
    github.add_comment(f"{mark('preview dev')}\nmine", "User")
    github.repository.comment(7, "preview dev", f"{mark('preview dev')}\nours")
    assert [comment["body"].partition("\n")[2] for comment in github.comments] == ["mine", "ours"]


DRIFTED = Preview(stack="dev", drift=(Change("update", URN, ("tags",)),))


def test_drift_opens_one_issue_updates_it_and_closes_it(github: GitHub) -> None:
    for preview in (DRIFTED, DRIFTED):
        drift.publish(drift.report(preview), github.repository)
    [issue] = github.issues
    assert issue["title"] == "Drift in dev: 1 resources differ from the program"
    assert issue["labels"] == ["drift"]
    assert "- update `audit-trail` (aws:s3/bucket:Bucket): `tags`" in issue["body"]
    drift.publish(drift.report(Preview(stack="dev")), github.repository)
    assert issue["state"] == "closed"
    assert "is as the program says" in github.comments[-1]["body"]


def test_without_drift_and_issue_nothing_is_written(github: GitHub) -> None:
    drift.publish(drift.report(Preview(stack="dev")), github.repository)
    assert not any(call.startswith(("POST", "PATCH")) for call in github.calls)


def test_drift_that_comes_back_opens_a_new_issue(github: GitHub) -> None:
    for preview in (DRIFTED, Preview(stack="dev"), DRIFTED):
        drift.publish(drift.report(preview), github.repository)
    assert [issue["state"] for issue in github.issues] == ["closed", "open"]


def test_a_check_that_fails_is_drift_too() -> None:
    report = drift.report(Preview(stack="prod", errors=("no credentials",)))
    assert report.found
    assert report.title == "Drift in prod: the drift check fails"


def test_what_a_deployment_would_put_back_is_drift_too() -> None:
    report = drift.report(Preview(stack="prod", changes=(Change("update", URN),)))
    assert report.found
    assert "**What a deployment would do now**" in report.text


def test_a_refusal_by_github_is_one_sentence(github: GitHub) -> None:
    github.answer = 403
    with pytest.raises(Stop, match="was answered 403; check the job's permissions"):
        github.repository.comment(7, "preview dev", "x")


def test_outside_a_workflow_the_command_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GITHUB_REPOSITORY", "GITHUB_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(Stop) as refused:
        repository_of_run()
    assert [line.partition(":")[0] for line in refused.value.lines] == ["GITHUB_REPOSITORY", "GITHUB_TOKEN"]
