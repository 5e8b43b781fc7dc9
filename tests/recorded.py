"""The real program, recorded once for all tests of a process that only look at it."""

from functools import cache

from operations.plan.stack_recording import record_stack
from recording.program import Recording


@cache
def recorded(stack: str) -> Recording:
    """The recording of a stack with its own settings."""
    return record_stack(stack)
