"""What must be seen from outside, a check each. A check says what must be, whether it is, and what was seen.

Nothing here is guessed from a missing answer: a check that could not look fails, and says so.
"""

from __future__ import annotations

import contextlib
import http.client
import socket
import ssl
import time
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, NamedTuple

from operations.smoke.target import Target

SECONDS = 5.0
"""Patience with one connection. What a security group blocks never answers, so such a check lasts this long."""
EXPIRY_DAYS = 14
"""ACM renews 60 days before the end; two weeks before it, renewal has failed."""
OLD_TLS = (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1)
NEW_TLS = (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)
ATTACKS = (
    ("SQL injection", "/?id=1%27%20UNION%20SELECT%20card_number%20FROM%20cards--%20"),
    ("cross-site scripting", "/?q=%3Cscript%3Ealert(document.cookie)%3C%2Fscript%3E"),
)
"""Requests that every managed rule set blocks; they do nothing where nothing blocks them."""
BLOCKED = 403
STICKY_COOKIES = ("AWSALB", "AWSALBAPP")


@dataclass(frozen=True)
class Outcome:
    """One line of the result."""

    passed: bool
    what: str
    seen: str


Check = Callable[[Target], Iterator[Outcome]]


def name_resolves(target: Target) -> Iterator[Outcome]:
    what = f"{target.host} resolves"
    try:
        found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    except OSError as error:
        yield Outcome(False, what, _reason(error))
        return
    yield Outcome(True, what, ", ".join(sorted({str(address[4][0]) for address in found})))


def certificate_is_trusted(target: Target) -> Iterator[Outcome]:
    what = f"the certificate is trusted, names {target.host} and lasts {EXPIRY_DAYS} days"
    try:
        with _tls(target, ssl.create_default_context()) as connection:
            certificate = connection.getpeercert() or {}
    except OSError as error:
        yield Outcome(False, what, _reason(error))
        return
    ends = datetime.fromtimestamp(ssl.cert_time_to_seconds(str(certificate["notAfter"])), UTC)
    days = (ends - datetime.now(UTC)).days
    yield Outcome(days >= EXPIRY_DAYS, what, f"valid for {days} more days")


def only_modern_tls(target: Target) -> Iterator[Outcome]:
    """TLS 1.2 or 1.3 is spoken, and nothing older."""
    spoken = [version.name for version in NEW_TLS if _handshake(target, version).outcome == "spoken"]
    yield Outcome(bool(spoken), "TLS 1.2 or 1.3 is spoken", " and ".join(spoken) or "neither")
    for version in OLD_TLS:
        found = _handshake(target, version)
        yield Outcome(found.outcome == "refused", f"{version.name} is refused", found.seen)


class Handshake(NamedTuple):
    """What came of offering exactly one version of TLS."""

    outcome: Literal["spoken", "refused", "not seen"]
    seen: str


def _handshake(target: Target, version: ssl.TLSVersion) -> Handshake:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # Only the protocol is looked at here, and no data is sent; the certificate has a check of its own.
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    cannot_offer = Handshake("not seen", f"this machine's OpenSSL cannot offer {version.name}")
    try:
        # Security level 0 lets OpenSSL 3 offer TLS 1.0 and 1.1 at all; without it the refusal would be our own.
        context.set_ciphers("ALL:@SECLEVEL=0")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version = version
            context.maximum_version = version
    except (ssl.SSLError, ValueError):
        return cannot_offer
    try:
        connection = socket.create_connection((target.host, target.port), SECONDS)
    except OSError as error:
        return Handshake("not seen", _reason(error))
    with connection:
        try:
            with context.wrap_socket(connection, server_hostname=target.host) as secure:
                return Handshake("spoken", f"it was accepted with {(secure.cipher() or ['?'])[0]}")
        except ssl.SSLError as error:
            ours = error.reason in ("NO_PROTOCOLS_AVAILABLE", "NO_CIPHERS_AVAILABLE")
            return cannot_offer if ours else Handshake("refused", _reason(error))
        except ConnectionError as error:
            return Handshake("refused", _reason(error))
        except OSError as error:
            return Handshake("not seen", _reason(error))


def plain_http_is_refused(target: Target) -> Iterator[Outcome]:
    opened, seen = _opens(target.host, target.http_port)
    yield Outcome(not opened, f"plain HTTP on port {target.http_port} is refused", seen)


def health_answers(target: Target) -> Iterator[Outcome]:
    what = f"{target.health_path} answers 200 through the firewall"
    try:
        status, _, milliseconds = _get(target, target.health_path)
    except (OSError, http.client.HTTPException) as error:
        yield Outcome(False, what, _reason(error))
        return
    yield Outcome(status == http.client.OK, what, f"{status} after {milliseconds} ms")


def attacks_are_blocked(target: Target) -> Iterator[Outcome]:
    for name, path in ATTACKS:
        what = f"{name} is blocked by the firewall"
        try:
            status, _, _ = _get(target, path)
        except (OSError, http.client.HTTPException) as error:
            yield Outcome(False, what, _reason(error))
            continue
        yield Outcome(status == BLOCKED, what, f"answered {status}")


def stickiness_cookie_is_set(target: Target) -> Iterator[Outcome]:
    what = "a client stays with its target (cookie of the load balancer)"
    try:
        _, headers, _ = _get(target, target.health_path)
    except (OSError, http.client.HTTPException) as error:
        yield Outcome(False, what, _reason(error))
        return
    names = [cookie.partition("=")[0].strip() for cookie in headers.get_all("Set-Cookie") or ()]
    sticky = [name for name in names if name.startswith(STICKY_COOKIES)]
    yield Outcome(bool(sticky), what, f"Set-Cookie: {', '.join(names) or 'none'}")


def data_tier_is_private(target: Target) -> Iterator[Outcome]:
    """Every endpoint at the same time, because what is closed costs its whole patience."""
    with ThreadPoolExecutor() as pool:
        yield from pool.map(_is_private, target.private.items())


def _is_private(named: tuple[str, tuple[str, int]]) -> Outcome:
    """AWS resolves these names for everybody, to private addresses; one that does not resolve shows nothing."""
    name, (host, port) = named
    what = f"the {name} is not reachable from here"
    try:
        socket.getaddrinfo(host, port)
    except OSError as error:
        return Outcome(False, what, f"{host} does not resolve, so nothing was seen ({_reason(error)})")
    opened, seen = _opens(host, port)
    return Outcome(not opened, what, seen)


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


def _opens(host: str, port: int) -> tuple[bool, str]:
    """Whether a TCP connection opens, and what was seen."""
    try:
        with socket.create_connection((host, port), SECONDS) as connection:
            return True, f"{connection.getpeername()[0]}:{port} accepted a connection"
    except OSError as error:
        return False, _reason(error)


@contextlib.contextmanager
def _tls(target: Target, context: ssl.SSLContext) -> Iterator[ssl.SSLSocket]:
    with (
        socket.create_connection((target.host, target.port), SECONDS) as plain,
        context.wrap_socket(plain, server_hostname=target.host) as secure,
    ):
        yield secure


def _get(target: Target, path: str) -> tuple[int, http.client.HTTPMessage, int]:
    context = ssl.create_default_context()
    connection = http.client.HTTPSConnection(target.host, target.port, timeout=SECONDS, context=context)
    start = time.monotonic()
    try:
        connection.request("GET", path, headers={"User-Agent": "softpos-smoke-test", "Accept": "*/*"})
        answer = connection.getresponse()
        answer.read()
    finally:
        connection.close()
    return answer.status, answer.headers, int((time.monotonic() - start) * 1000)


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return f"no answer within {SECONDS:.0f} s"
    return " ".join(str(error).split()) or type(error).__name__
