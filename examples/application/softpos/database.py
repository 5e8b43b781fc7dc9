"""The payment database: a pool of connections that follows the connection secret."""

from __future__ import annotations

import contextlib
import ssl
import threading
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pymysql
from sqlalchemy import Connection as SqlConnection
from sqlalchemy import Engine, create_engine
from sqlalchemy.exc import DBAPIError, InternalError, InvalidRequestError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from softpos.connection import Connection

CONNECTIONS = 10
"""Per instance. A token is checked at each login, and AWS advises IAM below 200 new connections per second."""
CONNECT_SECONDS = 3
ANSWER_SECONDS = 5
"""Longer than any statement of the application; what takes longer has lost its server."""
RECYCLE_SECONDS = 600
LOCK_WAIT_SECONDS = 3


class DatabaseUnavailableError(Exception):
    """The database is away, refuses writes or has moved. A request with the same idempotency key may be sent again."""


class _Engines(NamedTuple):
    writer: Engine
    reader: Engine
    pulse: Engine


class Database:
    """Transactions on the database that the connection secret names at this moment."""

    def __init__(
        self,
        ca_file: str,
        token: Callable[[str, int, str], str],
        suspect: Callable[[], None] = lambda: None,
    ) -> None:
        """`token` makes a password for host, port and user; `suspect` is told of each error that a move explains."""
        self._tls = ssl.create_default_context(cafile=ca_file)
        self._token = token
        self.suspect = suspect
        self._engines: _Engines | None = None
        self._lock = threading.Lock()

    def use(self, connection: Connection) -> None:
        """From now on transactions begin on `connection`; those that run end where they began."""
        reader_host = connection.reader_host or connection.host
        engines = _Engines(
            self._engine(connection, connection.host, CONNECTIONS),
            self._engine(connection, reader_host, CONNECTIONS),
            self._engine(connection, connection.host, 1),
        )
        with self._lock:
            before, self._engines = self._engines, engines
        for engine in before or ():
            engine.dispose()

    @contextlib.contextmanager
    def writing(self) -> Iterator[SqlConnection]:
        """One transaction on the writer: committed at the end, rolled back by an exception.

        Raises:
            DatabaseUnavailableError: see there. Whether a COMMIT without an answer happened is not known.
        """
        with self._transaction("writer") as transaction:
            yield transaction

    @contextlib.contextmanager
    def reading(self) -> Iterator[SqlConnection]:
        """One transaction on the reader, which may be some milliseconds late: for reports, never for a payment."""
        with self._transaction("reader") as transaction:
            yield transaction

    @contextlib.contextmanager
    def pulsing(self) -> Iterator[SqlConnection]:
        """The health check's own connection: a busy pool is no reason to call an instance unhealthy."""
        with self._transaction("pulse") as transaction:
            yield transaction

    def close(self) -> None:
        with self._lock:
            engines, self._engines = self._engines, None
        for engine in engines or ():
            engine.dispose()

    @contextlib.contextmanager
    def _transaction(self, which: str) -> Iterator[SqlConnection]:
        engines = self._engines
        if engines is None:
            self.suspect()
            raise DatabaseUnavailableError("The database's address is not known yet.")
        try:
            with getattr(engines, which).begin() as transaction:
                yield transaction
        except (OperationalError, InternalError, PoolTimeoutError, InvalidRequestError, pymysql.Error) as error:
            self.suspect()
            raise DatabaseUnavailableError(_said(error)) from error

    def _engine(self, connection: Connection, host: str, size: int) -> Engine:
        def connect() -> Any:
            password = connection.password
            if connection.auth == "iam":
                password = self._token(host, connection.port, connection.username)
            return pymysql.connect(
                host=host,
                port=connection.port,
                user=connection.username,
                password=password,
                database=connection.database,
                ssl=self._tls,  # verifies authority and host name; a token or password goes to nobody else
                charset="utf8mb4",
                connect_timeout=CONNECT_SECONDS,
                read_timeout=ANSWER_SECONDS,
                write_timeout=ANSWER_SECONDS,
                init_command=f"SET SESSION time_zone = '+00:00', innodb_lock_wait_timeout = {LOCK_WAIT_SECONDS}",
            )

        return create_engine(
            "mysql+pymysql://",
            creator=connect,
            pool_size=size,
            max_overflow=0,
            pool_timeout=CONNECT_SECONDS,
            pool_pre_ping=True,
            pool_recycle=RECYCLE_SECONDS,
            pool_use_lifo=True,
        )


def _said(error: Exception) -> str:
    """Kind and number of an error. Its text could hold what the statement held."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    number = cause.args[0] if cause and cause.args and isinstance(cause.args[0], int) else ""
    return f"{type(cause).__name__} {number}".strip()
