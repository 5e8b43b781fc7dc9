"""The `traffic` command with a test's clock: a minute is a second, and a step is watched for some of them.

`python -m tests.move.quick_traffic ARGUMENT...` is `python -m operations traffic ARGUMENT...`, for a process that a
test kills.
"""

from __future__ import annotations

import sys

from command_line.exits import Stop
from operations import commands
from operations.traffic import command, watching
from operations.traffic.limits import Limits

QUICK = Limits(
    window_seconds=12,
    least_requests=1,
    slower_seconds=5,
    p95_most_seconds=10,
    p99_most_seconds=20,
    look_seconds=0.5,
    late_seconds=1,
    pause_seconds=2,
    settle_seconds=0.1,
    patience_seconds=30,
    lease_seconds=5,
)
"""Times of answers are not what these tests are about, and the machine may be busy: they are judged in test_gates."""


def hurry() -> None:
    """Make this process's command quick."""
    watching.MINUTE = 1
    vars(command)["Limits"] = lambda: QUICK


if __name__ == "__main__":
    hurry()
    try:
        code = commands.run(["traffic", *sys.argv[1:]])
    except Stop as stop:
        sys.stderr.write("\n".join(stop.lines))
        code = stop.code
    sys.exit(code)
