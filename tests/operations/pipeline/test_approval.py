"""A first deployment is approved as a list of changes, because the engine's plan could not hold."""

from __future__ import annotations

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
