"""How a command ends: an exit code and, where something is wrong, a line for each thing.

`ended` is the one place that catches everything. A crash ends with 3, so that nobody takes it for a verdict.
This module needs nothing but Python itself: it must also work where a package is missing.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TextIO

REFUSED = 1
"""A gate refused: a mandatory violation, a failed check."""
BAD_INPUT = 2
"""Arguments or settings cannot be used."""
FAILED = 3
"""The tool or the program itself failed."""

NO_PULUMI = (
    "pulumi: the Pulumi CLI is not on PATH; allowed: a current release; "
    "install it from https://www.pulumi.com/docs/install/ and run again"
)
STOPPED = "Stopped by you; nothing was left half-written."
CLOSED = "standard output: it is closed, so nothing can be told; allowed: open; redirect it to a file or /dev/null."
ROOT = Path(__file__).resolve().parents[1]


class Stop(Exception):  # noqa: N818 (an ending, not always an error)
    """End the command with `code` after printing `lines` to standard error."""

    def __init__(self, code: int, *lines: str) -> None:
        super().__init__(*lines)
        self.code = code
        self.lines = lines


def ended(work: Callable[[], int], *, debug: bool = False) -> int:
    """Do a command's work and return its exit code: the work's own, that of a `Stop`, or 3 for everything else.

    Every failure is a line on standard error. `debug` adds the traceback of what nobody foresaw.
    """
    if sys.stdout is None:  # the caller closed it: whatever opens next would take its place
        _tell([CLOSED])
        return FAILED
    try:
        code = work()
        sys.stdout.flush()
    except Stop as stop:
        code = stop.code
        _tell(stop.lines)
    except KeyboardInterrupt:
        code = FAILED
        _tell([STOPPED])
    except BaseException as error:  # noqa: BLE001 (a crash must never look like a verdict)
        code = FAILED
        _tell([*([traceback.format_exc()] if debug else []), sentence(error)])
    _let_go(sys.stdout)
    _let_go(sys.stderr)
    return code


def sentence(error: BaseException) -> str:
    """An unforeseen failure as one line: what, where, and what to do."""
    if any(isinstance(one, BrokenPipeError) for one in _chain(error)):  # click and rich answer it by sys.exit(1)
        return "standard output: its reader closed it before everything was told; read it to its end."
    if isinstance(error, SystemExit):
        return f"a part of the program ended it by sys.exit({error.code!r}); no verdict was reached; remove that call."
    if isinstance(error, ModuleNotFoundError):
        return (
            f"the module {error.name!r} is missing in {sys.executable}; run `make setup`, then use "
            ".venv/bin/python -m operations."
        )
    if isinstance(error, OSError) and error.strerror:
        where = f"{error.filename}: " if error.filename else ""
        return f"{where}{error.strerror}{_place(error)}; no verdict was reached; mend that and run again."
    told = " ".join(str(error).split())
    return (
        f"the command failed: {type(error).__name__}{f': {told[:300]}' if told else ''}{_place(error)}; no verdict was "
        "reached; run again with `.venv/bin/python -m operations --debug` for the whole story."
    )


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """An error and those that it came from."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _place(error: BaseException) -> str:
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename).is_relative_to(ROOT)]
    own = [frame for frame in frames if "site-packages" not in frame.filename]
    return f" ({Path(own[-1].filename).relative_to(ROOT)}:{own[-1].lineno})" if own else ""


def _tell(lines: Iterable[str]) -> None:
    if sys.stderr is None:
        return  # closed: `print` would turn to standard output
    with suppress(OSError, ValueError):  # nobody listens: the exit code still tells
        for line in lines:
            print(line.encode("utf-8", "backslashreplace").decode("utf-8"), file=sys.stderr)  # noqa: T201


def _let_go(stream: TextIO | None) -> None:
    """Drop what cannot be written (full disk, closed pipe): at its end Python would give it an exit code of its own."""
    if stream is None:
        return
    try:
        stream.flush()
    except (OSError, ValueError):
        with suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
