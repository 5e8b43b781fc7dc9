"""Whether the engine has anything left to do, or only waits."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

PROCESSES = Path("/proc")
RESTING = frozenset("SIZXt")
"""States of a thread that waits for something else; running, ready to run and waiting for the disk are not in it."""


def visible() -> bool:
    """Whether this system shows the state of threads (Linux)."""
    return (PROCESSES / "self" / "stat").exists()


def resting(session: int) -> bool:
    """Whether no thread of any process in a session is running or about to.

    However slow or busy the machine is: a process that waits for a processor is not resting.
    """
    return not any(state not in RESTING for state in _states(session))


def _states(session: int) -> Iterator[str]:
    for process in PROCESSES.iterdir():
        if process.name.isdigit() and _fields(process)[3:4] == [str(session)]:
            for thread in _listed(process / "task"):
                yield from _fields(thread)[:1]


def _fields(process: Path) -> list[str]:
    """The fields after the name, which may itself hold spaces: state, parent, group, session."""
    try:
        return (process / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[:4]
    except OSError:
        return []


def _listed(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []
