"""A load balancer on this machine: a TLS server that behaves, and one that misbehaves in each way."""

from __future__ import annotations

import contextlib
import ssl
import threading
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

HOST = "localhost"


@dataclass(frozen=True, kw_only=True)
class Behaviour:
    """How the server answers; the defaults are as a good deployment does."""

    health: int = 200
    blocks: tuple[str, ...] = ("UNION SELECT", "<script>")
    cookie: str = "AWSALB=abc; Path=/"
    oldest_tls: ssl.TLSVersion = ssl.TLSVersion.TLSv1_2
    newest_tls: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3
    certificate_days: int = 90
    wants_client_certificate: bool = False
    blocks_everything: bool = False
    """Answers 403 to all but the health check, as an API does without a session."""
    reaches_target: bool = False
    """The 403 is the application's own: the load balancer adds its cookie."""
    drips: bool = False
    """Sends a byte of a header now and then, and never the end."""
    endless: bool = False
    """Sends a body that never ends."""
    certificate_name: str = HOST
    paths: list[str] = field(default_factory=list)
    """What was asked for."""
    poured: list[int] = field(default_factory=list)
    """Bytes of endless bodies that were taken."""


def certificate(directory: Path, name: str, days: int) -> tuple[Path, Path]:
    """A self-signed certificate for `name` that ends in `days`, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=100))
        .not_valid_after(now + timedelta(days=days, hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate_file, key_file = directory / "certificate.pem", directory / "key.pem"
    certificate_file.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return certificate_file, key_file


def drip(handler: BaseHTTPRequestHandler) -> None:
    with contextlib.suppress(OSError):
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        while True:
            handler.wfile.write(b"x")
            time.sleep(0.05)


def pour(handler: BaseHTTPRequestHandler, poured: list[int]) -> None:
    with contextlib.suppress(OSError):
        while True:
            poured.append(handler.wfile.write(bytes(65_536)))


@contextlib.contextmanager
def load_balancer(behaviour: Behaviour, directory: Path) -> Iterator[tuple[int, Path]]:
    """A running server: its port, and the certificate to trust."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = unquote(self.path)
            behaviour.paths.append(path)
            status = behaviour.health if path.startswith("/health") else 200
            if any(attack in path for attack in behaviour.blocks):
                status = 403
            attacked = status == 403
            if behaviour.blocks_everything and not path.startswith("/health"):
                status = 403
            if behaviour.drips:
                drip(self)
                return
            self.send_response(status)
            if behaviour.endless:
                self.end_headers()
                pour(self, behaviour.poured)
                return
            if behaviour.cookie and (not attacked or behaviour.reaches_target):
                self.send_header("Set-Cookie", behaviour.cookie)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: Any) -> None:
            """A refused handshake is what half of these tests want."""

    certificate_file, key_file = certificate(directory, behaviour.certificate_name, behaviour.certificate_days)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = behaviour.oldest_tls
        context.maximum_version = behaviour.newest_tls
    context.load_cert_chain(certificate_file, key_file)
    if behaviour.wants_client_certificate:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(certificate_file)
    server = Server(("127.0.0.1", 0), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server.server_address[1], certificate_file
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
