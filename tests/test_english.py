"""Faults of English that the glossary of plain words names, in the rooms that have been gone through."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = ("bootstrap", "command_line", "components", "facts", "provider", "recording", "settings")
FILES = ("Makefile", "README.md", "CONTRIBUTING.md", "__main__.py")
FAULTS = {
    "anew": (re.compile(r"\banew\b"), "again"),
    "a docstring that begins with Of": (re.compile(r'"""Of '), "the noun first"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_prose_has_no_known_fault(fault: str) -> None:
    pattern, instead = FAULTS[fault]
    files = [ROOT / name for name in FILES] + [file for room in ROOMS for file in sorted((ROOT / room).rglob("*.py"))]
    found = [
        f"{file.relative_to(ROOT)}:{number}"
        for file in files
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1)
        if pattern.search(line)
    ]
    assert found == [], f"write {instead}"
