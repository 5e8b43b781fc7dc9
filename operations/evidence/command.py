"""``python -m operations evidence``: what an assessor takes away, and what became of the findings."""

from __future__ import annotations

import datetime
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from command_line.exits import BAD_INPUT, FAILED, REFUSED, Stop
from command_line.files import OutputFile, report_console, write_whole
from command_line.project import ROOT
from operations.evidence.assessment import Assessment, Outcome, assess
from operations.evidence.bundle import Seen, write_bundle
from operations.evidence.exported_state import read_state
from operations.evidence.findings import LISTED, State, as_csv, read_findings, track
from operations.evidence.judges import read_checks
from operations.evidence.live import UNANSWERED, observe, session_for
from operations.evidence.manifest import problems
from operations.evidence.provenance import read_provenance
from operations.evidence.records import Origin
from operations.evidence.signature import sign, signature_problems
from operations.journeys.proof import Tested, ways_of_stack
from operations.plan.stack_recording import record_stack, stack_settings
from policy.catalogue import controls
from recording.recorder import Resource

from_state = click.option(
    "--state", "state_file", type=click.Path(path_type=Path), help="Judge this `pulumi stack export`, not a rehearsal."
)


@click.group(invoke_without_command=True)
@click.option("--stack", metavar="NAME", help="The stack, as in Pulumi.NAME.yaml.")
@click.option("--out", "directory", type=click.Path(path_type=Path), metavar="DIR", help="A new or empty directory.")
@from_state
@click.option("--live", is_flag=True, help="Ask the account as well, with the AWS credentials of the environment.")
@click.option(
    "--judge",
    "judges",
    type=click.Path(path_type=Path),
    multiple=True,
    metavar="FILE",
    help="Show a table of another judge's checks (CSV); repeatable.",
)
@click.option("--sign", "key", metavar="KEY", envvar="EVIDENCE_SIGNING_KEY", help="Sign the seal with this KMS key.")
@click.pass_context
def evidence(
    context: click.Context,
    stack: str | None,
    directory: Path | None,
    state_file: Path | None,
    live: bool,
    judges: tuple[Path, ...],
    key: str | None,
) -> None:
    """Write the evidence of a stack: CSV, OSCAL, diagrams, inventory and a readable document, sealed.

    \b
    Exit codes:
      0  written, and no rule is broken
      1  written, and a rule is broken
      2  bad settings or arguments, one line each
      3  written, but a service that --live or --sign asks did not answer
    """
    if context.invoked_subcommand:
        return
    if directory is None:
        raise Stop(BAD_INPUT, "--out: no directory is given; allowed: a new or empty one; add --out DIR.")
    name, source, resources = _resources(stack, state_file)
    origin = Origin(name, source, read_provenance(ROOT), _now().strftime("%Y-%m-%dT%H:%M:%SZ"))
    checks = read_checks(judges)
    region = _region(resources) if live or key else ""
    session = session_for(region, "--live" if live else "--sign") if region else None
    observed = observe(session, resources, name) if live and session else None
    seal, assessment = write_bundle(directory, resources, origin, Seen(_tested(name, resources), observed, checks))
    _report(assessment, directory, seal)
    if key and session:
        _say(f"Signed with {sign(directory, seal, key, session.client('kms'))}.")
    silent = [f"--live: {one.source}: {one.detail}" for one in observed or () if one.detail.startswith(UNANSWERED)]
    if any(result.outcome is Outcome.FAIL for result in assessment.results):
        raise Stop(REFUSED, *silent)
    if silent:
        raise Stop(FAILED, *silent)


@evidence.command()
@click.argument("directory", type=click.Path(path_type=Path))
@click.option("--seal", "expected", default="", metavar="DIGEST", help="The seal as it was kept elsewhere.")
@click.option("--signed-by", "key", metavar="KEY", help="Also ask KMS whether this key signed the seal: its ARN.")
def verify(directory: Path, expected: str, key: str | None) -> None:
    """Say whether any byte of a bundle was changed since it was sealed."""
    found = problems(directory, expected)
    if key and not found:
        region = key.split(":")[3] if key.startswith("arn:") else None
        if not region:
            raise Stop(BAD_INPUT, f"--signed-by: {key!r} names no Region; allowed: the ARN of a KMS key; give that.")
        found = signature_problems(directory, key, session_for(region, "--signed-by").client("kms"))
    if found:
        raise Stop(REFUSED, *found)
    _say(f"{directory}: unchanged since it was sealed{' and signed' if key else ''}.")


@evidence.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--stack", metavar="NAME", help="The stack to judge, as in Pulumi.NAME.yaml.")
@from_state
@click.option("--out", "csv_file", type=OutputFile(), help="Write the result as CSV.")
def findings(file: Path, stack: str | None, state_file: Path | None, csv_file: Path | None) -> None:
    """Say what became of each of an assessor's findings: open, mended in which commit, or excepted.

    FILE is CSV with the columns id, requirement, text, severity, due, and if wanted rule and resource. A commit mends
    a finding with the trailer `Mends: ID`. Exit code 1 while a finding is overdue or reopened.
    """
    given = read_findings(file)
    name, _, resources = _resources(stack, state_file)
    tracked = track(given, assess(name, resources), ROOT, _now().date())
    if csv_file:
        write_whole(csv_file, as_csv(tracked))
    table = Table(title=f"{len(tracked)} findings, stack {name}", title_justify="left", show_lines=True)
    for title in ("finding", "due", "state", "rules and resources", "because"):
        table.add_column(title, overflow="fold")
    for one in tracked:
        due = f"{one.finding.due}{' overdue' if one.overdue else ''}"
        shown = (*one.rules[:LISTED], *one.resources[:LISTED])
        table.add_row(
            f"{one.finding.id} ({one.finding.requirement})\n{one.finding.text}",
            due,
            one.state,
            "\n".join(shown),
            one.because,
        )
    report_console(csv_file).print(table)
    if any(one.overdue or one.state is State.REOPENED for one in tracked):
        raise Stop(REFUSED)


def _resources(stack: str | None, state_file: Path | None) -> tuple[str, str, tuple[Resource, ...]]:
    """The stack's name, what it was read from, and its resources."""
    if state_file:
        name, resources = read_state(state_file)
        if stack not in (None, name):
            raise Stop(BAD_INPUT, f"--state: {state_file} is of stack {name}, not {stack}; give the matching pair.")
        return name, f"state {state_file.name}", resources
    if stack is None:
        raise Stop(BAD_INPUT, "--stack: no stack is given; allowed: a stack's name, or --state FILE; add one of them.")
    return stack, "rehearsal", record_stack(stack).resources


def _tested(stack: str, resources: tuple[Resource, ...]) -> tuple[Tested, ...] | None:
    """Every pair of places of the network, tested; nothing where this project has no settings of the stack."""
    if not (ROOT / f"Pulumi.{stack}.yaml").is_file():
        return None
    _, settings = stack_settings(stack)
    return ways_of_stack(resources, settings)


def _region(resources: tuple[Resource, ...]) -> str:
    found = (one.inputs.get("region") for one in resources if one.type == "pulumi:providers:aws")
    region = next(filter(None, found), None)
    if region is None:
        raise Stop(BAD_INPUT, "--live: no AWS provider of the stack names its Region; give a state that has one.")
    return str(region)


def _say(text: str) -> None:
    Console(highlight=False).print(text, soft_wrap=True)


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


def _report(assessment: Assessment, directory: Path, seal: str) -> None:
    counts = {outcome: sum(result.outcome is outcome for result in assessment.results) for outcome in Outcome}
    _say(", ".join(f"{amount} {outcome}" for outcome, amount in counts.items()))
    waiting = sum(control.state in ("watched", "provided") for control in controls(assessment.rules))
    _say(f"{waiting} controls that only a running account can answer are undetermined.")
    _say(f"{directory / 'evidence.html'} is the place to start.")
    _say(f"Seal: {seal}\nKeep the seal elsewhere; evidence verify --seal compares with it.")
