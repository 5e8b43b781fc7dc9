"""One step of the traffic: set, read back, watched through its window, and taken back by itself when a gate fails."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from command_line.exits import FAILED, REFUSED, Stop
from operations.traffic.aws import AwsError
from operations.traffic.balancer import Call, not_as_ordered, told
from operations.traffic.gates import Finding, Verdict, judged
from operations.traffic.limits import LEVELS, NAME_STEP
from operations.traffic.record import DATABASE_ON_SOURCE, LeaseLostError, Record, Session
from operations.traffic.seen import look
from operations.traffic.site import Site
from operations.traffic.way_back import UNRECORDED, patiently, rules_back, try_rules_back

WEIGHTS, NAME = "weights", "name"


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
            self._beat()
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
        self._site.screen.tells(f"{title(percent)}: FAIL: {failed}. Going back.")
        self._go_back(NAME if percent == NAME_STEP else WEIGHTS, failed, title(percent))
        raise Stop(REFUSED, f"traffic: {failed}. The data centre serves everything again.")

    # ---- The way back ------------------------------------------------------------------------------------------------

    def _go_back(self, kind: str, reason: str, failed_step: str = "") -> None:
        """The rules first, then the record of it, then everything read back.

        Raises:
            Stop: when the load balancer or Route 53 does not answer for long. The record, where it could be written,
                knows that it is on the way back.
        """
        site = self._site
        try_rules_back(site)
        if failed_step:
            self._note(failed_step, "failed", {"reason": reason})
        self._note("back", "begun", {"reason": reason}, going_back=kind)

        def put_back() -> None:
            rules_back(site, self._beat)
            if kind == NAME:
                self._name_back()

        patiently(site, put_back, self._beat)
        named: dict[str, Any] = {"named": False, "name_before": ()} if kind == NAME else {}
        self._note("back", "passed", going_back="", wanted=None, since=None, percent=0, **named)

    def _note(self, step: str, event: str, seen: Mapping[str, Any] | None = None, **changes: Any) -> None:
        """A line of the journal on the way back, which waits for no table."""
        try:
            self._session.note(step, event, seen, **changes)
        except AwsError as error:
            self._site.screen.tells(UNRECORDED.format(error=error))

    def _beat(self) -> None:
        """Renew the lease. A table that does not answer ends neither a watch nor a way back."""
        try:
            self._session.beat()
        except AwsError as error:
            self._site.screen.waits(f"the lease could not be renewed: {error}")

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
