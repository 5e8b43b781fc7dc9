"""Which `env` command an event on GitHub asks for."""

from __future__ import annotations

from collections.abc import Mapping

from command_line.exits import BAD_INPUT, Stop

PULL_REQUEST_TTL = "24h"
"""A pull request's environment starts anew with each push; one that is left alone is gone the next day."""
FORM = ("up", "extend", "down", "list")
ENDS = ("closed", "unlabeled")
OPTIONS: Mapping[str, tuple[str, ...]] = {
    "up": ("TTL", "IMAGE", "PURPOSE", "SNAPSHOT"),
    "extend": ("TTL",),
}
"""Inputs of the form that a command takes; an empty one keeps the command's default."""


def arguments(given: Mapping[str, str]) -> list[str]:
    """The arguments of ``python -m operations env`` for one event.

    Args:
        given: the workflow's environment variables EVENT, ACTION, NAME, PULL_REQUEST, OWNER and the form's inputs.

    Raises:
        Stop: for an event or action that asks for nothing.
    """
    match given.get("EVENT", ""), given.get("ACTION", ""):
        case "schedule", _:
            return ["reap"]
        case "pull_request", action:
            return _pull_request(action, given["PULL_REQUEST"], given["OWNER"])
        case "workflow_dispatch", "list":
            return ["list"]
        case "workflow_dispatch", action if action in FORM:
            options = [
                word
                for name in OPTIONS.get(action, ())
                if given.get(name)
                for word in (f"--{name.lower()}", given[name])
            ]
            return [action, *options, "--owner", given["OWNER"], "--", given.get("NAME", "")]
        case event, action:
            raise Stop(
                BAD_INPUT,
                f"EVENT: {event or 'nothing'} {action} is not allowed; allowed: schedule, pull_request or "
                f"workflow_dispatch with {', '.join(FORM)}; correct the workflow.",
            )


def _pull_request(action: str, number: str, owner: str) -> list[str]:
    name = f"pr-{number}"
    if action in ENDS:
        return ["down", "--if-there", "--owner", owner, "--", name]
    purpose = f"pull request {number}"
    return ["up", "--ttl", PULL_REQUEST_TTL, "--purpose", purpose, "--owner", owner, "--", name]
