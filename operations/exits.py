"""How a command ends: an exit code and, where something is wrong, a line for each thing."""

from __future__ import annotations

REFUSED = 1
"""A gate refused: a mandatory violation, a failed check."""
BAD_INPUT = 2
"""Arguments or settings cannot be used."""
FAILED = 3
"""The tool or the program itself failed."""


class Stop(Exception):  # noqa: N818 (an ending, not always an error)
    """End the command with `code` after printing `lines` to standard error."""

    def __init__(self, code: int, *lines: str) -> None:
        super().__init__(*lines)
        self.code = code
        self.lines = lines
