"""What lets IAM's tokens in, in the place of RDS and ElastiCache, in front of real servers.

Each gate speaks the server's protocol over TLS and judges the token as AWS does: the signature by botocore's signer,
the host, the user, 15 minutes. Then it logs in to the real server with the account's password, and passes bytes on.
RDS asks for `mysql_clear_password`, which is why a token never travels without TLS.
"""

from __future__ import annotations

import contextlib
import datetime
import select
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

import pymysql
from botocore.auth import SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests.cutover.servers import Authority

LONGEST_SECONDS = 900
ACCESS_DENIED = 1045


class DeniedError(Exception):
    """Why a token does not let anybody in."""


def judge(
    token: str, *, scheme: str, service: str, host: str, user: str, credentials: Credentials, region: str
) -> None:
    """Raises `DeniedError` unless IAM would let the token in as `user` on `host` now."""
    url = urlsplit(f"{scheme}://{token}")
    given = {name: values[0] for name, values in parse_qs(url.query).items()}
    try:
        signed_at, lasts = given["X-Amz-Date"], int(given["X-Amz-Expires"])
        signature = given["X-Amz-Signature"]
    except KeyError as error:
        raise DeniedError(f"the token has no {error}") from error
    begins = datetime.datetime.strptime(signed_at, "%Y%m%dT%H%M%SZ").replace(tzinfo=datetime.UTC)
    age = (datetime.datetime.now(datetime.UTC) - begins).total_seconds()
    if lasts > LONGEST_SECONDS or not -60 <= age <= lasts:
        raise DeniedError(f"the token is {age:.0f} s old and lasts {lasts} s")
    if url.netloc != host or given.get("Action") != "connect":
        raise DeniedError(f"the token is for {url.netloc}, not for {host}")
    if user not in (given.get("DBUser"), given.get("User")):
        raise DeniedError("the token is for another user")
    unsigned = token.partition("&X-Amz-Signature=")[0]
    signer = SigV4QueryAuth(credentials, service, region, expires=lasts)
    request = AWSRequest(method="GET", url=f"{scheme}://{unsigned}")
    request.context["timestamp"] = signed_at
    wanted = signer.signature(signer.string_to_sign(request, signer.canonical_request(request)), request)
    if signature != wanted:
        raise DeniedError("the signature is wrong")


@dataclass
class Gate:
    """A port on loopback that lets tokens in."""

    authority: Authority
    serve: Callable[[socket.socket, ssl.SSLContext], None]
    denied: list[str] = field(default_factory=list)
    admitted: int = 0

    def __post_init__(self) -> None:
        self._tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._tls.load_cert_chain(self.authority.directory / "server.pem", self.authority.directory / "server.key")
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True, name="gate").start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._one, args=(client,), daemon=True, name="gate").start()

    def _one(self, client: socket.socket) -> None:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # A client that leaves in the middle is nothing that a gate could mend.
        with contextlib.suppress(OSError, EOFError, pymysql.Error), client:
            self.serve(client, self._tls)


def pump(one: ssl.SSLSocket, other: ssl.SSLSocket) -> None:
    """Passes bytes both ways until a side closes."""
    pairs = {one: other, other: one}
    while True:
        ready = [each for each in pairs if each.pending()] or select.select(list(pairs), [], [])[0]
        for each in ready:
            data = each.recv(65_536)
            if not data:
                return
            pairs[each].sendall(data)


# ---- MySQL ----------------------------------------------------------------------------------------------------------

SSL, PROTOCOL_41, SECURE_CONNECTION, PLUGIN_AUTH = 0x800, 0x200, 0x8000, 0x80000
CAPABILITIES = 0x1 | 0x4 | 0x8 | PROTOCOL_41 | SSL | 0x2000 | SECURE_CONNECTION | 0x20000 | PLUGIN_AUTH | 0x200000


def database_gate(
    authority: Authority, backend_port: int, password: str, credentials: Credentials, region: str
) -> Gate:
    """RDS's login in front of a real server on `backend_port`, whose accounts have `password`."""

    def serve(plain: socket.socket, tls: ssl.SSLContext) -> None:
        _send(plain, 0, _greeting())
        _receive(plain)
        with tls.wrap_socket(plain, server_side=True) as client:
            number, answer = _receive(client)
            user, database = _user_and_database(answer)
            _send(client, number + 1, b"\xfemysql_clear_password\0\0")
            number, token = _receive(client)
            try:
                judge(
                    token.rstrip(b"\0").decode(),
                    scheme="https",
                    service="rds-db",
                    host=f"127.0.0.1:{gate.port}",
                    user=user,
                    credentials=credentials,
                    region=region,
                )
                backend = pymysql.connect(
                    host="127.0.0.1",
                    port=backend_port,
                    user=user,
                    password=password,
                    database=database or None,
                    charset="utf8mb4",
                    ssl={"ca": str(authority.ca_file)},
                    connect_timeout=5,
                )
            except (DeniedError, pymysql.Error) as error:
                gate.denied.append(str(error))
                _send(client, number + 1, struct.pack("<BH", 0xFF, ACCESS_DENIED) + b"#28000Access denied")
                return
            gate.admitted += 1
            with contextlib.closing(backend):
                _send(client, number + 1, b"\0\0\0\x02\0\0\0")
                pump(client, backend._sock)  # type: ignore[attr-defined]

    gate = Gate(authority, serve)
    return gate


def _greeting() -> bytes:
    salt = b"0123456789abcdefghij"
    return b"".join(
        [
            b"\x0a8.4.8-gate\0",
            struct.pack("<I", 1),
            salt[:8] + b"\0",
            struct.pack("<HBHHB", CAPABILITIES & 0xFFFF, 45, 2, CAPABILITIES >> 16, 21),
            b"\0" * 10,
            salt[8:] + b"\0mysql_native_password\0",
        ]
    )


def _user_and_database(answer: bytes) -> tuple[str, str]:
    user, _, rest = answer[32:].partition(b"\0")
    rest = rest[1 + rest[0] :]
    return user.decode(), rest.partition(b"\0")[0].decode()


def _send(connection: socket.socket, number: int, content: bytes) -> None:
    connection.sendall(struct.pack("<I", len(content))[:3] + bytes([number]) + content)


def _receive(connection: socket.socket) -> tuple[int, bytes]:
    head = _exactly(connection, 4)
    return head[3], _exactly(connection, int.from_bytes(head[:3], "little"))


def _exactly(connection: socket.socket, size: int) -> bytes:
    found = b""
    while len(found) < size:
        more = connection.recv(size - len(found))
        if not more:
            raise EOFError
        found += more
    return found


# ---- Redis ----------------------------------------------------------------------------------------------------------


def cache_gate(
    authority: Authority, backend: tuple[int, str, str], name: str, user: str, credentials: Credentials, region: str
) -> Gate:
    """ElastiCache's login as `user` to the replication group `name`.

    `backend` is port, user and password of the real Redis.
    """

    def serve(plain: socket.socket, tls: ssl.SSLContext) -> None:
        trusting = ssl.create_default_context(cafile=str(authority.ca_file))
        with (
            tls.wrap_socket(plain, server_side=True) as client,
            socket.create_connection(("127.0.0.1", backend[0]), 5) as behind,
            trusting.wrap_socket(behind, server_hostname="127.0.0.1") as server,
        ):
            for command in _commands(client):
                at = {b"AUTH": 1, b"HELLO": 3}.get(command[0].upper(), len(command))
                if at >= len(command):
                    # Before a login the real server refuses everything itself.
                    server.sendall(_packed(command))
                    client.sendall(server.recv(65_536))
                    continue
                try:
                    judge(
                        command[at + 1].decode(),
                        scheme="http",
                        service="elasticache",
                        host=name,
                        user=user,
                        credentials=credentials,
                        region=region,
                    )
                except DeniedError as error:
                    gate.denied.append(str(error))
                    client.sendall(b"-WRONGPASS invalid username-password pair or user is disabled.\r\n")
                    return
                gate.admitted += 1
                command[at], command[at + 1] = backend[1].encode(), backend[2].encode()
                server.sendall(_packed(command))
                pump(client, server)
                return

    gate = Gate(authority, serve)
    return gate


def _commands(connection: socket.socket) -> Iterator[list[bytes]]:
    """Commands in Redis's protocol, one at a time."""

    def line() -> bytes:
        found = b""
        while not found.endswith(b"\r\n"):
            found += _exactly(connection, 1)
        return found[:-2]

    while True:
        command = []
        for _ in range(int(line()[1:])):
            command.append(_exactly(connection, int(line()[1:])))
            _exactly(connection, 2)
        yield command


def _packed(command: list[bytes]) -> bytes:
    parts = b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in command)
    return b"*%d\r\n%s" % (len(command), parts)
