"""``python -m operations env``: test environments without a ticket."""

from __future__ import annotations

import getpass
import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from command_line.exits import BAD_INPUT, FAILED, Stop
from command_line.progress import speaker
from operations.environments import identity, lifetimes
from operations.environments.configuration import source_settings
from operations.environments.ledger import Environment, Request
from operations.environments.ledger_store import store_of_backend
from operations.environments.lifecycle import Environments
from operations.environments.names import environment_name, stack_of
from operations.environments.stacks import Engine, secrets_provider_of
from settings import REHEARSAL, Settings, example_values

OWNER = "SOFTPOS_OWNER"
"""Environment variable that names whoever acts; CI sets it."""
LOGIN: tuple[tuple[str, str], ...] = (
    ("application", "applicationUrl"),
    ("Kubernetes", "kubeconfigCommand"),
    ("pods", "kubectlCommand"),
    ("bastion", "sshCommand"),
    ("database, through the bastion", "databaseWriterEndpoint"),
    ("cache, from the cluster", "cachePrimaryEndpoint"),
    ("dashboard", "dashboardUrl"),
)
"""How to use an environment: what, and the output that says it."""

name_argument = click.argument("name", metavar="NAME")
owner_option = click.option(
    "--owner",
    envvar=OWNER,
    default=getpass.getuser,
    show_default="you",
    metavar="WHO",
    help=f"Who answers for it; also {OWNER}. A courtesy between colleagues: what you may do, IAM decides.",
)
source_option = click.option(
    "--from", "source", default="dev", show_default=True, metavar="STACK", help="The stack whose settings it takes."
)
ttl_option = click.option(
    "--ttl",
    default=lifetimes.DEFAULT_TTL,
    show_default=True,
    metavar="TIME",
    help="Time to live from now: 90m, 8h, 2d.",
)


@click.group()
def env() -> None:
    """Test environments: each a small stack of its own in the development account, gone when its time is up."""


@env.command()
@name_argument
@ttl_option
@source_option
@owner_option
@click.option("--image", default="", metavar="DIGEST", help="Application image: sha256:... or a whole reference.")
@click.option("--purpose", default="test", show_default=True, metavar="TEXT", help="What it is for; a tag.")
@click.option("--snapshot", default="", metavar="NAME", help="Sanitised database snapshot to start from; else empty.")
def up(name: str, ttl: str, source: str, owner: str, image: str, purpose: str, snapshot: str) -> None:
    """Create an environment, or bring yours up to date; its time starts anew."""
    with _environments(source) as (environments, console):
        request = Request(
            name=environment_name(name, _taken_labels(environments.settings)),
            owner=_tag("--owner", owner),
            purpose=_tag("--purpose", purpose),
            source=source,
            account=environments.settings.account_id,
            lifetime=lifetimes.ttl(ttl, environments.settings.temporary.hours_max),
            image=_image(image, environments.settings),
        )
        environment, outputs = environments.up(request, snapshot)
    _show(console, environment, outputs)
    _tell_workflow(outputs)


@env.command("list")
@source_option
def list_(source: str) -> None:
    """List the environments: whose, what for, how long."""
    with _environments(source) as (environments, console):
        ledger, at = environments.ledger(), environments.now()
        there = set(environments.engine.names())
    table = Table(box=None, pad_edge=False)
    for heading in ("name", "owner", "purpose", "from", "network", "left", "stack"):
        table.add_column(heading, no_wrap=heading != "purpose")
    for one in sorted(ledger.environments.values(), key=lambda one: one.until):
        remaining = "leaving" if one.state == "leaving" else lifetimes.left(one.until, at)
        stack = stack_of(one.name) if stack_of(one.name) in there else "none yet"
        table.add_row(one.name, one.owner, one.purpose, one.source, str(one.cidr), remaining, stack)
    limit = environments.settings.temporary.limit
    console.print(table if ledger.environments else "No environment exists.")
    console.print(f"{len(ledger.environments)} of {limit} allowed.", highlight=False)


@env.command()
@name_argument
@ttl_option
@source_option
@owner_option
def extend(name: str, ttl: str, source: str, owner: str) -> None:
    """Give an environment another end, counted from now."""
    with _environments(source) as (environments, console):
        lifetime = lifetimes.ttl(ttl, environments.settings.temporary.hours_max)
        environment = environments.extend(environment_name(name), owner, lifetime)
    console.print(f"{name} lives until {lifetimes.as_text(environment.until)}.", highlight=False)


@env.command()
@name_argument
@source_option
@owner_option
@click.option("--if-there", is_flag=True, help="Be content when it is gone already.")
def down(name: str, source: str, owner: str, if_there: bool) -> None:
    """Destroy an environment now."""
    with _environments(source) as (environments, console):
        if if_there and not environments.knows(environment_name(name)):
            console.print(f"{name} is gone already.", highlight=False)
            return
        environments.down(environment_name(name), owner)
    console.print(f"{name} is gone.", highlight=False)


@env.command()
@source_option
def reap(source: str) -> None:
    """Destroy every environment whose time is up; exit 3 when something is left."""
    with _environments(source) as (environments, console):
        gone, left = environments.reap()
    console.print(f"Gone: {', '.join(gone) or 'none'}.", highlight=False)
    if left:
        raise Stop(FAILED, *(f"{one.stack}: {one.reason}" for one in left))


@contextmanager
def _environments(source: str) -> Iterator[tuple[Environments, Console]]:
    """Everything a command works with; inside, Ctrl-C asks the engine to finish what it is doing."""
    errors, console = Console(stderr=True), Console()
    configuration, settings = source_settings(source)
    examples = tuple(example_values(settings))
    if examples and os.environ.get(REHEARSAL) != "1":
        raise Stop(BAD_INPUT, *map(str, examples))
    store = store_of_backend()
    engine = Engine(secrets_provider_of(source))
    caller = identity.must_be_in(settings.account_id, settings.region)
    with errors.status("starting") as status:
        say: Callable[[str], None] = speaker(errors, status.update)
        with engine.command.interruptible(lambda text: errors.print(text, highlight=False)):
            yield (
                Environments(
                    engine=engine,
                    store=store,
                    source=configuration,
                    settings=settings,
                    caller=caller,
                    say=say,
                    now=identity.clock(settings.region),
                ),
                console,
            )


def _taken_labels(settings: Settings) -> set[str]:
    """Labels directly below the zone that the source stack uses itself."""
    return {settings.edge.host_name.removesuffix(f".{settings.edge.zone_name}").rpartition(".")[2]}


def _tag(option: str, value: str) -> str:
    """A value that AWS takes as a tag's."""
    if not re.fullmatch(r"[\w .:/=+@-]{1,128}", value):
        raise Stop(
            BAD_INPUT,
            f"{option}: {value!r} is not allowed; allowed: 1 to 128 letters, digits, spaces and any of .:/=+-@_; "
            "AWS takes nothing else as a tag.",
        )
    return value


def _image(given: str, settings: Settings) -> str:
    """An image by digest; a digest alone means the source's repository."""
    if re.fullmatch(r"sha256:[0-9a-f]{64}", given):
        return f"{settings.service.image.partition('@')[0]}@{given}"
    return given


def _show(console: Console, environment: Environment, outputs: Mapping[str, Any]) -> None:
    console.print(
        f"{environment.name} is up until {lifetimes.as_text(environment.until)} (`env extend {environment.name}`).",
        highlight=False,
    )
    width = max(len(what) for what, _ in LOGIN)
    for what, output in LOGIN:
        if output in outputs:
            console.print(f"  {what:{width}}  {outputs[output]}", highlight=False, soft_wrap=True, markup=False)


def _tell_workflow(outputs: Mapping[str, Any]) -> None:
    """Inside a workflow, its next steps and GitHub's own page know the address."""
    file = os.environ.get("GITHUB_OUTPUT")
    if file and "applicationUrl" in outputs:
        with Path(file).open("a", encoding="utf-8") as written:
            written.write(f"url={outputs['applicationUrl']}\n")
