"""A MySQL-compatible server as this tool meets it: which flavour it is, and how each thing is said to it.

MySQL 5.7 to 9.x, Aurora MySQL and MariaDB differ in words (`SHOW BINARY LOG STATUS`) and in means (`super_read_only`
does not exist on MariaDB, an RDS account may not set it). `Dialect` is the table of those differences; nothing else
asks for a version.
"""

from __future__ import annotations

import contextlib
import re
import ssl
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pymysql
import pymysql.cursors

from cutover.errors import ToolError

Row = Mapping[str, Any]
CONNECT_SECONDS = 10
READ_SECONDS = 60
"""Longest answer to one control statement; checksums set their own, shorter limit."""
LOCK_SECONDS = 2
"""Longest wait for a lock of one statement. Whoever holds it is then named, and the statement is tried again."""
GONE_SECONDS = 10
"""Within this time a statement that was given up must have ended on the server."""
LOCK_WAIT_TIMEOUT = 1205
EVENTS_READ = 50
SILENT_EVENTS = frozenset(
    {"Rotate", "Stop", "Format_desc", "Previous_gtids", "Gtid", "Anonymous_Gtid", "Gtid_list", "Binlog_checkpoint"}
    | {"Start_encryption", "Heartbeat", "Xid"}
)
"""Events of the binary log that are there without a write, or around one that shows itself."""
CONNECTION_LOST = frozenset({0, 2006, 2013, 2014, 2055, 4031})
"""Client errors after which a new connection is tried once: gone away, lost, out of sync, idle too long."""


@dataclass(frozen=True, kw_only=True)
class Dialect:
    """What one server calls things. Made by `dialect_of`."""

    flavour: str
    """`mysql`, `aurora`, `rds` or `mariadb`."""
    version: tuple[int, int, int]

    @property
    def managed(self) -> bool:
        """Run by AWS: no account may set global variables, `mysql.rds_*` procedures stand in."""
        return self.flavour in ("aurora", "rds")

    @property
    def binary_log_status(self) -> str:
        """MySQL 8.2 renamed the statement, 8.4 removed the old one."""
        if self.flavour != "mariadb" and self.version >= (8, 2, 0):
            return "SHOW BINARY LOG STATUS"
        return "SHOW MASTER STATUS"

    @property
    def replica_status(self) -> str:
        """MySQL 8.0.22 renamed the statement, 8.4 removed the old one."""
        return (
            "SHOW REPLICA STATUS" if self.flavour != "mariadb" and self.version >= (8, 0, 22) else "SHOW SLAVE STATUS"
        )

    @property
    def has_super_read_only(self) -> bool:
        return self.flavour == "mysql" and self.version >= (5, 7, 8)

    @property
    def survives_restart(self) -> bool:
        """`SET PERSIST` keeps a frozen server frozen over a restart; without it a restart would thaw it."""
        return self.flavour == "mysql" and self.version >= (8, 0, 0)

    @property
    def caches_statistics(self) -> bool:
        """MySQL 8 answers AUTO_INCREMENT and row estimates from a cache that is up to a day old."""
        return self.flavour != "mariadb" and self.version >= (8, 0, 0)

    @property
    def bypass_privilege(self) -> str:
        """What lets an account write although `read_only` is on."""
        if self.flavour == "mariadb":
            return "READ_ONLY ADMIN" if self.version >= (10, 5, 2) else "SUPER"
        return "CONNECTION_ADMIN" if self.version >= (8, 0, 0) else "SUPER"

    @property
    def statement_limit(self) -> str:
        """Sets the longest time of a SELECT, in milliseconds given as `{ms}`."""
        if self.flavour == "mariadb":
            return "SET SESSION max_statement_time = {ms} / 1000"
        return "SET SESSION max_execution_time = {ms}"

    def set_global(self, variable: str, value: str) -> str:
        return f"SET {'PERSIST' if self.survives_restart else 'GLOBAL'} {variable} = {value}"

    @property
    def freeze_clients(self) -> str:
        """No client writes any more, but for accounts with `bypass_privilege`."""
        return self.set_global("read_only", "ON")

    @property
    def freeze_all(self) -> str | None:
        """Nobody writes any more, this tool included. None where the flavour has no such lock."""
        return self.set_global("super_read_only", "ON") if self.has_super_read_only else None

    @property
    def admit_replication(self) -> str | None:
        """Undoes `freeze_all` and leaves `freeze_clients` on: only accounts with `bypass_privilege` write."""
        return self.set_global("super_read_only", "OFF") if self.has_super_read_only else None

    @property
    def thaw(self) -> str:
        """Turning `read_only` off turns `super_read_only` off too (MySQL manual, super_read_only)."""
        return self.set_global("read_only", "OFF")

    def kill(self, connection_id: int) -> str:
        return f"CALL mysql.rds_kill({connection_id})" if self.managed else f"KILL {connection_id}"

    @property
    def binlog_retention(self) -> str:
        """The variable with the retention; its unit is days where the name says so."""
        if self.flavour == "mariadb" and self.version < (10, 6, 1):
            return "expire_logs_days"
        return "binlog_expire_logs_seconds" if self.version >= (8, 0, 0) else "expire_logs_days"


def parse_version(text: str) -> tuple[int, int, int]:
    """The numbers of `@@version`. MariaDB may prefix `5.5.5-` for old clients."""
    found = re.match(r"(?:5\.5\.5-(?=\d+\.\d+\.\d+-MariaDB))?(\d+)\.(\d+)(?:\.(\d+))?", text)
    if found is None:
        raise ToolError(f"The server's version '{text}' has no number; is it a MySQL-compatible server?")
    major, minor, patch = found.groups()
    return int(major), int(minor), int(patch or 0)


def dialect_of(version: str, *, aurora: bool = False, rds: bool = False) -> Dialect:
    """The dialect of a server that says `version`; `aurora` and `rds` as `Server` finds them out."""
    flavour = "aurora" if aurora else "mariadb" if "mariadb" in version.lower() else "rds" if rds else "mysql"
    return Dialect(flavour=flavour, version=parse_version(version))


@dataclass(frozen=True, kw_only=True)
class BinlogPosition:
    file: str
    offset: int

    def __str__(self) -> str:
        return f"{self.file}:{self.offset}"

    @classmethod
    def parse(cls, text: str) -> BinlogPosition:
        file, _, offset = text.rpartition(":")
        return cls(file=file, offset=int(offset or 0))


def parse_binlog_status(row: Row) -> BinlogPosition:
    """Both spellings of the statement answer with `File` and `Position`."""
    return BinlogPosition(file=str(row["File"]), offset=int(row["Position"]))


@dataclass(frozen=True, kw_only=True)
class Login:
    """Where a server is and as whom to enter it. `repr` shows no password."""

    host: str
    port: int
    username: str
    password: str

    def __repr__(self) -> str:
        return f"Login({self.username}@{self.host}:{self.port})"


@dataclass(frozen=True, kw_only=True)
class Tls:
    """TLS is always on and the certificate's issuer always verified; `verify_name` adds the host name."""

    ca_pem: str
    verify_name: bool = True

    def context(self) -> ssl.SSLContext:
        context = ssl.create_default_context(cadata=self.ca_pem)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.check_hostname = self.verify_name
        return context


class Server:
    """One server and one control connection to it, opened when first used and reopened once when lost.

    Safe for use by several threads: statements queue. For parallel work open more with `connect`. A statement whose
    answer did not come may still run on the server: it is ended there, and seen ended, before anything else is said.
    """

    def __init__(self, role: str, account: Login, tls: Tls) -> None:
        self.role = role
        """`source` (on-premises) or `target` (AWS), as shown to the operator."""
        self.account = account
        self.tls = tls
        self._connection: pymysql.Connection[pymysql.cursors.DictCursor] | None = None
        self._lock = threading.RLock()
        self._dialect: Dialect | None = None
        self._given_up: set[int] = set()
        """Connections whose last statement was not answered and that were not yet seen ended."""

    def connect(
        self, read_seconds: float = READ_SECONDS, lock_seconds: float = LOCK_SECONDS, schema: str | None = None
    ) -> pymysql.Connection[pymysql.cursors.DictCursor]:
        settings = SESSION.replace("{lock}", str(max(1, int(lock_seconds))))
        try:
            return pymysql.connect(
                host=self.account.host,
                port=self.account.port,
                user=self.account.username,
                password=self.account.password,
                ssl=self.tls.context(),
                charset="utf8mb4",
                autocommit=True,
                connect_timeout=CONNECT_SECONDS,
                read_timeout=max(1, int(read_seconds)),
                write_timeout=max(1, int(read_seconds)),
                cursorclass=pymysql.cursors.DictCursor,
                database=schema,
                init_command=settings,
            )
        except (pymysql.Error, OSError) as error:
            raise ToolError(
                f"The {self.role} server {self.account!r} cannot be reached over verified TLS: {_reason(error)}."
            ) from error

    def rows(self, statement: str, arguments: Sequence[Any] = ()) -> list[dict[str, Any]]:
        """What a statement answers that may be sent twice: one that only looks, or one that says what shall be."""
        with self._lock:
            try:
                return self._send(statement, arguments)
            except ConnectionLostError:
                return self._send(statement, arguments)

    def change(
        self, text: str, *, schema: str = "", session: Mapping[str, str] | None = None, seconds: float = READ_SECONDS
    ) -> None:
        """Carries one statement out, sent once, on a connection of its own with its schema and session settings.

        Raises `StatementError` when the server refuses it, `ConnectionLostError` when no answer came within `seconds`:
        then it has been seen ended on the server, and may have been carried out or not.
        """
        self._see_given_up_end()
        connection = self.connect(seconds, schema=schema or None)
        number = int(connection.thread_id())  # type: ignore[no-untyped-call]
        try:
            with connection.cursor() as cursor:
                for name, value in (session or {}).items():
                    cursor.execute(f"SET SESSION {name} = %s", (int(value) if value.isdigit() else value,))
            connection.query(_encoded(text, (session or {}).get("character_set_client", "")))
        except (pymysql.Error, OSError) as error:
            with contextlib.suppress(pymysql.Error, OSError):
                connection.close()
            if not _lost(error):
                raise StatementError(self._said(text, error), _number(error)) from error
            self._given_up.add(number)
            self._see_given_up_end()
            raise ConnectionLostError(self._said(text, error)) from error
        connection.close()

    def try_session(self, name: str, value: str) -> None:
        """Sets a session variable on a connection of its own and forgets it. Raises `StatementError` if refused."""
        self.change("DO 0", session={name: value})

    def end(self, number: int) -> None:
        """Ends a session. One that is gone already is fine; a refusal is a `StatementError`."""
        try:
            self.rows(self.dialect.kill(number))
        except StatementError as error:
            if error.number != NO_SUCH_THREAD:
                raise

    def _see_given_up_end(self) -> None:
        """Ends the statements that were given up. Raises `ToolError` while one of them is still on the server."""
        mine = "SELECT ID FROM information_schema.PROCESSLIST WHERE ID = %s AND USER = %s"
        for number in sorted(self._given_up):
            deadline = time.monotonic() + GONE_SECONDS
            while self.rows(mine, (number, self.account.username)):
                self.end(number)
                if time.monotonic() > deadline:
                    raise ToolError(
                        f"A statement that this tool has given up still runs as connection {number} on the "
                        f"{self.role} after {GONE_SECONDS} s; end it there (KILL {number}) and run the command again."
                    )
                time.sleep(0.1)
            self._given_up.discard(number)

    def row(self, statement: str, arguments: Sequence[Any] = ()) -> dict[str, Any]:
        """The first row; empty where there is none."""
        return next(iter(self.rows(statement, arguments)), {})

    def value(self, statement: str, arguments: Sequence[Any] = ()) -> Any:
        return next(iter(self.row(statement, arguments).values()), None)

    def variables(self) -> dict[str, str]:
        return {str(row["Variable_name"]).lower(): str(row["Value"]) for row in self.rows("SHOW GLOBAL VARIABLES")}

    def status(self, *names: str) -> dict[str, int]:
        wanted = ", ".join(["%s"] * len(names))
        found = self.rows("SHOW GLOBAL STATUS WHERE Variable_name IN (" + wanted + ")", names)
        return {str(row["Variable_name"]).lower(): int(row["Value"]) for row in found}

    @property
    def dialect(self) -> Dialect:
        if self._dialect is None:
            told = self.row("SELECT VERSION() AS version, @@basedir AS base_directory")
            aurora = bool(self.rows("SHOW VARIABLES LIKE 'aurora_version'"))
            self._dialect = dialect_of(
                str(told["version"]), aurora=aurora, rds=str(told["base_directory"]).startswith("/rdsdbbin")
            )
        return self._dialect

    def binlog_position(self) -> BinlogPosition:
        row = self.row(self.dialect.binary_log_status)
        if not row:
            raise ToolError(f"The {self.role} server has no binary log; turn log_bin on.")
        return parse_binlog_status(row)

    def written_between(self, first: BinlogPosition, last: BinlogPosition) -> list[str]:
        """What the binary log holds between two positions, in the first words of each; a new file alone is nothing.

        Where the events may not be read (an account without REPLICATION SLAVE), the move itself is told.
        """
        if first == last:
            return []
        found: list[str] = []
        try:
            found += self._events(first.file, first.offset)
            if last.file != first.file:
                found += self._events(last.file, 4)
        except StatementError:
            return [f"from {first} to {last}"]
        return found

    def _events(self, file: str, offset: int) -> list[str]:
        rows = self.rows(f"SHOW BINLOG EVENTS IN %s FROM {offset} LIMIT {EVENTS_READ}", (file,))
        told = []
        for row in rows:
            kind, info = str(row["Event_type"]), re.sub(r"^use `[^`]*`; ", "", str(row["Info"]))
            if kind not in SILENT_EVENTS:
                words = " ".join(info.split()[:2]) if kind == "Query" else kind
                told.append(words)
        return [words for words in dict.fromkeys(told) if words != "BEGIN"]

    def close(self) -> None:
        with self._lock:
            if self._connection is not None:
                with contextlib.suppress(pymysql.Error, OSError):
                    self._connection.close()
                self._connection = None

    def _send(self, statement: str, arguments: Sequence[Any]) -> list[dict[str, Any]]:
        if self._connection is None:
            self._connection = self.connect()
            self._see_given_up_end()
        connection = self._connection
        try:
            with connection.cursor() as cursor:
                cursor.execute(statement, arguments or None)
                return [dict(row) for row in cursor.fetchall()]
        except (pymysql.Error, OSError) as error:
            if not _lost(error):
                raise StatementError(self._said(statement, error), _number(error)) from error
            number = int(connection.thread_id())  # type: ignore[no-untyped-call]
            self.close()
            self._given_up.add(number)
            raise ConnectionLostError(self._said(statement, error)) from error

    def _said(self, statement: str, error: Exception) -> str:
        """The verb of the statement only: a statement or a server's message may quote a value."""
        verb = " ".join(statement.split()[:3])
        return f"The {self.role} server did not carry out '{verb} ...': {_reason(error)}."


CODECS = {
    **dict.fromkeys(("", "utf8", "utf8mb3", "utf8mb4", "binary"), "utf-8"),
    **{name: name for name in ("ascii", "big5", "gbk", "cp850", "cp852", "cp866", "cp1250", "cp1251", "cp1256")},
    "latin1": "cp1252",
    "latin2": "iso8859_2",
    "latin5": "iso8859_9",
    "latin7": "iso8859_13",
    "greek": "iso8859_7",
    "hebrew": "iso8859_8",
    "koi8r": "koi8_r",
    "sjis": "shift_jis",
    "euckr": "euc_kr",
}
"""A session's character set, and what Python calls it: a routine keeps the one that it was made under."""


def _encoded(text: str, letters: str) -> bytes:
    try:
        return text.encode(CODECS[letters])
    except (KeyError, UnicodeEncodeError) as error:
        verb = " ".join(text.split()[:3])
        raise ToolError(
            f"'{verb} ...' was made in character set {letters} and cannot be written in it; make the object again on "
            f"the source in a session with SET NAMES utf8mb4."
        ) from error


class StatementError(ToolError):
    """The server refused a statement; `number` is its error number."""

    def __init__(self, sentence: str, number: int) -> None:
        super().__init__(sentence)
        self.number = number


class ConnectionLostError(ToolError):
    """The connection broke; every statement of this tool may be sent again."""


NO_SUCH_THREAD = 1094
SESSION = (
    "SET SESSION time_zone = '+00:00', sql_mode = '', group_concat_max_len = 1048576, lock_wait_timeout = {lock} "
    "/*!80021 , optimizer_switch = 'prefer_ordering_index=off' */"
    "/*!80030 , show_gipk_in_create_table_and_information_schema = ON */"
)
"""Settings of each session of this tool. MySQL 8.0.30 and later can hide a table's generated primary key. With the
switch on, MySQL looks for a chunk's end from the first row of the table, where the key begins with an ENUM or a SET."""
QUOTES_VALUES = frozenset({1062, 1265, 1264, 1292, 1366, 1406, 1451, 1452, 1064})
"""Server errors whose text quotes what a row holds, or the statement: only their number is shown."""


def _number(error: Exception) -> int:
    return error.args[0] if error.args and isinstance(error.args[0], int) else 0


def _lost(error: Exception) -> bool:
    return not isinstance(error, pymysql.Error) or _number(error) in CONNECTION_LOST


def _reason(error: Exception) -> str:
    if isinstance(error, pymysql.Error) and len(error.args) > 1:
        number, text = error.args[0], str(error.args[1]).rstrip(".")
        return f"error {number}" if number in QUOTES_VALUES else f"error {number}, {text}"
    return str(error).rstrip(".") or type(error).__name__


def quoted(*parts: str) -> str:
    """A name as an identifier, with its qualifiers: quoted("a", "b") is `a`.`b`."""
    return ".".join("`" + part.replace("`", "``") + "`" for part in parts)


def statement(text: str, **names: str) -> str:
    """`text` with `{name}` replaced by SQL that is safe already: identifiers by `quoted`, lists built from them."""
    for name, value in names.items():
        text = text.replace("{" + name + "}", value)
    return text
