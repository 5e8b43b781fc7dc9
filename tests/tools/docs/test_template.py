"""`pulumi new` from the repository: the questions are real settings, and the answers make a project."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from command_line.project import ROOT

PROJECT: dict[str, Any] = yaml.safe_load((ROOT / "Pulumi.yaml").read_text(encoding="utf-8"))
QUESTIONS: dict[str, Any] = PROJECT["template"]["config"]


def test_every_question_is_about_a_setting_and_says_what_it_means() -> None:
    asked = set(QUESTIONS) - {"aws:region"}
    assert asked <= set(PROJECT["config"])
    assert [key for key, question in QUESTIONS.items() if not question["description"]] == []


def test_every_needed_setting_is_asked_for_or_is_a_list_that_the_quick_start_names() -> None:
    """The CLI saves each answer as text, so that it cannot ask for a list."""
    needed = {key for key, declared in PROJECT["config"].items() if "default" not in declared}
    lists = {key for key in needed if PROJECT["config"][key]["type"] == "array"}
    texts = {"softpos:migrationSourceCa"}  # several lines, which a prompt cannot take
    assert needed - lists - texts <= set(QUESTIONS)
    quickstart = PROJECT["template"]["quickstart"]
    assert [key for key in lists if key.partition(":")[2] not in quickstart] == []


@pytest.mark.engine
@pytest.mark.skipif(shutil.which("pulumi") is None, reason="no Pulumi CLI on PATH")
def test_pulumi_new_makes_a_project_of_ones_own(tmp_path: Path) -> None:
    template, made = tmp_path / "template", tmp_path / "made"
    ignored = shutil.ignore_patterns(".venv", ".git", "build", "__pycache__", ".*_cache")
    shutil.copytree(ROOT, template, ignore=ignored)
    made.mkdir()
    environment = {**os.environ, "PULUMI_BACKEND_URL": tmp_path.as_uri(), "PULUMI_CONFIG_PASSPHRASE": "test"}
    command = ["pulumi", "new", str(template), "--dir", str(made), "--name", "softpos", "--generate-only", "--yes"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    project = yaml.safe_load((made / "Pulumi.yaml").read_text(encoding="utf-8"))
    assert project["name"] == "softpos"
    assert "template" not in project
    assert (made / "components" / "network" / "secure_vpc.py").is_file()
