"""One instance: its parts, its own certificate, and how it starts and ends."""

from __future__ import annotations

import asyncio
import datetime
import logging
import signal
import socket
import tempfile
import time
from pathlib import Path
from types import FrameType

import boto3
import uvicorn
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from redis.credentials import CredentialProvider

from softpos.api import Parts, build
from softpos.configuration import Configuration
from softpos.connection import Connection, ConnectionWatch, reader
from softpos.database import Database
from softpos.health import Health
from softpos.payments import Payments
from softpos.sessions import Sessions, password_login
from softpos.tokens import CacheLogin, DatabaseLogin

LOG = logging.getLogger(__name__)
CERTIFICATE_DAYS = 365
KEEP_ALIVE_SECONDS = 4060
"""More than the longest idle timeout of the load balancer (4000 s): the side that sends requests must be the one that
closes an idle connection, or a request meets a closed one."""
CLOSE_SECONDS = 1.0
"""How long an idle client may take to answer the end of TLS; asyncio would wait for half a minute."""
LONGEST_REQUEST_SECONDS = 60
"""What the load balancer waits for when an instance leaves."""


class Server(uvicorn.Server):
    """Uvicorn, which on SIGTERM first takes requests for some seconds more and asks each client to leave."""

    def __init__(self, config: uvicorn.Config, health: Health, drain_seconds: float) -> None:
        super().__init__(config)
        self._health = health
        self._drain_seconds = drain_seconds
        self._leaves_at: float | None = None

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """The first signal begins the drain, a second one ends the instance at once."""
        if self._leaves_at is None and sig == signal.SIGTERM:
            LOG.info("SIGTERM: leaving in %s s", self._drain_seconds)
            self._health.draining = True
            self._leaves_at = time.monotonic() + self._drain_seconds
        else:
            super().handle_exit(sig, frame)

    async def on_tick(self, counter: int) -> bool:
        """Every tenth of a second: whether to stop."""
        if self._leaves_at is not None and time.monotonic() >= self._leaves_at:
            self.should_exit = True
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Closes the port, then waits for the requests that run, and not for idle clients that are slow to hang up."""
        asyncio.get_running_loop().call_later(CLOSE_SECONDS, self._hang_up)
        await super().shutdown(sockets)

    def _hang_up(self) -> None:
        for connection in list(self.server_state.connections):
            cycle = getattr(connection, "cycle", None)
            if cycle is None or cycle.response_complete:
                connection.transport.abort()


class Instance:
    """The parts of the application, wired."""

    def __init__(self, configuration: Configuration) -> None:
        self._configuration = configuration
        session = boto3.Session(region_name=configuration.aws_region)
        region = configuration.aws_region
        self.database = Database(configuration.database_ca_file, DatabaseLogin(session, region).token)
        login: CredentialProvider
        if configuration.cache_name:
            login = CacheLogin(session, configuration.cache_name, configuration.cache_user, region)
        else:
            password = Path(configuration.cache_password_file).read_text(encoding="utf-8").strip()
            login = password_login(configuration.cache_user, password)
        self.sessions = Sessions.of(configuration, login)
        self.health = Health(self.database, self.sessions, configuration.instance)
        self.payments = Payments(self.database)
        self.watch = ConnectionWatch(reader(configuration, session), self._moved, configuration.secret_poll_seconds)
        self.database.suspect = self.watch.ask

    def _moved(self, connection: Connection) -> None:
        self.database.use(connection)
        self.health.look_soon()

    def serve(self) -> None:
        """Runs until SIGTERM, and returns when all requests are answered."""
        configuration = self._configuration
        self.watch.start()
        self.health.start()
        with tempfile.TemporaryDirectory() as directory:
            certificate, key = own_certificate(Path(directory))
            config = uvicorn.Config(
                build(Parts(self.payments, self.sessions, self.health)),
                host=configuration.listen_address,
                port=configuration.tls_port,
                ssl_certfile=str(certificate),
                ssl_keyfile=str(key),
                timeout_keep_alive=KEEP_ALIVE_SECONDS,
                timeout_graceful_shutdown=LONGEST_REQUEST_SECONDS,
                server_header=False,
                access_log=False,
                log_config=None,
            )
            Server(config, self.health, configuration.drain_seconds).run()
        self.close()

    def close(self) -> None:
        self.watch.stop()
        self.health.stop()
        self.sessions.disconnect()
        self.database.close()


def own_certificate(directory: Path) -> tuple[Path, Path]:
    """A certificate and key of this instance alone: the load balancer encrypts to it and does not verify it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "softpos")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=CERTIFICATE_DAYS))
        .sign(key, hashes.SHA256())
    )
    files = directory / "certificate.pem", directory / "key.pem"
    files[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    files[1].touch(mode=0o600)
    files[1].write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return files
