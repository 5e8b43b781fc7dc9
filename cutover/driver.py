"""Drives the table of states: resumes where the record says, guards the budget, and goes back by itself.

A run never asks which steps have been carried out by looking at itself: it asks the record. A step that was begun and
not finished is begun again; its effects find out what is still to do.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Sequence
from pathlib import Path

from cutover.errors import CutoverError, HeldUpError, LeaseLostError, RefusedError, ToolError
from cutover.migration import Migration
from cutover.record import Record, Session, StateId
from cutover.states import (
    FACTS_OF_ONE_FREEZE,
    ORDER,
    PAST_FREEZE,
    REOPEN_TARGET,
    STATES,
    STEPS_OF_ONE_FREEZE,
    way_back,
)
from cutover.steps.actions import Run, Screen, Step

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

    def advance(self, last: StateId) -> None:
        """Goes through the states up to `last`, from wherever the record is. Raises when a gate refuses.

        After the freeze a refusal, a failure or a spent budget is answered with the way back before it is raised.
        """
        for one in ORDER[self._next() : ORDER.index(last) + 1]:
            state = STATES[one]
            if self.record.state != one or state.about_now:
                self._session.enter(one)
            try:
                self._steps(state.steps(), skip=self.record.finished)
            except LeaseLostError as error:
                raise LeaseLostError(self._left_behind(one, error)) from error
            except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001  whatever it is, the application must not wait
                self._answer(one, error)
            self._session.leave()
            self._screen.tells(f"{one}: {state.meaning}.")

    def roll_back(self, *, budgeted: bool = True) -> StateId:
        """Goes the way back from wherever the record is; the state in which it ended.

        `budgeted`: the application works on the target, so its waiting has a limit. An application that fails there
        gains nothing from an early end of the waiting: then only the drain's own limit counts.
        """
        state = first_back(self.record)
        while state in STATES and (then := STATES[state].then) is not None:
            if self.record.state != state:
                self._session.enter(state)
            if state == StateId.RETURN:
                self._return(budgeted=budgeted)
            else:
                self._patiently(STATES[state].steps())
            if then in STATES and STATES[then].then is not None:
                self._session.leave()
            state = then
        if state == StateId.REPLICATE:
            self._session.settle(state, forget=STEPS_OF_ONE_FREEZE, forget_facts=FACTS_OF_ONE_FREEZE)
        else:
            self._session.settle(state)
        return state

    def new_attempt(self) -> None:
        """After a rollback: files the old attempt and begins one that loads everything again."""
        state = self.record.state
        if state == StateId.NEW or (state == StateId.PREPARE and self.record.facts.reload):
            return
        if state != StateId.ROLLED_BACK:
            raise RefusedError(
                f"A reload empties the target; it is allowed after a rollback only, and the migration is at '{state}'."
            )
        self._session.next_attempt()
        self._session.note({"reload": True})

    def require_replication(self) -> None:
        """Raises `RefusedError` unless the full load has ended: a cutover begins from running replication."""
        record = self.record
        if record.state in (StateId.NEW, StateId.PREPARE):
            raise RefusedError(f"The migration is '{record.state}'; run `cutover schema` and `cutover start` first.")
        if record.state == StateId.REPLICATE and not record.done:
            raise RefusedError("The full load has not ended; run `cutover start` and wait for it.")

    def require_agreed_days(self) -> None:
        """Raises `RefusedError` while the way back must stay open."""
        record, days = self.record, self._migration.limits.reverse_days
        if record.state == StateId.COMMIT:
            return
        if record.state != StateId.WATCH or not record.done or record.facts.served_at is None:
            raise RefusedError(f"There is nothing to commit: the migration is at '{record.state}'.")
        since = (time.time() - record.facts.served_at) / 86_400
        if since < days:
            raise RefusedError(
                f"{days} days were agreed and {since:.1f} have passed since the switch; wait, or say --reverse-days."
            )

    def _next(self) -> int:
        """Index of the state to work on: the recorded one until it is done, then the one after it."""
        record = self.record
        if record.state == StateId.ROLLED_BACK:
            raise RefusedError("The migration was rolled back; begin a new attempt with `cutover start --reload`.")
        if record.state != StateId.NEW and record.state not in ORDER:
            raise RefusedError(f"The migration is on its way back, at '{record.state}'; run `cutover rollback`.")
        return _first(record)

    def _answer(self, state: StateId, error: Exception | KeyboardInterrupt) -> None:
        reason = _reason(error)
        if state not in PAST_FREEZE or (state == StateId.WATCH and isinstance(error, KeyboardInterrupt)):
            raise error
        if state == StateId.WATCH and isinstance(error, HeldUpError):
            raise RefusedError(f"{reason} The application stays on the target, where it works.") from error
        self._screen.tells(f"{reason} Rolling back.")
        try:
            end = self.roll_back(budgeted=False)
        except LeaseLostError:
            raise
        except CutoverError as second:
            raise type(second)(f"{reason} {second}") from error
        goes_on = "; replication goes on" if end == StateId.REPLICATE else ""
        raise RefusedError(f"{reason} The application is on the source{goes_on}.") from error

    @staticmethod
    def _left_behind(state: StateId, error: LeaseLostError) -> str:
        """Without the lease nothing may be undone either: whoever holds it now may be going on."""
        if not STATES[state].stopped:
            return str(error)
        return (
            f"{error} The migration stopped in '{state}' and the application waits: unless another operator goes on, "
            "run the same command again at once."
        )

    def _steps(self, steps: Sequence[Step], skip: Sequence[str] = (), *, budgeted: bool = True) -> None:
        for step in steps:
            if step.id not in skip:
                self._step(step, self._run(budgeted=budgeted))

    def _step(self, step: Step, run: Run) -> None:
        run.still_allowed()
        self._session.begin(step.id)
        run.waiting(step.name)
        try:
            evidence, facts = step.carry_out(run)
        except (Exception, KeyboardInterrupt) as error:
            if not isinstance(error, LeaseLostError):
                self._session.fail(step.id, _reason(error))
            raise
        self._session.finish(step.id, evidence, facts)

    def _run(self, *, budgeted: bool = True) -> Run:
        """What a step gets to know. The budget runs while the application waits, from when its waiting began."""
        facts, state = self.record.facts, self.record.state
        began: float | None = None
        if state in STATES and STATES[state].stopped:
            began = facts.back_at if state == StateId.RETURN else facts.frozen_at
        if not budgeted or (state != StateId.RETURN and facts.served_at is not None):
            began = None
        return Run(
            migration=self._migration,
            facts=facts,
            begun=self.record.begun,
            screen=self._screen,
            check_lease=self._session.check,
            deadline=None if began is None else began + self._migration.limits.max_downtime_seconds,
            downtime_began=began,
        )

    def _return(self, *, budgeted: bool) -> None:
        """Carries the target's writes back. If that fails, the target opens again and the migration is in `watch`."""
        self._session.forget("back_at")
        try:
            self._steps(STATES[StateId.RETURN].steps(), budgeted=budgeted)
        except LeaseLostError:
            raise
        except (Exception, KeyboardInterrupt) as error:
            self._patiently(REOPEN_TARGET)
            self._session.settle(StateId.WATCH, done=False)
            raise RefusedError(
                f"Going back would lose writes, so the application stays on the target: {_reason(error)}"
            ) from error

    def _patiently(self, steps: Sequence[Step]) -> None:
        """Steps that must not be given up lightly: a server that cannot be reached is asked again for a while."""
        deadline = time.monotonic() + self._migration.limits.drain_seconds
        for step in steps:
            while True:
                try:
                    self._step(step, self._run(budgeted=False))
                    break
                except LeaseLostError:
                    raise
                except RefusedError as error:
                    if not isinstance(error, HeldUpError):
                        raise
                    self._try_again(step, error, deadline)
                except Exception as error:  # noqa: BLE001  whatever it is, the way back must not be given up lightly
                    self._try_again(step, error, deadline)

    def _try_again(self, step: Step, error: Exception, deadline: float) -> None:
        if time.monotonic() > deadline:
            raise ToolError(
                f"The way back is stuck at '{step.name}': {_reason(error).rstrip('.')}; nothing is lost, run "
                f"`cutover rollback` when that is mended."
            ) from error
        self._screen.tells(f"{_reason(error)} Trying again.")
        time.sleep(PATIENCE_SECONDS)


def _reason(error: BaseException) -> str:
    """One sentence. Of an error that nobody foresaw, only its kind and place: its text may quote a row."""
    if isinstance(error, CutoverError):
        return str(error)
    if isinstance(error, KeyboardInterrupt):
        return "Interrupted by the operator."
    place = traceback.extract_tb(error.__traceback__)[-1]
    return f"An unforeseen {type(error).__name__} in {Path(place.filename).name}, line {place.lineno}."


def _first(record: Record) -> int:
    """Index of the state to work on. What was judged about now is judged again."""
    if record.state not in ORDER:
        return 0
    return ORDER.index(record.state) + (1 if record.done and not STATES[record.state].about_now else 0)


def rehearse(migration: Migration, record: Record, last: StateId, screen: Screen) -> list[tuple[str, str, list[str]]]:
    """What `Driver.advance` would do, step by step: state, step and lines. Looks at everything, changes nothing."""
    run = Run(migration=migration, facts=record.facts, begun=record.begun, screen=screen)
    plan = []
    for one in ORDER[_first(record) : ORDER.index(last) + 1]:
        for step in STATES[one].steps():
            if one == record.state and step.id in record.finished and not STATES[one].about_now:
                continue
            plan.append((str(one), step.name, _lines(step, run)))
    return plan


def rehearse_way_back(migration: Migration, record: Record, screen: Screen) -> list[tuple[str, str, list[str]]]:
    """What `Driver.roll_back` would do now, likewise."""
    run = Run(migration=migration, facts=record.facts, begun=record.begun, screen=screen)
    plan = []
    state: StateId | None = first_back(record)
    while state in STATES and state is not None and STATES[state].then is not None:
        plan += [(str(state), step.name, _lines(step, run)) for step in STATES[state].steps()]
        state = STATES[state].then
    return plan


def first_back(record: Record) -> StateId:
    """The first state of the way back from where the record is. Raises `RefusedError` where there is none."""
    if record.state not in STATES:
        raise RefusedError(f"There is nothing to roll back: the migration is '{record.state}'.")
    state = way_back(record)
    if state is None:
        raise RefusedError("The migration is committed: the way back is closed.")
    return state


def _lines(step: Step, run: Run) -> list[str]:
    try:
        return step.plan(run)
    except CutoverError as error:
        return [f"cannot be told yet: {error}"]
