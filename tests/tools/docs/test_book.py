"""The book is current, whole and without a dead link."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from command_line.project import ROOT
from operations.rehearsal.command import play
from tests.recorded import recorded
from tools.book import components
from tools.book.command import EXAMPLE, STACK, generated
from tools.book.navigation import navigation

LINK = re.compile(r"\[[^\]]*\]\((?!https?:|mailto:)([^)\s]+)\)")
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


def pages() -> list[Path]:
    found = [
        *ROOT.glob("*.md"),
        *(
            path
            for folder in ("docs", "policy", "bootstrap", "provider", "examples")
            for path in (ROOT / folder).rglob("*.md")
        ),
    ]
    return sorted(path for path in found if "node_modules" not in path.parts)


def links(page: Path) -> Iterator[tuple[Path, str]]:
    """Each relative link with its heading, if it names one."""
    for target in LINK.findall(FENCE.sub("", page.read_text(encoding="utf-8"))):
        path, _, heading = target.partition("#")
        yield (page.parent / path).resolve() if path else page, heading


def headings(page: Path) -> set[str]:
    titles = re.findall(r"^#+ (.+)$", FENCE.sub("", page.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_link_leads_somewhere(page: Path) -> None:
    dead = [
        f"{target}#{heading}"
        for target, heading in links(page)
        if not target.exists() or (heading and target.suffix == ".md" and heading not in headings(target))
    ]
    assert dead == []


def test_what_is_generated_is_current() -> None:
    stale = [
        path.relative_to(ROOT).as_posix()
        for path, content in generated(ROOT, recorded(STACK).resources, play(EXAMPLE)).items()
        if not path.is_file() or path.read_text(encoding="utf-8") != content
    ]
    assert stale == [], "run make docs"


def test_every_page_has_a_place_in_the_book() -> None:
    placed = [page for chapter in navigation(ROOT / "docs") for pages_ in chapter.values() for page in pages_]
    assert sorted(placed) == sorted(
        path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md")
    )
    assert next(iter(navigation(ROOT / "docs")[0].values()))[0] == "index.md"


def test_the_book_builds_without_a_warning(tmp_path: Path) -> None:
    pytest.importorskip("mkdocs", reason="mkdocs is not installed; run make setup")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "reference" / "components.html").is_file()


COMPONENT = '''"""A thing.

Trust boundary: none.
"""

@dataclass(frozen=True, kw_only=True)
class ThingArgs:
    size_gib: int = 5
    """GiB; five by default."""
    _hidden: str = ""

class Thing(pulumi.ComponentResource):
    address: pulumi.Output[str]
    """Where it answers."""

    def __init__(self, name):
        super().__init__("softpos:test:Thing", name)
'''


def test_the_reference_says_inputs_outputs_and_defaults_in_the_words_of_the_source(tmp_path: Path) -> None:
    (tmp_path / "thing.py").write_text(COMPONENT, encoding="utf-8")
    (component,) = components.read_components(tmp_path)
    assert component.token == "softpos:test:Thing"
    text = components.reference([component], [])
    assert "| `size_gib` | `int` | `5` | GiB; five by default. |" in text
    assert "| `address` | `pulumi.Output[str]` | Where it answers. |" in text
    assert "Trust boundary: none." in text
    assert "_hidden" not in text


def test_every_component_of_the_program_is_in_the_reference() -> None:
    declared = {
        name
        for path in (ROOT / "components").rglob("*.py")
        for name in re.findall(
            r"^class (\w+)\(pulumi\.ComponentResource\)", path.read_text(encoding="utf-8"), re.MULTILINE
        )
    }
    text = (ROOT / "docs" / "reference" / "components.md").read_text(encoding="utf-8")
    assert declared
    assert {name for name in declared if f"## {name}\n" not in text} == set()
