"""The folder of the virtual environment: made, kept where it is whole, made again where it is not."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from operations.setup import Refusal

PARTS = {"bin", "include", "lib", "lib64", "share", "pyvenv.cfg"}
"""What `venv` makes; a killed one leaves a part of it."""

CHECK = """
import importlib.metadata, json, sys
import pip
broken = [
    found.metadata["Name"]
    for found in importlib.metadata.distributions()
    if not found.files or any(file.suffix != ".pyc" and not file.locate().exists() for file in found.files)
]
print(json.dumps({"version": sys.version_info[:2], "prefix": sys.prefix, "broken": broken}))
"""
"""Run by the environment's interpreter. A killed installation leaves a package without its list of files, or a file
that is listed and missing."""


def prepare(environment: Path) -> None:
    """Leave a working environment with pip at `environment`; one that is whole keeps its packages.

    Raises:
        Refusal: `environment` is a link or something else than an environment, which is left alone; or this Python
            cannot make environments.
    """
    if environment.is_symlink():
        raise Refusal(
            f"{environment} is a symbolic link to {environment.readlink()}; allowed: a directory of its own; "
            "remove the link and run again."
        )
    if environment.exists() and not environment.is_dir():
        raise Refusal(f"{environment} is a file; allowed: a directory; move the file away and run again.")
    if environment.is_dir():
        found = {entry.name for entry in environment.iterdir()}
        if "pyvenv.cfg" not in found and (strange := sorted(found - PARTS)):
            raise Refusal(
                f"{environment} holds {strange[0]} and is no virtual environment; allowed: an environment or nothing; "
                "move it away and run again."
            )
    for mark in (".ready", ".ready-dev"):
        (environment / mark).unlink(missing_ok=True)
    if not _whole(environment):
        _make(environment)


def interpreter(environment: Path) -> Path:
    """Return the path of the environment's Python."""
    return environment / "bin" / "python"


def bare() -> dict[str, str]:
    """Return this process's variables without those that give a Python other modules or another home."""
    return {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")}


def _whole(environment: Path) -> bool:
    command: list[str | Path] = [interpreter(environment), "-I", "-c", CHECK]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return False
    found = json.loads(done.stdout)
    at_home = Path(found["prefix"]).resolve() == environment.resolve()
    return at_home and tuple(found["version"]) == sys.version_info[:2] and not found["broken"]


def _make(environment: Path) -> None:
    command: list[str | Path] = [sys.executable, "-m", "venv", "--clear", environment]
    done = subprocess.run(command, env=bare(), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.stderr.write(done.stdout + done.stderr)
        raise Refusal(
            f"{sys.executable} cannot make a virtual environment at {environment}; see the lines above, install its "
            "venv module if it is missing (Debian: python3-venv), and run again."
        )
