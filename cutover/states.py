"""The migration as a table: its states, the steps into each, and the way back from each.

    prepare -> replicate -> validate -> freeze -> drain -> switch -> watch -> commit

    from prepare, replicate, validate:  stop -> rolled back
    from freeze, drain, switch:         thaw -> replicate
    from switch and watch, once the target was open:  return -> hand-back -> rolled back

The forward task runs from `replicate` to `switch`, the reverse task from `watch` to `commit`. The application may write
on the source before `freeze` and on the target from `open the target` on; in between on neither. The downtime budget
runs from `freeze` to the first healthy answer in `switch`.

Why the reverse task starts after the switch and not before: DMS takes a minute or two to start a task, and the binary
log of the target keeps every write until then. The position is recorded before the target opens, so nothing is lost.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from cutover.record import Record, StateId
from cutover.servers import marker
from cutover.steps import accounts, application, comparison, dms, objects, old_side, source, target
from cutover.steps.actions import Look, Run, Step, Wait
from cutover.steps.sessions import is_on


def _remember(run: Run) -> dict[str, Any]:
    """What a way back must restore and nobody can read off the servers later."""
    migration = run.migration
    secret = migration.stack.application_secret_arn
    return {
        "application_version": migration.aws.secret_version(secret),
        "events_were_on": is_on(run, "source", "event_scheduler"),
        "events": {one.full_name: one.status for one in objects.definitions(run, "source", "EVENT")},
        "triggers": {one.full_name: one.to_json() for one in objects.definitions(run, "source", "TRIGGER")},
        "source_accounts": tuple(name for name, is_open in accounts.accounts(run, "source").items() if is_open),
    }


def _told(run: Run) -> str:
    known = replace(run.facts, **_remember(run))
    names = ", ".join([*known.triggers, *known.events]) or "none"
    return f"the secret's version {known.application_version}, triggers and events: {names}"


REMEMBER = Look(
    id="remember",
    name="remember how it was",
    why="secret, events and triggers, to be put back on a way back",
    read=_remember,
    forecast=_told,
)
REMEMBER_AGAIN = replace(REMEMBER, id="remember-again", name="remember how it is now")
START_CLOCK = Look(
    id="start-clock",
    name="start the clock",
    why="the downtime budget runs from here",
    read=lambda _: {"frozen_at": time.time(), "forward_token": marker.new_token()},
    forecast=lambda run: f"the time; the budget is {run.limits.max_downtime_seconds:.0f} s",
)
BACK_CLOCK = Look(
    id="back-clock",
    name="start the clock of the way back",
    why="the application waits from here",
    read=lambda _: {"back_at": time.time(), "reverse_token": marker.new_token()},
    forecast=lambda run: f"the time; the budget is {run.limits.max_downtime_seconds:.0f} s",
)
FORWARD_MARKER_SEEN = Wait(
    id="forward-marker-seen",
    name="drain the replication",
    why="the marker is the source's last write",
    until=dms.with_connection(target.marker_arrives("target", marker.FORWARD, "forward_token"), "forward"),
    longest_seconds=lambda limits: limits.drain_seconds,
)
REVERSE_MARKER_SEEN = Wait(
    id="reverse-marker-seen",
    name="drain the reverse task",
    why="the marker is the target's last write",
    until=dms.with_connection(target.marker_arrives("source", marker.REVERSE, "reverse_token"), "reverse"),
    longest_seconds=lambda limits: limits.drain_seconds,
)


@dataclass(frozen=True, kw_only=True)
class State:
    id: StateId
    meaning: str
    """What is true once its steps are finished."""
    steps: Callable[[], tuple[Step, ...]]
    back: StateId | None = None
    """The first state of the way back from here, as long as the target was never open; None: there is none."""
    then: StateId | None = None
    """Of a state on the way back: what it leads to. None on the way forward, where the table's order says it."""
    about_now: bool = False
    """Its judgements hold for the moment only: a run that comes later makes all of them again."""
    stopped: bool = False
    """The application waits: the downtime budget runs."""


FORWARD: tuple[State, ...] = (
    State(
        id=StateId.PREPARE,
        meaning="the preflight is clean, the target has the schema, and the application cannot write there",
        steps=lambda: (
            comparison.PREFLIGHT_CLEAN,
            REMEMBER,
            objects.SCHEMA,
            target.LOCK_TARGET,
            target.END_TARGET_SESSIONS,
            objects.MARKER_TABLES,
        ),
        back=StateId.ROLLED_BACK,
    ),
    State(
        id=StateId.REPLICATE,
        meaning="every table has been loaded once and changes flow",
        steps=lambda: (
            dms.FORWARD_RESTS,
            dms.EMPTY_TARGET,
            dms.START_FORWARD,
            dms.FORWARD_RUNS,
            dms.FULL_LOAD,
        ),
        back=StateId.STOP,
    ),
    State(
        id=StateId.VALIDATE,
        meaning="preflight, DMS's validation and every row say yes, the lag is small, and the old side is still",
        steps=lambda: (
            comparison.PREFLIGHT_CLEAN,
            REMEMBER,
            objects.SHAPES_EQUAL,
            dms.VALIDATION_CLEAN,
            dms.LAG_SMALL,
            comparison.COMPARED_LIVE,
            comparison.COMPARISON_FITS,
            REMEMBER_AGAIN,
            objects.SHAPES_STAYED,
            *old_side.GATES,
        ),
        back=StateId.STOP,
        about_now=True,
    ),
    State(
        id=StateId.FREEZE,
        meaning="nothing writes on the source any more, and its last position is recorded",
        steps=lambda: (
            START_CLOCK,
            source.EVENTS_OFF,
            source.LET_WRITERS_END,
            source.KILL_SLOW_WRITERS,
            source.REFUSE_CLIENTS,
            source.LOCK_SOURCE,
            source.KILL_WRITERS,
            source.WRITE_MARKER,
            source.REFUSE_EVERYBODY,
            source.SOURCE_POSITION,
        ),
        back=StateId.THAW,
        stopped=True,
    ),
    State(
        id=StateId.DRAIN,
        meaning="the target holds every row of the source, compared on frozen servers",
        steps=lambda: (
            FORWARD_MARKER_SEEN,
            comparison.COMPARED_FROZEN,
            source.SOURCE_STAYED,
        ),
        back=StateId.THAW,
        stopped=True,
    ),
    State(
        id=StateId.SWITCH,
        meaning="the application works on the target",
        steps=lambda: (
            dms.STOP_FORWARD,
            objects.TARGET_NUMBERS,
            objects.TARGET_OBJECTS_ON,
            objects.OBJECTS_EQUAL,
            target.TARGET_POSITION,
            target.OPEN_TARGET,
            application.POINT_TO_TARGET,
            source.END_SOURCE_SESSIONS,
            application.RELOAD,
            application.SERVES,
            application.SERVED,
        ),
        back=StateId.THAW,
        stopped=True,
    ),
    State(
        id=StateId.WATCH,
        meaning="the application has stayed healthy, and every write goes back to the source too",
        steps=lambda: (
            dms.FORWARD_STOPPED,
            source.ADMIT_REPLICATION,
            dms.REVERSE_RESTS,
            dms.START_REVERSE,
            dms.REVERSE_RUNS,
            application.watch_step(),
        ),
        back=StateId.RETURN,
    ),
    State(
        id=StateId.COMMIT,
        meaning="the way back is closed; the source stays read-only",
        steps=lambda: (dms.REVERSE_RESTS, dms.STOP_REVERSE, dms.REVERSE_STOPPED, source.REFUSE_EVERYBODY),
    ),
)
BACKWARD: tuple[State, ...] = (
    State(
        id=StateId.STOP,
        meaning="the forward task has stopped; the application has noticed nothing",
        steps=lambda: (dms.FORWARD_RESTS, dms.STOP_FORWARD, dms.FORWARD_STOPPED),
        then=StateId.ROLLED_BACK,
    ),
    State(
        id=StateId.THAW,
        meaning="the target was never open: the source is open again, and replication goes on",
        steps=lambda: (
            target.LOCK_TARGET,
            application.POINT_TO_SOURCE,
            source.UNLOCK_SOURCE,
            source.THAW,
            objects.TARGET_OBJECTS_OFF,
            dms.FORWARD_RESTS,
            dms.RESUME_FORWARD,
        ),
        then=StateId.REPLICATE,
    ),
    State(
        id=StateId.RETURN,
        meaning="the target is closed, and every write of it is on the source",
        steps=lambda: (
            target.LOCK_TARGET,
            target.END_TARGET_SESSIONS,
            target.TARGET_SESSIONS_GONE,
            BACK_CLOCK,
            target.TARGET_MARKER,
            target.FROZEN_TARGET_POSITION,
            dms.STOP_FORWARD,
            dms.FORWARD_STOPPED,
            source.ADMIT_REPLICATION,
            dms.REVERSE_RESTS,
            dms.START_REVERSE,
            REVERSE_MARKER_SEEN,
            comparison.COMPARED_BACK,
            target.TARGET_STAYED,
        ),
        then=StateId.HAND_BACK,
        stopped=True,
    ),
    State(
        id=StateId.HAND_BACK,
        meaning="the application works on the source again",
        steps=lambda: (
            dms.STOP_REVERSE,
            dms.REVERSE_STOPPED,
            objects.SOURCE_NUMBERS,
            objects.TARGET_OBJECTS_OFF,
            application.POINT_TO_SOURCE,
            objects.SOURCE_TRIGGERS,
            objects.SOURCE_TRIGGERS_EQUAL,
            source.UNLOCK_SOURCE,
            source.THAW,
            application.RELOAD,
        ),
        then=StateId.ROLLED_BACK,
    ),
)
REOPEN_TARGET = (target.OPEN_TARGET,)
"""When the writes cannot be carried back in `return`: the application stays on the target, in `watch`."""

STATES = {state.id: state for state in (*FORWARD, *BACKWARD)}
ORDER = tuple(state.id for state in FORWARD)
PAST_FREEZE = (StateId.FREEZE, StateId.DRAIN, StateId.SWITCH, StateId.WATCH)
TITLES = {step.id: step.name for state in STATES.values() for step in state.steps()}
"""What people read for each step's id."""
STEPS_OF_ONE_FREEZE = tuple(
    step.id for state in (StateId.FREEZE, StateId.DRAIN, StateId.SWITCH, StateId.THAW) for step in STATES[state].steps()
)
FACTS_OF_ONE_FREEZE = (
    "frozen_at",
    "forward_token",
    "source_position",
    "target_position",
    "served_at",
    "downtime_seconds",
)
"""Steps and facts that a way back from a freeze makes void."""


def way_back(record: Record) -> StateId | None:
    """The first state of the way back. Once the target was open, every write of it must be carried back."""
    if STATES[record.state].then is not None:
        return record.state
    if target.OPEN_TARGET.id in record.begun and record.state in PAST_FREEZE:
        return StateId.RETURN
    return STATES[record.state].back
