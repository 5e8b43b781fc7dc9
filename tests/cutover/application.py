"""The SoftPOS application as the migration meets it: a pool of writers with a ledger of their own, and a health page.

A writer reads the database's place from its secret whenever it connects. The ledger holds what was acknowledged by a
COMMIT, so what the target must hold; a COMMIT without an answer may or may not have happened and is kept apart. The
health page tells how the last payment went, not when it was: a busy machine makes no application unwell.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import random
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pymysql

USER, PASSWORD = "softpos_app", "application-of-a-test"


@dataclass
class Application:
    read_secret: Callable[[], dict[str, Any]]
    ca_file: str
    pause_seconds: float = 0.04
    broken: bool = False
    """The health page says no, whatever the database does."""
    paying: bool = False
    """The last payment that was tried was acknowledged."""
    ledger: dict[int, tuple[str, str]] = field(default_factory=dict)
    unsure: set[int] = field(default_factory=set)
    commits: list[float] = field(default_factory=list)
    """Times of acknowledged commits: the longest gap is the downtime as the application felt it."""
    places: list[int] = field(default_factory=list)
    url: str = ""
    _stop: threading.Event = field(default_factory=threading.Event)
    _awaited: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def start(self, writers: int = 2) -> None:
        application = self
        self._tls = ssl.create_default_context(cafile=self.ca_file)

        class Health(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200 if application.paying and not application.broken else 503)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Health)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}/health"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        for number in range(writers):
            thread = threading.Thread(target=self._write, args=(number,), daemon=True, name=f"writer {number}")
            thread.start()
            self._threads.append(thread)

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(timeout=20)
        self._server.shutdown()
        self._server.server_close()

    def longest_gap(self) -> float:
        return max((later - earlier for earlier, later in itertools.pairwise(self.commits)), default=0)

    def wait_for_commits(self, more: int = 20, seconds: float = 15) -> None:
        """Returns after so many more commits; until then the writers make no pauses."""
        wanted = len(self.commits) + more
        deadline = time.monotonic() + seconds
        self._awaited.set()
        try:
            while len(self.commits) < wanted:
                assert time.monotonic() < deadline, "the application does not get through to its database"
                time.sleep(0.01)
        finally:
            self._awaited.clear()

    def _write(self, number: int) -> None:
        chance = random.Random(number)  # noqa: S311  amounts of test payments
        mine: list[int] = []
        connection = None
        while not self._stop.is_set():
            try:
                if connection is None:
                    connection = self._connect()
                self._pay(connection, chance, mine)
                if not self._awaited.is_set():
                    time.sleep(self.pause_seconds)
            except (pymysql.Error, OSError):
                self.paying = False
                with contextlib.suppress(Exception):
                    if connection is not None:
                        connection.close()
                connection = None
                time.sleep(0.03)
        if connection is not None:
            connection.close()

    def _connect(self) -> pymysql.Connection[Any]:
        secret = self.read_secret()
        return pymysql.connect(
            host=secret["host"],
            port=int(secret["port"]),
            user=secret["username"],
            password=secret["password"],
            database="softpos",
            ssl=self._tls,
            connect_timeout=3,
            read_timeout=10,
            write_timeout=10,
        )

    def _pay(self, connection: pymysql.Connection[Any], chance: random.Random, mine: list[int]) -> None:
        amount = f"{chance.randrange(100, 99999) / 100:.2f}"
        with connection.cursor() as cursor:
            connection.begin()
            if mine and chance.random() < 0.4:
                number, state = chance.choice(mine), chance.choice(["CAPTURED", "REFUNDED"])
                cursor.execute("UPDATE payments SET amount = %s, state = %s WHERE id = %s", (amount, state, number))
                if cursor.rowcount == 0 and number not in self.unsure:
                    cursor.execute("SELECT COUNT(*) FROM payments WHERE id = %s", (number,))
                    if cursor.fetchone()[0] == 0:
                        raise AssertionError(f"payment {number} was acknowledged and is gone")
            else:
                state = "AUTHORISED"
                cursor.execute(
                    "INSERT INTO payments (reference, terminal_id, amount, currency, state) "
                    "VALUES (%s, %s, %s, 'EUR', %s)",
                    (f"P{chance.getrandbits(60):x}", 1 + chance.randrange(20), amount, state),
                )
                number = int(cursor.lastrowid)
        try:
            connection.commit()
        except pymysql.Error as error:
            if error.args and error.args[0] in (2006, 2013, 0):
                with self._lock:
                    self.unsure.add(number)
            raise
        with self._lock:
            if number not in self.ledger:
                mine.append(number)
            self.ledger[number] = (amount, state)
            self.unsure.discard(number)
            self.commits.append(time.time())
            self.paying = True


def json_secret(client: Any, arn: str) -> Callable[[], dict[str, Any]]:
    return lambda: json.loads(client.get_secret_value(SecretId=arn, VersionStage="AWSCURRENT")["SecretString"])  # type: ignore[no-any-return]
