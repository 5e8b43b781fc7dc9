"""A first deployment is approved as a list of changes, because the engine's plan could not hold."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from command_line.exits import Stop
from operations.pipeline import approval
from operations.pipeline.changes import Change, Preview

CLUSTER = "urn:pulumi:prod::softpos::softpos:cluster:SoftPosCluster$eks:index:Cluster::cluster-control-plane"
VPC = "urn:pulumi:prod::softpos::softpos:network:SecureVpc$aws:ec2/vpc:Vpc::network"
FIRST = Preview(stack="prod", changes=(Change("create", CLUSTER), Change("create", VPC)))
LATER = Preview(stack="prod", changes=(Change("update", CLUSTER), Change("create", VPC)))


def test_the_engines_plan_stays_where_no_component_of_a_plugin_is_created() -> None:
    assert approval.needed(FIRST)
    assert not approval.needed(LATER)


def test_what_was_approved_is_deployed(tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    approval.save(FIRST, file)
    approved = approval.read(file)
    assert approved is not None
    approval.check(approved, FIRST)


@pytest.mark.parametrize(
    ("now", "said"),
    [
        (
            Preview(stack="prod", changes=(*FIRST.changes, Change("delete", f"{VPC}-old"))),
            f"delete {VPC}-old: not approved",
        ),
        (Preview(stack="prod", changes=FIRST.changes[:1]), f"create {VPC}: approved, and no longer to be done"),
    ],
)
def test_anything_else_is_refused_by_name(tmp_path: Path, now: Preview, said: str) -> None:
    file = tmp_path / "plan.json"
    approval.save(FIRST, file)
    with pytest.raises(Stop) as refused:
        approval.check(approval.read(file) or (), now)
    assert refused.value.lines[0] == said
    assert refused.value.lines[-1].endswith("plan and approve again.")


def test_a_plan_of_the_engine_is_left_to_the_engine(tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    file.write_text('{"manifest": {}, "resourcePlans": {}}')
    assert approval.read(file) is None
    assert approval.read(tmp_path / "none.json") is None


def repository(folder: Path) -> str:
    """A repository with one commit; its name."""
    (folder / "program.py").write_text("one")
    for command in ("init -q", "add program.py", "-c user.name=a -c user.email=a@example.com commit -qm one"):
        subprocess.run([shutil.which("git") or "git", *command.split()], cwd=folder, check=True)
    return approval.commit_of(folder)


def test_a_plan_holds_for_its_commit_alone(tmp_path: Path) -> None:
    plan, commit = tmp_path / "plan.json", repository(tmp_path)
    assert len(commit) == 40
    approval.save(FIRST, plan)
    approval.bind(plan, commit)
    approval.must_be_bound(plan, commit)
    with pytest.raises(Stop, match=f"it was made of {commit}, and this is {'b' * 40}"):
        approval.must_be_bound(plan, "b" * 40)
    approval.save(LATER, plan)
    with pytest.raises(Stop, match="it is not the plan that was made"):
        approval.must_be_bound(plan, commit)
    (tmp_path / "plan.json.bound").unlink()
    with pytest.raises(Stop, match="nothing says which commit was planned"):
        approval.must_be_bound(plan, commit)


def test_changed_files_are_no_commit(tmp_path: Path) -> None:
    repository(tmp_path)
    (tmp_path / "program.py").write_text("two")
    with pytest.raises(Stop, match="files differ from commit"):
        approval.commit_of(tmp_path)


def test_outside_a_repository_there_is_no_commit_to_hold_to(tmp_path: Path) -> None:
    assert approval.commit_of(tmp_path) == ""
