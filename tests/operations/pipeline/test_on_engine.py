"""Preview, plan, deployment and drift on the real Pulumi CLI, with a small program under the real policy pack."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from command_line.exits import NO_PULUMI, Stop
from command_line.project import ROOT
from operations.pipeline import locks
from operations.pipeline.runs import Runs
from operations.plan.stack_recording import stack_settings
from tests.pack import copy_pack
from tools.engine.account import Account
from tools.engine.api_server import ApiServer
from tools.engine.clock import NoTime
from tools.engine.faults import Fault
from tools.engine.provider import PACKAGES, Providers
from tools.engine.stack import EngineStack

pytestmark = [
    pytest.mark.engine,
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("pulumi") is None, reason=NO_PULUMI),
]

PATIENCE_SECONDS = 600
PROGRAM = """
import pulumi
import pulumi_aws as aws

tags = {"Name": "n", "DataClass": "operations", "Project": "softpos", "Stack": "dev", "Owner": "o", "CostCentre": "c"}
topic = aws.cloudwatch.Dashboard("one", dashboard_name="one", dashboard_body="{}")
pulumi.export("name", topic.dashboard_name)
"""
SECOND = 'aws.cloudwatch.Dashboard("two", dashboard_name="two", dashboard_body="{}")\n'
OPEN = """
group = aws.ec2.SecurityGroup("group", description="d", vpc_id="vpc-1", tags=tags, egress=[], ingress=[
    {"from_port": 22, "to_port": 22, "protocol": "tcp", "cidr_blocks": ["0.0.0.0/0"], "description": "open"}])
"""


class Project:
    """A project in a folder, with the pack, a backend and a stand-in account."""

    def __init__(self, folder: Path, providers: Providers, account: Account) -> None:
        self.folder = folder
        self.account = account
        (folder / "Pulumi.yaml").write_text(
            f"name: softpos\nruntime: {{name: python, options: {{toolchain: pip, virtualenv: {sys.prefix}}}}}\n"
        )
        copy_pack(folder)
        (folder / "state").mkdir()
        self.write(PROGRAM)
        self.environment = {
            "PULUMI_HOME": str(folder / "home"),
            "PULUMI_BACKEND_URL": (folder / "state").as_uri(),
            "PULUMI_CONFIG_PASSPHRASE": "played",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            "PULUMI_DEBUG_PROVIDERS": ",".join(f"{package}:{providers.port}" for package in PACKAGES),
        }
        subprocess.run(
            ["pulumi", "stack", "init", "dev", "--non-interactive"],  # noqa: S607
            cwd=folder,
            env={**os.environ, **self.environment},
            check=True,
            capture_output=True,
        )

    def write(self, program: str) -> None:
        (self.folder / "__main__.py").write_text(program)

    @property
    def runs(self) -> Runs:
        return Runs("dev", self.folder)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    account = Account("eu-central-1", "111122223333")
    providers = Providers(account, "dev")
    made = Project(tmp_path, providers, account)
    for name, value in made.environment.items():
        monkeypatch.setenv(name, value)
    yield made
    providers.close()


def silent(_: str) -> None:
    """Nobody listens."""


def test_a_plan_is_shown_then_exactly_it_is_deployed(project: Project) -> None:
    plan = project.folder / "plan.json"
    shown = project.runs.preview(plan=plan)
    assert not shown.blocked, shown
    assert [(change.verb, change.name) for change in shown.changes] == [("create", "one")]
    done = project.runs.deploy(silent, plan)
    assert done.problems == []
    assert len(project.account.created()) == 1
    again = project.runs.preview()
    assert again.changes == ()
    assert again.unchanged >= 1


def test_a_program_that_changed_after_the_plan_is_not_deployed(project: Project) -> None:
    plan = project.folder / "plan.json"
    project.runs.preview(plan=plan)
    project.write(PROGRAM + SECOND)
    with pytest.raises(Stop) as refused:
        project.runs.deploy(silent, plan)
    assert any("not allowed by the plan" in line for line in refused.value.lines), refused.value.lines
    assert not any(urn.endswith("::two") for urn in project.account.created())


def test_what_the_pack_forbids_is_blocked_and_named(project: Project) -> None:
    project.write(PROGRAM + OPEN)
    shown = project.runs.preview()
    assert shown.blocked
    mandatory = [finding for finding in shown.findings if finding.level == "mandatory"]
    assert any(finding.resource == "group" for finding in mandatory), shown
    with pytest.raises(Stop):
        project.runs.deploy(silent)
    assert not any("securityGroup" in urn for urn in project.account.created())


def test_what_somebody_changed_by_hand_is_drift(project: Project) -> None:
    project.runs.deploy(silent)
    assert project.runs.preview(refresh=True).drift == ()
    [dashboard] = project.account.of("aws:cloudwatch/dashboard:Dashboard")
    for held in (dashboard.inputs, dashboard.outputs):
        held["dashboardBody"] = '{"start":"-PT6H"}'
    found = project.runs.preview(refresh=True)
    assert [(change.verb, change.name) for change in found.drift] == [("update", "one")]
    project.account.things.clear()
    gone = project.runs.preview(refresh=True)
    assert [(change.verb, change.name) for change in gone.drift] == [("delete", "one")]
    assert [(change.verb, change.name) for change in gone.changes] == [("create", "one")]


def until(happened: Callable[[], Any]) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while not happened():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.05)


def test_a_cancelled_deployment_frees_its_lock_and_a_killed_ones_is_named(project: Project) -> None:
    fault = project.account.faults.add(Fault("stall", name="one", times=1))
    program = "import sys; from pathlib import Path; from operations.pipeline.runs import Runs\n"
    program += f"runs = Runs('dev', Path({str(project.folder)!r}))\n"
    program += "with runs.command.interruptible(print): runs.deploy(lambda _: None)\n"
    process = subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    until(lambda: fault.happened)
    url = project.environment["PULUMI_BACKEND_URL"]
    [lock] = locks.locks("dev", url)
    assert str(lock.since.year) in str(locks.advice("dev", [lock], []))
    process.send_signal(signal.SIGTERM)
    time.sleep(0.5)
    project.account.faults.clear()
    printed, _ = process.communicate(timeout=PATIENCE_SECONDS)
    assert "what is under way is finished first" in printed
    assert locks.locks("dev", url) == []
    assert project.runs.deploy(silent).problems == []
    urns = project.account.created()
    assert len(urns) == len(set(urns)) == 1


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_a_first_deployment_of_the_whole_program_goes_through_with_one_approval(
    stack: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From nothing: one preview, one approval, one deployment; and again, with nothing left to do."""
    with ApiServer() as server:
        number = stack_settings(stack)[1].account_id
        account = Account(
            "eu-central-1", number, NoTime(), answers={"aws:eks/cluster:Cluster": {"endpoint": server.url}}
        )
        with EngineStack(account, stack, folder=tmp_path) as engine:
            for name, value in engine.environment().items():
                monkeypatch.setenv(name, value)
            plan = tmp_path / "plan.json"
            for changes in (True, False):
                runs = Runs(stack, engine.project)
                shown = runs.preview(plan=plan)
                assert not shown.blocked, shown.errors
                assert bool(shown.changes) is changes
                assert runs.deploy(silent, plan).problems == []
            created = account.created()
            assert len(created) == len(set(created)) > 400
