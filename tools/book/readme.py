"""The README's example: what `make rehearse STACK=dev` prints, shortened where `...` stands."""

from __future__ import annotations

import io
import re

from rich.console import Console

from operations.plan.document import Rehearsal
from operations.rehearsal.report import print_report

WIDTH = 80
BLOCK = re.compile(r"(?<=```console\n\$ make rehearse STACK=dev\n).*?(?=\n```\n)", re.DOTALL)
SHOWN_BRANCHES = 3
"""Branches of the tree that are shown from its beginning; the last one is as well."""
SHOWN_EXCEPTION_LINES = 6


def with_example(text: str, rehearsal: Rehearsal) -> str:
    """The README's text with the example as it is printed now."""
    report = io.StringIO()
    print_report(rehearsal, Console(file=report, width=WIDTH, color_system=None), whole=False)
    replaced, amount = BLOCK.subn(lambda _: shortened(report.getvalue()), text)
    if amount != 1:
        raise ValueError(
            f"README.md: {amount} blocks begin with `make rehearse STACK=dev`; allowed: one; mend the README."
        )
    return replaced


def shortened(report: str) -> str:
    """The beginning and the end of the tree, the first exceptions, and everything after them."""
    plain = "\n".join(line.rstrip() for line in report.strip().splitlines())
    tree, *rest = plain.split("\n\n")
    lines = tree.splitlines()
    branches = [number for number, line in enumerate(lines) if line[:1] in "\u251c\u2514"]
    lines = [*lines[: branches[SHOWN_BRANCHES]], "...", *lines[branches[-1] :]]
    return "\n\n".join(["\n".join(lines), *map(_shortened_section, rest)])


def _shortened_section(section: str) -> str:
    if not section.startswith("Exceptions"):
        return section
    return "\n".join([*section.splitlines()[:SHOWN_EXCEPTION_LINES], "  ..."])
