"""Form, label and clock ask for the command that a person would type, and no input becomes an option."""

import pytest

from command_line.exits import Stop
from operations.environments.command import env
from operations.pipeline.environments import arguments

PULL = {"EVENT": "pull_request", "PULL_REQUEST": "123", "OWNER": "ana"}
FORM = {"EVENT": "workflow_dispatch", "NAME": "ana-3ds", "OWNER": "ana", "TTL": "8h", "IMAGE": "", "PURPOSE": "test"}

CASES = [
    ({"EVENT": "schedule", "ACTION": ""}, ["reap"]),
    (
        {**PULL, "ACTION": "labeled"},
        ["up", "--ttl", "24h", "--purpose", "pull request 123", "--owner", "ana", "--", "pr-123"],
    ),
    (
        {**PULL, "ACTION": "synchronize"},
        ["up", "--ttl", "24h", "--purpose", "pull request 123", "--owner", "ana", "--", "pr-123"],
    ),
    ({**PULL, "ACTION": "closed"}, ["down", "--if-there", "--owner", "ana", "--", "pr-123"]),
    ({**PULL, "ACTION": "unlabeled"}, ["down", "--if-there", "--owner", "ana", "--", "pr-123"]),
    (
        {**FORM, "ACTION": "up"},
        ["up", "--ttl", "8h", "--purpose", "test", "--owner", "ana", "--", "ana-3ds"],
    ),
    (
        {**FORM, "ACTION": "up", "IMAGE": "sha256:1", "SNAPSHOT": "clean"},
        [
            *("up", "--ttl", "8h", "--image", "sha256:1", "--purpose", "test"),
            *("--snapshot", "clean", "--owner", "ana", "--", "ana-3ds"),
        ],
    ),
    ({**FORM, "ACTION": "extend"}, ["extend", "--ttl", "8h", "--owner", "ana", "--", "ana-3ds"]),
    ({**FORM, "ACTION": "down"}, ["down", "--owner", "ana", "--", "ana-3ds"]),
    ({**FORM, "ACTION": "list"}, ["list"]),
]


@pytest.mark.parametrize(("given", "expected"), CASES)
def test_each_event_asks_for_one_command(given: dict[str, str], expected: list[str]) -> None:
    assert arguments(given) == expected


@pytest.mark.parametrize("given", [given for given, _ in CASES])
def test_the_command_line_knows_every_command_and_option(given: dict[str, str]) -> None:
    name, *rest = arguments(given)
    command = env.commands[name]
    command.make_context(name, rest)


@pytest.mark.parametrize("given", [{}, {"EVENT": "push"}, {**FORM, "ACTION": "reap"}, {**FORM, "ACTION": "--help"}])
def test_nothing_else_is_run(given: dict[str, str]) -> None:
    with pytest.raises(Stop, match="EVENT"):
        arguments(given)


def test_a_name_that_looks_like_an_option_stays_a_name() -> None:
    context = env.commands["down"].make_context("down", arguments({**FORM, "ACTION": "down", "NAME": "--help"})[1:])
    assert context.params["name"] == "--help"
