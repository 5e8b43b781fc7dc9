"""Every row of the table ends with its exit code and one sentence, and leaves nothing half-written."""

import re
import shlex
import shutil
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Self

import pytest

from operations.__main__ import main
from operations.plan import stack_recording
from tests.bad_inputs.table import TABLE, BadInput

ROOT = Path(__file__).parents[2]
LONGEST_SENTENCE = 900
DEV = (ROOT / "Pulumi.dev.yaml").read_text(encoding="utf-8")


class SilentPack:
    """A pack that judges nothing, where the program must fail before any verdict."""

    def __init__(self, *_: object) -> None:
        pass

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def judge(self, resources: Iterable[Any], _: Mapping[str, str]) -> None:
        for _resource in resources:
            pass


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with the stacks' own files, in a folder that a test may break; the current one, too."""
    for file in ROOT.glob("Pulumi*.yaml"):
        shutil.copy(file, tmp_path)
    monkeypatch.setattr(stack_recording, "ROOT", tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def without(key: str) -> str:
    """Dev's stack file without one setting."""
    return re.sub(rf"^  {re.escape(key)}:.*\n(    .*\n)*", "", DEV, flags=re.MULTILINE)


def arguments(row: BadInput, project: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Lay the row's input out and return the command line that meets it."""
    rehearse, first = ["rehearse", "--stack", "dev"], str(row.given[0])
    stack_file = project / "Pulumi.dev.yaml"
    match row.place:
        case "setting":
            key = first if ":" in first else f"softpos:{first}"
            stack_file.write_text(f"{without(key).rstrip()}\n  {key}: {row.given[1]}\n", encoding="utf-8")
        case "stack file":
            stack_file.write_bytes(first.encode("utf-8", "surrogateescape"))
        case "--config":
            return [*rehearse, "--config", first]
        case "arguments":
            return shlex.split(first)
        case "file":
            file = project / "given"
            file.write_bytes(str(row.given[1]).encode("utf-8", "surrogateescape"))
            return [str(file) if word == "{file}" else word for word in shlex.split(first)]
        case "program":
            (project / "__main__.py").write_text(first, encoding="utf-8")
            monkeypatch.setattr(stack_recording, "PolicyPack", SilentPack)
        case "pack":
            (project / "__main__.py").write_text(
                "import pulumi_random\npulumi_random.RandomPet('a')\n", encoding="utf-8"
            )
            if row.given[0] is not None:
                (project / "policy").mkdir()
                shutil.copy(ROOT / "policy" / "PulumiPolicy.yaml", project / "policy")
                (project / "policy" / "__main__.py").write_text(first, encoding="utf-8")
    return rehearse


def files(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if "__pycache__" not in path.parts)


@pytest.mark.parametrize(
    "row", TABLE, ids=[f"{number}-{row.place}-{ascii(row.given[-1])[:40]}" for number, row in enumerate(TABLE)]
)
def test_a_bad_input_ends_with_its_code_and_one_sentence(
    row: BadInput, project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    given = arguments(row, project, monkeypatch)
    before = list(files(project))
    code = main(given)
    told = capsys.readouterr()
    lines = told.err.strip("\n").splitlines()
    assert code == row.code, told.err
    assert told.out == ""
    assert [line for line in lines if row.says in line], lines
    assert "Traceback" not in told.err
    for line in lines:
        assert line.isprintable()
        assert line.endswith((".", "?"))
        assert len(line) <= LONGEST_SENTENCE
    assert list(files(project)) == before


def test_no_row_is_there_twice() -> None:
    assert len(set(TABLE)) == len(TABLE)


def test_what_is_refused_is_the_change_and_nothing_else(project: Path) -> None:
    """The stack's own file passes in the same folder, whole and with a setting written anew."""
    assert stack_recording.stack_settings("dev")[1].cost_centre == "softpos-dev"
    (project / "Pulumi.dev.yaml").write_text(f"{without('softpos:costCentre').rstrip()}\n  softpos:costCentre: 4711\n")
    assert stack_recording.stack_settings("dev")[1].cost_centre == "4711"
