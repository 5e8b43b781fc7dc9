"""What `make` finds at .venv: whole, it is kept; half-made, it is made again; something else is left alone."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from operations.setup import Refusal
from operations.setup.environment import interpreter, prepare
from operations.setup.installation import _connection, _reaches


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    environment = tmp_path_factory.mktemp("whole") / "environment"
    prepare(environment)
    return environment


def pip_file(environment: Path) -> Path:
    [found] = environment.glob("lib/python*/site-packages/pip/__init__.py")
    return found


def test_a_link_is_refused_and_what_it_leads_to_is_untouched(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "work").write_text("a year")
    (tmp_path / ".venv").symlink_to(precious)
    with pytest.raises(Refusal, match=r"is a symbolic link to .*/precious; allowed: a directory of its own; remove"):
        prepare(tmp_path / ".venv")
    assert (precious / "work").read_text() == "a year"


def test_a_dangling_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / ".venv").symlink_to(tmp_path / "nowhere")
    with pytest.raises(Refusal, match="is a symbolic link to"):
        prepare(tmp_path / ".venv")
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize("name", ["work", ".git", "bin/../notes.txt"])
def test_a_directory_of_something_else_is_refused_and_untouched(tmp_path: Path, name: str) -> None:
    (tmp_path / "bin").mkdir()
    file = tmp_path / name
    file.write_text("a year")
    with pytest.raises(Refusal, match="is no virtual environment; allowed: an environment or nothing; move it away"):
        prepare(tmp_path)
    assert file.read_text() == "a year"


def test_a_file_is_refused_and_untouched(tmp_path: Path) -> None:
    file = tmp_path / ".venv"
    file.write_text("a year")
    with pytest.raises(Refusal, match="is a file; allowed: a directory; move the file away"):
        prepare(file)
    assert file.read_text() == "a year"


def test_a_python_without_venv_is_refused_with_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\necho 'No module named venv' >&2\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(broken))
    with pytest.raises(
        Refusal, match=r"cannot make a virtual environment at .*\(Debian: python3-venv\), and run again"
    ):
        prepare(tmp_path / ".venv")


def test_a_whole_environment_keeps_what_it_holds(made: Path) -> None:
    (made / "mark").touch()
    prepare(made)
    assert (made / "mark").exists()


@pytest.fixture
def made_again(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The environments that would be made again."""
    found: list[Path] = []
    monkeypatch.setattr("operations.setup.environment._make", found.append)
    return found


def test_where_a_listed_file_is_missing_the_environment_is_made_again(made: Path, made_again: list[Path]) -> None:
    file = pip_file(made)
    hidden = file.rename(file.with_suffix(".hidden"))
    prepare(made)
    hidden.rename(file)
    assert made_again == [made]


def test_where_a_killed_installation_left_no_list_of_files_the_environment_is_made_again(
    made: Path, made_again: list[Path]
) -> None:
    half = pip_file(made).parents[1] / "half-1.0.dist-info"
    half.mkdir()
    (half / "METADATA").write_text("Metadata-Version: 2.1\nName: half\nVersion: 1.0\n")
    prepare(made)
    shutil.rmtree(half)
    assert made_again == [made]


def test_where_the_python_no_longer_starts_the_environment_is_made_again(made: Path) -> None:
    (made / "mark").touch()
    interpreter(made).unlink()
    interpreter(made).symlink_to("/nonexistent/python3")
    prepare(made)
    assert not (made / "mark").exists()
    subprocess.run([interpreter(made), "-m", "pip", "--version"], check=True, capture_output=True)


def test_what_a_killed_venv_left_is_made_again(tmp_path: Path) -> None:
    environment = tmp_path / ".venv"
    for name in ("bin", "include", "lib"):
        (environment / name).mkdir(parents=True)
    prepare(environment)
    subprocess.run([interpreter(environment), "-m", "pip", "--version"], check=True, capture_output=True)


def test_uv_is_told_what_pip_is_configured_with(tmp_path: Path) -> None:
    links = tmp_path / "links"
    links.mkdir()
    file = tmp_path / "pip.conf"
    file.write_text(
        "[global]\nindex-url = https://one.example/simple\ncert = /etc/one.pem\n"
        f"find-links =\n  {links}\n  {tmp_path}/missing\n  https://two.example/links\nuser = true\n"
        "[install]\nindex-url = https://two.example/simple\ntrusted-host = two.example\n"
    )
    variables = {"PIP_CONFIG_FILE": str(file), "PIP_PROXY": "http://proxy.example:3128", "HOME": str(tmp_path)}
    assert _connection([sys.executable, "-m", "pip", "config", "list"], variables) == {
        "UV_DEFAULT_INDEX": "https://two.example/simple",
        "SSL_CERT_FILE": "/etc/one.pem",
        "UV_FIND_LINKS": f"{links},https://two.example/links",
        "UV_INSECURE_HOST": "two.example",
        "HTTPS_PROXY": "http://proxy.example:3128",
        "HTTP_PROXY": "http://proxy.example:3128",
    }


@pytest.mark.parametrize(
    ("variable", "reaches"),
    [
        ("PATH", True),
        ("HTTPS_PROXY", True),
        ("PIP_INDEX_URL", True),
        ("PIP_CONFIG_FILE", True),
        ("UV_DEFAULT_INDEX", True),
        ("UV_CACHE_DIR", True),
        ("PIP_USER", False),
        ("PIP_TARGET", False),
        ("PIP_CONSTRAINT", False),
        ("PIP_NO_BINARY", False),
        ("UV_NO_VERIFY_HASHES", False),
        ("UV_EXCLUDE_NEWER", False),
        ("UV_SYSTEM_PYTHON", False),
    ],
)
def test_a_users_variables_change_how_packages_are_reached_and_not_what_is_installed(
    variable: str, reaches: bool
) -> None:
    assert _reaches(variable) == reaches
