"""One step of the traffic: set, read back, watched through its window, and taken back by itself when a gate fails."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from command_line.exits import FAILED, REFUSED, Stop
from operations.traffic.aws import Aws
from operations.traffic.balancer import Balancer, Call, PublicName, not_as_ordered, told
from operations.traffic.gates import Finding, Step, Verdict, judged
from operations.traffic.limits import LEVELS, NAME_STEP, Limits
from operations.traffic.record import DATABASE_ON_SOURCE, LeaseLostError, Record, Session
from operations.traffic.seen import Looks, look
from operations.traffic.stack import Traffic

WEIGHTS, NAME = "weights", "name"


class Screen(Protocol):
    """What the operator sees."""

    def tells(self, sentence: str) -> None: ...
    def waits(self, sentence: str) -> None: ...
    def finds(self, findings: Sequence[Finding]) -> None: ...


@dataclass(frozen=True, kw_only=True)
class Site:
    """One stack's traffic at hand."""

    traffic: Traffic
    aws: Aws
    looks: Looks
    limits: Limits
    screen: Screen
    clock: Callable[[], float] = time.time
    """Seconds of the epoch."""
    sleep: Callable[[float], None] = time.sleep

    @property
    def balancer(self) -> Balancer:
        return Balancer(self.aws, self.traffic)

    @property
    def name(self) -> PublicName:
        return PublicName(self.aws, self.traffic)

    @property
    def cookie_seconds(self) -> int:
        """No client is bound to a side for longer than a step is watched."""
        return max(1, min(self.traffic.cookie_seconds, int(self.limits.window_seconds)))

    def step(self, percent: int, *, ended: bool = True) -> Step:
        return Step(percent=percent, limits=self.limits, ended=ended)


def title(percent: int) -> str:
    """A step's name in the journal."""
    return "name" if percent == NAME_STEP else f"shift to {percent} %"


def require_database_on_source(state: str, stack: str) -> None:
    """Raises `Stop` while the database is on its way to AWS or there: the data centre could not write."""
    if state not in DATABASE_ON_SOURCE:
        raise Stop(
            REFUSED,
            f"traffic: the database's move of {stack} is at '{state}', and the data centre's side can no longer write; "
            "traffic stays where it is. To go back, run `cutover rollback` first.",
        )


def require_next(record: Record, percent: int) -> None:
    """Raises `Stop` unless the step is the next one, or the one under way."""
    stack = record.stack
    if record.going_back:
        raise Stop(REFUSED, f"traffic: a way back of {stack} has begun and has not ended; run `traffic back` first.")
    if record.wanted is not None and record.wanted != percent:
        raise Stop(
            REFUSED,
            f"traffic: the step '{title(record.wanted)}' of {stack} is under way; run its command again to go on with "
            "it, or `traffic back`.",
        )
    if record.wanted == percent or percent == NAME_STEP:
        return
    if not record.named:
        raise Stop(
            REFUSED,
            f"traffic: the public name does not lead to the load balancer yet; run `traffic name --stack {stack}`.",
        )
    if percent < record.percent:
        raise Stop(
            REFUSED, f"traffic: {record.percent} % are at AWS; {percent} % is no step forward; run `traffic back`."
        )
    following = next((level for level in LEVELS if level > record.percent), record.percent)
    if percent > following:
        raise Stop(
            REFUSED,
            f"traffic: {record.percent} % are at AWS, and the next step is {following} %; {percent} % would skip it.",
        )


class Mover:
    """One process's work on one stack's traffic, under its lease."""

    def __init__(self, site: Site, session: Session) -> None:
        self._site = site
        self._session = session

    @property
    def record(self) -> Record:
        return self._session.record

    def advance(self, percent: int) -> str:
        """Takes the step to so many per cent, 0 for the public name, from wherever the record is; says how it ended.

        Raises:
            Stop: refused, when a gate failed: by then traffic is back. Failed, when AWS or the measuring did: the
                same command goes on.
        """
        require_next(self.record, percent)
        if self.record.wanted is None and self._is_there(percent):
            self._require_as_recorded()
            return f"{self.record.percent} % of the traffic is at AWS already; nothing was changed."
        if self.record.wanted is None:
            self._require_ready()
            before: dict[str, Any] = (
                {"name_before": tuple(self._site.name.refuse_what_cannot_move())} if percent == NAME_STEP else {}
            )
            self._session.note(title(percent), "begun", wanted=percent, since=None, **before)
        if self.record.since is None:
            self._set(percent)
        self._watch(percent)
        self._session.note(
            title(percent),
            "passed",
            wanted=None,
            since=None,
            **({"named": True} if percent == 0 else {"percent": percent}),
        )
        if percent == NAME_STEP:
            return f"{self._site.traffic.host_name} leads to the load balancer, and the data centre serves all of it."
        return f"{percent} % of the traffic is at AWS, and every gate has passed."

    def answer(self, answers: Mapping[str, str]) -> None:
        """Record what a person has answered."""
        self._session.note("preflight", "answered", answers, answers={**self.record.answers, **answers})

    def back(self) -> None:
        """Everybody to the data centre, whatever is under way: one call per rule, read back twice."""
        kind = NAME if self.record.wanted == NAME_STEP or self.record.going_back == NAME else WEIGHTS
        self._go_back(kind, "the operator asked for it")

    def name_back(self) -> None:
        """The public name to where it led before. Raises `Stop` while AWS serves any of it."""
        record = self.record
        if not (record.named or record.wanted == NAME_STEP or record.going_back == NAME):
            raise Stop(REFUSED, "traffic: the public name was not moved by this command; nothing was changed.")
        if record.percent or record.wanted or record.going_back == WEIGHTS:
            raise Stop(REFUSED, "traffic: AWS serves a part of the traffic; run `traffic back` first.")
        self._go_back(NAME, "the operator asked for it")

    # ---- A step ------------------------------------------------------------------------------------------------------

    def _is_there(self, percent: int) -> bool:
        return self.record.named if percent == NAME_STEP else self.record.percent == percent

    def _require_as_recorded(self) -> None:
        shares = self._site.balancer.shares()
        if any(share != self.record.percent for share in shares.values()):
            raise Stop(
                REFUSED,
                f"traffic: the record says that {self.record.percent} % are at AWS, and the rules say otherwise: "
                "somebody changed them by hand; run `traffic back`, then the steps again.",
            )
        if self.record.named and not self._site.name.leads_here():
            raise Stop(
                REFUSED,
                f"traffic: the record says that {self._site.traffic.host_name} leads to the load balancer, and Route "
                "53 says otherwise: somebody changed it by hand; run `traffic name --back`, then `traffic name`.",
            )

    def _require_ready(self) -> None:
        """Raises `Stop` unless everything that can be seen before a step is well."""
        self._require_as_recorded()
        findings = self._look(self.record.percent, since=None, ended=True)
        self._site.screen.finds(findings)
        _stop_for(findings, "before the step; nothing was changed")

    def _set(self, percent: int) -> None:
        site = self._site
        try:
            if percent == NAME_STEP:
                self._move_name(site.name.order(self.record.name_before), there=True)
            else:
                self._set_weights(percent)
        except (LeaseLostError, KeyboardInterrupt):
            raise
        except Stop as error:
            kind = NAME if percent == NAME_STEP else WEIGHTS
            self._go_back(kind, " ".join(error.lines))
            raise Stop(FAILED, *error.lines, "traffic: it is back as before the step; run it again.") from error
        self._session.note(title(percent), "set", since=site.clock())
        site.screen.tells(f"{title(percent)}: in force and read back; watched for {site.limits.window_seconds:.0f} s.")

    def _set_weights(self, percent: int) -> None:
        site = self._site
        for service, operation, arguments in site.balancer.order(percent, site.cookie_seconds):
            site.aws.call(service, operation, **arguments)
        wrong = [arn for arn, share in site.balancer.shares().items() if share != percent]
        if wrong:
            raise not_as_ordered(f"{len(wrong)} rules")

    def _move_name(self, call: Call, *, there: bool) -> None:
        site = self._site
        service, operation, arguments = call
        change = site.aws.call(service, operation, **arguments)["ChangeInfo"]
        while change["Status"] != "INSYNC":
            site.screen.waits("Route 53 tells the change to its name servers")
            site.sleep(site.limits.settle_seconds)
            self._session.beat()
            change = site.aws.call("route53", "get_change", Id=change["Id"])["ChangeInfo"]
        if site.name.leads_here() != there:
            raise not_as_ordered(site.traffic.host_name)

    # ---- Its window --------------------------------------------------------------------------------------------------

    def _watch(self, percent: int) -> None:
        site, since = self._site, self.record.since or 0.0
        paused_at: float | None = None
        while True:
            now = site.clock()
            ended = now >= since + site.limits.window_seconds + site.limits.late_seconds
            findings = self._look(percent, since=since, ended=ended)
            self._session.beat()
            verdicts = {finding.verdict for finding in findings}
            if Verdict.FAIL in verdicts:
                site.screen.finds(findings)
                self._answer(percent, findings)
            if Verdict.PAUSE in verdicts:
                paused_at = now if paused_at is None else paused_at
                if now - paused_at >= site.limits.pause_seconds:
                    site.screen.finds(findings)
                    _stop_for(
                        findings,
                        f"the step '{title(percent)}' pauses with its weights as they are; the same command goes on, "
                        "`traffic back` goes back",
                    )
            else:
                paused_at = None
            if verdicts == {Verdict.PASS}:
                site.screen.finds(findings)
                return
            site.screen.waits(_progress(percent, findings, since + site.limits.window_seconds - now))
            site.sleep(site.limits.look_seconds)

    def _look(self, percent: int, *, since: float | None, ended: bool) -> list[Finding]:
        site = self._site
        until = site.clock() if since is None else min(site.clock(), since + site.limits.window_seconds)
        return judged(look(site.looks, since, until), site.step(percent, ended=ended))

    def _answer(self, percent: int, findings: Sequence[Finding]) -> None:
        failed = "; ".join(f"{one.gate}: {one.says}" for one in findings if one.verdict == Verdict.FAIL)
        self._session.note(title(percent), "failed", {"reason": failed})
        self._site.screen.tells(f"{title(percent)}: FAIL: {failed}. Going back.")
        self._go_back(NAME if percent == NAME_STEP else WEIGHTS, failed)
        raise Stop(REFUSED, f"traffic: {failed}. The data centre serves everything again.")

    # ---- The way back ------------------------------------------------------------------------------------------------

    def _go_back(self, kind: str, reason: str) -> None:
        """Raises `Stop` when AWS does not answer for long: the record knows that it is on the way back."""
        self._session.note("back", "begun", {"reason": reason}, going_back=kind)
        site = self._site
        deadline = site.clock() + site.limits.patience_seconds
        while True:
            try:
                self._weights_back()
                if kind == NAME:
                    self._name_back()
                break
            except LeaseLostError:
                raise
            except Stop as error:
                if site.clock() >= deadline:
                    raise Stop(
                        FAILED, *error.lines, "traffic: the way back is stuck here; run `traffic back` again at once."
                    ) from error
                site.screen.tells(f"{' '.join(error.lines)} Trying again.")
                site.sleep(site.limits.settle_seconds)
                self._session.beat()
        named: dict[str, Any] = {"named": False, "name_before": ()} if kind == NAME else {}
        self._session.note("back", "passed", going_back="", wanted=None, since=None, percent=0, **named)

    def _weights_back(self) -> None:
        """Twice: an order of a process that was just taken over may have come in between."""
        site = self._site
        for _ in range(2):
            if site.balancer.binds():
                for service, operation, arguments in site.balancer.order(0, site.cookie_seconds):
                    site.aws.call(service, operation, **arguments)
            site.sleep(site.limits.settle_seconds)
            self._session.beat()
        if site.balancer.binds():
            raise not_as_ordered("a rule")

    def _name_back(self) -> None:
        site, before = self._site, self.record.name_before
        if before and site.name.leads_here():
            self._move_name(site.name.order_back(before), there=False)


def plan(site: Site, record: Record, percent: int) -> list[str]:
    """What `Mover.advance` would do, in lines. Looks, changes nothing."""
    require_next(record, percent)
    if record.wanted is None and (record.named if percent == NAME_STEP else record.percent == percent):
        return ["(is so already)"]
    calls = [site.name.order(site.name.refuse_what_cannot_move())] if percent == NAME_STEP else []
    calls += site.balancer.order(percent, site.cookie_seconds) if percent else []
    watched = (
        f"read back; watch for {site.limits.window_seconds:.0f} s and at least {site.limits.least_requests} requests "
        "of each side that serves; go back when a gate fails"
    )
    return [*([] if record.since else map(told, calls)), watched]


def plan_back(site: Site, *, name: bool, before: Sequence[Mapping[str, Any]]) -> list[str]:
    """What the way back would do, in lines."""
    calls = list(site.balancer.order(0, site.cookie_seconds)) if site.balancer.binds() else []
    if name and before and site.name.leads_here():
        calls.append(site.name.order_back(before))
    return [told(call) for call in calls] or ["(is so already)"]


def _stop_for(findings: Sequence[Finding], where: str) -> None:
    """Raises `Stop`: refused for a failure, failed for a measuring that does not work."""
    for verdict, code in ((Verdict.FAIL, REFUSED), (Verdict.PAUSE, FAILED)):
        lines = [f"{one.gate}: {one.says}." for one in findings if one.verdict == verdict]
        if lines:
            raise Stop(code, *lines, f"traffic: {where}.")


def _progress(percent: int, findings: Sequence[Finding], left: float) -> str:
    paused = next((one for one in findings if one.verdict == Verdict.PAUSE), None)
    if paused:
        return f"{title(percent)}: paused, {paused.gate}: {paused.says}"
    shown = next((one.says for one in findings if one.gate == "requests"), "")
    return f"{title(percent)}: no gate has failed, {max(left, 0):.0f} s left; {shown}"
