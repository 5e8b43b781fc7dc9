"""The workflows keep their promises: least privilege, pinned actions, no credentials for forks, one update a stack."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from operations.commands import COMMANDS, operations

ROOT = Path(__file__).parents[1]
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
ACTIONS = sorted((ROOT / ".github/actions").glob("*/action.yml"))
EVERY_FILE = [*WORKFLOWS, *ACTIONS]
DEPLOYING = ("deploy", "environment")
MORE_WRITES = {
    "release/publish": {"contents", "id-token", "attestations"},
    "application/propose": {"contents", "pull-requests"},
    "application/propose-prod": {"contents", "pull-requests"},
}
"""Jobs that write to the repository: one publishes a release, two push one digest for a person to merge."""


def content(path: Path) -> dict[str, Any]:
    """A workflow as data; YAML 1.1 reads the key `on` as true."""
    found = yaml.safe_load(path.read_text(encoding="utf-8"))
    return {("on" if key is True else key): value for key, value in found.items()}


def named(name: str) -> dict[str, Any]:
    return content(ROOT / f".github/workflows/{name}.yml")


def jobs() -> Iterator[tuple[str, dict[str, Any]]]:
    for path in WORKFLOWS:
        for name, job in content(path)["jobs"].items():
            yield f"{path.stem}/{name}", job


def steps(job: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = job.get("steps") or job["runs"]["steps"]
    return found


def scripts() -> Iterator[tuple[str, str]]:
    for where, job in [*jobs(), *((path.stem, content(path)) for path in ACTIONS)]:
        for step in steps(job):
            if "run" in step:
                yield where, step["run"]


JOBS = dict(jobs())
AFTER_MERGE = ("application/push", "application/verify", "application/promote")
"""Jobs that log in to AWS in a workflow which also checks pull requests, but never for one."""
ON_THE_DEFAULT_BRANCH = ("environments/form", "environments/reap")
"""Jobs of the workflow of test environments that run the default branch's code."""


def test_the_workflows_of_the_design_are_there() -> None:
    names = ["application", "deploy", "environments", "nightly", "pull-request", "release"]
    assert [path.stem for path in WORKFLOWS] == names


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_no_permission_is_given_to_a_whole_workflow(path: Path) -> None:
    assert content(path)["permissions"] == {}


@pytest.mark.parametrize("name", JOBS)
def test_every_job_names_its_permissions_and_its_end(name: str) -> None:
    job = JOBS[name]
    writes = {key for key, value in job["permissions"].items() if value == "write"}
    assert "contents" in job["permissions"]
    assert writes <= MORE_WRITES.get(name, {"id-token", "pull-requests", "issues"})
    assert job["timeout-minutes"] <= 60


@pytest.mark.parametrize("path", EVERY_FILE, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_every_action_is_pinned_by_commit_and_says_its_release(path: Path) -> None:
    lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines() if "uses:" in line]
    foreign = [line for line in lines if "uses: ./" not in line]
    assert foreign
    for line in foreign:
        assert re.fullmatch(r"(- )?uses: [\w.-]+/[\w.-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line), line


def test_one_action_has_one_commit_everywhere() -> None:
    pins: dict[str, set[str]] = {}
    for path in EVERY_FILE:
        for action, commit in re.findall(r"uses: ([\w./-]+)@([0-9a-f]{40})", path.read_text(encoding="utf-8")):
            pins.setdefault(action, set()).add(commit)
    assert len(pins) >= 5
    assert {action: commits for action, commits in pins.items() if len(commits) > 1} == {}


@pytest.mark.parametrize("path", EVERY_FILE, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_there_is_no_long_lived_key(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert "secrets." not in text
    assert "aws-access-key-id" not in text.lower()
    assert "PULUMI_ACCESS_TOKEN" not in text


@pytest.mark.parametrize("name", JOBS)
def test_no_checkout_leaves_its_token_behind(name: str) -> None:
    checkouts = [step for step in steps(JOBS[name]) if "actions/checkout" in step.get("uses", "")]
    assert checkouts
    assert {step["with"]["persist-credentials"] for step in checkouts} == {False}


def test_no_script_has_an_expression_in_it() -> None:
    assert [where for where, script in scripts() if "${{" in script] == []


def test_a_release_is_checked_first_and_proves_its_build_and_its_packages() -> None:
    workflow = named("release")
    assert workflow["on"] == {"push": {"tags": ["v[0-9]+.[0-9]+.[0-9]+"]}}
    publish = workflow["jobs"]["publish"]
    assert publish["needs"] == "check"
    proofs = [step["with"] for step in steps(publish) if "actions/attest@" in step.get("uses", "")]
    assert [proof.get("sbom-path", "") for proof in proofs] == ["", "build/release/sbom.cdx.json"]
    script = " ".join(step.get("run", "") for step in steps(publish))
    assert "--format cyclonedx1.5" in script
    assert "gh release create" in script


AWS_JOBS = [name for name, job in JOBS.items() if "id-token" in job["permissions"] and name != "release/publish"]


@pytest.mark.parametrize("name", AWS_JOBS)
def test_who_may_log_in_to_aws_does_it_by_oidc_and_not_for_forks(name: str) -> None:
    job, workflow = JOBS[name], named(name.partition("/")[0])
    logins = [step for step in steps(job) if "configure-aws-credentials" in step.get("uses", "")]
    assert [set(step["with"]) for step in logins] == [{"role-to-assume", "aws-region"}]
    if "pull_request" in workflow["on"] and name not in (*AFTER_MERGE, *ON_THE_DEFAULT_BRANCH):
        assert "github.event.pull_request.head.repo.full_name == github.repository" in job["if"]


@pytest.mark.parametrize("name", [name for name in JOBS if name.startswith("pull-request/")])
def test_a_pull_request_never_gets_the_deploy_role(name: str) -> None:
    assert "DEPLOY_ROLE" not in str(JOBS[name])
    assert "environment" not in JOBS[name]


def test_no_workflow_runs_a_forks_code_with_the_bases_rights() -> None:
    for path in WORKFLOWS:
        assert {"pull_request_target", "workflow_run", "issue_comment"}.isdisjoint(content(path)["on"])


def test_an_image_is_pushed_signed_and_promoted_only_after_a_merge() -> None:
    found = named("application")["jobs"]
    assert found["push"]["if"] == "${{ github.event_name == 'push' }}"
    assert found["verify"]["if"] == "${{ github.event_name == 'workflow_dispatch' }}"
    assert (found["propose"]["needs"], found["promote"]["needs"]) == (["push"], ["verify"])
    assert found["promote"]["environment"] == "prod"
    assert "IMAGES_ROLE_PROD" in str(found["promote"])
    assert "IMAGES_ROLE_PROD" not in str([found[name] for name in found if name != "promote"])


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_a_proposal_changes_one_digest_and_nothing_else(stack: str, tmp_path: Path) -> None:
    before = (ROOT / f"Pulumi.{stack}.yaml").read_text(encoding="utf-8")
    script = ROOT / "examples/application/propose.sh"
    image = f"111122223333.dkr.ecr.eu-central-1.amazonaws.com/softpos@sha256:{'a' * 64}"
    (tmp_path / f"Pulumi.{stack}.yaml").write_text(before, encoding="utf-8")
    asked = tmp_path / "asked"
    for name, code in (("git", '[ "$1" != diff ]'), ("gh", "true")):
        (tmp_path / name).write_text(f'#!/bin/sh\necho "{name} $*" >> {asked}\n{code}\n')
        (tmp_path / name).chmod(0o755)
    environment = {"PATH": os.pathsep.join([str(tmp_path), os.environ["PATH"]])}
    subprocess.run([script, stack, image], cwd=tmp_path, env=environment, check=True, capture_output=True)
    after = (tmp_path / f"Pulumi.{stack}.yaml").read_text(encoding="utf-8")
    changed = [line for line in after.splitlines() if line not in before.splitlines()]
    assert changed == [f"  softpos:serviceImage: {image}"]
    assert f"git push origin image-{stack}-aaaaaaaaaaaa" in asked.read_text(encoding="utf-8")
    refused = subprocess.run(
        [script, stack, "softpos:latest"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert refused.returncode == 2
    assert "softpos:latest is not allowed; allowed: REPOSITORY@sha256:" in refused.stderr


def test_check_and_rehearsal_run_for_everybody_without_credentials() -> None:
    found = named("pull-request")["jobs"]
    for name in ("check", "rehearse"):
        assert "if" not in found[name]
        assert found[name]["permissions"] == {"contents": "read"}
    assert found["rehearse"]["strategy"]["matrix"]["stack"] == ["dev", "prod"]


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_one_update_of_a_stack_at_a_time_and_none_is_cut_off(stack: str) -> None:
    job = JOBS[f"deploy/{stack}"]
    assert job["concurrency"] == {"group": f"stack-{stack}", "cancel-in-progress": False}
    assert job["environment"] == stack


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_a_deployment_is_smoked_and_a_broken_one_says_how_to_unlock(stack: str) -> None:
    found = [(step["run"], step.get("if", "")) for step in steps(JOBS[f"deploy/{stack}"]) if "run" in step]
    commands = [run.partition("operations ")[2] for run, _ in found]
    assert commands[0].startswith(f"pipeline deploy --stack {stack}")
    assert commands[1] == f"smoke --stack {stack}"
    assert commands[2] == f"pipeline unlocked --stack {stack}"
    assert found[2][1] == "${{ failure() || cancelled() }}"


def test_production_runs_what_was_planned_checked_and_approved_after_dev() -> None:
    job, plan = JOBS["deploy/prod"], JOBS["deploy/plan"]
    assert job["needs"] == ["check", "dev", "plan"]
    [planned] = [step["run"] for step in steps(plan) if "--plan" in step.get("run", "")]
    [deployed] = [step["run"] for step in steps(job) if "--plan" in step.get("run", "")]
    assert planned.endswith("preview --stack prod --plan plan.json")
    assert deployed.endswith("deploy --stack prod --plan plan.json")
    [kept] = [step["with"] for step in steps(plan) if "upload-artifact" in step.get("uses", "")]
    [taken] = [step["with"] for step in steps(job) if "download-artifact" in step.get("uses", "")]
    assert kept["name"] == taken["name"]
    assert "PLAN_ROLE_PROD" in str(plan)


def test_production_is_reached_only_from_a_runner_behind_the_vpn() -> None:
    for name in ("deploy/prod", "deploy/plan"):
        assert "vars.RUNNER_PROD" in JOBS[name]["runs-on"]


def test_a_job_that_deploys_trusts_no_cache() -> None:
    for name, job in JOBS.items():
        if name.startswith(DEPLOYING):
            assert not any("cache" in step.get("with", {}) for step in steps(job)), name


@pytest.mark.parametrize("name", JOBS)
def test_what_must_end_gracefully_gets_the_signal_itself(name: str) -> None:
    """GitHub interrupts the step's own process: a shell in between would swallow it."""
    for step in steps(JOBS[name]):
        if re.search(r"pipeline (deploy|preview|environment)", step.get("run", "")):
            assert step["run"].startswith("exec "), step["run"]


def test_every_command_that_a_workflow_runs_exists() -> None:
    found = set()
    for _, script in scripts():
        for line in script.splitlines():
            if "-m operations" in line:
                words = [word for word in shlex.split(line.partition("-m operations ")[2]) if not word.startswith("-")]
                group = operations.get_command(click.Context(operations), words[0])
                assert words[0] in COMMANDS
                assert group
                if isinstance(group, click.Group):
                    assert words[1] in group.commands, line
                found.add(" ".join(words[: 2 if isinstance(group, click.Group) else 1]))
    assert found == {
        "rehearse",
        "smoke",
        *(
            f"pipeline {name}"
            for name in ("preview", "comment", "deploy", "unlocked", "drift", "expiring", "release-notes")
        ),
        "pipeline environment",
        "upgrade ending",
    }


def test_every_make_target_that_a_workflow_runs_exists() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8").replace("$(VENV)", ".venv")
    targets = set(re.findall(r"^([a-z./-]+):", makefile, re.MULTILINE))
    wanted = {match for _, script in scripts() for match in re.findall(r"make ([a-z./-]+)", script)}
    assert {"check", "rehearse", "setup", ".venv/.ready"} <= wanted
    assert wanted <= targets


def test_who_runs_a_tool_of_the_checks_has_it_installed() -> None:
    for name, job in JOBS.items():
        runs = " ".join(step.get("run", "") for step in steps(job))
        found = [step for step in steps(job) if step.get("uses") == "./.github/actions/setup"]
        assert len(found) == (".venv/" in runs or "make " in runs), name
        setup = found[0] if found else {}
        wanted = "make check" in runs or "pip-audit" in runs or "pytest" in runs or "policy-sdks" in runs
        assert (setup.get("with", {}).get("tools") == "true") == wanted, name


def test_the_cli_is_of_the_same_release_as_the_locked_sdk() -> None:
    [version] = [
        step["with"]["pulumi-version"] for step in steps(content(ACTIONS[0])) if "pulumi" in step.get("uses", "")
    ]
    assert f"\npulumi=={version} " in (ROOT / "requirements.txt").read_text(encoding="utf-8")


def test_the_provider_plugins_are_of_the_releases_that_are_locked(tmp_path: Path) -> None:
    [script] = [step["run"] for step in steps(content(ACTIONS[0])) if "plugin install" in step.get("run", "")]
    asked = tmp_path / "asked"
    for name, line in (("pulumi", f'echo "$@" >> {asked}'), ("make", ":")):
        (tmp_path / name).write_text(f"#!/bin/sh\n{line}\n")
        (tmp_path / name).chmod(0o755)
    shutil.copy(ROOT / "requirements.txt", tmp_path)
    path = os.pathsep.join([str(tmp_path), os.environ["PATH"]])
    subprocess.run(["bash", "-euo", "pipefail", "-c", script], cwd=tmp_path, env={"PATH": path}, check=True)  # noqa: S607
    locked = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    wanted = re.findall(r"^pulumi-(aws|eks|kubernetes|random)==([0-9.]+)", locked, re.MULTILINE)
    assert len(wanted) == 4
    assert sorted(asked.read_text().splitlines()) == [
        f"plugin install resource {name} v{version}" for name, version in sorted(wanted)
    ]


def test_the_nightly_run_looks_at_both_stacks_vulnerabilities_and_exceptions() -> None:
    found = named("nightly")["jobs"]
    assert [one["stack"] for one in found["drift"]["strategy"]["matrix"]["include"]] == ["dev", "prod"]
    assert "PLAN_ROLE" in str(found["drift"])
    assert any("pip-audit --strict" in step.get("run", "") for step in steps(found["audit"]))
    assert any("expiring --days 14" in step.get("run", "") for step in steps(found["exceptions"]))


def test_environments_come_by_form_label_and_clock() -> None:
    found = named("environments")
    assert set(found["on"]) == {"workflow_dispatch", "pull_request", "schedule"}
    assert set(found["on"]["pull_request"]["types"]) >= {"labeled", "unlabeled", "synchronize", "closed"}
    assert set(found["jobs"]) == {"form", "pull-request", "reap"}
    for name, job in found["jobs"].items():
        assert job["concurrency"]["cancel-in-progress"] is False
        assert ("REAPER_ROLE" if name == "reap" else "ENVIRONMENTS_ROLE") in str(job)
        assert "DEPLOY_ROLE" not in str(job)


def test_a_pull_requests_code_gets_an_environment_only_from_a_reviewer_and_never_reaps() -> None:
    found = named("environments")["jobs"]
    assert found["pull-request"]["environment"]["name"] == "test-environments"
    for name in ("form", "reap"):
        assert "environment" not in found[name]
        assert "github.event_name == 'pull_request'" not in found[name]["if"]
    assert "github.ref == 'refs/heads/main'" in found["form"]["if"]


def test_a_pull_request_is_never_given_anything_of_production() -> None:
    for name, job in JOBS.items():
        if "pull_request" in named(name.partition("/")[0])["on"] and name not in AFTER_MERGE:
            assert "_PROD" not in str(job), name


def test_a_pull_requests_code_never_runs_on_a_runner_that_reaches_a_permanent_stack() -> None:
    for name, job in JOBS.items():
        if name.startswith(("pull-request/", "environments/")):
            assert "RUNNER_DEV" not in job["runs-on"], name
            assert "RUNNER_PROD" not in job["runs-on"], name
    assert JOBS["pull-request/preview"]["runs-on"] == "ubuntu-24.04"


def test_only_the_default_branch_is_deployed() -> None:
    for name in ("check", "dev", "plan"):
        assert JOBS[f"deploy/{name}"]["if"] == "${{ github.ref == 'refs/heads/main' }}"
    assert {"check", "dev", "plan"} <= set(JOBS["deploy/prod"]["needs"])


def test_dependencies_are_kept_current() -> None:
    updates = yaml.safe_load((ROOT / ".github/dependabot.yml").read_text(encoding="utf-8"))["updates"]
    assert {update["package-ecosystem"] for update in updates} == {"github-actions", "uv"}


def tool(name: str) -> str:
    """A linter on PATH or in the virtual environment, else the test is skipped with the reason."""
    found = shutil.which(name, path=os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))
    if not found:
        pytest.skip(f"{name} is not installed")
    return found


def test_actionlint_finds_nothing() -> None:
    done = subprocess.run([tool("actionlint")], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_zizmor_finds_nothing() -> None:
    command = [tool("zizmor"), "--offline", "--no-progress", "--persona=pedantic", ".github"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
