"""Where a rehearsal or a piece of evidence comes from: the commit, and whether the files differ from it."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Provenance:
    """The version of the program that something was made from."""

    commit: str
    """Full hash, or ``unknown`` outside a repository."""
    changed: bool
    """Whether tracked files differ from the commit."""

    @property
    def short(self) -> str:
        """For a line of text."""
        return f"{self.commit[:12]}{' with uncommitted changes' if self.changed else ''}"


def read_provenance(root: Path) -> Provenance:
    """The provenance of the checkout at `root`."""
    commit = _git(root, "rev-parse", "HEAD")
    if commit is None:
        return Provenance("unknown", changed=False)
    return Provenance(commit, changed=bool(_git(root, "status", "--porcelain", "--untracked-files=no")))


def _git(root: Path, *arguments: str) -> str | None:
    """What git answers; nothing where there is no git or no repository."""
    try:
        done = subprocess.run(
            ["git", "-C", str(root), *arguments],  # noqa: S607 (git as the user has it)
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
