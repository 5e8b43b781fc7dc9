"""One line of the result, and what a check is given."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

import boto3

from recording.program import Recording
from settings import Settings


class Status(StrEnum):
    """What an answer means for the deployment."""

    PASS = "pass"  # noqa: S105 (a word of the report)
    WARN = "warn"
    """It may go through; or the account did not answer, so that only the deployment will tell."""
    FAIL = "fail"
    """The deployment would break off."""


@dataclass(frozen=True)
class Answer:
    """What one check found."""

    status: Status
    check: str
    found: str
    mend: str = ""
    """What to do; empty for a pass."""


@dataclass(frozen=True)
class Question:
    """What is asked about: an account by its credentials, and the stack that shall go there."""

    session: boto3.Session
    settings: Settings
    recording: Recording


Check = Callable[[Question], Iterator[Answer]]


def passed(check: str, found: str) -> Answer:
    return Answer(Status.PASS, check, found)


def warned(check: str, found: str, mend: str) -> Answer:
    return Answer(Status.WARN, check, found, mend)


def failed(check: str, found: str, mend: str) -> Answer:
    return Answer(Status.FAIL, check, found, mend)
