"""A hook of MkDocs: the order of the chapters, and links to files outside the book as links to the repository."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

CHAPTERS: Mapping[str, tuple[str, ...]] = {
    "Start": ("index.md", "architecture.md"),
    "Reference": ("reference/components.md", "reference/settings.md"),
    "Policy": ("threat-model.md", "policy.md", "controls.md"),
    "Operations": ("operations.md", "upgrades.md", "runbooks"),
    "Migration": ("from-openshift.md", "migration.md", "runbooks/move.md", "runbooks/migration.md"),
    "Assessment": ("assessor.md",),
    "Build on it": ("building-on-it.md",),
    "Decisions": ("adr",),
}
"""Chapters with their pages; a folder stands for every page in it. Any page that is named nowhere comes last."""
OUTSIDE = re.compile(r"\[(?P<text>[^\]]+)\]\((?P<up>(?:\.\./)+)(?P<path>[^)\s]+)\)")


def on_config(config: Any) -> Any:
    """Build the navigation from what is there."""
    config["nav"] = navigation(Path(config["docs_dir"]))
    return config


def on_page_markdown(markdown: str, page: Any, config: Any, **_: Any) -> str:
    """Links out of ``docs/`` lead to the repository, or are plain text where the book knows no address of one."""
    depth = page.file.src_uri.count("/") + 1
    repository = (config["repo_url"] or "").rstrip("/")

    def replaced(match: re.Match[str]) -> str:
        if match["up"].count("../") < depth:
            return match[0]
        return f"[{match['text']}]({repository}/blob/main/{match['path']})" if repository else match["text"]

    return OUTSIDE.sub(replaced, markdown)


def navigation(book: Path) -> list[dict[str, list[str]]]:
    """The chapters that have pages, each with its pages."""
    every = sorted(path.relative_to(book).as_posix() for path in book.rglob("*.md"))
    chapters = {
        title: [page for entry in entries for page in _pages(entry, every)] for title, entries in CHAPTERS.items()
    }
    placed = {page for pages in chapters.values() for page in pages}
    rest = [page for page in every if page not in placed]
    return [{title: pages} for title, pages in [*chapters.items(), ("More", rest)] if pages]


def _pages(entry: str, every: list[str]) -> list[str]:
    if entry.endswith(".md"):
        return [entry] if entry in every else []
    named = {page for entries in CHAPTERS.values() for page in entries}
    inside = [page for page in every if page.startswith(f"{entry}/") and page not in named]
    return sorted(inside, key=lambda page: (not page.endswith("README.md"), page))
