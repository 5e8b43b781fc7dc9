"""``python -m operations docs``: writes what the book takes from the program, or says what is stale."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console

from command_line.exits import REFUSED, Stop
from command_line.files import write_whole
from command_line.project import ROOT
from operations.diagram.architecture import read_architecture
from operations.diagram.drawing import draw
from operations.plan.document import Rehearsal
from operations.plan.stack_recording import record_stack
from operations.rehearsal.command import play
from recording.recorder import Resource
from tools.book import components, settings
from tools.book.readme import with_example

STACK = "prod"
"""The stack that the book shows."""
EXAMPLE = "dev"
"""The stack that the README shows."""


@click.command()
@click.option("--check", is_flag=True, help="Write nothing; exit 1 where a file is stale.")
def docs(check: bool) -> None:
    """Write the generated parts of the book and of the README: architecture, components, settings, example."""
    wanted = generated(ROOT, record_stack(STACK).resources, play(EXAMPLE))
    stale = [path for path, content in wanted.items() if not path.is_file() or path.read_text("utf-8") != content]
    if check and stale:
        raise Stop(REFUSED, *(f"{path.relative_to(ROOT)}: stale; run make docs." for path in stale))
    for path in stale:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, wanted[path])
    console = Console(highlight=False)
    for path in wanted:
        console.print(f"{path.relative_to(ROOT)}: {'written' if path in stale else 'current'}", soft_wrap=True)


def generated(root: Path, resources: tuple[Resource, ...], example: Rehearsal) -> dict[Path, str]:
    """Every generated file with its content, from what the shown stack registers and the README's example."""
    book, readme = root / "docs", root / "README.md"
    return {
        readme: with_example(readme.read_text(encoding="utf-8"), example),
        book / "architecture.svg": draw(read_architecture(STACK, resources), alone=True),
        book / "reference" / "components.md": components.reference(
            components.read_components(root / "components"), resources
        ),
        book / "reference" / "settings.md": settings.reference(root),
    }
