"""What the rehearsal reads in a stack's file is what the engine hands to the program: its own reader is the judge."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from command_line.project import ROOT
from recording.configuration import ConfigurationError, read_configuration

READ = [
    "true",
    "false",
    "4711",
    "-5",
    "0",
    "1.36",
    "1.30",
    "-0.5",
    "'yes'",
    '"0777"',
    "!!str 5",
    "text",
    "10.20.0.0/16",
]
READ += [
    "8.4.7",
    "[a, 1, true]",
    "[]",
    "a b",
    "2001:db8::/56",
    '"a\\u00e4"',
    "|\n    two\n    lines",
    "aws-1",
    "'null'",
]
DIFFERENT = ["0777", "1_000", "2026-01-01", "1e3", ".5", "012", "9999999999999999999999", "011122223333", "+5", "0x1F"]
"""Unquoted forms that the engine turns into something else than what is written; the rehearsal refuses them."""


@pytest.fixture
def project(cli: None, tmp_path: Path) -> Path:
    (tmp_path / "project").mkdir()
    for file in ROOT.glob("Pulumi*.yaml"):
        shutil.copy(file, tmp_path / "project")
    return tmp_path / "project"


def engines(project: Path, stack: str) -> dict[str, str]:
    """A stack's configuration as the engine reads it."""
    state = project.parent / "state"
    state.mkdir(exist_ok=True)
    environment = {**os.environ, "PULUMI_BACKEND_URL": state.as_uri(), "PULUMI_CONFIG_PASSPHRASE": "none"}

    def pulumi(*arguments: str) -> str:
        command = [shutil.which("pulumi") or "pulumi", *arguments, "--stack", stack, "--non-interactive"]
        return subprocess.run(command, cwd=project, env=environment, check=True, capture_output=True, text=True).stdout

    pulumi("stack", "select", "--create")
    found: dict[str, dict[str, Any]] = json.loads(pulumi("config", "--json"))
    return {key: value["value"] for key, value in found.items()}


def meaning(text: str) -> Any:
    """Text as it stands, a structure without regard to how it is spaced."""
    return json.loads(text) if text.startswith(("[", "{")) else text


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_a_stacks_settings_are_those_of_the_engine(project: Path, stack: str) -> None:
    ours = read_configuration(project, stack, {}).values
    theirs = engines(project, stack)
    assert {key: meaning(value) for key, value in ours.items()} == {k: meaning(v) for k, v in theirs.items()}


def test_what_is_read_means_the_same_to_the_engine(project: Path) -> None:
    lines = "".join(f"  softpos:k{number}: {text}\n" for number, text in enumerate(READ))
    (project / "Pulumi.yaml").write_text("name: softpos\nruntime: python\n", encoding="utf-8")
    (project / "Pulumi.dev.yaml").write_text(f"config:\n{lines}", encoding="utf-8")
    ours, theirs = read_configuration(project, "dev", {}).values, engines(project, "dev")
    assert {key: meaning(value) for key, value in ours.items()} == {k: meaning(v) for k, v in theirs.items()}


def test_what_the_engine_changes_is_refused(project: Path) -> None:
    (project / "Pulumi.yaml").write_text("name: softpos\nruntime: python\n", encoding="utf-8")
    file = project / "Pulumi.dev.yaml"
    file.write_text(
        "config:\n" + "".join(f"  softpos:k{i}: {text}\n" for i, text in enumerate(DIFFERENT)), encoding="utf-8"
    )
    theirs = engines(project, "dev")
    assert [text for i, text in enumerate(DIFFERENT) if theirs[f"softpos:k{i}"] == text] == []
    for text in DIFFERENT:
        file.write_text(f"config:\n  softpos:costCentre: {text}\n", encoding="utf-8")
        with pytest.raises(ConfigurationError, match="without quotes"):
            read_configuration(project, "dev", {})
