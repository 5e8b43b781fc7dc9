"""Steps on the target: who may write there, and where its binary log stands.

An RDS account may not set read_only, so the application's accounts are locked instead: no new session, and the old ones
are ended. DMS's and this tool's accounts are never locked.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cutover.servers import marker
from cutover.steps import accounts
from cutover.steps.actions import Change, Effect, Gate, Judgement, Look, Progress, Run, Statement, Wait
from cutover.steps.sessions import end_sessions, sessions


def _sessions_gone(run: Run) -> Progress:
    left = sessions(run, "target")
    return Progress(done=not left, sentence=f"{len(left)} sessions of the application are left on the target")


def _closed(run: Run) -> Judgement:
    opened = [name for name, is_open in accounts.accounts(run, "target").items() if is_open]
    left = sessions(run, "target")
    said = f"{len(opened)} accounts of the application are open on the target, {len(left)} sessions are left"
    return Judgement(good=not opened and not left, sentence=said)


def _target_marker(run: Run) -> Sequence[Effect]:
    first = run.migration.stack.schemas[0]
    token = run.facts.reverse_token or "TOKEN"
    if marker.seen(run.migration.target, first, marker.REVERSE) == token:
        return []
    return _every_target_marker(run)


def _every_target_marker(run: Run) -> list[Effect]:
    token = run.facts.reverse_token or "TOKEN"
    return [
        Statement(role="target", text=marker.write_statement(run.migration.stack.schemas[0], marker.REVERSE, token))
    ]


def _arrived(run: Run, role: str, slot: int, fact: str) -> Progress:
    seen = marker.seen(run.migration.server(role), run.migration.stack.schemas[0], slot)
    there = seen == str(getattr(run.facts, fact))
    return Progress(
        done=there, sentence=f"the marker {'has arrived' if there else 'has not arrived yet'} on the {role}"
    )


def marker_arrives(role: str, slot: int, fact: str) -> Any:
    return lambda run: _arrived(run, role, slot, fact)


LOCK_TARGET = Change(
    id="lock-target",
    name="lock the application's account on the target",
    why="nobody but DMS and this tool writes there",
    effects=lambda run: accounts.lock(run, "target"),
    every=lambda run: accounts.every(run, "target"),
)
OPEN_TARGET = Change(
    id="open-target",
    name="open the target",
    why="from here on the application may write there",
    effects=lambda run: accounts.unlock(run, "target"),
    every=lambda run: accounts.every(run, "target"),
)
END_TARGET_SESSIONS = end_sessions("target")
TARGET_SESSIONS_GONE = Wait(
    id="target-sessions-gone",
    name="see the target's sessions end",
    why="a killed session may still be rolling back",
    until=_sessions_gone,
)
TARGET_POSITION = Look(
    id="target-position",
    name="record the target's position",
    why="the reverse task starts here: before the application's first write, after DMS's last",
    read=lambda run: {"target_position": str(run.migration.target.binlog_position())},
    forecast=lambda run: f"where the target's binary log ends; now {run.migration.target.binlog_position()}",
)
TARGET_MARKER = Change(
    id="target-marker",
    name="write the marker on the target",
    why="once on the source, every write of the target is there",
    effects=_target_marker,
    every=_every_target_marker,
)
FROZEN_TARGET_POSITION = Look(
    id="frozen-target-position",
    name="record where the target stopped",
    why="for the record",
    read=lambda run: {"frozen_target_position": str(run.migration.target.binlog_position())},
    forecast=lambda run: f"where the target's binary log ends; now {run.migration.target.binlog_position()}",
)
TARGET_STAYED = Gate(
    id="target-stayed",
    name="check that the target stayed closed",
    why="a write after the lock would be lost; the log proves nothing, as RDS writes tables of its own",
    judge=_closed,
    forecast=lambda _: "would look for open accounts and sessions of the application",
)
