"""``python -m operations smoke``: what the outside world sees of a stack, a line each."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import click
from rich.console import Console
from rich.text import Text

from command_line.exits import REFUSED, Stop
from command_line.project import ROOT
from operations.smoke.checks import CHECKS, Outcome
from operations.smoke.target import from_outputs, read_outputs


@click.command()
@click.option("--stack", required=True, metavar="NAME", help="The stack, whose outputs say where to look.")
@click.option(
    "--outputs",
    "file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Outputs as `pulumi stack output --json` prints them, instead of asking the CLI.",
)
def smoke(stack: str, file: Path | None) -> None:
    """See a stack from outside: name, certificate, TLS, firewall, health, and that the data tier is private.

    \b
    Exit codes:
      0  everything as it must be
      1  something is not, or could not be seen
      2  bad arguments or outputs
    """
    target = from_outputs(stack, read_outputs(stack, file, ROOT))
    console = Console(highlight=False, soft_wrap=True)
    failed = 0
    # At the same time, because what is closed costs each check its whole patience; printed in their order.
    with ThreadPoolExecutor() as pool:
        for outcomes in pool.map(lambda check: tuple(check(target)), CHECKS):
            for outcome in outcomes:
                console.print(_line(outcome))
                failed += not outcome.passed
    if failed:
        raise Stop(REFUSED, f"{stack}: {failed} of the checks above failed.")


def _line(outcome: Outcome) -> Text:
    word, style = ("pass", "green") if outcome.passed else ("FAIL", "bold red")
    return Text.assemble((word, style), f"  {outcome.what}: {outcome.seen}")
