"""The one command line: ``python -m operations COMMAND``. Each command is imported only when it is asked for."""

from __future__ import annotations

import importlib
import io
import os
import sys
from collections.abc import Mapping
from functools import cache
from typing import Any

import click

from command_line.exits import BAD_INPUT, Stop

COMMANDS: Mapping[str, tuple[str, str]] = {
    "rehearse": ("operations.rehearsal.command:rehearse", "Play and judge a whole deployment; nothing is created."),
    "rehearse-engine": (
        "tools.engine.command:rehearse_engine",
        "Play the life of a stack on the real Pulumi engine, with no cloud.",
    ),
    "cutover": ("cutover.command:cutover", "Move the live database to AWS, with a way back."),
    "bench": ("tools.bench.command:bench", "Measure the figures that have a target."),
    "account": (
        "operations.account.command:account",
        "Ask an account what it lacks for a stack, before the first deployment.",
    ),
    "upgrade": ("operations.upgrade.command:upgrade", "Upgrade a deployed stack, step by step in AWS's order."),
    "traffic": ("operations.traffic.command:traffic", "Move the payments' traffic to AWS by weight, with a way back."),
    "smoke": ("operations.smoke.command:smoke", "See a deployed stack from outside: TLS, firewall, health, privacy."),
    "pipeline": ("operations.pipeline.command:pipeline", "What the workflows call: preview, deploy, comment, drift."),
    "evidence": ("operations.evidence.command:evidence", "What an assessor takes away, sealed; and the findings."),
    "prices": ("operations.costs.command:prices_command", "Renew the list prices of Regions from AWS's price list."),
    "docs": ("tools.book.command:docs", "Write the generated parts of the book in docs/."),
    "openshift": ("operations.openshift.command:openshift", "Read exports of OpenShift, convert them to settings."),
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
        return _each_option_once(command)

    def format_commands(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])


@cache
def _each_option_once(command: click.Command) -> click.Command:
    """The command, and all below it, made to refuse an option that is given twice: click takes the last silently."""
    make_parser = command.make_parser

    def strict_parser(ctx: click.Context) -> Any:
        parser = make_parser(ctx)
        parse = parser.parse_args

        def parse_args(args: list[str]) -> Any:
            values, rest, order = parse(args)
            for param in order:
                if _takes_one_value(param) and order.count(param) > 1:
                    raise click.UsageError(f"{param.opts[-1]}: it is given twice; allowed: once; remove one.", ctx)
            return values, rest, order

        vars(parser)["parse_args"] = parse_args
        return parser

    vars(command)["make_parser"] = strict_parser
    for below in command.commands.values() if isinstance(command, click.Group) else ():
        _each_option_once(below)
    return command


def _takes_one_value(param: click.Parameter) -> bool:
    return isinstance(param, click.Option) and not (param.multiple or param.is_flag or param.count)


CALLED = ".venv/bin/python -m operations"
"""How the command line is called from the checkout; the help text shows what works when it is copied."""
LONGEST = 400
"""Characters of what a refusal repeats of the arguments."""
NARROWEST, WIDEST = 40, 400
"""Columns between which a report can be read; beyond them the terminal's own width counts, or 80."""


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--debug", is_flag=True, help="Show the traceback of a failure.")
def operations(debug: bool) -> None:
    """What people run around the SoftPOS program."""


def run(arguments: list[str]) -> int:
    """Run one command and return its exit code.

    Raises:
        Stop: when the arguments cannot be used, or when the command ends with something to tell.
    """
    _mend_terminal()
    streams = sys.stdout, sys.stderr
    try:
        result: Any = operations.main(args=arguments, prog_name=CALLED, standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as no_arguments:
        raise Stop(BAD_INPUT, no_arguments.ctx.get_help()) from None
    except click.ClickException as error:
        words = " ".join(error.format_message().split())
        raise Stop(BAD_INPUT, f"{_short(words)} Run with --help to see what is allowed.") from None
    except click.Abort:
        raise KeyboardInterrupt from None
    except SystemExit:
        if (sys.stdout, sys.stderr) == streams:
            raise
        sys.stdout, sys.stderr = streams  # click met a closed pipe, wrapped them and would end with 1
        raise BrokenPipeError from None
    return result if isinstance(result, int) else 0


def _mend_terminal() -> None:
    """A width that hides the report, or letters that the terminal does not have, must not cost the verdict."""
    columns = os.environ.get("COLUMNS", "")
    if not (columns.isascii() and columns.isdigit() and len(columns) < 5 and NARROWEST <= int(columns) <= WIDEST):
        os.environ.pop("COLUMNS", None)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _short(words: str) -> str:
    return words if len(words) <= LONGEST else f"{words[:LONGEST]} ..."
