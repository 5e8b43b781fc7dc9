"""A crash is never a verdict: whatever happens inside a command, it ends with 0, 1, 2 or 3, and one sentence."""

import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from rich.console import Console

from command_line.exits import BAD_INPUT, FAILED, REFUSED, Stop, ended
from operations.__main__ import main
from operations.commands import NARROWEST, WIDEST

ROOT = Path(__file__).parents[2]


def crash(error: BaseException) -> int:
    raise error


CRASHES = [
    (SystemExit(0), "sys.exit(0)"),
    (SystemExit(1), "sys.exit(1)"),
    (SystemExit("gone"), "sys.exit('gone')"),
    (RuntimeError("first\nsecond"), "RuntimeError: first second"),
    (RecursionError("too deep"), "too deep"),
    (GeneratorExit(), "GeneratorExit"),
    (ModuleNotFoundError("No module named 'rich'", name="rich"), "make setup"),
    (OSError(28, "No space left on device"), "No space left on device"),
    (UnicodeEncodeError("ascii", "\u251c", 0, 1, "ordinal not in range"), "UnicodeEncodeError"),
    (KeyboardInterrupt(), "Stopped by you"),
]


@pytest.mark.parametrize(
    ("error", "words"), CRASHES, ids=[f"{type(error).__name__}-{words}" for error, words in CRASHES]
)
def test_every_crash_ends_with_3_and_one_sentence(
    error: BaseException, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ended(lambda: crash(error)) == FAILED
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert words in told
    assert "Traceback" not in told


@pytest.mark.parametrize("code", [0, REFUSED, BAD_INPUT, FAILED])
def test_a_verdict_keeps_its_code(code: int) -> None:
    assert ended(lambda: code) == code
    assert ended(lambda: crash(Stop(code))) == code


def test_debug_tells_where(capsys: pytest.CaptureFixture[str]) -> None:
    ended(lambda: crash(ValueError("why")), debug=True)
    assert "Traceback" in capsys.readouterr().err


def run(command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A shell's view of a command: its code and what it says on standard error."""
    return subprocess.run(
        ["/bin/bash", "-c", f"set -o pipefail; {command}"],
        cwd=ROOT,
        env={**os.environ, "OPERATIONS": f"{sys.executable} -m operations", **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("$OPERATIONS --help > /dev/full", "No space left on device"),
        ("$OPERATIONS rehearse --help > /dev/full 2> /dev/full", ""),
        ("$OPERATIONS --help >&-", "standard output: it is closed"),
        ("$OPERATIONS --help >&- 2>&-", ""),
        ("{ sleep 1; $OPERATIONS --help; } | true", "its reader closed it"),
    ],
)
def test_what_cannot_be_told_ends_with_3(command: str, words: str) -> None:
    done = run(command)
    assert done.returncode == FAILED
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr


@pytest.mark.parametrize("stream", ["2> /dev/full", "2>&-"])
def test_a_refusal_that_nobody_hears_keeps_its_code(stream: str) -> None:
    done = run(f"$OPERATIONS rehearse --stack nobody {stream}")
    assert done.returncode == BAD_INPUT
    assert done.stdout == ""


def test_a_verdict_needs_no_standard_error() -> None:
    done = run("$OPERATIONS rehearse --stack dev 2> /dev/full")
    assert done.returncode == 0
    assert "Compliant with all" in done.stdout


def test_the_usage_line_works_when_it_is_copied(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rehearse", "--help"]) == 0
    assert capsys.readouterr().out.startswith("Usage: .venv/bin/python -m operations rehearse ")


def test_a_python_without_the_packages_is_told_how_to_get_them() -> None:
    done = run(f"{sys.executable} -S -m operations rehearse --stack dev")
    assert done.returncode == FAILED
    assert "make setup" in done.stderr
    assert done.stderr.count("\n") == 1


def test_ctrl_c_while_modules_load_ends_with_3(tmp_path: Path) -> None:
    """The first module of the command line waits to be interrupted, as a slow disk would make it."""
    for folder in ("command_line", "operations"):
        (tmp_path / folder).mkdir()
        for file in (ROOT / folder).glob("*.py"):
            (tmp_path / folder / file.name).write_text(file.read_text(encoding="utf-8"), encoding="utf-8")
    waiting = "import pathlib, time\npathlib.Path('loading').touch()\ntime.sleep(60)\n"
    (tmp_path / "operations" / "commands.py").write_text(waiting, encoding="utf-8")
    process = subprocess.Popen(
        [sys.executable, "-m", "operations", "rehearse"],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    while not (tmp_path / "loading").exists():
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate()
    assert process.returncode == FAILED
    assert told == "Stopped by you; nothing was left half-written.\n"


@pytest.mark.parametrize("columns", ["0", "-1", "1", "99999999", "\u0663", "wide", ""])
def test_a_width_that_hides_the_report_is_not_used(columns: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    assert main(["--help"]) == 0
    assert NARROWEST <= Console().width <= WIDEST


def test_a_hostile_environment_costs_no_verdict() -> None:
    """A company's proxies in lower case, no width, a terminal without line drawing: nothing leaves this machine."""
    nowhere = dict.fromkeys(("http_proxy", "https_proxy", "grpc_proxy", "all_proxy"), "http://127.0.0.1:9")
    hostile = {**nowhere, "no_proxy": "", "NO_PROXY": "", "COLUMNS": "0", "PYTHONIOENCODING": "ascii"}
    done = run("$OPERATIONS rehearse --stack dev", **hostile)
    assert done.returncode == 0, done.stderr
    assert "Compliant with all" in done.stdout


def test_a_limit_on_file_sizes_leaves_the_old_result_whole(tmp_path: Path) -> None:
    file = tmp_path / "dev.json"
    file.write_text("old", encoding="utf-8")
    write = (
        "from command_line.files import write_whole; import sys, pathlib; write_whole(pathlib.Path(sys.argv[1]), %r)"
    )
    done = subprocess.run(
        [sys.executable, "-B", "-c", write % ("x" * 120_000), str(file)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000)),
    )
    assert "cannot be written (File too large)" in done.stderr
    assert file.read_text(encoding="utf-8") == "old"
    assert list(tmp_path.iterdir()) == [file]
