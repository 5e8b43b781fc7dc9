"""``python -m operations cutover``: the live move of the payment database, state by state, and the way back."""

from __future__ import annotations

import functools
import getpass
import json
import re
import shlex
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from command_line.exits import FAILED, REFUSED, Stop
from command_line.files import OutputFile, write_whole
from cutover import report as reports
from cutover import screen
from cutover.checks import ROOMS
from cutover.checks.preflight import run_preflight
from cutover.comparison.repair import write_repair
from cutover.driver import Driver, rehearse, rehearse_way_back
from cutover.errors import CutoverError, RefusedError
from cutover.limits import Limits
from cutover.migration import Migration
from cutover.record import DynamoStore, Record, StateId, leased
from cutover.servers import shape
from cutover.stack import from_outputs, read_outputs
from cutover.status import read_status
from cutover.steps.comparison import has_rows

STATUS_SECONDS = 10.0
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


class Duration(click.ParamType[float]):
    """A time such as 30s, 5m, 2h or 7d, as seconds."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        if isinstance(value, (int, float)):
            return float(value)
        found = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd])", str(value))
        if found is None or float(found[1]) == 0:
            self.fail(f"'{value}' is no duration; write a number above zero and s, m, h or d, such as 5m.", param, ctx)
        return float(found[1]) * UNITS[found[2]]


def as_duration(seconds: float) -> str:
    """Seconds in the largest unit that tells them as a whole number, as `Duration` reads it: 300 is 5m."""
    unit, size = next((unit, size) for unit, size in reversed(UNITS.items()) if seconds % size == 0 or size == 1)
    return f"{seconds / size:g}{unit}"


class Work:
    """One command's work: the migration of the chosen stack, its record and the screen."""

    def __init__(
        self,
        stack: str,
        outputs: Path | None,
        reload_command: str = "",
        replicas: tuple[str, ...] = (),
        throttle_command: str = "",
        old_side_command: str = "",
        old_log_command: str = "",
        **limits: Any,
    ) -> None:
        self.console = Console()
        limit = replace(Limits(), **{name: value for name, value in limits.items() if value is not None})
        described = from_outputs(stack, read_outputs(stack, outputs))
        self.migration = Migration(
            described,
            limit,
            tuple(shlex.split(reload_command)),
            replicas=replicas,
            throttle_command=tuple(shlex.split(throttle_command)),
            old_side_command=tuple(shlex.split(old_side_command)),
            old_log_command=tuple(shlex.split(old_log_command)),
        )
        self.store = DynamoStore(self.migration.aws, described.state_table_name)
        self.screen = screen.Terminal(self.console, limit.max_downtime_seconds)

    @property
    def record(self) -> Record:
        name = self.migration.stack.name
        return self.store.read(name) or Record(stack=name)

    @contextmanager
    def driver(self) -> Iterator[Driver]:
        operator = f"{self.migration.aws.operator()} as {getpass.getuser()}@{socket.gethostname()}"
        limits = self.migration.limits
        with (
            leased(self.store, self.migration.stack.name, operator, limits.lease_seconds) as session,
            self.screen.live(),
        ):
            yield Driver(self.migration, session, self.screen)

    def confirm(self, question: str, *, yes: bool) -> None:
        name = self.migration.stack.name
        if not yes and click.prompt(f"{question} Type the stack's name to go on") != name:
            raise RefusedError(f"The name was not '{name}'; nothing was changed.")


def about(command: Callable[..., None]) -> Callable[..., None]:
    """Adds the options that every command has, and turns this tool's errors into exit codes."""

    @click.option("--stack", required=True, metavar="NAME", help="The stack whose database moves.")
    @click.option(
        "--outputs",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help="The stack's outputs as JSON; default: ask the Pulumi CLI.",
    )
    @functools.wraps(command)
    def wrapped(*arguments: Any, **options: Any) -> None:
        try:
            command(*arguments, **options)
        except CutoverError as error:
            raise Stop(error.exit_code, *str(error).splitlines()) from error
        except KeyboardInterrupt:
            raise Stop(
                FAILED, "Interrupted; the record knows how far it is: the same command resumes, `rollback` goes back."
            ) from None

    return wrapped


def option(name: str, field: str, kind: Any, text: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """An option that sets one of the limits; its default is the limit's own."""
    preset = getattr(Limits(), field)
    shown = as_duration(preset) if isinstance(kind, Duration) else f"{preset:g}"
    return click.option(name, field, type=kind, default=None, help=f"{text} [default: {shown}]")


@click.group()
def cutover() -> None:
    """Move the live payment database to AWS, with a way back.

    \b
    prepare -> replicate -> validate -> freeze -> drain -> switch -> watch -> commit
    \b
    Exit codes:
      0  done
      1  a gate refused or a check failed; where the application had stopped, it was rolled back
      2  bad arguments or stack outputs, one line each
      3  a server or AWS failed; run the same command again to resume
    """


@cutover.command()
@about
@click.option("--json", "json_file", type=OutputFile(), help="Write all findings as JSON.")
@click.option("--all", "everything", is_flag=True, help="Show what passed too.")
def preflight(stack: str, outputs: Path | None, json_file: Path | None, everything: bool) -> None:
    """Look for everything that makes a migration fail at three in the morning. Changes nothing."""
    work = Work(stack, outputs)
    started = has_rows(work.record.begun, work.record.facts)
    with work.console.status("looking at source, target, VPN and DMS"):
        result = run_preflight(work.migration, ROOMS, started=started)
    if json_file:
        write_whole(json_file, json.dumps(asdict(result), indent=1) + "\n")
    work.console.print(screen.findings(result, everything=everything))
    if result.failed:
        raise Stop(REFUSED, f"Preflight: {result.sentence()}.")


@cutover.command()
@about
@click.option("--dry-run", is_flag=True, help="Print every statement; change nothing.")
def schema(stack: str, outputs: Path | None, dry_run: bool) -> None:
    """Create on the target what DMS does not carry, with a comparison before and after."""
    work = Work(stack, outputs)
    migration = work.migration

    def compared(title: str) -> None:
        shapes = [shape.read_shape(server, migration.stack.schemas) for server in (migration.source, migration.target)]
        work.console.print(screen.differences(title, shape.compare(*shapes)))

    compared("Before")
    if dry_run:
        work.console.print(screen.plan(rehearse(migration, work.record, StateId.PREPARE, work.screen)))
        return
    with work.driver() as driver:
        driver.advance(StateId.PREPARE)
    compared("After (triggers and events wait for the switch)")


@cutover.command()
@about
@click.option("--reload", "again", is_flag=True, help="After a rollback: empty the target and load everything again.")
@click.option("--dry-run", is_flag=True, help="Print every statement and call; change nothing.")
def start(stack: str, outputs: Path | None, again: bool, dry_run: bool) -> None:
    """Start the full load and the change capture, and wait for the load. Interrupt the waiting at any time."""
    work = Work(stack, outputs)
    if dry_run:
        work.console.print(screen.plan(rehearse(work.migration, work.record, StateId.REPLICATE, work.screen)))
        return
    with work.driver() as driver:
        if again:
            driver.new_attempt()
        try:
            driver.advance(StateId.REPLICATE)
        except KeyboardInterrupt:
            raise Stop(FAILED, "Stopped waiting; the replication goes on. Run `start` or `status` to look.") from None


@cutover.command()
@about
@click.option("--watch", is_flag=True, help="Look again every ten seconds until interrupted.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def status(stack: str, outputs: Path | None, watch: bool, as_json: bool) -> None:
    """Show the progress of every table, the lag, the validation and the forecast. Changes nothing."""
    work = Work(stack, outputs)
    while True:
        record = work.record
        replicating = record.state in (StateId.REPLICATE, StateId.VALIDATE)
        shown = read_status(work.migration, schemas=replicating)
        if as_json:
            click.echo(json.dumps({"state": record.state, "done": record.done, **asdict(shown)}))
        else:
            work.console.print(screen.status(shown, record))
        if not watch:
            return
        time.sleep(STATUS_SECONDS)


@cutover.command("cutover")
@about
@option("--max-downtime", "max_downtime_seconds", Duration(), "Budget from the freeze to the first healthy answer.")
@option("--max-lag", "max_lag_seconds", Duration(), "Lag above which the cutover is refused.")
@option("--grace", "writer_grace_seconds", Duration(), "Time for open transactions to end by themselves.")
@option("--watch-for", "watch_seconds", Duration(), "How long the application must stay healthy.")
@option("--parallel", "parallel", click.IntRange(1, 32), "Tables, or parts of one, compared at once.")
@click.option(
    "--reload-command", default="", help="Makes the application read its secret again, such as a kubectl rollout."
)
@option("--critical-load", "critical_threads_running", click.IntRange(1), "Busy threads that end a live comparison.")
@click.option(
    "--replica", "replicas", multiple=True, metavar="HOST[:PORT]", help="A replica of the source whose lag pauses, too."
)
@click.option("--throttle-command", default="", help="Pauses the live comparison while its exit code is not 0.")
@click.option("--old-side-command", default="", help="Prints the old side's workloads, jobs and pods: oc get -o json.")
@click.option("--old-log-command", default="", help="Prints the last minutes of the old router's access log.")
@click.option("--dry-run", is_flag=True, help="Print every statement and call with today's figures; change nothing.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def cut_over(
    stack: str,
    outputs: Path | None,
    reload_command: str,
    replicas: tuple[str, ...],
    throttle_command: str,
    old_side_command: str,
    old_log_command: str,
    dry_run: bool,
    yes: bool,
    **limits: float | None,
) -> None:
    """Validate, freeze, drain, compare, switch and watch; roll back by itself when it must. Resumes where it was."""
    work = Work(stack, outputs, reload_command, replicas, throttle_command, old_side_command, old_log_command, **limits)
    if dry_run:
        work.console.print(screen.plan(rehearse(work.migration, work.record, StateId.WATCH, work.screen)))
        return
    work.confirm("Payments will stop for a short time.", yes=yes)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with work.driver() as driver:
        driver.require_replication()
        driver.advance(StateId.WATCH)
        down = driver.record.facts.downtime_seconds
    work.console.print(f"The application works on the target; downtime {down} s. The way back is open until `commit`.")


@cutover.command()
@about
@option("--max-downtime", "max_downtime_seconds", Duration(), "Budget to carry the target's writes back.")
@click.option(
    "--reload-command", default="", help="Makes the application read its secret again, such as a kubectl rollout."
)
@click.option("--dry-run", is_flag=True, help="Print every statement and call; change nothing.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def rollback(
    stack: str, outputs: Path | None, reload_command: str, dry_run: bool, yes: bool, max_downtime_seconds: float | None
) -> None:
    """Go back to the source from wherever the migration is. No acknowledged write is lost."""
    work = Work(stack, outputs, reload_command, max_downtime_seconds=max_downtime_seconds)
    if dry_run:
        work.console.print(screen.plan(rehearse_way_back(work.migration, work.record, work.screen)))
        return
    work.confirm(f"The migration is at '{work.record.state}' and goes back to the source.", yes=yes)
    with work.driver() as driver:
        end = driver.roll_back()
    work.console.print(f"Rolled back; the migration is now at '{end}' and the application on the source.")


@cutover.command()
@about
@click.option(
    "--output",
    "file",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where the statements are written: they hold rows' values, so only you may read the file.",
)
@click.option("--most", type=click.IntRange(1, 100_000), default=1000, show_default=True, help="Rows per table.")
def repair(stack: str, outputs: Path | None, file: Path, most: int) -> None:
    """Write the statements that would make the target's rows as the source's. Carries out none of them."""
    work = Work(stack, outputs)
    with work.console.status("comparing source and target"):
        written = write_repair(work.migration, file, most)
    work.console.print(
        f"{written:,} statements are in {file}. They hold rows' values: read them, carry them out on the target while "
        "the application is locked there, compare again, and delete the file."
        if written
        else "No row differs; nothing was written."
    )


@cutover.command()
@about
@option("--reverse-days", "reverse_days", click.IntRange(0, 90), "Days since the switch that were agreed.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def commit(stack: str, outputs: Path | None, reverse_days: int | None, yes: bool) -> None:
    """Close the way back: stop the reverse task for good. The source stays read-only."""
    work = Work(stack, outputs, reverse_days=reverse_days)
    work.confirm("The way back closes.", yes=yes)
    with work.driver() as driver:
        driver.require_agreed_days()
        driver.advance(StateId.COMMIT)
    work.console.print(
        "Committed. To remove the pipeline and touch nothing else: "
        f"`pulumi config set softpos:migrationPhase after --stack {stack}`, then `pulumi up`."
    )


@cutover.command()
@about
@click.option("--json", "json_file", type=OutputFile(), help="Write it as JSON.")
@click.option("--markdown", "text_file", type=OutputFile(), help="Write it as Markdown.")
def report(stack: str, outputs: Path | None, json_file: Path | None, text_file: Path | None) -> None:
    """The dated record of the whole migration, for the assessor. Changes nothing."""
    work = Work(stack, outputs)
    latest = work.record
    earlier = [work.store.read(f"{stack}#{number}") for number in range(1, latest.attempt)]
    told = reports.document([*(record for record in earlier if record is not None), latest])
    if json_file:
        write_whole(json_file, json.dumps(told, indent=1) + "\n")
    if text_file:
        write_whole(text_file, reports.readable(told))
    if not (json_file or text_file):
        click.echo(reports.readable(told))
