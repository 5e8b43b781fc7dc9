"""The migration as a table: its states, the steps into each, and the way back from each.

    prepare -> replicate -> validate -> freeze -> drain -> switch -> watch -> commit

The forward task runs from `replicate` to `switch`, the reverse task from `watch` to `commit`. The application may write
on the source before `freeze` and on the target from `open the target` on; in between on neither. The downtime budget
runs from `freeze` to the first healthy answer in `switch`.

Why the reverse task starts behind the switch and not before: DMS takes a minute or two to start a task, and the binary
log of the target keeps every write until then. The position is recorded before the target opens, so nothing is lost.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import cast

from cutover.servers import marker
from cutover.servers.schema import trigger_statements
from cutover.steps import application, comparison, dms, objects, source, target
from cutover.steps.actions import Look, Run, Step, Wait
from cutover.steps.sessions import is_on


def _remember(run: Run) -> Mapping[str, object]:
    """What a way back must restore and nobody can read off the servers later."""
    migration = run.migration
    secret = migration.stack.application_secret_arn
    return {
        "application_version": migration.aws.secret_version(secret),
        "events_were_on": is_on(run, "source", "event_scheduler"),
        "events": {f"{row['s']}.{row['name']}": row["status"] for row in objects.events(run, "source")},
        "triggers": trigger_statements(migration.source, migration.catalogue("source")),
    }


def _told(run: Run) -> str:
    known = _remember(run)
    names = [*cast("Mapping[str, str]", known["triggers"]), *cast("Mapping[str, str]", known["events"])]
    return f"the secret's version {known['application_version']}, triggers and events: {', '.join(names) or 'none'}"


REMEMBER = Look(
    name="remember how it was",
    why="secret, events and triggers, to be put back on a way back",
    read=_remember,
    forecast=_told,
)
STOP_CLOCK = Look(
    name="start the clock",
    why="the downtime budget runs from here",
    read=lambda _: {"frozen_at": time.time(), "forward_token": marker.new_token()},
    forecast=lambda run: f"the time; the budget is {run.limits.max_downtime_seconds:.0f} s",
)
BACK_CLOCK = Look(
    name="start the clock of the way back",
    why="the application waits from here",
    read=lambda _: {"back_at": time.time(), "reverse_token": marker.new_token()},
    forecast=lambda run: f"the time; the budget is {run.limits.max_downtime_seconds:.0f} s",
)
FORWARD_MARKER_SEEN = Wait(
    name="drain the replication",
    why="the marker is the source's last write",
    until=dms.with_connection(target.marker_arrives("target", marker.FORWARD, "forward_token"), "forward"),
    longest_seconds=lambda limits: limits.drain_seconds,
)
REVERSE_MARKER_SEEN = Wait(
    name="drain the reverse task",
    why="the marker is the target's last write",
    until=dms.with_connection(target.marker_arrives("source", marker.REVERSE, "reverse_token"), "reverse"),
    longest_seconds=lambda limits: limits.drain_seconds,
)


@dataclass(frozen=True, kw_only=True)
class State:
    name: str
    meaning: str
    """What is true once its steps are finished."""
    steps: Callable[[], tuple[Step, ...]]
    way_back: tuple[Step, ...]
    """From a state that is entered but not committed."""
    back_to: str
    """Where the way back ends."""
    about_now: bool = False
    """Its judgements hold for the moment only: a run that comes later makes all of them again."""


THAW_SOURCE = (objects.SOURCE_TRIGGERS, source.THAW)
FREEZE_TARGET = (
    target.LOCK_TARGET,
    target.END_TARGET_SESSIONS,
    target.TARGET_SESSIONS_GONE,
    BACK_CLOCK,
    target.TARGET_MARKER,
    target.FROZEN_TARGET_POSITION,
)
RETURN_WRITES = (
    dms.STOP_FORWARD,
    dms.FORWARD_STOPPED,
    source.ADMIT_REPLICATION,
    dms.REVERSE_RESTS,
    dms.START_REVERSE,
    REVERSE_MARKER_SEEN,
    comparison.COMPARED_BACK,
    target.TARGET_STAYED,
)
HAND_BACK = (
    dms.STOP_REVERSE,
    dms.REVERSE_STOPPED,
    objects.SOURCE_NUMBERS,
    objects.TARGET_OBJECTS_OFF,
    application.POINT_TO_SOURCE,
    *THAW_SOURCE,
    application.RELOAD,
)
FULL_WAY_BACK = (*FREEZE_TARGET, *RETURN_WRITES, *HAND_BACK)
"""When the target may have been written to: every write is carried back before the source opens."""
SHORT_WAY_BACK = (
    target.LOCK_TARGET,
    objects.TARGET_OBJECTS_OFF,
    application.POINT_TO_SOURCE,
    *THAW_SOURCE,
    dms.FORWARD_RESTS,
    dms.RESUME_FORWARD,
)
"""When the target was never open: the source opens at once, and replication goes on."""
REOPEN_TARGET = (target.OPEN_TARGET,)
"""When the full way back cannot be gone without losing writes: the application stays on the target."""

STATES: tuple[State, ...] = (
    State(
        name="prepare",
        meaning="the preflight is clean, the target has the schema, and the application cannot write there",
        steps=lambda: (
            comparison.PREFLIGHT_CLEAN,
            REMEMBER,
            objects.SCHEMA,
            target.LOCK_TARGET,
            target.END_TARGET_SESSIONS,
            objects.MARKER_TABLES,
        ),
        way_back=(),
        back_to="rolled back",
    ),
    State(
        name="replicate",
        meaning="every table has been loaded once and changes flow",
        steps=lambda: (
            dms.FORWARD_RESTS,
            dms.EMPTY_TARGET,
            dms.START_FORWARD,
            dms.FORWARD_RUNS,
            dms.FULL_LOAD,
        ),
        way_back=(dms.FORWARD_RESTS, dms.STOP_FORWARD, dms.FORWARD_STOPPED),
        back_to="rolled back",
    ),
    State(
        name="validate",
        meaning="preflight, DMS's validation and every row say yes, and the lag is small",
        steps=lambda: (
            comparison.PREFLIGHT_CLEAN,
            REMEMBER,
            dms.VALIDATION_CLEAN,
            dms.LAG_SMALL,
            comparison.COMPARED_LIVE,
            comparison.COMPARISON_FITS,
        ),
        way_back=(dms.FORWARD_RESTS, dms.STOP_FORWARD, dms.FORWARD_STOPPED),
        back_to="rolled back",
        about_now=True,
    ),
    State(
        name="freeze",
        meaning="nothing writes on the source any more, and its last position is recorded",
        steps=lambda: (
            STOP_CLOCK,
            source.EVENTS_OFF,
            source.LET_WRITERS_END,
            source.KILL_SLOW_WRITERS,
            source.REFUSE_CLIENTS,
            source.KILL_WRITERS,
            source.WRITE_MARKER,
            source.REFUSE_EVERYBODY,
            source.SOURCE_POSITION,
        ),
        way_back=THAW_SOURCE,
        back_to="replicate",
    ),
    State(
        name="drain",
        meaning="the target holds every row of the source, compared on frozen servers",
        steps=lambda: (
            FORWARD_MARKER_SEEN,
            comparison.COMPARED_FROZEN,
            source.SOURCE_STAYED,
        ),
        way_back=THAW_SOURCE,
        back_to="replicate",
    ),
    State(
        name="switch",
        meaning="the application works on the target",
        steps=lambda: (
            dms.STOP_FORWARD,
            objects.TARGET_NUMBERS,
            objects.TARGET_OBJECTS_ON,
            target.TARGET_POSITION,
            target.OPEN_TARGET,
            application.POINT_TO_TARGET,
            source.END_SOURCE_SESSIONS,
            application.RELOAD,
            application.SERVES,
            application.SERVED,
        ),
        way_back=SHORT_WAY_BACK,
        back_to="replicate",
    ),
    State(
        name="watch",
        meaning="the application has stayed healthy, and every write goes back to the source too",
        steps=lambda: (
            dms.FORWARD_STOPPED,
            source.ADMIT_REPLICATION,
            dms.REVERSE_RESTS,
            dms.START_REVERSE,
            dms.REVERSE_RUNS,
            application.watch_step(),
        ),
        way_back=FULL_WAY_BACK,
        back_to="rolled back",
    ),
    State(
        name="commit",
        meaning="the way back is closed; the source stays read-only",
        steps=lambda: (dms.REVERSE_RESTS, dms.STOP_REVERSE, dms.REVERSE_STOPPED),
        way_back=(),
        back_to="",
    ),
)
BY_NAME = {state.name: state for state in STATES}
DOWN = ("freeze", "drain", "switch")
"""States in which the application waits: the downtime budget runs."""
PAST_FREEZE = ("freeze", "drain", "switch", "watch")
OF_ONE_FREEZE = (
    *(step.name for name in ("freeze", "drain", "switch") for step in BY_NAME[name].steps()),
    *(step.name for step in SHORT_WAY_BACK),
    "frozen_at",
    "forward_token",
    "source_position",
    "target_position",
    "served_at",
    "downtime_seconds",
)
"""Steps and facts that a way back from a freeze makes void."""


def way_back(record_state: str, begun: tuple[str, ...]) -> tuple[tuple[Step, ...], str]:
    """The steps back and the state in which they end. Opened once, a target has to be drained, whatever the state."""
    if target.OPEN_TARGET.name in begun and record_state in PAST_FREEZE:
        return FULL_WAY_BACK, "rolled back"
    state = BY_NAME[record_state]
    return state.way_back, state.back_to
