"""The life of an environment: up, extended, down, reaped. The ledger decides, then the engine acts."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from pulumi import automation

from command_line.exits import FAILED, Stop
from command_line.progress import Progress
from operations.environments import forecast, guard, identity, ledger_store, lifetimes
from operations.environments.configuration import checked, environment_configuration, ranges_in_use
from operations.environments.guard import LIFETIME_TAG, TEMPORARY
from operations.environments.ledger import Environment, Ledger, Request, from_text
from operations.environments.ledger_store import Store
from operations.environments.names import PREFIX, is_environment, stack_of
from operations.environments.stacks import Engine, last_words, locked_since
from recording.configuration import Configuration
from settings import Settings

DESTROY_TRIES = 3
"""AWS frees some things (network interfaces, service-linked leftovers) minutes after it says that they are gone."""
PAUSE_SECONDS = 30.0
STALE_LOCK = timedelta(hours=2)
"""No update of an environment takes this long, and GitHub ends a job before it: the process behind the lock is dead."""

Say = Callable[[str], None]


@dataclass(frozen=True)
class Left:
    """What a destruction could not remove, and why."""

    stack: str
    reason: str


@dataclass(frozen=True)
class Environments:
    """What the commands do.

    Args:
        caller: the account that we are logged in to.
    """

    engine: Engine
    store: Store
    source: Configuration
    settings: Settings
    caller: str
    say: Say = lambda _: None
    pause: Callable[[float], None] = time.sleep
    now: Callable[[], datetime] = lifetimes.now
    """The time by which environments expire; the commands give AWS's."""

    def ledger(self) -> Ledger:
        """Who has what, now."""
        return from_text(self.store.read()[0])

    def up(self, request: Request, snapshot: str = "") -> tuple[Environment, Mapping[str, Any]]:
        """Create an environment, or bring its owner's own up to date; either way its time starts again.

        Raises:
            Stop: refused by the ledger, the settings or the policy pack; nothing was then created. Or failed on the
                way: what was created stays, and the same command resumes.
        """
        zone_id = self.settings.edge.zone_id or identity.zone_id(self.settings.edge.zone_name, self.settings.region)
        at = self.now()
        after = ledger_store.change(
            self.store,
            lambda ledger: ledger.claim(
                request,
                at,
                limit=self.settings.temporary.limit,
                pool=self.settings.temporary.cidrs,
                taken=ranges_in_use(self.settings),
            ),
        )
        environment = after.environments[request.name]
        known = environment.claims > 1
        configuration = environment_configuration(self.source, environment, zone_id, snapshot)
        try:
            checked(configuration)
            expected = forecast.judged(configuration)
        except Stop:
            if not known:  # nothing was created yet, so the name is free again
                ledger_store.change(self.store, lambda ledger: ledger.give_back(environment))
            raise
        progress = Progress(self.say, *(() if known else expected))
        try:
            outputs = self.engine.up(configuration, _tags(environment), progress.hear)
        except automation.CommandError as error:
            raise self._broken_off(environment, error, progress) from None
        return environment, outputs

    def extend(self, name: str, owner: str, lifetime: timedelta) -> Environment:
        """Give an environment another end, counted from now.

        Raises:
            Stop: when it is not this owner's, or is leaving.
        """
        until = self.now() + lifetime
        after = ledger_store.change(self.store, lambda ledger: ledger.extend(name, owner, until))
        if stack_of(name) in self.engine.names():
            self.engine.set_tag(stack_of(name), "softpos:until", lifetimes.as_text(until))
        return after.environments[name]

    def down(self, name: str, owner: str) -> None:
        """Destroy an environment now.

        Raises:
            Stop: when it is another's, or something is left of it.
        """
        if name in self.ledger().environments:
            ledger_store.change(self.store, lambda ledger: _left_by(ledger, name, owner))
        elif stack_of(name) not in self.engine.names():
            self.ledger().get(name)
        left = self._remove(name, tries=1)
        if left:
            raise Stop(FAILED, f"{left.stack}: it is not all gone: {left.reason} Run the command again.")

    def knows(self, name: str) -> bool:
        """Whether there is anything of an environment: an entry in the ledger or a stack."""
        return name in self.ledger().environments or stack_of(name) in self.engine.names()

    def reap(self) -> tuple[list[str], list[Left]]:
        """Destroy every expired environment; returns what is gone and what is left.

        A reap that broke off is resumed by the next: an environment whose destruction began stays in the ledger until
        nothing is left of it.
        """
        gone: list[str] = []
        left: list[Left] = []
        for environment in self.ledger().expired(self.now()):
            try:
                ledger_store.change(self.store, partial(self._leave_if_expired, environment.name))
            except _Extended:
                continue
            except Stop as stop:
                left.append(Left(stack_of(environment.name), stop.lines[0]))
                continue
            failed = self._remove(environment.name, tries=DESTROY_TRIES)
            left.extend([failed] if failed else [])
            gone.extend([] if failed else [environment.name])
        return gone, [*left, *self._strays()]

    def _leave_if_expired(self, name: str, ledger: Ledger) -> Ledger:
        """Its owner may have extended it, or another reaper removed it, since the list was made."""
        if name not in ledger.environments or not ledger.environments[name].expired(self.now()):
            raise _Extended
        return ledger.leave(name)

    def _strays(self) -> Iterator[Left]:
        """Stacks called as environments that the ledger does not know: somebody should look, not a machine."""
        known = {stack_of(name) for name in self.ledger().environments}
        for stack in self.engine.names():
            if is_environment(stack) and stack not in known:
                name = stack.removeprefix(PREFIX)
                yield Left(stack, f"The ledger does not know it; if nobody needs it, run `env down {name}`.")

    def _remove(self, name: str, tries: int) -> Left | None:
        """Destroy one environment if the guard lets us, and forget it when nothing is left."""
        stack = stack_of(name)
        if stack in self.engine.names():
            reasons = guard.refusals(
                stack,
                self.engine.tags(stack),
                self.engine.resources(stack),
                self.settings.account_id,
                self.caller,
            )
            if reasons:
                return Left(stack, " ".join(reasons))
            reason = self._destroy(stack, tries)
            if reason:
                return Left(stack, reason)
        ledger_store.change(self.store, lambda ledger: ledger.forget(name))
        return None

    def _destroy(self, stack: str, tries: int) -> str:
        """Destroy a stack, several times if need be; returns why it is still there, or nothing."""
        reason = ""
        for attempt in range(1, tries + 1):
            progress = Progress(self.say)
            try:
                self.engine.destroy(stack, progress.hear)
            except automation.ConcurrentUpdateError as error:
                since = locked_since(error)
                if since is None or tries == 1 or self.now() - since < STALE_LOCK:
                    return (
                        f"{last_words(str(error))} If no update of it runs, `pulumi cancel --stack {stack}` unlocks it."
                    )
                self.engine.unlock(stack)
                reason = f"it was locked since {lifetimes.as_text(since)}."
            except automation.CommandError as error:
                reason = " ".join(progress.problems) or last_words(str(error))
            else:
                return ""
            if self.engine.command.interrupted:
                return "you stopped it."
            if attempt < tries:
                self.pause(PAUSE_SECONDS)
        return reason

    def _broken_off(self, environment: Environment, error: automation.CommandError, progress: Progress) -> Stop:
        name = environment.name
        if isinstance(error, automation.ConcurrentUpdateError):
            return Stop(
                FAILED,
                f"{stack_of(name)}: {last_words(str(error))}",
                f"If no update of it runs, `pulumi cancel --stack {stack_of(name)}` unlocks it; then run this again.",
            )
        said = progress.problems or [last_words(str(error))]
        how = "you stopped it" if self.engine.command.interrupted else "it broke off"
        return Stop(
            FAILED,
            *said,
            f"{name}: {how}, and what was created stays; run the same command to go on, or `env down {name}`. "
            f"It expires at {lifetimes.as_text(environment.until)}.",
        )


class _Extended(Exception):  # noqa: N818
    """An environment is no longer expired."""


def _left_by(ledger: Ledger, name: str, owner: str) -> Ledger:
    ledger.theirs(name, owner)
    return ledger.leave(name)


def _tags(environment: Environment) -> dict[str, str]:
    """What the stack itself says, for people and for the guard."""
    return {
        LIFETIME_TAG: TEMPORARY,
        "softpos:owner": environment.owner,
        "softpos:purpose": environment.purpose,
        "softpos:until": lifetimes.as_text(environment.until),
    }
