"""A release's notes: what the changelog says of a tag, which must be the version of `pyproject.toml`."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from command_line.exits import BAD_INPUT, Stop


def notes(tag: str, root: Path) -> str:
    """The changelog's section of the release `tag`, without its heading.

    Raises:
        Stop: when the tag is not the project's version, or when the changelog does not tell of it.
    """
    version = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    if tag != f"v{version}":
        raise Stop(
            BAD_INPUT,
            f"--tag: {tag!r} is not allowed; allowed: v{version}, as in pyproject.toml; raise the version first.",
        )
    changelog = (root / "CHANGELOG.md").read_text(encoding="utf-8")
    section = re.search(rf"^## \[?{re.escape(version)}\]?[^\n]*\n(.*?)(?=^## |\Z)", changelog, re.MULTILINE | re.DOTALL)
    if section is None or not section[1].strip():
        raise Stop(
            BAD_INPUT,
            f"CHANGELOG.md: it has no section {version}; allowed: `## {version} - YYYY-MM-DD` with what changed; "
            "give the unreleased section that heading.",
        )
    return f"{section[1].strip()}\n"
