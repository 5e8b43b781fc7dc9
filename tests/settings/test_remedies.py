"""What a refusal tells the user to run is what the CLI takes, and the setting is then as it was meant."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from command_line.project import ROOT
from settings.groups import known_keys
from settings.reading import read

DECLARED: dict[str, Any] = yaml.safe_load((ROOT / "Pulumi.yaml").read_text(encoding="utf-8"))["config"]
MEANT: dict[str, Any] = yaml.safe_load((ROOT / "Pulumi.dev.yaml").read_text(encoding="utf-8"))["config"]
NEEDED = [key.name for key in known_keys() if key.name in DECLARED and "default" not in DECLARED[key.name]]


def remedies() -> dict[str, str]:
    """The command that the refusal of each missing setting prints."""
    _, problems = read({}, "dev")
    return {problem.key: match[1] for problem in problems if (match := re.search(r"`(.*)`", problem.remedy))}


def test_every_setting_without_a_default_has_a_remedy() -> None:
    assert len(NEEDED) > 10
    assert [name for name in NEEDED if name not in remedies()] == []


@pytest.mark.engine
@pytest.mark.skipif(shutil.which("pulumi") is None, reason="no Pulumi CLI on PATH")
def test_each_remedy_sets_what_was_missing(tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "PULUMI_HOME": str(tmp_path / "home"),
        "PULUMI_BACKEND_URL": tmp_path.as_uri(),
        "PULUMI_CONFIG_PASSPHRASE": "played",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
    }

    def run(line: str) -> None:
        done = subprocess.run(
            ["/bin/bash", "-c", line], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"

    shutil.copy(ROOT / "Pulumi.yaml", tmp_path)
    run("pulumi stack init dev")
    printed = remedies()
    for name in NEEDED:
        value = MEANT[name]
        (tmp_path / "FILE").write_text(str(value))
        for index, item in enumerate(value if isinstance(value, list) else [value]):
            run(printed[name].replace("[0]", f"[{index}]").replace("VALUE", f"'{item}'"))
    written = yaml.safe_load((tmp_path / "Pulumi.dev.yaml").read_text(encoding="utf-8"))["config"]

    def text(value: Any) -> str:
        return json.dumps(value) if isinstance(value, list) else str(value).strip()

    assert {name: text(written[name]) for name in NEEDED} == {name: text(MEANT[name]) for name in NEEDED}
