"""Results are written whole, and only regular files are ever replaced."""

import os
import stat
import threading
from pathlib import Path

import pytest

from command_line.exits import BAD_INPUT, FAILED, Stop
from command_line.files import STANDARD_OUTPUT, check_writable, is_standard_output, write_whole


def test_a_link_is_followed_and_stays_a_link(tmp_path: Path) -> None:
    real, link = tmp_path / "real.json", tmp_path / "link.json"
    link.symlink_to(real.name)
    for content in ("first", "second"):
        write_whole(link, content)
        assert link.is_symlink()
        assert real.read_text(encoding="utf-8") == content
    assert sorted(tmp_path.iterdir()) == [link, real]


def test_an_existing_file_keeps_its_mode(tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    file.touch(0o600)
    file.chmod(0o640)
    write_whole(file, "text")
    assert stat.S_IMODE(file.stat().st_mode) == 0o640


def test_a_device_stays_a_device() -> None:
    before = os.stat("/dev/null")  # noqa: PTH116
    write_whole(Path("/dev/null"), "text")
    assert os.stat("/dev/null") == before or stat.S_ISCHR(os.stat("/dev/null").st_mode)  # noqa: PTH116


def test_a_pipe_is_written_to(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    heard: list[str] = []
    reader = threading.Thread(target=lambda: heard.append(pipe.read_text(encoding="utf-8")))
    reader.start()
    write_whole(pipe, "text")
    reader.join()
    assert heard == ["text"]
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_a_minus_is_standard_output(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    check_writable(STANDARD_OUTPUT)
    write_whole(STANDARD_OUTPUT, "text")
    assert capsys.readouterr().out == "text"
    assert list(tmp_path.iterdir()) == []
    assert is_standard_output(STANDARD_OUTPUT)
    assert not is_standard_output(tmp_path / "file")
    assert not is_standard_output(None)


def test_a_full_device_is_told(tmp_path: Path) -> None:
    with pytest.raises(Stop, match="No space left on device") as refused:
        write_whole(Path("/dev/full"), "text")
    assert refused.value.code == FAILED


@pytest.mark.parametrize("name", ["loop", "dangling", "file/below", "x" * 300, "folder"])
def test_what_cannot_be_written_is_refused_before_the_work(tmp_path: Path, name: str) -> None:
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "dangling").symlink_to("missing/file")
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    before = sorted(tmp_path.iterdir())
    with pytest.raises(Stop, match="cannot be written") as refused:
        check_writable(tmp_path / name)
    assert refused.value.code == BAD_INPUT
    assert sorted(tmp_path.iterdir()) == before
