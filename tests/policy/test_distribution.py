"""The pack is a distribution of its own: built, installed and run where nothing of this project is."""

from __future__ import annotations

import datetime
import json
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import grpc
import pytest
import yaml
from google.protobuf import struct_pb2
from pulumi.runtime.proto import analyzer_pb2, analyzer_pb2_grpc

from command_line.exits import NO_PULUMI
from policy import pack
from policy.exceptions import NAME as EXCEPTIONS

PACK = Path(pack.__file__).parent
VOLUME = "aws:ebs/volume:Volume"


def run(*command: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=folder, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder into which the pack's wheel was installed."""
    folder = tmp_path_factory.mktemp("distribution")
    source = folder / "source"
    shutil.copytree(PACK, source, ignore=shutil.ignore_patterns("__pycache__"))
    for arguments in (
        ("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder), str(source)),
        (
            "install",
            "--no-deps",
            "--no-index",
            "--find-links",
            str(folder),
            "--target",
            str(folder / "lib"),
            "pci-dss-aws",
        ),
    ):
        made = run(sys.executable, "-m", "pip", "--quiet", *arguments, folder=folder)
        assert made.returncode == 0, made.stderr
    return folder / "lib"


@pytest.fixture(scope="module")
def copied(installed: Path) -> Path:
    """A copy for an empty project, made by the installed pack."""
    project = installed.parent / "shop"
    project.mkdir()
    made = run(sys.executable, "-m", "pci_dss_aws", "copy", "pack", folder=project, PYTHONPATH=str(installed))
    assert made.returncode == 0, made.stderr
    return project / "pack"


def judged(folder: Path, directory: Path) -> list[str]:
    """What the pack in a directory says of a volume that is not encrypted, started from a program's folder."""
    command = [sys.executable, "-u", "-m", "pulumi.policy", "127.0.0.1:1", str(directory)]
    environment = {**os.environ, "PWD": str(folder)}
    process = subprocess.Popen(command, cwd=directory, env=environment, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        with grpc.insecure_channel(f"127.0.0.1:{int(process.stdout.readline())}") as channel:
            properties = struct_pb2.Struct()
            properties.update({"encrypted": False})
            request = analyzer_pb2.AnalyzeRequest(
                type=VOLUME, name="disk", urn=f"urn:pulumi:dev::shop::{VOLUME}::disk", properties=properties
            )
            return [one.policyName for one in analyzer_pb2_grpc.AnalyzerStub(channel).Analyze(request).diagnostics]
    finally:
        process.terminate()
        process.wait(10)


def test_versions_agree() -> None:
    project = tomllib.loads((PACK / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["version"] == pack.VERSION


def test_copy_of_the_installed_pack_judges_and_brings_nothing_of_this_project(copied: Path) -> None:
    assert judged(copied.parent, copied) == ["ec2-volume-encrypted"]
    assert not list(copied.rglob("*.json"))
    assert not list(copied.rglob("*exceptions*.yaml"))
    assert yaml.safe_load((copied / "PulumiPolicy.yaml").read_text())["runtime"]["options"]["virtualenv"] == sys.prefix


def test_copy_into_an_existing_folder_is_refused(copied: Path, installed: Path) -> None:
    again = run(sys.executable, "-m", "pci_dss_aws", "copy", "pack", folder=copied.parent, PYTHONPATH=str(installed))
    assert again.returncode == 1
    assert again.stderr == "pack cannot be written (File exists); name a folder that does not exist.\n"


@pytest.fixture
def project(copied: Path, tmp_path: Path) -> Path:
    """An empty Pulumi project in Python, which declares nothing."""
    runtime = {"name": "python", "options": {"virtualenv": sys.prefix}}
    (tmp_path / "Pulumi.yaml").write_text(yaml.safe_dump({"name": "shop", "runtime": runtime}), encoding="utf-8")
    (tmp_path / "__main__.py").write_text("", encoding="utf-8")
    return tmp_path


def pulumi(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    state = project / "state"
    state.mkdir(exist_ok=True)
    return run(
        "pulumi",
        *arguments,
        "--stack",
        "dev",
        "--non-interactive",
        folder=project,
        PULUMI_HOME=str(project / "home"),
        PULUMI_BACKEND_URL=state.as_uri(),
        PULUMI_CONFIG_PASSPHRASE="played",
        PULUMI_SKIP_UPDATE_CHECK="true",
    )


@pytest.mark.skipif(shutil.which("pulumi") is None, reason=NO_PULUMI)
def test_real_engine_stops_a_loosened_rule_before_anything_and_finds_the_program_s_exceptions(
    copied: Path, project: Path
) -> None:
    """`up` without a preview: the verdict comes with the stack itself, the first that the engine asks about."""
    assert pulumi(project, "stack", "init").returncode == 0
    (project / "off.json").write_text(json.dumps({"ec2-volume-encrypted": "disabled"}), encoding="utf-8")
    loosened = ("--policy-pack", str(copied), "--policy-pack-config", "off.json")
    stopped = pulumi(project, "up", "--yes", "--skip-preview", *loosened)
    assert stopped.returncode != 0
    assert "exception-missing" in stopped.stdout + stopped.stderr
    assert pulumi(project, "up", "--yes", "--skip-preview", "--policy-pack", str(copied)).returncode == 0
    (project / "all.json").write_text(json.dumps({"all": "advisory"}), encoding="utf-8")
    gradual = ("up", "--yes", "--skip-preview", "--policy-pack", str(copied), "--policy-pack-config", "all.json")
    refused = pulumi(project, *gradual)
    assert refused.returncode != 0
    assert "other rules level advisory instead of mandatory" in " ".join((refused.stdout + refused.stderr).split())
    entry = {
        "level": "advisory",
        "reason": "Findings are mended service by service until spring.",
        "owner": "security@example.com",
        "expires": datetime.datetime.now(datetime.UTC).date(),
    }
    (project / EXCEPTIONS).write_text(yaml.safe_dump([entry]), encoding="utf-8")
    assert pulumi(project, *gradual).returncode == 0
    (project / EXCEPTIONS).write_text("- rule: no-such-rule\n", encoding="utf-8")
    refused = pulumi(project, "up", "--yes", "--skip-preview", "--policy-pack", str(copied))
    assert refused.returncode != 0
    assert "Exception 1 does not count: no-such-rule for None lacks resource" in refused.stdout + refused.stderr
