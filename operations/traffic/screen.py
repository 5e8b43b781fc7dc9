"""What the operator sees: a line per gate, and a line that tells where a step is."""

from __future__ import annotations

import time
from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from operations.traffic.gates import Finding, Verdict

COLOURS = {Verdict.PASS: "green", Verdict.WAIT: "cyan", Verdict.PAUSE: "yellow", Verdict.FAIL: "bold red"}
LINE_SECONDS = 30.0
"""Where the output is no terminal, a wait is told again only after this time."""


class Terminal:
    """In place on a terminal, lines elsewhere."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self._status = console.status("")
        self._shown = False
        self._told = -LINE_SECONDS

    def tells(self, sentence: str) -> None:
        self._quiet()
        self.console.print(sentence, highlight=False, soft_wrap=True, markup=False)

    def waits(self, sentence: str) -> None:
        if self.console.is_terminal:
            self._status.update(Text(sentence))
            if not self._shown:
                self._status.start()
                self._shown = True
        elif time.monotonic() - self._told >= LINE_SECONDS:
            self._told = time.monotonic()
            self.tells(sentence)

    def finds(self, findings: Sequence[Finding]) -> None:
        self._quiet()
        for one in findings:
            self.console.print(
                Text.assemble((f"{one.verdict.value:5}", COLOURS[one.verdict]), f"  {one.gate}: {one.says}"),
                soft_wrap=True,
            )

    def _quiet(self) -> None:
        if self._shown:
            self._status.stop()
            self._shown = False
