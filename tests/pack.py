"""The policy pack as a user has it, for tests that give it to the CLI: with the environment that runs the tests."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import yaml

from command_line.project import ROOT


def copy_pack(folder: Path) -> Path:
    """Copy the pack into `folder`, name this interpreter's environment in it, and return the copy's path."""
    pack = folder / "policy"
    shutil.copytree(ROOT / "policy", pack, ignore=shutil.ignore_patterns("__pycache__"))
    project = yaml.safe_load((pack / "PulumiPolicy.yaml").read_text(encoding="utf-8"))
    project["runtime"]["options"]["virtualenv"] = sys.prefix
    (pack / "PulumiPolicy.yaml").write_text(yaml.safe_dump(project), encoding="utf-8")
    return pack
