"""``python -m operations upgrade``: plan and carry out upgrades of a deployed stack."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import click
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console
from rich.padding import Padding

from command_line.exits import BAD_INPUT, FAILED, REFUSED, Stop
from command_line.files import OutputFile, report_console, write_whole
from command_line.progress import speaker
from components.cluster.node_group import image_type
from operations.account.answers import Answer, Status
from operations.pipeline import github
from operations.plan.stack_recording import stack_settings
from operations.upgrade import carrying_out, conditions
from operations.upgrade.ending import DAYS, ending, render
from operations.upgrade.living import Living, declared, deployed
from operations.upgrade.steps import NotPossible, Step, Targets, steps
from settings import Settings

NEWEST = "newest"
IMAGE_PARAMETER = (
    "/aws/service/eks/optimized-ami/{version}/amazon-linux-2023/{processor}/standard/recommended/release_version"
)
"""Where EKS names its newest image (EKS user guide, retrieve recommended AMI IDs)."""
TOPIC, LABEL = "versions that end", "upgrade"


def _targets(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of what is asked for, the same for both commands."""
    for option in (
        click.option("--to-cache", default="", metavar="VERSION", help="Cache version: 7.1 or valkey-8.0."),
        click.option("--to-database", default="", metavar="VERSION", help="Such as 8.4.mysql_aurora.8.4.8."),
        click.option(
            "--to-node-release", default="", metavar="RELEASE", help=f"EKS AMI release of the nodes, or {NEWEST}."
        ),
        click.option("--to-kubernetes", default="", metavar="VERSION", help="Kubernetes minor version, such as 1.36."),
        click.option("--stack", required=True, metavar="NAME", help="The deployed stack."),
    ):
        command = option(command)
    return command


@click.group()
def upgrade() -> None:
    """Upgrade a deployed stack step by step, in the order that AWS demands."""


@upgrade.command()
@_targets
@click.option("--json", "file", type=OutputFile(), help="Write the plan to this file; - is standard output.")
def plan(
    stack: str, to_kubernetes: str, to_node_release: str, to_database: str, to_cache: str, file: Path | None
) -> None:
    """Say the steps of an upgrade: what each interrupts, the way back, and what must be true before.

    Nothing is changed. With credentials of the account AWS is asked what runs and whether the conditions hold;
    without them the plan starts from the stack's settings and names what was not asked.

    \b
    Exit codes:
      0  every condition of the first step holds, or there is nothing to do
      1  a condition does not hold
      2  bad settings or arguments
      3  the program itself failed
    """
    wanted = Wanted(stack, Targets(to_kubernetes, to_node_release, to_database, to_cache))
    console = report_console(file)
    answers = wanted.conditions()
    console.print(f"{stack} runs Kubernetes {wanted.living.kubernetes} (nodes {wanted.living.nodes}), database "
                  f"{wanted.living.database}, cache {wanted.living.cache}, says {wanted.living.source}.")  # fmt: skip
    _print(console, wanted.steps, answers)
    if file is not None:
        write_whole(file, json.dumps(_document(wanted, answers), indent=2) + "\n")
    broken = [one for one in answers if one.status is Status.FAIL]
    if broken:
        raise Stop(REFUSED, f"{stack}: {len(broken)} conditions of the first step do not hold; see above.")


@upgrade.command()
@_targets
@click.option("--steps", "most", type=click.IntRange(1), help="Stop after this many steps; a later run goes on.")
def run(
    stack: str, to_kubernetes: str, to_node_release: str, to_database: str, to_cache: str, most: int | None
) -> None:
    """Carry an upgrade out, step by step; run it again to go on where it stopped.

    In production each step is a pull request: this command opens it, waits for its review, merge and deployment, and
    never writes to the default branch. Elsewhere it changes the stack's file and deploys it.

    \b
    Exit codes:
      0  everything is done, or as many steps as --steps says
      1  a condition of the next step does not hold
      2  bad settings or arguments, or no credentials
      3  a deployment failed; what is done stays
    """
    targets = Targets(to_kubernetes, to_node_release, to_database, to_cache)
    errors = Console(stderr=True)
    done = 0
    while most is None or done < most:
        wanted = Wanted(stack, targets)
        if wanted.session is None:
            raise Stop(BAD_INPUT, "credentials: none were found for AWS; log in to the stack's account first.")
        if not wanted.steps:
            click.echo(f"{stack}: nothing to do; it runs what was asked for.")
            return
        step, answers = wanted.steps[0], wanted.conditions()
        _print(errors, [step], answers)
        broken = [one.check for one in answers if one.status is Status.FAIL]
        if broken:
            raise Stop(REFUSED, f"{step.name}: conditions do not hold: {', '.join(broken)}; see `upgrade plan`.")
        with errors.status(step.name) as status:
            say = speaker(errors, status.update)
            if wanted.settings.production:
                carrying_out.ByPullRequest(github.repository_of_run(), stack, say).carry_out(step)
            else:
                carrying_out.here(stack, step, say)
        click.echo(f"{stack}: {step.name} is done.")
        done += 1


@upgrade.command("ending")
@click.option("--days", default=DAYS, show_default=True, type=click.IntRange(0), help="How far to look.")
@click.option("--print", "printed", is_flag=True, help="Print instead of writing to GitHub.")
@click.argument("stacks", nargs=-1, required=True, metavar="STACK...")
def ending_(stacks: tuple[str, ...], days: int, printed: bool) -> None:
    """Open, update or close the issue about versions whose standard support ends soon."""
    today = datetime.now(UTC).date()
    found = ending({stack: declared(stack_settings(stack)[1]) for stack in stacks}, today, days)
    text = render(found, today) if found else f"No version of {', '.join(stacks)} ends within {days} days."
    click.echo(text)
    if printed:
        return
    repository = github.repository_of_run()
    if found:
        repository.open_issue(TOPIC, f"{len(found)} versions leave standard support within {days} days", text, LABEL)
    else:
        repository.close_issue(TOPIC, "None of them ends soon any more.", LABEL)


class Wanted:
    """What is asked of one stack, what it runs, and what is still to do."""

    def __init__(self, stack: str, targets: Targets) -> None:
        self.settings: Settings = stack_settings(stack)[1]
        self.stack = stack
        session = boto3.Session(region_name=self.settings.region)
        self.session = session if session.get_credentials() is not None else None
        try:
            self.living: Living = deployed(session, self.settings) if self.session else declared(self.settings)
            if targets.node_release == NEWEST:
                targets = Targets(targets.kubernetes, self._newest(), targets.database, targets.cache)
            self.steps: list[Step] = steps(self.living, targets)
        except NotPossible as error:
            raise Stop(BAD_INPUT, str(error)) from None
        except (BotoCoreError, ClientError) as error:
            reason = " ".join(str(error).split())
            raise Stop(FAILED, f"{stack}: AWS did not say what runs: {reason}; is the stack deployed?") from None
        if targets == Targets():
            options = "--to-kubernetes, --to-node-release, --to-database, --to-cache"
            raise Stop(BAD_INPUT, f"upgrade: nothing is asked for; allowed: one or more of {options}.")

    def conditions(self) -> list[Answer]:
        """What must be true before the first step; nothing where nobody can be asked."""
        if not self.steps or self.session is None:
            return []
        return conditions.conditions(self.session, self.settings, self.steps[0])

    def _newest(self) -> str:
        if self.session is None:
            raise NotPossible(
                f"--to-node-release: {NEWEST!r} needs credentials of the account, or name a release such as "
                f"{self.living.nodes}.1-20261105."
            )
        processor = "arm64" if "ARM" in image_type(self.settings.cluster.node_instance_type) else "x86_64"
        name = IMAGE_PARAMETER.format(version=self.living.nodes, processor=processor)
        return str(self.session.client("ssm").get_parameter(Name=name)["Parameter"]["Value"])


def _print(console: Console, todo: list[Step], answers: list[Answer]) -> None:
    if not todo:
        console.print("Nothing to do.")
        return
    for number, step in enumerate(todo, 1):
        values = ", ".join(f"{key}: {value or '(its default)'}" for key, value in step.settings.items())
        console.print(f"\n{number}. {step.name}", highlight=False)
        for label, words in (("sets", values), ("interrupts", step.interrupts), ("way back", step.way_back)):
            console.print(Padding(f"{label}: {words}", (0, 0, 0, 3)), highlight=False)
    console.print()
    if not answers:
        console.print("Conditions: not asked; log in to the stack's account for that, or nothing needs asking.")
    for one in answers:
        console.print(f"{one.status}: {one.check}: {one.found}{f'; {one.mend}' if one.mend else ''}")


def _document(wanted: Wanted, answers: list[Answer]) -> dict[str, object]:
    return {
        "stack": wanted.stack,
        "runs": {"source": wanted.living.source, "kubernetes": wanted.living.kubernetes, "nodes": wanted.living.nodes,
                 "database": wanted.living.database, "cache": wanted.living.cache},
        "steps": [
            {"name": step.name, "settings": dict(step.settings), "interrupts": step.interrupts,
             "wayBack": step.way_back}
            for step in wanted.steps
        ],
        "conditions": [
            {"status": one.status.value, "check": one.check, "found": one.found, "mend": one.mend} for one in answers
        ],
        "asked": wanted.session is not None,
    }  # fmt: skip
