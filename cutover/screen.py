"""What the operator sees: tables of findings and plans, and a line that counts the downtime up."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from cutover.checks.preflight import FAIL, PASS, WARN, Preflight
from cutover.record import Record
from cutover.servers.shape import SchemaDifference
from cutover.states import STATES
from cutover.status import Status

COLOURS = {PASS: "green", WARN: "yellow", FAIL: "bold red"}
LINE_SECONDS = 5.0
"""Where the output is no terminal, a wait is told again only after this time."""


def minutes(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"


class Terminal:
    """Live on a terminal, lines elsewhere. The downtime ticks even while a statement blocks."""

    def __init__(self, console: Console, budget_seconds: float) -> None:
        self.console = console
        self._budget = budget_seconds
        self._what = ""
        self._downtime_began: float | None = None
        self._told: dict[str, float] = {}

    @contextmanager
    def live(self) -> Iterator[None]:
        if not self.console.is_terminal:
            yield
            return
        with Live(self, console=self.console, refresh_per_second=4, transient=True):
            yield

    def waits(self, what: str, downtime_seconds: float | None) -> None:
        self._what = what
        self._downtime_began = None if downtime_seconds is None else time.time() - downtime_seconds
        step = what.partition(":")[0]
        if not self.console.is_terminal and time.monotonic() - self._told.get(step, -LINE_SECONDS) >= LINE_SECONDS:
            self._told[step] = time.monotonic()
            self.console.print(self.__rich__())

    def tells(self, sentence: str) -> None:
        self.console.print(sentence, highlight=False)

    def __rich__(self) -> Text:
        if self._downtime_began is None:
            return Text(f"  {self._what}")
        down = time.time() - self._downtime_began
        colour = "bold red" if down > self._budget * 0.8 else "bold yellow"
        return Text.assemble((f"  downtime {minutes(down)} of {minutes(self._budget)}", colour), f"  {self._what}")


def findings(result: Preflight, *, everything: bool) -> Table:
    """One row a finding; passes only if asked for."""
    table = Table(title=f"Preflight: {result.sentence()} ({result.seconds:.1f} s)", title_justify="left")
    for heading in ("", "where", "check", "found", "what mends it"):
        table.add_column(heading, overflow="fold")
    for item in result.results:
        if everything or item.level != PASS:
            colour = COLOURS[item.level]
            table.add_row(Text(item.level, style=colour), item.area, item.check, Text(item.found), Text(item.remedy))
    return table


def plan(rows: Sequence[tuple[str, str, list[str]]]) -> Table:
    table = Table(
        title="Dry run: every statement and call, with today's figures; nothing is changed", title_justify="left"
    )
    for heading in ("state", "step", "what would be done"):
        table.add_column(heading, overflow="fold")
    last = ""
    for state, step, lines in rows:
        table.add_row(state if state != last else "", step, Text("\n".join(lines)), end_section=False)
        last = state
    return table


def differences(title: str, found: Sequence[SchemaDifference]) -> Table:
    table = Table(title=f"{title}: {len(found)} differences", title_justify="left")
    for heading in ("what", "source", "target"):
        table.add_column(heading, overflow="fold")
    for item in found:
        table.add_row(Text(item.name), Text(item.source or "-"), Text(item.target or "-"))
    return table


def status(shown: Status, record: Record) -> Table:
    meaning = f": {STATES[record.state].meaning}" if record.state in STATES and record.done else ""
    title = f"{record.stack}: {record.state}{' done' if record.done else ' under way'}{meaning}\n{shown.sentence()}"
    table = Table(title=title, title_justify="left")
    for heading in (
        "table",
        "state",
        "loaded rows",
        "inserts",
        "updates",
        "deletes",
        "validation",
        "failed",
        "suspended",
    ):
        table.add_column(
            heading, justify="right" if heading in ("loaded rows", "inserts", "updates", "deletes") else "left"
        )
    for item in shown.tables:
        table.add_row(
            item.table,
            item.state,
            f"{item.loaded:,}",
            f"{item.inserts:,}",
            f"{item.updates:,}",
            f"{item.deletes:,}",
            item.validation,
            str(item.failed),
            str(item.suspended),
        )
    return table
