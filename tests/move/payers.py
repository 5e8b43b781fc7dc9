"""Payments that never stop, and a ledger of what was acknowledged, held against a database at the end."""

from __future__ import annotations

import itertools
import ssl
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.cutover.servers import TestServer
from tests.examples.application.phone import CARD, Phone
from tests.examples.application.place import serial
from tests.move.stage import HOST

PAUSE_SECONDS = 0.15


@dataclass
class Entry:
    """One payment as its phone knows it: what was acknowledged last."""

    amount: int
    state: str
    refunded: int = 0


@dataclass
class Payers:
    """Some phones that pay, capture and refund; the first ones keep cookies, the last two keep none."""

    record: Callable[[], tuple[str, int]]
    """What the public name leads to."""
    count: int = 4
    ledger: dict[str, Entry] = field(default_factory=dict)
    """Acknowledged payments by reference."""
    acknowledged: list[float] = field(default_factory=list)
    answers: Counter[int] = field(default_factory=Counter)
    longest_wait: float = 0
    """The longest time that a phone waited for its answer, all attempts together."""
    failures: list[str] = field(default_factory=list)
    phones: list[Phone] = field(default_factory=list)
    _threads: list[threading.Thread] = field(default_factory=list)
    _stopped: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def start(self) -> None:
        for number in range(1, self.count + 1):
            phone = Phone(
                serial(number),
                *self.record(),
                context=_trusting_nobody(),
                host=HOST,
                keeps_cookies=number <= self.count - 2,
                patience_seconds=120,
                told=self._told,
            )
            self.phones.append(phone)
            thread = threading.Thread(target=self._pay, args=(phone, number), daemon=True, name=f"phone {number}")
            thread.start()
            self._threads.append(thread)

    def stop(self) -> None:
        """Every phone finishes what it has begun: nothing stays unsure."""
        self._stopped.set()
        for thread in self._threads:
            thread.join(timeout=150)
        assert not self.failures, self.failures

    def more(self, count: int = 15, seconds: float = 120) -> None:
        """Returns after so many more acknowledged changes."""
        wanted, deadline = len(self.acknowledged) + count, time.monotonic() + seconds
        while len(self.acknowledged) < wanted:
            assert not self.failures, self.failures
            assert time.monotonic() < deadline, f"payments do not get through: {dict(self.answers)}"
            time.sleep(0.02)

    def longest_gap(self, since: int = 0) -> float:
        """The longest time in which nobody's payment was acknowledged."""
        return max((later - earlier for earlier, later in itertools.pairwise(self.acknowledged[since:])), default=0)

    @property
    def logins(self) -> int:
        return sum(phone.logins for phone in self.phones)

    @property
    def failed_answers(self) -> int:
        """Answers other than success and "log in again"."""
        return sum(count for status, count in self.answers.items() if status not in (200, 201, 401))

    def against(self, server: TestServer) -> tuple[list[str], list[str]]:
        """Acknowledged payments that the database lacks or holds otherwise, and payments that nobody made."""
        rows = server.run("SELECT reference, amount, state, refunded FROM softpos.payments")
        held = {str(row[0]): Entry(int(row[1]), str(row[2]), int(row[3])) for row in rows}
        lost = [reference for reference, entry in self.ledger.items() if held.get(reference) != entry]
        return lost, [reference for reference in held if reference not in self.ledger]

    def _told(self, status: int, _seconds: float) -> None:
        with self._lock:
            self.answers[status] += 1

    def _pay(self, phone: Phone, number: int) -> None:
        try:
            for turn in itertools.count(number):
                if self._stopped.is_set():
                    break
                amount = 100 + turn % 50 * 100
                body = {"amount": amount, "currency": "EUR", "card_number": CARD}
                made = self._change(phone, "/payments", body)
                entry = self.ledger[made["reference"]] = Entry(amount, "AUTHORISED")
                if turn % 2:
                    self._change(phone, f"/payments/{made['reference']}/capture", {})
                    entry.state = "CAPTURED"
                if turn % 6 == 5:
                    self._change(phone, f"/payments/{made['reference']}/refund", {"amount": 50})
                    entry.refunded = 50
                time.sleep(PAUSE_SECONDS)
        except Exception as error:  # noqa: BLE001  a phone that gives up is a finding of the test
            self.failures.append(f"{phone.serial}: {type(error).__name__}: {error}")

    def _change(self, phone: Phone, path: str, body: dict[str, object]) -> dict[str, str]:
        if (phone.address, phone.port) != self.record():
            phone.hang_up()
            phone.address, phone.port = self.record()
        begun = time.monotonic()
        answer = phone.change(path, body, uuid.uuid4().hex)
        now = time.monotonic()
        with self._lock:
            self.acknowledged.append(now)
            self.longest_wait = max(self.longest_wait, now - begun)
        return answer


def _trusting_nobody() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
