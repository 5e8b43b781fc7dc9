"""What reviewers approved where the engine's own plan cannot hold: the list of resources that change, and how.

The engine's plan says each property beforehand. The inputs of a component that runs in a plugin of its own become known
while it is created, and the engine takes them for changes that the plan does not allow: such a deployment breaks off in
its middle. Where a preview creates such a component, the saved file is therefore this list. The deployment previews
again, goes on only when the list is the same, and is judged by the policy pack like every other.

Beside either kind of plan a second file binds it to the commit that it was made of.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

from command_line.exits import REFUSED, Stop
from command_line.files import write_whole
from operations.pipeline.changes import Preview

PLUGIN_COMPONENTS = ("eks:index:Cluster",)
"""Types of the program whose code runs in a plugin."""
KEY = "approved"
GIT_SECONDS = 60
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


def bind(plan: Path, commit: str) -> None:
    """Write beside a plan which commit it was made of, and which plan it was."""
    write_whole(_bound(plan), json.dumps({"commit": commit, "plan": _digest(plan)}) + "\n")


def must_be_bound(plan: Path, commit: str) -> None:
    """Hold the plan that is deployed against the one that was made, and the program against the plan's.

    Raises:
        Stop: when either is another, or nothing says what they were.
    """
    try:
        made = json.loads(_bound(plan).read_text(encoding="utf-8"))
        of_commit, of_plan = str(made["commit"]), str(made["plan"])
    except (OSError, ValueError, TypeError, KeyError):
        raise Stop(REFUSED, f"{_bound(plan)}: nothing says which commit was planned; plan and approve again.") from None
    if of_commit != commit:
        was, is_ = of_commit or "no commit", commit or "no commit"
        raise Stop(REFUSED, f"{plan}: it was made of {was}, and this is {is_}; deploy that commit, or plan again.")
    if of_plan != _digest(plan):
        raise Stop(REFUSED, f"{plan}: it is not the plan that was made; plan and approve again.")


def commit_of(root: Path) -> str:
    """The commit that is checked out; empty outside a repository.

    Raises:
        Stop: when files of it were changed: then no commit says what is deployed.
    """
    git = shutil.which("git")
    if git is None:
        return ""
    done = [
        subprocess.run([git, *one.split()], cwd=root, capture_output=True, text=True, check=False, timeout=GIT_SECONDS)
        for one in ("rev-parse HEAD", "status --porcelain --untracked-files=no")
    ]
    if any(one.returncode for one in done):
        return ""
    head, changed = [str(one.stdout).strip() for one in done]
    if changed:
        raise Stop(REFUSED, f"{root}: files differ from commit {head[:12]}; commit or undo them before planning.")
    return head


def _bound(plan: Path) -> Path:
    return plan.with_name(f"{plan.name}.bound")


def _digest(plan: Path) -> str:
    return hashlib.sha256(plan.read_bytes()).hexdigest()


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
