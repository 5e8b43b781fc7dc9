"""Files that are whole or not there at all; devices, pipes and ``-`` (standard output) are written straight through."""

from __future__ import annotations

import errno
import os
import stat
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from command_line.exits import BAD_INPUT, FAILED, Stop

STANDARD_OUTPUT = Path("-")
STREAMED = ("/dev", "/proc")
"""What is below these is never replaced, whatever it leads to: another process holds it open."""


class OutputFile(click.ParamType[Path]):
    """An option's file that a command will write; whether it can is found out before the work."""

    name = "file"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:  # noqa: ARG002
        path = Path(value)
        check_writable(path)
        return path


def report_console(*files: Path | None) -> Console:
    """Where a command tells people what it found: standard output, unless one of its `files` goes there."""
    return Console(stderr=any(is_standard_output(file) for file in files))


def is_standard_output(path: Path | None) -> bool:
    """Whether `path` is ``-``, or another name for what this process prints to."""
    if path is None or path == STANDARD_OUTPUT:
        return path is not None
    try:
        return _streamed(path) and os.path.samestat(path.stat(), os.fstat(1))
    except OSError:
        return False


def write_whole(path: Path, content: str) -> None:
    """Write `content` to `path`.

    A regular file changes in one step, so that no reader ever finds half of it; a link is followed and stays a link,
    and an existing file keeps its mode. A device or a pipe is written to as it is, ``-`` is standard output.

    Raises:
        Stop: when the file cannot be written; an existing file is then untouched.
    """
    try:
        if is_standard_output(path):
            sys.stdout.write(content)
            sys.stdout.flush()
        elif _streamed(path):
            with path.open("w", encoding="utf-8") as stream:
                stream.write(content)
        else:
            _replace(Path(os.path.realpath(path)), content)
    except OSError as error:
        raise Stop(
            FAILED, f"{path}: cannot be written ({error.strerror}); make room or choose another file, and run again."
        ) from None


def check_writable(path: Path) -> None:
    """Find out before the work whether its result can be written to `path`; writes nothing.

    Raises:
        Stop: when it cannot.
    """
    if path == STANDARD_OUTPUT:
        return
    target = Path(os.path.realpath(path))
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        reason = "" if os.access(target.parent, os.W_OK) else f"{target.parent} is missing or closed"
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
    else:
        reason = "it is a directory" if stat.S_ISDIR(mode) else "" if os.access(path, os.W_OK) else "it is closed"
        if not reason and stat.S_ISREG(mode) and not _streamed(path) and not os.access(target.parent, os.W_OK):
            reason = f"{target.parent} is closed"
    if reason:
        raise Stop(BAD_INPUT, f"{path}: cannot be written ({reason}); choose another file.")


def _streamed(path: Path) -> bool:
    """Whether something other than a regular file is there."""
    if path.absolute().is_relative_to(STREAMED[0]) or path.absolute().is_relative_to(STREAMED[1]):
        return True
    try:
        return not stat.S_ISREG(path.stat().st_mode)
    except FileNotFoundError:
        return False


def _replace(path: Path, content: str) -> None:
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    mode = stat.S_IMODE(path.stat().st_mode) if path.exists() else 0o666 & ~_umask()
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=path.parent, delete=False) as file:
        temporary = Path(file.name)
        try:
            file.write(content)
            file.close()
            temporary.chmod(mode)
            temporary.replace(path)
        except BaseException:
            with suppress(OSError):
                temporary.unlink()
            raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
