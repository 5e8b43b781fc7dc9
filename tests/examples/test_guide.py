"""examples/README.md, typed literally: after its commands nothing that an example needs is missing."""

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from command_line.project import ROOT

COMMANDS = re.findall(r"^\$ (.*)$", (ROOT / "examples/README.md").read_text(encoding="utf-8"), re.MULTILINE)


def test_the_guide_goes_from_the_stack_to_the_preview() -> None:
    assert COMMANDS[0].startswith("pulumi stack init ")
    assert COMMANDS[-2:] == ["pulumi install", "pulumi preview"]


def test_the_package_has_the_programs_lock_and_an_environment_of_its_own() -> None:
    """The CLI upgrades setuptools in the environment that a package names, and installs its requirements.txt."""
    listed = (ROOT / "provider/requirements.txt").read_text(encoding="utf-8").splitlines()
    [included] = [line.removeprefix("-r ") for line in listed if not line.startswith("#")]
    assert (ROOT / "provider" / included).resolve() == ROOT / "requirements.txt"
    plugin = yaml.safe_load((ROOT / "provider/PulumiPlugin.yaml").read_text(encoding="utf-8"))
    environment = ROOT / "provider" / plugin["runtime"]["options"]["virtualenv"]
    assert environment.resolve() != ROOT / ".venv"


@pytest.mark.engine
@pytest.mark.skipif(shutil.which("pulumi") is None, reason="no Pulumi CLI on PATH")
@pytest.mark.parametrize("example", ["yaml", "typescript"])
def test_the_commands_before_the_preview_set_all_that_is_needed(tmp_path: Path, example: str) -> None:
    shutil.copy(ROOT / "examples" / example / "Pulumi.yaml", tmp_path)
    environment = {
        **os.environ,
        "PULUMI_HOME": str(tmp_path / "home"),
        "PULUMI_BACKEND_URL": tmp_path.as_uri(),
        "PULUMI_CONFIG_PASSPHRASE": "played",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
    }
    for line in COMMANDS[:-2]:
        done = subprocess.run(
            ["/bin/bash", "-c", line], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
    project: dict[str, Any] = yaml.safe_load((tmp_path / "Pulumi.yaml").read_text(encoding="utf-8"))
    written = yaml.safe_load((tmp_path / "Pulumi.dev.yaml").read_text(encoding="utf-8"))["config"]
    needed = {f"{project['name']}:{key}" for key, declared in project["config"].items() if "default" not in declared}
    assert needed | {"aws:region"} <= set(written)
