"""Make the virtual environment that everything else runs in: exactly the lock, on any supported Python.

It runs before any package is there, so that it imports the standard library alone. See docs/adr/0017.
"""


class Refusal(Exception):  # noqa: N818 (an ending with its one sentence)
    """The environment cannot be made; the message is one sentence: what, the value, what is allowed, what to do."""
