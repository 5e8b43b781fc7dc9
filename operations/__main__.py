"""The one command line: ``python -m operations COMMAND``. Each command is imported only when it is asked for."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping
from typing import Any

import click

from operations.exits import BAD_INPUT, FAILED, Stop

COMMANDS: Mapping[str, tuple[str, str]] = {
    "rehearse": ("operations.rehearsal.command:rehearse", "Play and judge a whole deployment; nothing is created."),
    "rehearse-engine": (
        "operations.engine.command:rehearse_engine",
        "Play the life of a stack on the real Pulumi engine, with no cloud.",
    ),
    "cutover": ("cutover.command:cutover", "Move the live database to AWS, with a way back."),
    "bench": ("operations.bench.command:bench", "Measure the figures that have a target."),
    "smoke": ("operations.smoke.command:smoke", "See a deployed stack from outside: TLS, firewall, health, privacy."),
    "pipeline": ("operations.pipeline.command:pipeline", "What the workflows call: preview, deploy, comment, drift."),
    "evidence": ("operations.evidence.command:evidence", "What an assessor takes away, sealed; and the findings."),
    "docs": ("operations.book.command:docs", "Write the generated parts of the book in docs/."),
    "env": ("operations.environments.command:env", "Test environments without a ticket."),
}
"""Where each command stands, and its line in the help text."""


class Commands(click.Group):
    """A group whose commands are imported on use."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, _ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name][0].partition(":")
        command: click.Command = getattr(importlib.import_module(module), name)
        return command

    def format_commands(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
def operations() -> None:
    """What people run around the SoftPOS program."""


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit code; every failure is a line on standard error, never a traceback."""
    try:
        result: Any = operations.main(args=arguments, prog_name="python -m operations", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as no_arguments:
        click.echo(no_arguments.ctx.get_help(), err=True)
        return BAD_INPUT
    except click.ClickException as error:
        click.echo(f"{' '.join(error.format_message().split())} Run with --help to see what is allowed.", err=True)
        return BAD_INPUT
    except (click.Abort, KeyboardInterrupt):
        click.echo("Stopped by you; nothing was left half-written.", err=True)
        return FAILED
    except Stop as stop:
        for line in stop.lines:
            click.echo(line, err=True)
        return stop.code
    return result if isinstance(result, int) else 0


if __name__ == "__main__":
    sys.exit(main())
