"""The components are a distribution of their own: built, installed and rehearsed in a project that has nothing else."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from command_line.project import ROOT
from recording import ProgramError, Recording, play

COMPONENTS = ROOT / "components"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("distribution")
    shutil.copytree(COMPONENTS, folder / "source", ignore=shutil.ignore_patterns("__pycache__"))
    command = [sys.executable, "-m", "pip", "--quiet", "wheel", "--no-deps", "--no-build-isolation", "./source"]
    made = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    (found,) = folder.glob("softpos_components-*.whl")
    return found


@pytest.fixture
def project(wheel: Path, tmp_path: Path) -> Path:
    """An empty project with the program of the README, in which the wheel is unpacked as pip does it."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    (program,) = re.findall(r"```python\n(.*?)```", (COMPONENTS / "README.md").read_text("utf-8"), re.DOTALL)
    (tmp_path / "__main__.py").write_text(program, encoding="utf-8")
    (tmp_path / "Pulumi.yaml").write_text("name: shop\nruntime: python\n", encoding="utf-8")
    (tmp_path / "Pulumi.dev.yaml").write_text("config: {aws:region: eu-central-1}\n", encoding="utf-8")
    return tmp_path


def rehearsed(project: Path, old: str = "", new: str = "") -> Recording:
    program = project / "__main__.py"
    text = program.read_text(encoding="utf-8")
    assert old in text
    program.write_text(text.replace(old, new), encoding="utf-8")
    return play(project, stack="dev")


def test_the_wheel_holds_every_file_of_the_components(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        packed = {name.partition("/")[2] for name in archive.namelist() if name.startswith("softpos_components/")}
    ours = {
        str(file.relative_to(COMPONENTS))
        for file in COMPONENTS.rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }
    assert packed == ours - {"pyproject.toml", "README.md"}


def test_a_foreign_project_creates_network_cluster_and_database_under_its_own_name(project: Path) -> None:
    recording = rehearsed(project)
    types = {resource.type for resource in recording.resources}
    assert {"softpos:network:SecureVpc", "softpos:cluster:SoftPosCluster", "softpos:data:PaymentDatabase"} <= types
    tags = [resource.inputs["tags"] for resource in recording.resources if resource.inputs.get("tags")]
    assert {tag["Project"] for tag in tags} == {"shop"}
    assert recording.named("database-cluster").inputs["clusterIdentifier"] == "shop-dev-database"


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('"10.40.0.0/16"', '"8.8.0.0/16"', "cidr: '8.8.0.0/16' is not allowed; allowed: a private IPv4 range"),
        ('"10.40.0.0/16"', '"10.0.0.0/8"', "cidr: '10.0.0.0/8' is not allowed; allowed: a private IPv4 range between"),
        ('nat="single"', 'nat="none"', "nat: 'none' is not allowed; allowed: single or per-zone"),
        ('nat="single"', 'trusted_cidrs=("0.0.0.0/0",)', "trusted_cidrs: '[\"0.0.0.0/0\"]' is not allowed"),
        ('"111122223333", ', '"abc", ', "account_id: 'abc' is not allowed; allowed: the 12 digits of the AWS account"),
        (
            'in "abc"',
            'in "a"',
            "availability_zones: '[\"eu-central-1a\"]' is not allowed; allowed: a list of exactly 3",
        ),
        (
            '{place.region}{letter}"',
            'eu-west-1{letter}"',
            'availability_zones: \'["eu-west-1a", "eu-west-1b", "eu-west-1c"]\' is not allowed; '
            "allowed: zones of eu-central-1",
        ),
        ("(deletion_protection=False)", "(readers=4)", "readers: '4' is not allowed; allowed: at most readers_max (3)"),
        ("(deletion_protection=False)", '(engine="mysql")', "engine_version: '8.4.mysql_aurora.8.4.8' is not allowed"),
        ("(deletion_protection=False)", "(backup_retention_days=1)", "backup_retention_days: '1' is not allowed"),
        ("=vpc.data_subnet_ids", "=vpc.data_subnet_ids[:1]", "data_subnet_ids: a list of 1 is not allowed"),
    ],
)
def test_what_the_platform_refuses_is_refused_in_a_foreign_project(
    project: Path, old: str, new: str, words: str
) -> None:
    with pytest.raises(ProgramError) as refused:
        rehearsed(project, old, new)
    assert words in str(refused.value)
