"""What a plan is made of. The same objects are printed by a dry run and carried out by a real one.

Each has an `id`, by which the record knows it for ever, and a `name`, which people read and which may change.

- `Change`: its `effects` look at the servers and say what is still to be done: statements, API calls, a command. None
  left means that it is done already, so that a change may be begun any number of times.
- `Wait`: asks again and again until something is so.
- `Gate`: judges once and refuses the migration if the judgement is no.
- `Look`: reads figures and writes them into the record as facts.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from cutover.errors import BudgetSpentError, HeldUpError, RefusedError, ToolError
from cutover.limits import Limits
from cutover.migration import Migration
from cutover.record import Facts
from cutover.servers import locks
from cutover.servers.mysql import LOCK_WAIT_TIMEOUT, READ_SECONDS, ConnectionLostError, StatementError

Evidence = Mapping[str, Any]
COMMAND_SECONDS = 120


class Screen(Protocol):
    """Where a run tells what it does; `screen.py` draws it, tests collect it."""

    def waits(self, what: str, downtime_seconds: float | None) -> None: ...

    def tells(self, sentence: str) -> None: ...


@dataclass(kw_only=True)
class Run:
    """What an action gets to know: the migration, the facts recorded so far, and how long it may still take."""

    migration: Migration
    facts: Facts
    begun: Sequence[str] = ()
    """Steps ever begun in this attempt."""
    screen: Screen
    check_lease: Callable[[], None] = lambda: None
    deadline: float | None = None
    """`time.time()` at which the downtime budget is spent; None while no budget runs."""
    downtime_began: float | None = None

    @property
    def limits(self) -> Limits:
        return self.migration.limits

    def still_allowed(self) -> None:
        """Raises `BudgetSpentError` or `LeaseLostError` when this process must not go on."""
        self.check_lease()
        if self.deadline is not None and time.time() >= self.deadline:
            raise BudgetSpentError(
                f"The downtime budget of {self.limits.max_downtime_seconds:.0f} s is spent; raise --max-downtime "
                f"or find out what took so long."
            )

    def seconds_left(self) -> float:
        """How long one statement may take: until the budget is spent, and never longer than a control statement."""
        left = READ_SECONDS if self.deadline is None else self.deadline - time.time()
        return max(1.0, min(READ_SECONDS, left))

    def waiting(self, what: str) -> None:
        began = self.downtime_began
        self.screen.waits(what, None if began is None else time.time() - began)


LOCK_TRIES = 5
LOST_TRIES = 2
DENIED = (1095, 1227)
"""The session is not the account's own, or has rights that it lacks."""


@dataclass(frozen=True, kw_only=True)
class Statement:
    """One SQL statement on one of the two servers, with all of its session on the same connection."""

    role: str
    text: str
    schema: str = ""
    """The session's schema: what names without a schema mean."""
    session: Mapping[str, str] = field(default_factory=dict)
    """Session variables that the server keeps with what the statement creates."""
    table: str = ""
    """Table, as `schema.name`, whose lock the statement needs; empty: one on the whole server, or none."""
    ends_holders: bool = False
    """Whether sessions that hold its lock are ended: none of them serves a payment when it is sent."""
    tries: int = LOCK_TRIES
    advice: str = ""
    """What else the operator can do about a lock."""
    denied: str = ""
    """What a refusal of the server means to the operator, where it is about rights."""
    fine_if: int = 0
    """Error number that means that it is done already, such as the kill of a session that has just ended."""

    def shown(self) -> str:
        given = [f"USE {self.schema}"] if self.schema else []
        given += [f"SET SESSION {name} = '{value}'" for name, value in self.session.items()]
        return f"{self.role}> {'; '.join([*given, self.text.rstrip(';')])};"

    def carry_out(self, run: Run) -> None:
        """Sends it, again after each wait for a lock. Raises `HeldUpError` with who holds the lock to the end."""
        server = run.migration.server(self.role)
        for tried in range(1, max(1, self.tries) + 1):
            try:
                if self.schema or self.session or self.table:
                    server.change(self.text, schema=self.schema, session=self.session, seconds=run.seconds_left())
                else:
                    server.rows(self.text)
            except StatementError as error:
                if self.fine_if and error.number == self.fine_if:
                    return
                if self.denied and error.number in DENIED:
                    raise HeldUpError(f"{self.denied[0].upper()}{self.denied[1:]}.") from error
                if error.number != LOCK_WAIT_TIMEOUT:
                    raise
                self._make_way(run, last=tried >= self.tries)
            else:
                return

    def _make_way(self, run: Run, *, last: bool) -> None:
        server = run.migration.server(self.role)
        found = locks.holders(server, self.table, run.migration.own_accounts)
        place = f"the lock on {self.table}" if self.table else "a lock on the whole server"
        who = ", ".join(map(str, found)) or "a session that has just ended"
        if self.ends_holders:
            ended, refused = locks.end_holders(server, found)
            for holder in ended:
                run.screen.tells(f"  ended on the {self.role}: {holder}, which held {place}.")
            who = "; ".join(refused) or who
        verb = " ".join(self.text.split()[:3])
        sentence = f"'{verb} ...' on the {self.role} waits for {place}: {who}"
        run.waiting(sentence)
        try:
            run.still_allowed()
        except BudgetSpentError as error:
            raise BudgetSpentError(f"{sentence}. {error}") from error
        if last:
            kills = " ".join(f"KILL {holder.id};" for holder in found)
            raise HeldUpError(
                f"{sentence}. Let it end, or end it ({kills or 'SHOW PROCESSLIST'}), and run the same command again"
                f"{', ' * bool(self.advice)}{self.advice}."
            )


@dataclass(frozen=True, kw_only=True)
class ApiCall:
    """One changing call to AWS. `hidden` arguments are secret: their description is shown instead."""

    service: str
    operation: str
    arguments: Mapping[str, Any]
    hidden: Mapping[str, str] = field(default_factory=dict)

    def shown(self) -> str:
        told = ", ".join(f"{name}={self.hidden.get(name, value)}" for name, value in self.arguments.items())
        return f"aws> {self.service}.{self.operation}({told})"

    def carry_out(self, run: Run) -> None:
        run.migration.aws.call(self.service, self.operation, **self.arguments)


@dataclass(frozen=True, kw_only=True)
class Command:
    """A command of the operator's own, such as the restart of the application's pods."""

    words: tuple[str, ...]

    def shown(self) -> str:
        return f"shell> {' '.join(self.words)}"

    def carry_out(self, run: Run) -> None:  # noqa: ARG002  an effect like the others
        try:
            done = subprocess.run(self.words, capture_output=True, text=True, timeout=COMMAND_SECONDS, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise ToolError(f"The command '{self.words[0]}' could not be carried out: {error}.") from error
        if done.returncode != 0:
            last = done.stderr.strip().splitlines()[-1:] or ["no message"]
            raise ToolError(f"The command '{' '.join(self.words)}' ended with {done.returncode}: {last[0]}.")


Effect = Statement | ApiCall | Command


@dataclass(frozen=True, kw_only=True)
class Change:
    id: str
    name: str
    why: str
    effects: Callable[[Run], Sequence[Effect]]
    every: Callable[[Run], Sequence[Effect]] | None = None
    """All that the change may ever do, whatever is done already; None: `effects` always names all of it."""

    def plan(self, run: Run) -> list[str]:
        return [effect.shown() for effect in self.effects(run)] or ["(is so already)"]

    def carry_out(self, run: Run) -> tuple[Evidence, Mapping[str, Any]]:
        """Where no answer came, it looks again at what is left to do: what the statement did is then known."""
        for tried in range(1, LOST_TRIES + 1):
            effects = self.effects(run)
            try:
                for effect in effects:
                    run.still_allowed()
                    effect.carry_out(run)
                break
            except ConnectionLostError:
                if tried == LOST_TRIES:
                    raise
        return {"effects": [effect.shown()[:200] for effect in effects[:20]], "count": len(effects)}, {}


@dataclass(frozen=True, kw_only=True)
class Progress:
    done: bool
    sentence: str
    evidence: Evidence = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Wait:
    id: str
    name: str
    why: str
    until: Callable[[Run], Progress]
    longest_seconds: Callable[[Limits], float] = lambda limits: limits.replication_seconds
    every_seconds: Callable[[Limits], float] = lambda limits: limits.poll_seconds
    forecast: Callable[[Run], str] | None = None
    """What a dry run says in place of a look that only makes sense later."""

    def plan(self, run: Run) -> list[str]:
        if self.forecast is not None:
            return [self.forecast(run)]
        return [f"wait until it is so; now: {self.until(run).sentence}"]

    def carry_out(self, run: Run) -> tuple[Evidence, Mapping[str, Any]]:
        began = time.monotonic()
        while True:
            run.still_allowed()
            progress = self.until(run)
            run.waiting(f"{self.name}: {progress.sentence}")
            waited = time.monotonic() - began
            if progress.done:
                return {"waited_seconds": round(waited, 2), "seen": progress.sentence, **progress.evidence}, {}
            if waited > self.longest_seconds(run.limits):
                raise RefusedError(f"Waited {waited:.0f} s in vain to {self.name}: {progress.sentence}.")
            time.sleep(self.every_seconds(run.limits))


@dataclass(frozen=True, kw_only=True)
class Judgement:
    good: bool
    sentence: str
    evidence: Evidence = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Gate:
    id: str
    name: str
    why: str
    judge: Callable[[Run], Judgement]
    forecast: Callable[[Run], str] | None = None
    """What a dry run says in place of a judgement that only makes sense on frozen servers."""

    def plan(self, run: Run) -> list[str]:
        if self.forecast is not None:
            return [self.forecast(run)]
        verdict = self.judge(run)
        return [f"{'would pass' if verdict.good else 'WOULD REFUSE'}: {verdict.sentence}"]

    def carry_out(self, run: Run) -> tuple[Evidence, Mapping[str, Any]]:
        run.still_allowed()
        verdict = self.judge(run)
        if not verdict.good:
            raise RefusedError(f"{verdict.sentence.rstrip('.')}.")
        return {"seen": verdict.sentence, **verdict.evidence}, verdict.facts


@dataclass(frozen=True, kw_only=True)
class Look:
    id: str
    name: str
    why: str
    read: Callable[[Run], Mapping[str, Any]]
    forecast: Callable[[Run], str]
    """What a dry run says: the figures are those of the moment."""

    def plan(self, run: Run) -> list[str]:
        return [f"record {self.forecast(run)}"]

    def carry_out(self, run: Run) -> tuple[Evidence, Mapping[str, Any]]:
        facts = self.read(run)
        return dict(facts), facts


Step = Change | Wait | Gate | Look
