"""What must be known before payments move: looked at where it can be seen, asked of a person where it cannot."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from command_line.exits import BAD_INPUT, REFUSED, Stop
from operations.traffic.delegation import Names, require_delegated
from operations.traffic.gates import Finding, Verdict, judged
from operations.traffic.seen import look
from operations.traffic.site import Site

SLOWEST_TTL_SECONDS = 300


@dataclass(frozen=True, kw_only=True)
class Question:
    """What only a person can answer. The answer is recorded with their name, word for word."""

    id: str
    asks: str
    why: str


QUESTIONS: tuple[Question, ...] = (
    Question(
        id="pins",
        asks="Does a phone application pin a certificate or a key, and has every version in use both pins by now?",
        why="an application that pins the data centre's key refuses the load balancer's certificate",
    ),
    Question(
        id="partners",
        asks="Which partners allow-list the addresses that they call, and can they reach the load balancer by name?",
        why="a load balancer has no fixed addresses, and a partner's firewall may know only the data centre's",
    ),
    Question(
        id="callers",
        asks="Have acquirers and card networks allowed the NAT addresses (output natAddresses) in addition to the old?",
        why="pods on AWS call from these addresses",
    ),
    Question(
        id="allow-lists",
        asks="Which Routes have ip_allowlist or ip_whitelist, and what keeps their paths closed from now on?",
        why="the router sees the load balancer's addresses only: it refuses everybody, or the path is open",
    ),
    Question(
        id="rate-limits",
        asks="Which Routes have rate-limit-connections or balance by source, and have these been taken off?",
        why="to the router all clients come from a few addresses: their limits add up to one",
    ),
    Question(
        id="routes",
        asks="Is every Route of the public name edge or reencrypt, with a certificate that needs no server name (SNI)?",
        why="the load balancer sends no SNI and ends TLS: passthrough does not work",
    ),
    Question(
        id="headers",
        asks="Does a client send header names with anything but letters, digits and hyphens, such as X_Merchant_Id?",
        why="the load balancer drops them",
    ),
    Question(
        id="old-tls",
        asks="Which clients cannot speak TLS 1.2, and what becomes of them?",
        why="the load balancer refuses them; the step 'name' counts failed handshakes, and cannot say whose they are",
    ),
    Question(
        id="cookies",
        asks="Which clients keep no cookies, and may they change sides with each request?",
        why="without the load balancer's cookie each request is drawn again by the weights",
    ),
    Question(
        id="sessions",
        asks="What happens to a session when a phone changes sides: one store, or one login more?",
        why="each side has a session store of its own",
    ),
    Question(
        id="jobs",
        asks="Which side runs the scheduled work, and is it suspended on the other?",
        why="settlement on both sides pays twice",
    ),
)
UNKNOWN: tuple[str, ...] = (
    "resolvers and applications that keep the old address beyond its TTL: the data centre serves until its own access "
    "log is silent",
    "clients that name the data centre's address instead of the host name",
    "which client a failed handshake or a dropped header belongs to",
    "payments that an acquirer declines for reasons of its own: they count as answered, on both sides alike",
    "whether the answers given here are true",
)
"""What this command cannot see."""


def look_first(site: Site, names: Names) -> list[Finding]:
    """What can be seen before anything moves, a finding each."""
    return [
        *(_tried(what, question) for what, question in _seen(site, names).items()),
        *judged(look(site.looks, None, site.clock()), site.step(0)),
    ]


def open_questions(answers: Mapping[str, str]) -> list[Question]:
    """What nobody has answered."""
    return [one for one in QUESTIONS if not answers.get(one.id)]


def read_answers(given: Sequence[str]) -> dict[str, str]:
    """Answers by question, from `ID=TEXT` each. Raises `Stop`, a line for each that cannot be used."""
    known = {one.id for one in QUESTIONS}
    found, problems = {}, []
    for text in given:
        name, _, answer = text.partition("=")
        if name not in known or not answer.strip():
            problems.append(
                f"--answer: {text!r} is not allowed; allowed: ID=TEXT with one of {', '.join(sorted(known))}; "
                "correct it."
            )
        found[name] = answer.strip()
    if problems:
        raise Stop(BAD_INPUT, *problems)
    return found


def require_preflight(site: Site, names: Names, answers: Mapping[str, str]) -> None:
    """Raises `Stop` unless the public name may move."""
    findings = look_first(site, names)
    failed = [f"{one.gate}: {one.says}." for one in findings if one.verdict in (Verdict.FAIL, Verdict.PAUSE)]
    asked = [f"{one.id}: {one.asks}" for one in open_questions(answers)]
    if failed or asked:
        raise Stop(REFUSED, *failed, *asked, "traffic: run `traffic preflight`, answer what is open, and run again.")


def _seen(site: Site, names: Names) -> dict[str, Callable[[], str]]:
    return {
        "delegated zone": lambda: f"resolvers ask the name servers of {require_delegated(site.name, names)}",
        "public name": lambda: _name(site),
        "old side serves all": lambda: _all_old(site),
    }


def _name(site: Site) -> str:
    if site.name.leads_here():
        return f"{site.traffic.host_name} leads to the load balancer already"
    found = site.name.refuse_what_cannot_move()
    slow = [one["TTL"] for one in found if int(one.get("TTL", 0)) > SLOWEST_TTL_SECONDS]
    if slow:
        raise Stop(
            REFUSED,
            f"{site.traffic.host_name} has a TTL of {slow[0]} s; allowed: {SLOWEST_TTL_SECONDS} s, so that a way back "
            "is soon known; lower it, and wait for the old TTL",
        )
    return f"{site.traffic.host_name} has one {found[0]['Type']} record, which one change replaces"


def _all_old(site: Site) -> str:
    shares = site.balancer.shares()
    moved = [arn for arn, share in shares.items() if share is None or (share and not site.name.leads_here())]
    if moved:
        raise Stop(REFUSED, f"{len(moved)} of {len(shares)} rules do not forward everything to the data centre")
    return f"{len(shares)} rules are read back"


def _tried(what: str, question: Callable[[], str]) -> Finding:
    try:
        return Finding(gate=what, verdict=Verdict.PASS, says=question())
    except Stop as stop:
        verdict = Verdict.FAIL if stop.code == REFUSED else Verdict.PAUSE
        return Finding(gate=what, verdict=verdict, says=" ".join(stop.lines).rstrip("."))
