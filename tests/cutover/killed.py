"""The tool as a process that dies: ``python -m tests.cutover.killed POINT ARGUMENT ...``.

POINT is `entered:STATE` (right after the record says so), `unfinished:STEP` (all done, not yet recorded: the worst
moment), or `never`. The process ends itself by SIGKILL, so nothing is caught, flushed or given back.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from cutover import command
from cutover.record import Record, Session
from operations.__main__ import main
from tests.cutover.quick import PAUSES, QUICK


def arm(point: str) -> None:
    kind, _, name = point.partition(":")
    enter, finish = Session.enter, Session.finish

    def dying_enter(self: Session, state: str, evidence: Mapping[str, Any] | None = None) -> None:
        enter(self, state, evidence)
        if kind == "entered" and state == name:
            os.kill(os.getpid(), signal.SIGKILL)

    def dying_finish(self: Session, step: str, evidence: Mapping[str, Any], facts: Mapping[str, Any]) -> None:
        if kind == "unfinished" and step == name:
            os.kill(os.getpid(), signal.SIGKILL)
        finish(self, step, evidence, facts)

    Session.enter, Session.finish = dying_enter, dying_finish  # type: ignore[method-assign]


if __name__ == "__main__":
    arm(sys.argv[1])
    for module, name, seconds in PAUSES:
        setattr(module, name, seconds)
    command.Limits = lambda: replace(QUICK, lease_seconds=2.5)  # type: ignore[assignment,misc]
    assert Record
    sys.exit(main(sys.argv[2:]))
