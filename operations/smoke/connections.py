"""Connections that end: every one has a deadline for all it does, and every answer a most that is read of it.

A server that sends a byte now and then never lets a socket's own timeout pass, and one that never ends its answer
fills the memory. The deadline cuts the connection itself, so that a handshake, a header and a body end alike.
"""

from __future__ import annotations

import contextlib
import http.client
import socket
import ssl
import threading
import time
import warnings
from collections.abc import Iterator
from ipaddress import ip_address
from typing import Literal, NamedTuple

SECONDS = 5.0
"""Patience with one connection, from its start to its end. What a security group blocks never answers."""
BODY_BYTES = 65_536
"""Most that is read of an answer's body; no check looks at more."""
RECORD_HEADER_BYTES = 5
"""RFC 8446, section 5.1: type, version and length, which is the last two bytes."""


class Answer(NamedTuple):
    """What a server answered."""

    status: int
    headers: http.client.HTTPMessage
    milliseconds: int


class Opened(NamedTuple):
    """Whether a TCP connection opened, and what was seen."""

    opened: bool
    seen: str


class Handshake(NamedTuple):
    """What came of offering exactly one version of TLS."""

    outcome: Literal["spoken", "refused", "not seen"]
    seen: str


def addresses(host: str, port: int) -> list[str]:
    """All addresses of a name.

    Raises:
        OSError: when it does not resolve.
    """
    return sorted({str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)})


def is_private(address: str) -> bool:
    return ip_address(address.partition("%")[0]).is_private


def opens(address: str, port: int) -> Opened:
    """Try a TCP connection."""
    try:
        with _plain(address, port):
            return Opened(True, f"{address}:{port} accepted a connection")
    except OSError as error:
        return Opened(False, reason(error))


def certificate(host: str, port: int) -> dict[str, object]:
    """The server's certificate, after it was verified.

    Raises:
        OSError: when there is no connection, or the certificate is not to be trusted.
    """
    with _plain(host, port) as plain, ssl.create_default_context().wrap_socket(plain, server_hostname=host) as secure:
        return dict(secure.getpeercert() or {})


def get(host: str, port: int, path: str) -> Answer:
    """Ask for a path over TLS, and read at most `BODY_BYTES` of what comes.

    Raises:
        OSError, http.client.HTTPException: when there is no answer, or none within `SECONDS`.
    """
    start = time.monotonic()
    connection = http.client.HTTPConnection(host, port)
    with _plain(host, port) as plain, ssl.create_default_context().wrap_socket(plain, server_hostname=host) as secure:
        connection.sock = secure
        connection.request("GET", path, headers={"User-Agent": "softpos-smoke-test", "Accept": "*/*"})
        answer = connection.getresponse()
        answer.read(BODY_BYTES)
        return Answer(answer.status, answer.headers, int((time.monotonic() - start) * 1000))


def handshake(host: str, port: int, version: ssl.TLSVersion) -> Handshake:
    """Offer one version of TLS alone and look at the first record that comes back, no further.

    A server whose hello agrees speaks the version, whatever it asks for next, a client's certificate for example.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # Only the protocol is looked at here, and no data is sent; the certificate has a check of its own.
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    cannot_offer = Handshake("not seen", f"this machine's OpenSSL cannot offer {version.name}")
    received, sent = ssl.MemoryBIO(), ssl.MemoryBIO()
    try:
        # Security level 0 lets OpenSSL 3 offer TLS 1.0 and 1.1 at all; without it the refusal would be our own.
        context.set_ciphers("ALL:@SECLEVEL=0")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version = version
            context.maximum_version = version
        offered = context.wrap_bio(received, sent, server_hostname=host)
        with contextlib.suppress(ssl.SSLWantReadError):
            offered.do_handshake()
    except (ssl.SSLError, ValueError):
        return cannot_offer
    try:
        with _plain(host, port) as connection:
            connection.sendall(sent.read())
            received.write(_record(connection))
            offered.do_handshake()
    except ssl.SSLWantReadError:
        return Handshake("spoken", "it was accepted")
    except ssl.SSLError as error:
        return Handshake("refused", f"the server refused it ({error.reason})")
    except ConnectionError as error:
        return Handshake("refused", reason(error))
    except OSError as error:
        return Handshake("not seen", reason(error))
    return Handshake("spoken", "it was accepted")


def _record(connection: socket.socket) -> bytes:
    """The first record that comes.

    Raises:
        ConnectionError: when the server closes the connection instead.
    """
    header = _exactly(connection, RECORD_HEADER_BYTES)
    return header + _exactly(connection, int.from_bytes(header[-2:]))


def _exactly(connection: socket.socket, count: int) -> bytes:
    found = b""
    while len(found) < count:
        part = connection.recv(count - len(found))
        if not part:
            raise ConnectionError("the server closed the connection")
        found += part
    return found


@contextlib.contextmanager
def _plain(host: str, port: int) -> Iterator[socket.socket]:
    """A TCP connection that is cut after `SECONDS`; what it does by then ends with `TimeoutError`."""
    cut = threading.Event()
    with socket.create_connection((host, port), SECONDS) as connection, connection.dup() as same:
        connection.settimeout(SECONDS)

        def end() -> None:
            cut.set()
            with contextlib.suppress(OSError):  # the other side was faster
                same.shutdown(socket.SHUT_RDWR)

        timer = threading.Timer(SECONDS, end)
        timer.daemon = True
        timer.start()
        try:
            yield connection
        except (OSError, http.client.HTTPException) as error:
            raise (TimeoutError() if cut.is_set() else error) from None
        else:
            if cut.is_set():  # an answer that the end of the connection completed is none
                raise TimeoutError
        finally:
            timer.cancel()
            timer.join()


def reason(error: Exception) -> str:
    """What an error says, on one line."""
    if isinstance(error, TimeoutError):
        return f"no answer within {SECONDS:.0f} s"
    return " ".join(str(error).split()) or type(error).__name__
