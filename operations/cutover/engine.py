"""Drives the table of states: resumes where the record says, guards the budget, and goes back by itself.

A run never asks which steps have been carried out by looking at itself: it asks the record. A step that was begun and
not finished is begun again; its effects find out what is still to do.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from operations.cutover.actions import Run, Screen, Step
from operations.cutover.errors import CutoverError, LeaseLostError, RefusedError, ToolError
from operations.cutover.migration import Migration
from operations.cutover.record import Record, Session
from operations.cutover.states import (
    BY_NAME,
    DOWN,
    FREEZE_TARGET,
    FULL_WAY_BACK,
    HAND_BACK,
    OF_ONE_FREEZE,
    PAST_FREEZE,
    REOPEN_TARGET,
    RETURN_WRITES,
    STATES,
    way_back,
)

ORDER = tuple(state.name for state in STATES)
PATIENCE_SECONDS = 2.0
"""Pause between two attempts to reach a server on the way back."""


class Engine:
    """One process's work on one migration, under its lease."""

    def __init__(self, migration: Migration, session: Session, screen: Screen) -> None:
        self._migration = migration
        self._session = session
        self._screen = screen

    @property
    def record(self) -> Record:
        return self._session.record

    def advance(self, last: str) -> None:
        """Goes through the states up to `last`, from wherever the record is. Raises when a gate refuses.

        Behind the freeze a refusal, a failure or a spent budget is answered with the way back before it is raised.
        """
        for name in ORDER[self._next() : ORDER.index(last) + 1]:
            if self.record.state != name:
                self._session.enter(name)
            try:
                self._steps(name, BY_NAME[name].steps(), skip=self.record.finished)
            except LeaseLostError:
                raise
            except (CutoverError, KeyboardInterrupt) as error:
                self._answer(name, error)
            self._session.leave()
            self._screen.tells(f"{name}: {BY_NAME[name].meaning}.")

    def roll_back(self) -> str:
        """Goes the way back from wherever the record is; the name of the state in which it ended."""
        record = self.record
        if record.state in ("new", "rolled back"):
            raise RefusedError(f"There is nothing to roll back: the migration is '{record.state}'.")
        if record.state == "commit":
            raise RefusedError("The migration is committed: the way back is closed.")
        steps, end = way_back(record.state, record.begun)
        if steps == FULL_WAY_BACK:
            self._return_everything()
        else:
            self._patiently(steps)
        self._session.settle(end, forget=OF_ONE_FREEZE if end == "replicate" else ())
        return end

    def _next(self) -> int:
        """Index of the state to work on: the recorded one until it is done, then the one behind it."""
        record = self.record
        if record.state == "rolled back":
            raise RefusedError("The migration was rolled back; begin a new attempt with `cutover start --reload`.")
        if record.state == "new":
            return 0
        return ORDER.index(record.state) + (1 if record.done else 0)

    def _answer(self, name: str, error: CutoverError | KeyboardInterrupt) -> None:
        reason = str(error) or "Interrupted by the operator."
        if name not in PAST_FREEZE or (name == "watch" and isinstance(error, KeyboardInterrupt)):
            raise error
        self._screen.tells(f"{reason} Rolling back.")
        end = self.roll_back()
        where = (
            "The application is on the source; replication goes on"
            if end == "replicate"
            else "The application is on the source"
        )
        raise RefusedError(f"{reason} {where}.") from error

    def _steps(self, state: str, steps: Sequence[Step], skip: Sequence[str] = ()) -> None:
        for step in steps:
            if step.name not in skip:
                self._step(step, self._run(state))

    def _step(self, step: Step, run: Run) -> None:
        run.still_allowed()
        self._session.begin(step.name)
        run.waiting(step.name)
        try:
            evidence, facts = step.carry_out(run)
        except (CutoverError, KeyboardInterrupt) as error:
            if not isinstance(error, LeaseLostError):
                self._session.fail(step.name, str(error) or "interrupted")
            raise
        self._session.finish(step.name, evidence, facts)

    def _run(self, state: str) -> Run:
        facts = self.record.facts
        began = facts.get("frozen_at") if state in DOWN and "served_at" not in facts else None
        return Run(
            migration=self._migration,
            facts=facts,
            begun=self.record.begun,
            screen=self._screen,
            check_lease=self._session.check,
            deadline=None if began is None else float(began) + self._migration.limits.max_downtime_seconds,
            downtime_began=None if began is None else float(began),
        )

    def _return_everything(self) -> None:
        """The full way back. If the target's writes cannot be carried back, the target opens again instead."""
        handing_back = (
            "stop the reverse task" in self.record.begun and "start the clock of the way back" in self.record.begun
        )
        if not handing_back:
            try:
                self._steps("rollback", (*FREEZE_TARGET, *RETURN_WRITES))
            except LeaseLostError:
                raise
            except (CutoverError, KeyboardInterrupt) as error:
                self._patiently(REOPEN_TARGET)
                raise RefusedError(
                    f"Going back would lose writes, so the application stays on the target: {str(error) or 'interrupted'}"
                ) from error
        self._patiently(HAND_BACK)

    def _patiently(self, steps: Sequence[Step]) -> None:
        """Steps that must not be given up lightly: a server that cannot be reached is asked again for a while."""
        deadline = time.monotonic() + self._migration.limits.drain_seconds
        for step in steps:
            while True:
                try:
                    self._step(step, self._run("rollback"))
                    break
                except LeaseLostError:
                    raise
                except ToolError as error:
                    if time.monotonic() > deadline:
                        raise ToolError(
                            f"The way back is stuck at '{step.name}': {str(error).rstrip('.')}; nothing is lost, run "
                            f"`cutover rollback` when it is reachable again."
                        ) from error
                    self._screen.tells(f"{error} Trying again.")
                    time.sleep(PATIENCE_SECONDS)


def rehearse(migration: Migration, record: Record, last: str, screen: Screen) -> list[tuple[str, str, list[str]]]:
    """What `Engine.advance` would do, step by step: state, step and lines. Looks at everything, changes nothing."""
    plan = []
    start = 0 if record.state in ("new", "rolled back") else ORDER.index(record.state) + (1 if record.done else 0)
    run = Run(migration=migration, facts=record.facts, begun=record.begun, screen=screen)
    for name in ORDER[start : ORDER.index(last) + 1]:
        for step in BY_NAME[name].steps():
            if name == record.state and step.name in record.finished:
                continue
            try:
                lines = step.plan(run)
            except CutoverError as error:
                lines = [f"cannot be told yet: {error}"]
            plan.append((name, step.name, lines))
    return plan
