"""pyproject.toml lists what is needed, uv.lock locks it, requirements*.txt are written from that; all agree."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.markers import Marker
from packaging.specifiers import SpecifierSet
from packaging.utils import parse_wheel_filename

from command_line.project import ROOT
from operations.setup.machine import GLIBC, SUPPORTED

PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LOCK: dict[str, Any] = tomllib.loads((ROOT / "uv.lock").read_text(encoding="utf-8"))
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
UV = Path(sys.executable).with_name("uv")
PYTHONS = ((3, 11), (3, 12), (3, 13), (3, 14))
EXPORTS = re.findall(r"bin/uv (export .*) \$\(EXPORT\) (requirements\S*\.txt)", MAKEFILE)


def uv(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "UV_CACHE_DIR": str(folder / "cache"), "UV_PYTHON": sys.executable}
    command = [UV, "--offline", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name in ("pyproject.toml", "uv.lock"):
        shutil.copy(ROOT / name, tmp_path)
    return tmp_path


def test_the_lock_is_of_what_the_project_lists(project: Path) -> None:
    assert uv(project, "lock", "--check").returncode == 0
    listed = project / "pyproject.toml"
    listed.write_text(listed.read_text().replace('    "rich",', '    "rich>=1000",'))
    assert uv(project, "lock", "--check").returncode != 0


def test_there_is_a_file_for_the_program_one_for_the_tools_and_one_for_uv() -> None:
    assert [name for _, name in EXPORTS] == ["requirements.txt", "requirements-dev.txt", "requirements-setup.txt"]


@pytest.mark.parametrize(("command", "name"), EXPORTS, ids=[name for _, name in EXPORTS])
def test_what_is_installed_is_what_is_locked(project: Path, command: str, name: str) -> None:
    options = re.search(r"^EXPORT := (.*)", MAKEFILE, re.MULTILINE)
    assert options
    done = uv(project, *command.split(), *options[1].split(), name)
    assert done.returncode == 0, done.stderr
    assert (project / name).read_text() == (ROOT / name).read_text(encoding="utf-8"), "run make lock"


def test_the_tools_do_not_move_what_the_program_runs_on() -> None:
    def pins(name: str) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for package, version in re.findall(r"^([\w.-]+)==([^ ;]+)", (ROOT / name).read_text("utf-8"), re.MULTILINE):
            found.setdefault(package, set()).add(version)
        return found

    program, tools = pins("requirements.txt"), pins("requirements-dev.txt")
    assert {name for name in program.keys() & tools.keys() if program[name] != tools[name]} == set()


def test_nothing_of_the_program_is_asked_for_with_an_extra() -> None:
    """`pulumi install` runs any pip on requirements.txt, and pips before 23.3 forget the pin of such a package."""
    names = set(re.findall(r"^([\w.-]+)==", (ROOT / "requirements.txt").read_text("utf-8"), re.MULTILINE))
    packages = [package for package in LOCK["package"] if package["name"] in names]
    assert len(packages) > 40
    assert [one for package in packages for one in package.get("dependencies", []) if "extra" in one] == []


@pytest.mark.parametrize("python", PYTHONS, ids=lambda python: f"{python[0]}.{python[1]}")
@pytest.mark.parametrize("machine", SUPPORTED, ids=lambda machine: "-".join(machine))
def test_every_package_is_published_as_a_wheel_for_each_supported_machine_and_python(
    machine: tuple[str, str], python: tuple[int, int]
) -> None:
    lacking = [
        f"{package['name']} {package['version']}"
        for package in LOCK["package"]
        if "registry" in package["source"] and package["name"] not in ("pywin32", "colorama")  # Windows alone
        if not package.get("resolution-markers") or _is_for(python, package["resolution-markers"])
        if not any(_fits(wheel["url"], machine, python) for wheel in package.get("wheels", []))
    ]
    assert lacking == []


def _is_for(python: tuple[int, int], markers: list[str]) -> bool:
    version = {"python_full_version": f"{python[0]}.{python[1]}.0", "python_version": f"{python[0]}.{python[1]}"}
    return any(Marker(marker).evaluate({**version, "sys_platform": "linux"}) for marker in markers)


def _fits(url: str, machine: tuple[str, str], python: tuple[int, int]) -> bool:
    *_, tags = parse_wheel_filename(url.rsplit("/", 1)[1])
    return any(
        _is_of(tag.platform, machine)
        and (
            tag.interpreter in (f"cp{python[0]}{python[1]}", f"py{python[0]}{python[1]}", "py3")
            or (tag.abi == "abi3" and int(tag.interpreter.removeprefix("cp3") or 0) <= python[1])
        )
        and not tag.abi.endswith("t")
        for tag in tags
    )


def _is_of(platform: str, machine: tuple[str, str]) -> bool:
    system, processor = machine
    if platform == "any":
        return True
    if system == "darwin":
        return platform.startswith("macosx_") and platform.endswith((f"_{processor}", "_universal2"))
    modern = re.fullmatch(rf"manylinux_(\d+)_(\d+)_{processor}", platform)
    if modern:
        return (int(modern[1]), int(modern[2])) <= GLIBC
    return platform in {f"{tag}_{processor}" for tag in ("linux", "manylinux1", "manylinux2010", "manylinux2014")}


def test_the_makefile_takes_the_pythons_that_the_project_allows() -> None:
    allowed = SpecifierSet(PROJECT["project"]["requires-python"])
    [fits] = re.findall(r"^FITS := (.*)", MAKEFILE, re.MULTILINE)
    for minor in range(9, 17):
        code = fits.replace("sys.version_info[:2]", f"(3, {minor})")
        done = subprocess.run([sys.executable, "-c", code], check=False)
        assert (done.returncode == 0) == allowed.contains(f"3.{minor}.0"), minor
    assert [python for python in PYTHONS if not allowed.contains(f"{python[0]}.{python[1]}.0")] == []
