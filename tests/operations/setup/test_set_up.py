"""`make setup` installs exactly the lock, by the pip of any supported Python, whatever the index holds by then."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from packaging.utils import parse_wheel_filename
from packaging.version import Version

from command_line.project import ROOT
from tests.operations.setup.index import pinned, served, write_installed, write_wheel

PIPS = {
    "22.3": "1daab4b8d3b97d1d763caeb01a4640a2250a0ea899e257b1e44b9eded91e15ab",
    "23.0.1": "236bcb61156d76c4b8a05821b988c7b8c35bf0da28a4b614e8d6ab5212c25c6f",
    "23.2.1": "7ccf472345f20d35bdc9d1841ff5f313260c2c33fe417f48c30ac46cccabf5be",
}
"""Of Python 3.11.0, Debian 12, and Python 3.11.7 and 3.12.1."""
NEWEST = "newest"
LISTED = "import importlib.metadata as m, json; print(json.dumps({d.name: d.version for d in m.distributions()}))"


@dataclass(frozen=True)
class Checkout:
    """A checkout whose lock is small, next to an index that has moved on since it was locked."""

    folder: Path
    index: str
    asked: list[str]

    @property
    def environment(self) -> Path:
        return self.folder / ".venv"

    def make(self, target: str, **variables: str) -> subprocess.CompletedProcess[str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "UV_", "VIRTUAL_"))}
        command = ["make", "--no-print-directory", target, f"PYTHON={sys.executable}"]
        asked = {"PIP_INDEX_URL": self.index, "UV_CACHE_DIR": str(self.folder / "cache"), "NO_PROXY": "127.0.0.1"}
        return subprocess.run(
            command, cwd=self.folder, env={**kept, **asked, **variables}, capture_output=True, text=True, check=False
        )

    def packages(self) -> dict[str, str]:
        listed = subprocess.run([self.environment / "bin/python", "-c", LISTED], capture_output=True, check=True)
        found: dict[str, str] = json.loads(listed.stdout)
        return found


@pytest.fixture
def checkout(tmp_path: Path) -> Iterator[Checkout]:
    folder, index = tmp_path / "a checkout", tmp_path / "index"
    (folder / "operations").mkdir(parents=True)
    for name in ("Makefile", "operations/__init__.py"):
        shutil.copy(ROOT / name, folder / name)
    shutil.copytree(ROOT / "operations/setup", folder / "operations/setup")
    locked = [
        write_wheel(index, "application", "1.0", requires=["library[mail]>=1.0"]),
        write_wheel(index, "library", "1.0", requires=["postman>=2; extra == 'mail'"], extras=["mail"]),
        write_wheel(index, "postman", "2.0"),
    ]
    tool, uv = write_wheel(index, "tool", "3.0"), write_installed(index, "uv")
    (folder / "requirements.txt").write_text("".join(map(pinned, locked)))
    (folder / "requirements-dev.txt").write_text(pinned(tool))
    (folder / "requirements-setup.txt").write_text(pinned(uv))
    write_wheel(index, "library", "1.1", requires=["postman>=2; extra == 'mail'"], extras=["mail"])
    for name in ("postman", "tool", "uv"):
        write_wheel(index, name, "99.0")
    with served(index) as (address, asked):
        yield Checkout(folder, address, asked)


@pytest.fixture(scope="session")
def pips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheels of old releases of pip, from the index that this machine uses."""
    folder = tmp_path_factory.mktemp("pips")
    for version, digest in {**PIPS, NEWEST: ""}.items():
        wanted = folder / f"{version}.txt"
        wanted.write_text(f"pip=={version} --hash=sha256:{digest}\n" if digest else "pip\n")
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder, "-r", wanted]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            pytest.skip(f"pip {version} cannot be fetched: {done.stderr.strip().splitlines()[-1]}")
    return folder


def release(wheel: Path) -> Version:
    return parse_wheel_filename(wheel.name)[1]


def installed(checkout: Checkout) -> dict[str, str]:
    return {name: version for name, version in checkout.packages().items() if name not in ("pip", "setuptools", "uv")}


@pytest.mark.parametrize(
    "version",
    ["22.3", pytest.param("23.0.1", marks=pytest.mark.slow), "23.2.1", pytest.param(NEWEST, marks=pytest.mark.slow)],
)
def test_any_pip_installs_the_locked_release_where_the_index_has_a_newer_one(
    checkout: Checkout, pips: Path, version: str
) -> None:
    [wheel] = pips.glob(f"pip-{version}-*.whl") if version in PIPS else [max(pips.glob("*.whl"), key=release)]
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", checkout.environment], check=True)
    command = [checkout.environment / "bin/python", wheel / "pip", "install", "--quiet", "--no-index", wheel]
    subprocess.run(command, check=True)
    pip = checkout.packages()["pip"]
    done = checkout.make("setup")
    assert done.returncode == 0, done.stderr
    assert installed(checkout) == {"application": "1.0", "library": "1.0", "postman": "2.0", "tool": "3.0"}
    assert checkout.packages()["pip"] == pip
    assert pip == version or version == NEWEST
    assert [path for path in checkout.asked if "-99.0-" in path or "-1.1-" in path] == []
