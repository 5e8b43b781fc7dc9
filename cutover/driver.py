"""Drives the table of states: resumes where the record says, guards the budget, and goes back by itself.

A run never asks which steps have been carried out by looking at itself: it asks the record. A step that was begun and
not finished is begun again; its effects find out what is still to do.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from cutover.errors import CutoverError, LeaseLostError, RefusedError, ToolError
from cutover.migration import Migration
from cutover.record import Record, Session
from cutover.states import (
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
from cutover.steps.actions import Run, Screen, Step

ORDER = tuple(state.name for state in STATES)
PATIENCE_SECONDS = 2.0
"""Pause between two attempts to reach a server on the way back."""


class Driver:
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
            if self.record.state != name or BY_NAME[name].about_now:
                self._session.enter(name)
            try:
                self._steps(name, BY_NAME[name].steps(), skip=self.record.finished)
            except LeaseLostError as error:
                raise LeaseLostError(self._left_behind(name, error)) from error
            except (CutoverError, KeyboardInterrupt) as error:
                self._answer(name, error)
            self._session.leave()
            self._screen.tells(f"{name}: {BY_NAME[name].meaning}.")

    def roll_back(self, *, budgeted: bool = True) -> str:
        """Goes the way back from wherever the record is; the name of the state in which it ended.

        `budgeted`: the application works on the target, so its waiting has a limit. An application that fails there
        gains nothing from an early end of the waiting: then only the drain's own limit counts.
        """
        steps, end = way_back_of(self.record)
        if steps == FULL_WAY_BACK:
            self._return_everything(budgeted=budgeted)
        else:
            self._patiently(steps)
        self._session.settle(end, forget=OF_ONE_FREEZE if end == "replicate" else ())
        return end

    def new_attempt(self) -> None:
        """After a rollback: files the old attempt and begins one that loads everything again."""
        if self.record.state == "new" or (self.record.state == "prepare" and self.record.facts.get("reload")):
            return
        if self.record.state != "rolled back":
            raise RefusedError(
                f"A reload empties the target; it is allowed after a rollback only, and the migration is at "
                f"'{self.record.state}'."
            )
        self._session.next_attempt()
        self._session.note({"reload": True})

    def require_replication(self) -> None:
        """Raises `RefusedError` unless the full load has ended: a cutover begins from running replication."""
        record = self.record
        if record.state not in BY_NAME or ORDER.index(record.state) < ORDER.index("replicate"):
            raise RefusedError(f"The migration is '{record.state}'; run `cutover schema` and `cutover start` first.")
        if record.state == "replicate" and not record.done:
            raise RefusedError("The full load has not ended; run `cutover start` and wait for it.")

    def require_agreed_days(self) -> None:
        """Raises `RefusedError` while the way back must stay open."""
        record, days = self.record, self._migration.limits.reverse_days
        if record.state == "commit":
            return
        if record.state != "watch" or not record.done:
            raise RefusedError(f"There is nothing to commit: the migration is at '{record.state}'.")
        since = (time.time() - float(record.facts["served_at"])) / 86_400
        if since < days:
            raise RefusedError(
                f"{days} days were agreed and {since:.1f} have passed since the switch; wait, or say --reverse-days."
            )

    def _next(self) -> int:
        """Index of the state to work on: the recorded one until it is done, then the one behind it."""
        record = self.record
        if record.state == "rolled back":
            raise RefusedError("The migration was rolled back; begin a new attempt with `cutover start --reload`.")
        return _first(record)

    def _answer(self, name: str, error: CutoverError | KeyboardInterrupt) -> None:
        reason = str(error) or "Interrupted by the operator."
        if name not in PAST_FREEZE or (name == "watch" and isinstance(error, KeyboardInterrupt)):
            raise error
        self._screen.tells(f"{reason} Rolling back.")
        try:
            end = self.roll_back(budgeted=False)
        except LeaseLostError:
            raise
        except CutoverError as second:
            raise type(second)(f"{reason} {second}") from error
        where = (
            "The application is on the source; replication goes on"
            if end == "replicate"
            else "The application is on the source"
        )
        raise RefusedError(f"{reason} {where}.") from error

    @staticmethod
    def _left_behind(name: str, error: LeaseLostError) -> str:
        """Without the lease nothing may be undone either: whoever holds it now may be going on."""
        if name not in DOWN:
            return str(error)
        return (
            f"{error} The migration stopped in '{name}' and the application waits: unless another operator goes on, "
            "run the same command again at once."
        )

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
        if state == "return":
            began = facts.get("back_at")
        return Run(
            migration=self._migration,
            facts=facts,
            begun=self.record.begun,
            screen=self._screen,
            check_lease=self._session.check,
            deadline=None if began is None else float(began) + self._migration.limits.max_downtime_seconds,
            downtime_began=None if began is None else float(began),
        )

    def _return_everything(self, *, budgeted: bool) -> None:
        """The full way back. If the target's writes cannot be carried back, the target opens again instead."""
        handing_back = (
            "stop the reverse task" in self.record.begun and "start the clock of the way back" in self.record.begun
        )
        if not handing_back:
            try:
                self._steps("rollback", FREEZE_TARGET)
                self._steps("return" if budgeted else "rollback", RETURN_WRITES)
            except LeaseLostError:
                raise
            except (CutoverError, KeyboardInterrupt) as error:
                self._patiently(REOPEN_TARGET)
                raise RefusedError(
                    "Going back would lose writes, so the application stays on the target: "
                    f"{str(error) or 'interrupted'}"
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


def _first(record: Record) -> int:
    """Index of the state to work on. What was judged about now is judged again."""
    if record.state not in BY_NAME:
        return 0
    return ORDER.index(record.state) + (1 if record.done and not BY_NAME[record.state].about_now else 0)


def rehearse(migration: Migration, record: Record, last: str, screen: Screen) -> list[tuple[str, str, list[str]]]:
    """What `Driver.advance` would do, step by step: state, step and lines. Looks at everything, changes nothing."""
    plan = []
    start = _first(record)
    run = Run(migration=migration, facts=record.facts, begun=record.begun, screen=screen)
    for name in ORDER[start : ORDER.index(last) + 1]:
        for step in BY_NAME[name].steps():
            if name == record.state and step.name in record.finished and not BY_NAME[name].about_now:
                continue
            plan.append((name, step.name, _lines(step, run)))
    return plan


def rehearse_way_back(migration: Migration, record: Record, screen: Screen) -> list[tuple[str, str, list[str]]]:
    """What `Driver.roll_back` would do now, likewise."""
    steps, end = way_back_of(record)
    run = Run(migration=migration, facts=record.facts, begun=record.begun, screen=screen)
    return [(f"back to {end}", step.name, _lines(step, run)) for step in steps]


def way_back_of(record: Record) -> tuple[tuple[Step, ...], str]:
    """The steps back from where the record is. Raises `RefusedError` where there are none."""
    if record.state not in BY_NAME:
        raise RefusedError(f"There is nothing to roll back: the migration is '{record.state}'.")
    if record.state == "commit":
        raise RefusedError("The migration is committed: the way back is closed.")
    return way_back(record.state, record.begun)


def _lines(step: Step, run: Run) -> list[str]:
    try:
        return step.plan(run)
    except CutoverError as error:
        return [f"cannot be told yet: {error}"]
