"""Files that are whole or not there at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from operations.exits import BAD_INPUT, Stop


def write_whole(path: Path, content: str) -> None:
    """Write `content` to `path` in one step, so that no reader ever finds half of it.

    Raises:
        Stop: when the file cannot be written; an existing file is then untouched.
    """
    try:
        with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=path.parent, delete=False) as file:
            temporary = Path(file.name)
            file.write(content)
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(path)
    except OSError as error:
        raise Stop(BAD_INPUT, f"{path}: cannot be written ({error.strerror}); choose another file.") from None


def check_writable(path: Path) -> None:
    """Find out before the work whether its result can be written to `path`; writes nothing.

    Raises:
        Stop: when it cannot.
    """
    if not os.access(path.parent, os.W_OK):
        raise Stop(BAD_INPUT, f"{path}: cannot be written ({path.parent} is missing or closed); choose another file.")


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
