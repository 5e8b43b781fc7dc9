"""Known ways to gain permissions or data in an AWS account, as dated data.

65 paths are those of pathfinding.cloud (Datadog, as of 2025-12-17) under its names. The column `source` says where each
of the others is described; they were collected in November 2026.
"""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path
from typing import NamedTuple

REACHES = ("identity", "instance", "pods", "data", "loss")


class Step(NamedTuple):
    """One call of a path."""

    action: str
    kind: str
    """What it is done to: ``role``, ``key``, ``bucket``; ``any`` where the service is not ours at all."""


class Escalation(NamedTuple):
    """A row of `escalations.csv`."""

    path: str
    reaches: str
    """One of `REACHES`, what the steps end with: another identity, code on a host or in a pod, data, or a loss."""
    steps: tuple[Step, ...]
    source: str


@cache
def escalations() -> tuple[Escalation, ...]:
    """All paths, in the table's order."""
    lines = Path(__file__).with_name("escalations.csv").read_text(encoding="utf-8").splitlines()
    return tuple(
        Escalation(
            row["path"],
            row["reaches"],
            tuple(Step(*step.split("@")) for step in row["steps"].split()),
            row["source"],
        )
        for row in csv.DictReader(lines)
    )
