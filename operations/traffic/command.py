"""``python -m operations traffic``: the payments' traffic moves to AWS by weight, step by step, with a way back."""

from __future__ import annotations

import functools
import getpass
import json
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from command_line.exits import FAILED, REFUSED, Stop
from command_line.project import ROOT
from operations.smoke.target import read_outputs
from operations.traffic import preflight as first
from operations.traffic import status as state
from operations.traffic.aws import Aws, AwsError
from operations.traffic.delegation import Names, require_delegated
from operations.traffic.gates import Verdict
from operations.traffic.limits import LEVELS, NAME_STEP, Limits
from operations.traffic.mover import Mover, plan, plan_back, require_database_on_source, require_next, title
from operations.traffic.record import LeaseLostError, Record, Store, leased
from operations.traffic.screen import Terminal
from operations.traffic.site import Site
from operations.traffic.stack import from_outputs, live_phase
from operations.traffic.watching import CloudLooks
from operations.traffic.way_back import back_without_record, try_rules_back

SHORTEST_MINUTES, LONGEST_MINUTES = 1, 1440


class Percent(click.ParamType[int]):
    """One of the steps, as a number."""

    name = "percent"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if str(value) not in map(str, LEVELS):
            self.fail(f"{value!r} is not allowed; allowed: {', '.join(map(str, LEVELS))}; choose one.", param, ctx)
        return int(value)


class Work:
    """One command's work on the chosen stack. Raises `Stop` where the live stack is not in the phase for it."""

    def __init__(self, stack: str, file: Path | None, *, to_errors: bool = False, **limits: Any) -> None:
        self.console = Console(highlight=False, stderr=to_errors)
        self.screen = Terminal(self.console)
        self.screen.waits(f"reading the outputs of {stack}")
        traffic = from_outputs(stack, read_outputs(stack, file, ROOT))
        aws = Aws(traffic.region)
        given = {name: value for name, value in limits.items() if value is not None}
        self.site = Site(
            traffic=traffic,
            aws=aws,
            looks=CloudLooks(aws, traffic),
            limits=replace(Limits(), **given),
            screen=self.screen,
        )
        self.store = Store(aws, traffic.state_table_name)

    @property
    def record(self) -> Record:
        return self.store.read(self.site.traffic.stack)

    def require_database_on_source(self) -> None:
        stack = self.site.traffic.stack
        require_database_on_source(self.store.database_state(stack), stack)

    @contextmanager
    def mover(self, *, at_once: bool = False) -> Iterator[Mover]:
        operator = f"{self._caller(at_once=at_once)} as {getpass.getuser()}@{socket.gethostname()}"
        seconds, stack = self.site.limits.lease_seconds, self.site.traffic.stack
        self.screen.waits(f"taking the record of {stack}; a process that died holds it for {seconds:.0f} s")
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        with leased(self.store, stack, operator, seconds, at_once=at_once) as session:
            yield Mover(self.site, session)

    def _caller(self, *, at_once: bool) -> str:
        """Who calls, as CloudTrail will say it too. The way back waits for no name."""
        try:
            return self.site.aws.operator()
        except AwsError:
            if not at_once:
                raise
            return "somebody whom STS did not name"

    def confirm(self, question: str, *, yes: bool) -> None:
        self.screen.tells("")
        name = self.site.traffic.stack
        if not yes and click.prompt(f"{question} Type the stack's name to go on") != name:
            raise Stop(REFUSED, f"traffic: the name was not '{name}'; nothing was changed.")


def about(command: Callable[..., None]) -> Callable[..., None]:
    """Adds the options that every command has."""

    @click.option("--stack", required=True, metavar="NAME", help="The stack whose traffic moves.")
    @click.option(
        "--outputs",
        "file",
        type=click.Path(dir_okay=False, path_type=Path),
        help="Outputs as `pulumi stack output --json` prints them, instead of asking the CLI.",
    )
    @functools.wraps(command)
    def wrapped(*arguments: Any, **options: Any) -> None:
        try:
            command(*arguments, **options)
        except KeyboardInterrupt:
            raise Stop(
                FAILED,
                "traffic: stopped by you. Nobody watches any more, and the weights stay as they are: the same command "
                "goes on, `traffic back` goes back.",
            ) from None

    return wrapped


def steps(command: Callable[..., None]) -> Callable[..., None]:
    """Adds the options of a command that takes a step."""
    limits = Limits()
    for option in (
        click.option(
            "--window-minutes",
            type=click.IntRange(SHORTEST_MINUTES, LONGEST_MINUTES),
            help=f"How long the step is watched. [default: {limits.window_seconds / 60:g}]",
        ),
        click.option(
            "--requests",
            "least_requests",
            type=click.IntRange(1),
            help=f"Requests that each side which serves must answer. [default: {limits.least_requests}]",
        ),
        click.option("--resolver", default="", metavar="ADDRESS[:PORT]", help="Asked for the zone's name servers."),
        click.option("--dry-run", is_flag=True, help="Print every call; change nothing."),
        click.option("--yes", is_flag=True, help="Do not ask."),
    ):
        command = option(command)
    return command


@click.group()
def traffic() -> None:
    """Move the payments' traffic to AWS by weight, with a gate at each step and a way back.

    \b
    preflight -> name -> shift 1 -> 10 -> 50 -> 100   (back, name --back)
    \b
    Exit codes:
      0  done
      1  refused, or a gate failed; a step that had begun has gone back
      2  bad arguments or stack outputs, one line each
      3  AWS or the measuring failed; run the same command again, or `traffic back`
    """


@traffic.command()
@about
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def status(stack: str, file: Path | None, as_json: bool) -> None:
    """Show where the traffic is, and what AWS says now. Changes nothing."""
    outputs = read_outputs(stack, file, ROOT)
    phase = live_phase(stack, outputs)
    if phase != "shifting":
        says = f"{stack} is in phase '{phase}'; traffic moves only in 'shifting'."
        click.echo(json.dumps({"stack": stack, "phase": phase, "says": says}) if as_json else says)
        return
    work = Work(stack, file, to_errors=as_json)
    if not as_json:
        work.screen.waits("looking at the load balancer, the tunnels and the source")
    record = work.record
    seen = state.findings(work.site, record)
    if as_json:
        click.echo(json.dumps(state.document(record, seen, phase)))
        return
    work.screen.tells(f"{stack}: {state.sentence(record)}.")
    work.screen.finds(seen)
    for question in first.open_questions(record.answers):
        work.screen.tells(f"open   {question.id}: {question.asks}")
    for entry in record.journal[-5:]:
        work.screen.tells(f"{entry.at}  {entry.operator}  {entry.step}  {entry.event}")


@traffic.command()
@about
@click.option("--answer", "answers", multiple=True, metavar="ID=TEXT", help="Answer a question; it is recorded.")
@click.option("--resolver", default="", metavar="ADDRESS[:PORT]", help="Asked for the zone's name servers.")
def preflight(stack: str, file: Path | None, answers: tuple[str, ...], resolver: str) -> None:
    """Look for what stops the move, ask a person what cannot be seen, and record the answers. Moves nothing."""
    given = first.read_answers(answers)
    names = Names(resolver)
    work = Work(stack, file)
    work.screen.waits("looking at zone, name, load balancer, tunnels and source")
    findings = first.look_first(work.site, names)
    work.screen.finds(findings)
    known = {**work.record.answers, **given}
    if work.console.is_terminal:
        for question in first.open_questions(known):
            work.screen.tells(f"{question.asks}\n  Because {question.why}.")
            given[question.id] = click.prompt(f"{question.id} (empty: later)", default="", show_default=False)
    given = {name: text for name, text in given.items() if text}
    if given:
        with work.mover() as mover:
            mover.answer(given)
    left = first.open_questions({**known, **given})
    for question in left:
        work.screen.tells(f"open   {question.id}: {question.asks} Because {question.why}.")
    work.screen.tells("This command could not know:")
    for sentence in first.UNKNOWN:
        work.screen.tells(f"  - {sentence}")
    failed = [one.gate for one in findings if one.verdict in (Verdict.FAIL, Verdict.PAUSE)]
    if failed or left:
        raise Stop(
            REFUSED,
            f"traffic: {len(failed)} of {len(findings)} looks failed and {len(left)} of {len(first.QUESTIONS)} "
            "questions are open; the public name may not move yet.",
        )
    work.screen.tells(f"Preflight: {len(findings)} looks passed, every question is answered. Next: `traffic name`.")


@traffic.command()
@about
@steps
@click.option("--back", "goes_back", is_flag=True, help="Lead the name to where it led before.")
def name(
    stack: str,
    file: Path | None,
    resolver: str,
    goes_back: bool,
    dry_run: bool,
    yes: bool,
    window_minutes: int | None,
    least_requests: int | None,
) -> None:
    """Lead the public name to the load balancer, which forwards everything to the data centre: one change, watched."""
    names = Names(resolver)
    work = _work(stack, file, window_minutes, least_requests)
    record = work.record
    if goes_back:
        if dry_run:
            _show(work, plan_back(work.site, name=True, before=record.name_before))
            return
        work.confirm(f"{work.site.traffic.host_name} leads to the data centre again.", yes=yes)
        with work.mover() as mover:
            mover.name_back()
        work.screen.tells(f"{work.site.traffic.host_name} leads to where it led before.")
        return
    _take(work, NAME_STEP, names, dry_run=dry_run, yes=yes)


@traffic.command()
@about
@steps
@click.option("--to", "side", type=click.Choice(["aws"]), required=True, help="The side that gets more.")
@click.option("--percent", type=Percent(), required=True, metavar="|".join(map(str, LEVELS)), help="Its new share.")
def shift(
    stack: str,
    file: Path | None,
    side: str,  # noqa: ARG001  the way back is a command of its own
    percent: int,
    resolver: str,
    dry_run: bool,
    yes: bool,
    window_minutes: int | None,
    least_requests: int | None,
) -> None:
    """Send so many per cent of the traffic to AWS, watch, and go back when a gate fails. Goes on where it was."""
    names = Names(resolver)
    _take(_work(stack, file, window_minutes, least_requests), percent, names, dry_run=dry_run, yes=yes)


@traffic.command()
@about
@click.option("--dry-run", is_flag=True, help="Print every call; change nothing.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def back(stack: str, file: Path | None, dry_run: bool, yes: bool) -> None:
    """Send everybody to the data centre now, whatever is under way and whoever works on it.

    The rules change first, in one call each. Where the record's table does not answer, the rules change all the same.
    """
    work = Work(stack, file)
    unread = ""
    try:
        work.require_database_on_source()
    except AwsError as error:
        unread = str(error)
        work.screen.tells(f"{unread} So nobody can tell whether the database is still in the data centre.")
    if dry_run:
        named = False if unread else _names_too(work.record)
        _show(work, plan_back(work.site, name=named, before=() if unread else work.record.name_before))
        return
    question = "All traffic goes to the data centre."
    if unread:
        question += " It can take payments only if its database still takes writes: see `cutover status`."
    work.confirm(question, yes=yes)
    try_rules_back(work.site)
    work.screen.waits("every rule forwards to the data centre alone, and is read back")
    try:
        with work.mover(at_once=True) as mover:
            mover.back()
    except LeaseLostError:
        raise
    except AwsError as error:
        back_without_record(work.site, str(error))
    work.screen.tells("The data centre serves everything; no cookie keeps a client on AWS.")


def _names_too(record: Record) -> bool:
    return record.wanted == NAME_STEP or record.going_back == "name"


def _work(stack: str, file: Path | None, window_minutes: int | None, least_requests: int | None) -> Work:
    seconds = None if window_minutes is None else window_minutes * 60.0
    return Work(stack, file, window_seconds=seconds, least_requests=least_requests)


def _take(work: Work, percent: int, names: Names, *, dry_run: bool, yes: bool) -> None:
    work.screen.waits(f"looking whether '{title(percent)}' may begin")
    record = work.record
    require_next(record, percent)
    work.require_database_on_source()
    require_delegated(work.site.name, names)
    if percent == NAME_STEP and record.wanted is None and not record.named:
        first.require_preflight(work.site, names, record.answers)
    if dry_run:
        _show(work, plan(work.site, record, percent))
        return
    work.confirm(f"'{title(percent)}' begins.", yes=yes)
    with work.mover() as mover:
        work.require_database_on_source()
        says = mover.advance(percent)
    work.screen.tells(says)


def _show(work: Work, lines: list[str]) -> None:
    work.screen.tells("Dry run: every call; nothing is changed.")
    for line in lines:
        work.screen.tells(f"  {line}")
