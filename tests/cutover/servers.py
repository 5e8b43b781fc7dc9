"""Real MySQL-compatible servers for the tests: own data directories, free ports on loopback, TLS, own processes.

Each test runs on every flavour at hand: `mariadbd` from the operating system, and `mysqld`, on PATH or named by
CUTOVER_TEST_MYSQLD (`make mysql` fetches one).
"""

from __future__ import annotations

import contextlib
import ctypes
import datetime
import functools
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from pathlib import Path
from random import SystemRandom
from typing import Any

import pymysql
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

BINARY_VARIABLE = "CUTOVER_TEST_MYSQLD"
ROOT_PASSWORD = "root-of-a-test-server"
START_SECONDS = 60


def server_binaries() -> dict[str, str]:
    """The servers to test against, by flavour."""
    path = f"{os.environ.get('PATH', '')}:/usr/sbin"
    found = [shutil.which("mariadbd", path=path), os.environ.get(BINARY_VARIABLE) or shutil.which("mysqld", path=path)]
    return {"mariadb" if is_mariadb(binary) else "mysql": binary for binary in found if binary}


@functools.cache
def version_of(binary: str) -> str:
    """What the server says of itself, such as `Ver 9.7.4-2 for Linux on x86_64 ((Debian))`."""
    said = subprocess.run([binary, "--no-defaults", "--version"], capture_output=True, text=True, check=True).stdout
    return said.partition("  ")[2].strip() or said.strip()


def is_mariadb(binary: str) -> bool:
    return "mariadb" in version_of(binary).lower()


def free_port() -> int:
    """A port below those that the system gives to clients, so that none of their connections takes it meanwhile."""
    for port in SystemRandom().sample(range(20_000, 32_000), 100):
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            return port
    raise RuntimeError("No port is free between 20000 and 32000 on loopback; end what holds them.")


_LIBC = ctypes.CDLL(None)
_PR_SET_PDEATHSIG = 1


def _die_with_the_tests() -> None:
    """Linux ends the server with the test run, even one that was killed and could not clean up."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


@dataclass(frozen=True)
class Authority:
    """A throw-away certificate authority with one server certificate for loopback and the example's public name."""

    directory: Path

    @property
    def ca_file(self) -> Path:
        return self.directory / "ca.pem"

    @property
    def ca_pem(self) -> str:
        return self.ca_file.read_text()

    @classmethod
    def create(cls, directory: Path) -> Authority:
        directory.mkdir(parents=True, exist_ok=True)
        now = datetime.datetime.now(datetime.UTC)
        ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())

        def certificate(name: str, public: Any, issuer: str, extensions: list[tuple[Any, bool]]) -> x509.Certificate:
            builder = (
                x509.CertificateBuilder()
                .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
                .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
                .public_key(public)
                .serial_number(x509.random_serial_number())
                .not_valid_before(now - datetime.timedelta(days=1))
                .not_valid_after(now + datetime.timedelta(days=365))
            )
            for extension, critical in extensions:
                builder = builder.add_extension(extension, critical)
            return builder.sign(ca_key, hashes.SHA256())

        ca = certificate(
            "test ca",
            ca_key.public_key(),
            "test ca",
            [
                (x509.BasicConstraints(ca=True, path_length=None), True),
                (x509.SubjectKeyIdentifier.from_public_key(ca_key.public_key()), False),
                (
                    x509.KeyUsage(
                        digital_signature=True,
                        key_cert_sign=True,
                        crl_sign=True,
                        content_commitment=False,
                        key_encipherment=False,
                        data_encipherment=False,
                        key_agreement=False,
                        encipher_only=False,
                        decipher_only=False,
                    ),
                    True,
                ),
            ],
        )
        names = [x509.DNSName("localhost"), x509.DNSName("pay.example.com"), x509.IPAddress(IPv4Address("127.0.0.1"))]
        server = certificate(
            "test server",
            key.public_key(),
            "test ca",
            [
                (x509.SubjectAlternativeName(names), False),
                (x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), False),
            ],
        )
        (directory / "ca.pem").write_bytes(ca.public_bytes(serialization.Encoding.PEM))
        (directory / "server.pem").write_bytes(server.public_bytes(serialization.Encoding.PEM))
        (directory / "server.key").write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        for file in directory.iterdir():
            file.chmod(0o644)
        return cls(directory)


@dataclass
class TestServer:
    """One server process. `stop` ends it; `start` brings it back on the same data."""

    __test__ = False

    binary: str
    directory: Path
    authority: Authority
    server_id: int
    port: int = field(default_factory=free_port)
    options: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    @property
    def mariadb(self) -> bool:
        return is_mariadb(self.binary)

    def start(self) -> None:
        settings = {
            "datadir": str(self.directory / "data"),
            # Its own: a server that starts deletes what it finds of temporary tables, and another's server crashes.
            "tmpdir": str(self.directory),
            "socket": str(self.directory / "s.sock"),
            "pid-file": str(self.directory / "s.pid"),
            "log-error": str(self.directory / "error.log"),
            "port": str(self.port),
            "bind-address": "127.0.0.1",
            "server-id": str(self.server_id),
            "log-bin": "binlog",
            "binlog-format": "ROW",
            "binlog-row-image": "FULL",
            "binlog-expire-logs-seconds": "259200",
            "sync-binlog": "0",
            "innodb-flush-log-at-trx-commit": "2",
            "innodb-buffer-pool-size": "128M",
            "skip-name-resolve": "1",
            "local-infile": "1",
            "log-bin-trust-function-creators": "1",
            "ssl-ca": str(self.authority.ca_file),
            "ssl-cert": str(self.authority.directory / "server.pem"),
            "ssl-key": str(self.authority.directory / "server.key"),
            "character-set-server": "utf8mb4",
            **({"user": "root"} if os.geteuid() == 0 else {}),
        }
        if self.mariadb:
            settings |= {
                "binlog-row-metadata": "FULL",
                "binlog-annotate-row-events": "0",
                # The data need not outlive the machine, and the system keeps what a killed server has written.
                "innodb-flush-method": "nosync",
            }
        else:
            settings |= {
                "mysqlx": "0",
                "binlog-row-metadata": "FULL",
                "secure-file-priv": "",
            }
        settings |= self.options
        command = [self.binary, "--no-defaults", *[f"--{name}={value}" for name, value in settings.items()]]
        self.process = subprocess.Popen(
            command,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=_die_with_the_tests if sys.platform == "linux" else None,
        )
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                self.connect().close()
            except pymysql.Error:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    self.stop()
                    errors = self.directory / "error.log"
                    log = errors.read_text()[-2000:] if errors.exists() else "no log"
                    raise RuntimeError(f"the test server did not start:\n{log}") from None
                time.sleep(0.05)
            else:
                return

    def connect(self, user: str = "root", password: str = ROOT_PASSWORD, **options: Any) -> pymysql.Connection[Any]:
        return pymysql.connect(
            host="127.0.0.1",
            port=self.port,
            user=user,
            password=password,
            charset="utf8mb4",
            ssl={"ca": str(self.authority.ca_file)},
            **({"autocommit": True, "connect_timeout": 5} | options),
        )

    def run(self, *statements: str) -> list[tuple[Any, ...]]:
        """Carries out the statements as root; the last one's rows."""
        connection = self.connect()
        try:
            with connection.cursor() as cursor:
                for text in statements:
                    cursor.execute(text)
                return list(cursor.fetchall())
        finally:
            connection.close()

    def stop(self, signal_number: int = signal.SIGKILL) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal_number)
            self.process.wait(timeout=60)
        self.process = None


def make_template(binary: str, directory: Path) -> Path:
    """An initialised data directory whose root has a password: copied for each server, as making one takes seconds."""
    directory.mkdir(parents=True)
    data = directory / "data"
    as_root = ["--user=root"] if os.geteuid() == 0 else []
    small = ["--innodb-log-file-size=8M"] if is_mariadb(binary) else ["--innodb-redo-log-capacity=16M"]
    if is_mariadb(binary):
        command = [
            "mariadb-install-db",
            "--no-defaults",
            f"--datadir={data}",
            f"--tmpdir={directory}",
            "--auth-root-authentication-method=normal",
            "--skip-test-db",
            "--skip-name-resolve",
            *as_root,
            *small,
        ]
        command[0] = shutil.which("mariadb-install-db") or command[0]
    else:
        command = [
            binary,
            "--no-defaults",
            "--initialize-insecure",
            f"--datadir={data}",
            f"--tmpdir={directory}",
            *as_root,
            *small,
        ]
    subprocess.run(command, check=True, capture_output=True)
    return data


def make_server(binary: str, template: Path, directory: Path, authority: Authority, server_id: int) -> TestServer:
    directory.mkdir(parents=True)
    shutil.copytree(template, directory / "data")
    (directory / "data" / "auto.cnf").unlink(missing_ok=True)
    server = TestServer(binary, directory, authority, server_id)
    if server.mariadb:
        server.options = {"innodb-log-file-size": "8M"}
    else:
        server.options = {"innodb-redo-log-capacity": "16M"}
    _set_root_password(server)
    return server


def _set_root_password(server: TestServer) -> None:
    """Started once with an init file: an account with an empty password is never reachable over the network."""
    init = server.directory / "init.sql"
    init.write_text(
        f"ALTER USER 'root'@'localhost' IDENTIFIED BY '{ROOT_PASSWORD}';\n"
        f"CREATE USER IF NOT EXISTS 'root'@'127.0.0.1' IDENTIFIED BY '{ROOT_PASSWORD}';\n"
        f"ALTER USER 'root'@'127.0.0.1' IDENTIFIED BY '{ROOT_PASSWORD}';\n"
        "GRANT ALL PRIVILEGES ON *.* TO 'root'@'127.0.0.1' WITH GRANT OPTION;\n"
    )
    init.chmod(0o644)
    saved = dict(server.options)
    server.options["init-file"] = str(init)
    server.start()
    server.options = saved
    server.options.pop("init-file", None)
