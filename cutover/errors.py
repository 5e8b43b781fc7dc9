"""The ways this tool says no. Each carries one sentence for the operator, and the exit code that goes with it."""

from __future__ import annotations


class CutoverError(Exception):
    """Base of the errors shown to the operator as a sentence, never as a traceback."""

    exit_code = 3


class RefusedError(CutoverError):
    """A gate said no, or a check failed: nothing is broken, the migration is where its record says."""

    exit_code = 1


class BudgetSpentError(RefusedError):
    """The downtime budget ran out. The run answers it with a rollback."""


class HeldUpError(RefusedError):
    """Somebody's session holds a lock that a statement needs, and may not be ended by this tool."""


class LeaseLostError(RefusedError):
    """Another operator has taken the migration over; this process must not touch it any more."""


class SettingsError(CutoverError):
    """Arguments or stack outputs that cannot be used: one line per problem."""

    exit_code = 2

    def __init__(self, *problems: str) -> None:
        super().__init__("\n".join(problems))


class ToolError(CutoverError):
    """A server or an AWS service did not answer as it must; the record says how far the migration is."""
