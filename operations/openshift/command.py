"""``python -m operations openshift``: read exports of OpenShift, judge every object, write what can be converted."""

from __future__ import annotations

import gc
import json
from pathlib import Path

import click
from rich.console import Console

from command_line.exits import BAD_INPUT, REFUSED, Stop
from command_line.files import STANDARD_OUTPUT, OutputFile, check_writable, report_console, write_whole
from operations.openshift.export import Export
from operations.openshift.progress import Progress
from operations.openshift.reading import read_objects
from operations.openshift.report import print_review
from operations.openshift.review import Review, review_export

FILES = click.argument(
    "exports",
    nargs=-1,
    required=True,
    metavar="EXPORT...",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
)


@click.group()
def openshift() -> None:
    """Bring an application from OpenShift: a verdict on each object, and the settings that result."""


@openshift.command()
@FILES
@click.option("--json", "json_file", type=OutputFile(), help="Write the result as JSON.")
def inspect(exports: tuple[Path, ...], json_file: Path | None) -> None:
    """Say what becomes of each object of EXPORT..., files of `oc get ... -o yaml` (or json).

    \b
    Exit codes:
      0  every object has a verdict, whatever it is
      2  an export or an argument cannot be used
      3  the tool failed
    """
    review = _review(exports)
    if json_file:
        write_whole(json_file, json.dumps(review.document(), indent=1, ensure_ascii=False) + "\n")
    print_review(review, report_console(json_file).stderr)


@openshift.command()
@FILES
@click.option(
    "--out",
    "out",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where the settings go; the other files lie next to it.",
)
@click.option(
    "--stack",
    default="prod",
    show_default=True,
    metavar="NAME",
    help="The stack that the settings are for: its account, Region and zone.",
)
def convert(exports: tuple[Path, ...], out: Path, stack: str) -> None:
    """Write the `services` settings of EXPORT..., the secrets to create, the images to copy, and what a person must do.

    \b
    Exit codes:
      0  nothing is left to a person
      1  a decision or an impossibility is open; everything else is written
      2  an export or an argument cannot be used
      3  the tool failed
    """
    from operations.openshift.conversion import files_of, target_of

    if out == STANDARD_OUTPUT:
        raise Stop(
            BAD_INPUT, "--out: - is not allowed; allowed: a file, next to which three more are written; name one."
        )
    if out.resolve() in {export.resolve() for export in exports}:
        raise Stop(BAD_INPUT, f"--out: {out} is an export; allowed: another file, so that the export stays; name one.")
    target = target_of(stack)
    check_writable(out)
    review = _review(exports)
    written = files_of(review, target, out, tuple(export.name for export in exports))
    for path in written:
        check_writable(path)
    for path, content in written.items():
        write_whole(path, content)
    for path in written:
        click.echo(f"written: {path}")
    if review.open:
        raise Stop(
            REFUSED,
            f"{len(review.open)} of {len(review.judgements)} objects wait for a person: see {list(written)[-1]}.",
        )


def _review(exports: tuple[Path, ...]) -> Review:
    gc.disable()  # a short life: walking the many thousand objects over and over takes a third of the time
    progress = Progress(Console(stderr=True))
    with progress:
        export = Export(read_objects(exports, progress.of("read")))
        return review_export(export, progress.of("judged", len(export.items)))
