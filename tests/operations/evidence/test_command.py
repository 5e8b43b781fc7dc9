"""The command's contract: exit codes and one clear sentence for each thing that is wrong."""

from pathlib import Path

import pytest

from operations.__main__ import main
from operations.exits import BAD_INPUT, REFUSED


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
