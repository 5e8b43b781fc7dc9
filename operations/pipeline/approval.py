"""What reviewers approved where the engine's own plan cannot hold: the list of resources that change, and how.

The engine's plan says each property beforehand. The inputs of a component that runs in a plugin of its own become known
while it is created, and the engine takes them for changes that the plan does not allow: such a deployment breaks off in
its middle. Where a preview creates such a component, the saved file is therefore this list. The deployment previews
again, goes on only when the list is the same, and is judged by the policy pack like every other.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from command_line.exits import REFUSED, Stop
from command_line.files import write_whole
from operations.pipeline.changes import Preview

PLUGIN_COMPONENTS = ("eks:index:Cluster",)
"""Types of the program whose code runs in a plugin."""
KEY = "approved"
SHOWN = 5
"""Differences that a refusal names."""


def needed(preview: Preview) -> bool:
    """Whether the engine's plan of this preview could not hold."""
    return any(one.verb in ("create", "replace") and one.type in PLUGIN_COMPONENTS for one in preview.changes)


def save(preview: Preview, path: Path) -> None:
    """Write what was previewed in the place of the engine's plan."""
    write_whole(path, json.dumps({"stack": preview.stack, KEY: sorted(_lines(preview))}, indent=1) + "\n")


def read(path: Path) -> frozenset[str] | None:
    """The approved changes, or nothing where the file is a plan of the engine."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None  # the engine says what is wrong with its plan
    found = document.get(KEY) if isinstance(document, dict) else None
    return frozenset(map(str, found)) if isinstance(found, list) else None


def check(approved: Iterable[str], preview: Preview) -> None:
    """Hold a new preview against what was approved.

    Raises:
        Stop: when they differ, with the first differences.
    """
    before, now = set(approved), set(_lines(preview))
    different = [f"{line}: not approved" for line in sorted(now - before)]
    different += [f"{line}: approved, and no longer to be done" for line in sorted(before - now)]
    if different:
        more = [f"... and {len(different) - SHOWN} more"] if len(different) > SHOWN else []
        end = f"{preview.stack}: {len(different)} changes differ from those that were approved; plan and approve again."
        raise Stop(REFUSED, *different[:SHOWN], *more, end)


def _lines(preview: Preview) -> Iterable[str]:
    return (f"{one.verb} {one.urn}" for one in preview.changes)
