"""The command's contract: exit codes and one clear sentence for each thing that is wrong."""

import os
from pathlib import Path

import pytest

from command_line.exits import BAD_INPUT, FAILED, REFUSED
from operations.__main__ import main
from operations.evidence.live import SOURCES


def test_a_changed_bundle_ends_with_1_and_the_file(
    sealed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evidence", "verify", str(sealed)]) == 0
    assert main(["evidence", "verify", str(sealed), "--seal", "0" * 64]) == REFUSED
    assert main(["evidence", "verify", str(tmp_path)]) == REFUSED
    assert "manifest.json" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--stack", "dev"], "--out"),
        (["--out", "{new}"], "--stack"),
        (["--stack", "prd", "--out", "{new}"], "did you mean prod"),
        (["--state", "{new}/none.json", "--out", "{new}"], "is not an exported state"),
    ],
)
def test_bad_arguments_end_with_2_and_one_sentence(
    arguments: list[str], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = [argument.format(new=tmp_path / "new") for argument in arguments]
    assert main(["evidence", *given]) == BAD_INPUT
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1
    assert words in lines[0]
    assert not (tmp_path / "new").exists()


def ask_live(out: Path, monkeypatch: pytest.MonkeyPatch, **environment: str) -> int:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(out.parent / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(out.parent / "none"))
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return main(["evidence", "--stack", "dev", "--out", str(out), "--live"])


@pytest.mark.parametrize(("environment", "words"), [({}, "no AWS credentials"), ({"AWS_PROFILE": "nobody"}, "nobody")])
def test_live_without_credentials_is_refused_before_anything_is_written(
    environment: dict[str, str],
    words: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert ask_live(tmp_path / "new", monkeypatch, **environment) == BAD_INPUT
    told = capsys.readouterr().err
    assert words in told
    assert told.count("\n") == 1
    assert not (tmp_path / "new").exists()


def test_live_with_services_that_do_not_answer_ends_with_3_and_names_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    keys = dict.fromkeys(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"), "testing")
    nowhere = {"AWS_ENDPOINT_URL": "http://127.0.0.1:9", "AWS_MAX_ATTEMPTS": "1"}
    assert ask_live(tmp_path / "new", monkeypatch, **keys, **nowhere) == FAILED
    told = capsys.readouterr().err
    assert [name for name in SOURCES if f"--live: {name}: the source did not answer" not in told] == []
    assert (tmp_path / "new" / "live.csv").is_file()
