"""``python -m operations account``: what an account lacks for a stack, asked before the first deployment."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import boto3
import click
from botocore.exceptions import BotoCoreError, ClientError
from rich.table import Table

from command_line.exits import BAD_INPUT, REFUSED, Stop
from command_line.files import check_writable, report_console, write_whole
from operations.account import permission, place, room, standing
from operations.account.answers import Answer, Check, Question, Status, warned
from operations.plan.stack_recording import record_program, stack_settings

CHECKS: tuple[tuple[str, Check], ...] = (
    ("account", place.identity),
    ("Region and zones", place.region),
    ("instance types", place.instance_types),
    ("database", place.database),
    ("Kubernetes version", place.cluster),
    ("quotas", room.quota_room),
    ("agent's secret", standing.agent_secret),
    ("image", standing.image),
    ("DNS zone", standing.zone),
    ("firewall rules", standing.firewall_subscription),
    ("singletons", standing.singletons),
    ("roles", standing.roles),
    ("bootstrap", permission.boundary),
    ("deploy role", permission.deploy_role),
)
STYLES = {Status.PASS: "green", Status.WARN: "yellow", Status.FAIL: "bold red"}


@click.command()
@click.option("--stack", required=True, metavar="NAME", help="The stack that shall go into the account.")
@click.option(
    "--json", "file", type=click.Path(path_type=Path), help="Write the answers to this file; - is standard output."
)
def account(stack: str, file: Path | None) -> None:
    """Ask an account, with its own credentials and read-only, what it lacks for a stack.

    Only AWS can tell what is asked here; an account that does not answer a question is a warning with the reason.

    \b
    Exit codes:
      0  nothing would break off the deployment
      1  something would
      2  bad settings or arguments, or no credentials
      3  the program itself failed
    """
    configuration, settings = stack_settings(stack)
    if file is not None:
        check_writable(file)
    session = boto3.Session(region_name=settings.region)
    if session.get_credentials() is None:
        raise Stop(
            BAD_INPUT, "credentials: none were found for AWS; log in to the account, for example with `aws sso login`."
        )
    answers = tuple(ask(Question(session, settings, record_program(configuration, settings))))
    amounts = Counter(one.status for one in answers)
    console = report_console(file)
    table = Table("", "check", "found", "what mends it", box=None, pad_edge=False)
    for one in answers:
        table.add_row(f"[{STYLES[one.status]}]{one.status}[/]", one.check, one.found, one.mend)
    console.print(table)
    if file is not None:
        lines = [
            {"status": one.status.value, "check": one.check, "found": one.found, "mend": one.mend} for one in answers
        ]
        document = {"stack": stack, "account": settings.account_id, "region": settings.region, "checks": lines}
        write_whole(file, json.dumps(document, indent=2) + "\n")
    console.print(", ".join(f"{amounts[status]} {status}" for status in Status))
    if amounts[Status.FAIL]:
        raise Stop(REFUSED, f"{stack}: {amounts[Status.FAIL]} of the checks above would break off a deployment.")


def ask(question: Question) -> Iterator[Answer]:
    """Every check in its order; one that the account does not answer is a warning."""
    for name, check in CHECKS:
        try:
            yield from check(question)
        except (BotoCoreError, ClientError) as error:
            reason = " ".join(str(error).split())
            yield warned(
                name, f"the account did not answer: {reason}", "look by hand, or give the credentials this read"
            )
