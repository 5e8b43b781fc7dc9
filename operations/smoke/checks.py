"""What must be seen from outside, a check each. A check says what must be, whether it is, and what was seen.

Nothing here is guessed from a missing answer. What must be closed counts as closed only after a control: the same look
at what must be open has to succeed first. A check that could not look fails, and says so.
"""

from __future__ import annotations

import http.client
import ssl
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime

from operations.smoke.connections import Answer, addresses, certificate, get, handshake, is_private, opens, reason
from operations.smoke.target import Target

EXPIRY_DAYS = 14
"""ACM renews 60 days before the end; two weeks before it, renewal has failed."""
OLD_TLS = (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1)
NEW_TLS = (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)
ATTACKS = (
    ("SQL injection", "/?id=1%27%20UNION%20SELECT%20card_number%20FROM%20cards--%20", "/?id=1"),
    ("cross-site scripting", "/?q=%3Cscript%3Ealert(document.cookie)%3C%2Fscript%3E", "/?q=document"),
)
"""Requests that every managed rule set blocks, each with a harmless one of the same form; they do nothing where nothing
blocks them."""
BLOCKED = 403
STICKY_COOKIES = ("AWSALB", "AWSALBAPP")
NOTHING_SEEN = "so nothing was seen"


@dataclass(frozen=True)
class Outcome:
    """One line of the result."""

    passed: bool
    what: str
    seen: str


Check = Callable[[Target], Iterator[Outcome]]
NO_ANSWER = (OSError, http.client.HTTPException)


def name_resolves(target: Target) -> Iterator[Outcome]:
    what = f"{target.host} resolves"
    try:
        found = addresses(target.host, target.port)
    except OSError as error:
        yield Outcome(False, what, reason(error))
        return
    yield Outcome(True, what, ", ".join(found))


def certificate_is_trusted(target: Target) -> Iterator[Outcome]:
    what = f"the certificate is trusted, names {target.host} and lasts {EXPIRY_DAYS} days"
    try:
        found = certificate(target.host, target.port)
    except OSError as error:
        yield Outcome(False, what, reason(error))
        return
    ends = datetime.fromtimestamp(ssl.cert_time_to_seconds(str(found["notAfter"])), UTC)
    days = (ends - datetime.now(UTC)).days
    yield Outcome(days >= EXPIRY_DAYS, what, f"valid for {days} more days")


def only_modern_tls(target: Target) -> Iterator[Outcome]:
    """TLS 1.2 or 1.3 is spoken, and nothing older; where nothing is spoken at all, no refusal means anything."""
    spoken = [one.name for one in NEW_TLS if handshake(target.host, target.port, one).outcome == "spoken"]
    yield Outcome(bool(spoken), "TLS 1.2 or 1.3 is spoken", " and ".join(spoken) or "neither")
    for version in OLD_TLS:
        found = handshake(target.host, target.port, version)
        refused = found.outcome == "refused"
        alone = "" if spoken or not refused else f", but nothing newer is spoken, {NOTHING_SEEN}"
        yield Outcome(refused and bool(spoken), f"{version.name} is refused", f"{found.seen}{alone}")


def plain_http_is_refused(target: Target) -> Iterator[Outcome]:
    """On every address of the name, after the address accepted a connection where it must."""
    what = f"plain HTTP on port {target.http_port} is refused"
    try:
        found = addresses(target.host, target.port)
    except OSError as error:
        yield Outcome(False, what, f"{target.host} does not resolve, {NOTHING_SEEN} ({reason(error)})")
        return
    seen = {}
    for address in found:
        control = opens(address, target.port)
        if not control.opened:
            continue
        http_port = opens(address, target.http_port)
        if http_port.opened:
            yield Outcome(False, what, http_port.seen)
            return
        seen[address] = http_port.seen
    nothing = f"no address accepts a connection on port {target.port} either, {NOTHING_SEEN}"
    yield Outcome(bool(seen), what, ", ".join(sorted(set(seen.values()))) or nothing)


def health_answers(target: Target) -> Iterator[Outcome]:
    what = f"{target.health_path} answers 200 through the firewall"
    try:
        answer = get(target.host, target.port, target.health_path)
    except NO_ANSWER as error:
        yield Outcome(False, what, reason(error))
        return
    yield Outcome(answer.status == http.client.OK, what, f"{answer.status} after {answer.milliseconds} ms")


def attacks_are_blocked(target: Target) -> Iterator[Outcome]:
    """The firewall blocks the attack and lets the harmless request of the same form through.

    What the firewall blocks never reaches a target, so that such an answer carries no cookie of the load balancer; an
    application that answers 403 by itself does.
    """
    for name, attack, harmless in ATTACKS:
        what = f"{name} is blocked by the firewall"
        try:
            blocked, passed = (get(target.host, target.port, path) for path in (attack, harmless))
        except NO_ANSWER as error:
            yield Outcome(False, what, reason(error))
            continue
        yield Outcome(*_blocked(blocked, passed, what))


def _blocked(attack: Answer, harmless: Answer, what: str) -> tuple[bool, str, str]:
    if attack.status != BLOCKED:
        return False, what, f"answered {attack.status}"
    if harmless.status == BLOCKED:
        return False, what, f"a harmless request is answered {BLOCKED} as well, {NOTHING_SEEN}"
    if _sticky(attack):
        return False, what, f"answered {attack.status}, but by the application: the request reached a target"
    return True, what, f"answered {attack.status}, a harmless request {harmless.status}"


def _cookies(answer: Answer) -> list[str]:
    return [cookie.partition("=")[0].strip() for cookie in answer.headers.get_all("Set-Cookie") or ()]


def _sticky(answer: Answer) -> list[str]:
    return [name for name in _cookies(answer) if name.startswith(STICKY_COOKIES)]


def stickiness_cookie_is_set(target: Target) -> Iterator[Outcome]:
    what = "a client stays with its target (cookie of the load balancer)"
    try:
        answer = get(target.host, target.port, target.health_path)
    except NO_ANSWER as error:
        yield Outcome(False, what, reason(error))
        return
    yield Outcome(bool(_sticky(answer)), what, f"Set-Cookie: {', '.join(_cookies(answer)) or 'none'}")


def data_tier_is_private(target: Target) -> Iterator[Outcome]:
    """Every endpoint at the same time, because what is closed costs its whole patience; after this machine showed that
    it reaches the stack at all."""
    try:
        control = any(opens(address, target.port).opened for address in addresses(target.host, target.port))
    except OSError:
        control = False
    with ThreadPoolExecutor() as pool:
        for name, seen in pool.map(_look, target.private.items()):
            what = f"the {name} is not reachable from here"
            nothing = f"{target.host}:{target.port} is not reachable from here either, {NOTHING_SEEN}"
            yield Outcome(seen.passed and control, what, seen.seen if control or not seen.passed else nothing)


def _look(named: tuple[str, tuple[str, int]]) -> tuple[str, Outcome]:
    """AWS resolves these names for everybody, to private addresses; a public one is wrong even where it is closed."""
    name, (host, port) = named
    try:
        found = addresses(host, port)
    except OSError as error:
        return name, Outcome(False, name, f"{host} does not resolve, {NOTHING_SEEN} ({reason(error)})")
    public = [address for address in found if not is_private(address)]
    if public:
        return name, Outcome(False, name, f"{host} has the public address {', '.join(public)}")
    tried = [opens(address, port) for address in found]
    open_ones = [one for one in tried if one.opened]
    return name, Outcome(not open_ones, name, (open_ones or tried)[0].seen)


CHECKS: tuple[Check, ...] = (
    name_resolves,
    certificate_is_trusted,
    only_modern_tls,
    plain_http_is_refused,
    health_answers,
    attacks_are_blocked,
    stickiness_cookie_is_set,
    data_tier_is_private,
)
