"""The verdicts on a terminal."""

from __future__ import annotations

from collections import Counter

import click

from operations.openshift.review import Review
from operations.openshift.verdict import Verdict

STYLES = {
    Verdict.IGNORED: "bright_black",
    Verdict.CARRIED: "green",
    Verdict.CHANGED: "cyan",
    Verdict.DECISION: "yellow",
    Verdict.IMPOSSIBLE: "red",
}


def print_review(review: Review, on_stderr: bool = False) -> None:
    """A line for each object, then the findings about the whole, then the count."""
    for judgement in review.judgements:
        word = click.style(f"{judgement.verdict.value:<10}", fg=STYLES[judgement.verdict])
        click.echo(f"{word}  {judgement.object} -> {judgement.target}: {judgement.says}", err=on_stderr)
    for finding in review.project:
        click.echo(f"{click.style('project   ', bold=True)}  {finding}", err=on_stderr)
    counts = Counter(judgement.verdict for judgement in review.judgements)
    click.echo(
        f"{len(review.judgements)} objects: {', '.join(f'{counts[verdict]} {verdict.value}' for verdict in Verdict)}",
        err=on_stderr,
    )
