"""``python -m operations COMMAND``. The commands themselves are in `operations.commands`."""

from __future__ import annotations

import os
import signal
import sys
from importlib import import_module


def _stop_at_once(*_: object) -> None:
    """Answer Ctrl-C while modules load: there is nothing yet to clean up."""
    os.write(2, b"Stopped by you; nothing was left half-written.\n")
    os._exit(3)


if __name__ == "__main__" and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, _stop_at_once)  # before anything else is loaded


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit code; every failure is a line on standard error, never a traceback."""
    ended = import_module("command_line.exits").ended
    given = sys.argv[1:] if arguments is None else arguments
    return int(ended(lambda: _run(given), debug="--debug" in given))


def _run(arguments: list[str]) -> int:
    commands = import_module("operations.commands")
    if signal.getsignal(signal.SIGINT) is _stop_at_once:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    return int(commands.run(arguments))


if __name__ == "__main__":
    code = main()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the verdict is told
    sys.exit(code)
