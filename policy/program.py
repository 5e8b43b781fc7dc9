"""Where the judged program lies: the folder of its Pulumi.yaml, beside which exceptions and the baseline are kept.

The engine starts the pack in the pack's own folder and does not name the program's. The process that started the pack
works in the program's folder, and so does the shell from which it was started.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_PROJECT_FILES: Final = ("Pulumi.yaml", "Pulumi.yml", "Pulumi.json")


def folder() -> Path | None:
    """The folder of the program; none where no Pulumi project is in sight."""
    for start in _starts():
        for place in (start, *start.parents):
            if any((place / name).is_file() for name in _PROJECT_FILES):
                return place
    return None


def _starts() -> Iterator[Path]:
    with contextlib.suppress(OSError):  # not every system shows where a process works
        yield Path(f"/proc/{os.getppid()}/cwd").resolve(strict=True)
    if shell := os.environ.get("PWD"):
        yield Path(shell)
    yield Path.cwd()
