"""A phone as a payment terminal: logs in, pays, keeps cookies, asks again with the same key until an answer comes."""

from __future__ import annotations

import http.client
import json
import ssl
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from typing import Any

from tests.examples.application.instance import no_verification
from tests.examples.application.place import CODE

CARD = "4111111111111111"
AGAIN = (401, 500, 502, 503, 504)
"""Answers after which a phone asks again: the session or the side is gone for the moment."""


class RefusedError(Exception):
    """The application said no, and meant it."""


@dataclass
class Phone:
    """One phone; it keeps its connection open between requests, as phones do."""

    serial: str
    address: str
    port: int
    context: ssl.SSLContext = field(default_factory=no_verification)
    host: str = "pay.example.com"
    keeps_cookies: bool = True
    patience_seconds: float = 30
    told: Callable[[int, float], None] = field(default=lambda _status, _seconds: None)
    """Hears each answer's status (0: none came) and how long it took."""
    cookies: dict[str, str] = field(default_factory=dict)
    logins: int = 0
    _token: str = ""
    _connection: http.client.HTTPSConnection | None = None

    def pay(self, amount: int, card: str = CARD) -> dict[str, Any]:
        return self.change("/payments", {"amount": amount, "currency": "EUR", "card_number": card})

    def capture(self, reference: str) -> dict[str, Any]:
        return self.change(f"/payments/{reference}/capture", {})

    def refund(self, reference: str, amount: int | None = None) -> dict[str, Any]:
        return self.change(f"/payments/{reference}/refund", {"amount": amount} if amount else {})

    def settle(self) -> dict[str, Any]:
        return self.change("/settlements", None)

    def change(self, path: str, body: Mapping[str, Any] | None, key: str = "") -> dict[str, Any]:
        """One change, asked for until there is an answer; its key makes it happen once.

        Raises:
            RefusedError: when the application refuses it.
            TimeoutError: when nobody has answered within the phone's patience.
        """
        key = key or uuid.uuid4().hex
        deadline = time.monotonic() + self.patience_seconds
        while True:
            try:
                if not self._token:
                    self._log_in()
                status, answer = self.ask("POST", path, body, {"Idempotency-Key": key})
            except (OSError, http.client.HTTPException):
                self.hang_up()
                status, answer = 0, None
            if status in (200, 201):
                return dict(answer)
            if status and status not in AGAIN:
                raise RefusedError(f"{status}: {answer}")
            if status == 401:
                self._token = ""
            if time.monotonic() > deadline:
                raise TimeoutError(f"no answer but {status} within {self.patience_seconds} s")
            time.sleep(0.05 if status != 401 else 0)

    def ask(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, Any]:
        """Status and JSON of one request on the open connection."""
        if self._connection is None:
            self._connection = http.client.HTTPSConnection(self.address, self.port, timeout=8, context=self.context)
        sent = json.dumps(body) if body is not None else None
        all_headers = {"Host": self.host, "Authorization": f"Bearer {self._token}", **(headers or {})}
        if sent:
            all_headers["Content-Type"] = "application/json"
        if self.cookies:
            all_headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        begun = time.monotonic()
        status = 0
        try:
            self._connection.request(method, path, sent, all_headers)
            answer = self._connection.getresponse()
            content = answer.read()
            status = answer.status
        finally:
            self.told(status, time.monotonic() - begun)
        if self.keeps_cookies:
            for line in answer.headers.get_all("Set-Cookie") or ():
                self.cookies.update({name: morsel.value for name, morsel in SimpleCookie(line).items()})
        if answer.will_close:
            self.hang_up()
        return status, json.loads(content) if content.startswith((b"{", b"[")) else None

    def hang_up(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = None

    def _log_in(self) -> None:
        status, answer = self.ask("POST", "/sessions", {"serial": self.serial, "activation_code": CODE})
        if status == 201:
            self._token = answer["token"]
            self.logins += 1
        elif status not in AGAIN or status == 401:
            raise RefusedError(f"log in: {status}: {answer}")
