"""``python -m operations pipeline``: what the workflows call, and what anybody may call to see the same."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import click
from rich.console import Console

from command_line.exits import BAD_INPUT, FAILED, REFUSED, Stop
from command_line.files import OutputFile, is_standard_output, write_whole
from command_line.progress import speaker
from command_line.project import ROOT
from operations.environments.command import env
from operations.pipeline import changes, comment, drift, environments, exceptions, forecast, github, locks, release
from operations.pipeline.runs import Runs
from operations.plan.stack_recording import record_stack

Command = TypeVar("Command", bound=Callable[..., Any])

stack_option = click.option("--stack", required=True, metavar="NAME", help="The stack, as in Pulumi.NAME.yaml.")
print_option = click.option("--print", "printed", is_flag=True, help="Print instead of writing to GitHub.")


def path_option(flag: str, words: str, *, required: bool = False) -> Callable[[Command], Command]:
    """An option that names a file."""
    return click.option(flag, required=required, type=click.Path(dir_okay=False, path_type=Path), help=words)


@click.group()
def pipeline() -> None:
    """What the workflows call."""


@pipeline.command()
@stack_option
@click.option("--save", type=OutputFile(), help="Write the preview as JSON.")
@path_option("--plan", "Save the update plan, to which `deploy --plan` keeps.")
@click.option("--refresh", is_flag=True, help="Compare with the cloud first: what drifted?")
def preview(stack: str, save: Path | None, plan: Path | None, refresh: bool) -> None:
    """Preview a stack under the policy pack; exit 1 when it would be refused or fail."""
    runs = Runs(stack)
    with runs.command.interruptible(lambda text: click.echo(text, err=True)):
        found = runs.preview(plan=plan, refresh=refresh)
    if save:
        write_whole(save, found.to_text())
    text = comment.render(found, _forecast(found), topic=f"preview {stack}")
    click.echo(text, err=is_standard_output(save))
    _summarise(text)
    if found.blocked:
        raise Stop(REFUSED, f"{stack}: the preview failed or the policy pack refuses it; see above.")


@pipeline.command()
@stack_option
@path_option("--plan", "Change nothing but what this plan says.")
def deploy(stack: str, plan: Path | None) -> None:
    """Update a stack under the policy pack, and tell how to go on when it breaks off."""
    errors = Console(stderr=True)
    runs = Runs(stack)
    with errors.status("starting") as status, runs.command.interruptible(lambda text: errors.print(text)):
        progress = runs.deploy(speaker(errors, status.update), plan)
    click.echo(f"{stack}: {progress.line()}.")


@pipeline.command()
@stack_option
def unlocked(stack: str) -> None:
    """Tell who holds the stack's lock and how to free it; exit 1 when somebody does."""
    lines = locks.advice(stack, locks.locks(stack), Runs(stack).pending())
    _summarise("\n\n".join(lines))
    if lines:
        raise Stop(REFUSED, *lines)
    click.echo(f"{stack} is not locked.")


@pipeline.command("comment")
@path_option("--preview", "What `preview --save` wrote.", required=True)
@click.option("--pull-request", type=click.IntRange(1), required=True, metavar="NUMBER", help="Where to comment.")
@print_option
def comment_(preview: Path, pull_request: int, printed: bool) -> None:
    """Comment a preview on a pull request: one comment a stack, edited, not repeated."""
    found = _saved(preview)
    topic = f"preview {found.stack}"
    text = comment.render(found, _forecast(found), topic=topic, footer=_footer())
    if printed:
        click.echo(text)
    else:
        github.repository_of_run().comment(pull_request, topic, text)


@pipeline.command("drift")
@path_option("--preview", "What `preview --refresh --save` wrote.", required=True)
@print_option
def drift_(preview: Path, printed: bool) -> None:
    """Open, update or close the issue about a stack's drift; exit 1 when there is any."""
    found = _saved(preview)
    report = drift.report(found, _footer())
    if printed:
        click.echo(report.text)
    else:
        drift.publish(report, github.repository_of_run())
    if report.found:
        raise Stop(REFUSED, f"{found.stack}: {report.title}")


@pipeline.command()
@click.option("--days", default=exceptions.DAYS, show_default=True, type=click.IntRange(0), help="How far to look.")
@print_option
def expiring(days: int, printed: bool) -> None:
    """Open, update or close the issue about exceptions of the policy pack that end soon."""
    today = datetime.now(UTC).date()
    found = exceptions.expiring(today, days)
    topic, label = "expiring exceptions", "policy"
    if printed or not found:
        click.echo(exceptions.render(found, today) if found else f"No exception ends within {days} days.")
    if printed:
        return
    repository = github.repository_of_run()
    if found:
        repository.open_issue(
            topic,
            f"{len(found)} exceptions of the policy pack end within {days} days",
            exceptions.render(found, today),
            label,
        )
    else:
        repository.close_issue(topic, "None of them ends soon any more.", label)


@pipeline.command()
def environment() -> None:
    """Do to a test environment what the event asks for that started the workflow."""
    env.main(args=environments.arguments(os.environ), prog_name="env", standalone_mode=False)


@pipeline.command("release-notes")
@click.option("--tag", required=True, metavar="TAG", help="The release's tag, such as v1.2.3.")
def release_notes(tag: str) -> None:
    """Print what the changelog says of a release; exit 2 when the tag is not the project's version."""
    click.echo(release.notes(tag, ROOT), nl=False)


def _saved(path: Path) -> changes.Preview:
    try:
        return changes.from_text(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise Stop(BAD_INPUT, f"--preview: {path} cannot be read ({error.strerror}); give another file.") from None
    except (ValueError, RecursionError, LookupError, TypeError, AttributeError):
        raise Stop(BAD_INPUT, f"--preview: {path} is not what `preview --save` writes; make it anew.") from None


def _forecast(found: changes.Preview) -> comment.Forecast | None:
    """The forecast by a rehearsal of the same program, or None where it fails; the preview then says why."""
    try:
        return forecast.forecast_change(record_stack(found.stack), found.changes)
    except Stop:
        return None


def _footer() -> str:
    """The commit and the run that this comes from, inside a workflow."""
    given = {name: os.environ.get(f"GITHUB_{name}", "") for name in ("SHA", "SERVER_URL", "REPOSITORY", "RUN_ID")}
    sha = os.environ.get("HEAD_SHA") or given["SHA"]
    if not sha:
        return ""
    run = f"{given['SERVER_URL']}/{given['REPOSITORY']}/actions/runs/{given['RUN_ID']}"
    return f"<sub>Commit {sha[:12]}, [run]({run})</sub>"


def _summarise(text: str) -> None:
    """Add to the job's summary page, inside a workflow."""
    file = os.environ.get("GITHUB_STEP_SUMMARY")
    if file and text:
        try:
            with Path(file).open("a", encoding="utf-8") as summary:
                summary.write(f"{text}\n")
        except OSError as error:
            raise Stop(FAILED, f"GITHUB_STEP_SUMMARY: {file} cannot be written ({error.strerror}).") from None
