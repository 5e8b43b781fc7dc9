"""What a terminal may ask for: authorise, capture, refund, settle. Each change happens once per idempotency key.

The key's row is written in the same transaction as the change. So a request that is sent again, because its answer was
lost, because an instance ended or because the database moved meanwhile, gets the first answer and changes nothing.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, text
from sqlalchemy.exc import IntegrityError

from softpos.acquirer import Card, authorise
from softpos.database import Database

Document = dict[str, Any]
PAYMENT = (
    "reference, amount, currency, card, network, acquirer_code, state, captured, refunded, "
    "CAST(created_at AS CHAR) AS created_at"
)
SETTLED_PER_JOB = 10_000
"""Terminals that one settlement job takes."""


class NotFoundError(Exception):
    """There is no such payment of this terminal."""


class ConflictError(Exception):
    """The payment's state does not allow what was asked, or the key was used for something else."""


class _AskedBeforeError(Exception):
    """The idempotency key has a row already."""


@dataclass(frozen=True)
class Request:
    """One change that a terminal asks for."""

    terminal: int
    key: str
    """Idempotency key, at most 64 characters."""
    what: str
    """Everything that makes two requests the same, without a card number in clear."""

    @property
    def fingerprint(self) -> bytes:
        return hashlib.sha256(self.what.encode()).digest()


class Payments:
    """The operations, on one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def log_in(self, serial: str, activation_code: str) -> int | None:
        """The terminal's id, or None when there is no such terminal or the code is wrong."""
        with self._database.writing() as transaction:
            row = transaction.execute(
                text("SELECT id, activation_salt, activation_hash FROM terminals WHERE serial = :serial"),
                {"serial": serial},
            ).first()
        salt, wanted = (row[1], row[2]) if row else (b"\0" * 16, b"\0" * 32)
        right = hmac.compare_digest(activation_hash(activation_code, salt), wanted)
        return int(row[0]) if row and right else None

    def authorise(self, terminal: int, key: str, card: Card, amount: int, currency: str) -> Document:
        def change(transaction: Connection) -> Document:
            answer = authorise(card, amount)
            reference = uuid.uuid4().hex
            transaction.execute(
                text(
                    "INSERT INTO payments (reference, terminal_id, amount, currency, card, network, acquirer_reference,"
                    " acquirer_code, state, created_at) VALUES (:reference, :terminal, :amount, :currency, :card,"
                    " :network, :acquirer_reference, :code, :state, NOW(6))"
                ),
                {
                    "reference": reference,
                    "terminal": terminal,
                    "amount": amount,
                    "currency": currency,
                    "card": answer.card,
                    "network": answer.network,
                    "acquirer_reference": answer.reference,
                    "code": answer.code,
                    "state": "AUTHORISED" if answer.approved else "DECLINED",
                },
            )
            return _payment(transaction, terminal, reference)

        return self._once(Request(terminal, key, f"authorise {amount} {currency} {card.truncated}"), change)

    def capture(self, terminal: int, key: str, reference: str, amount: int | None) -> Document:
        def change(transaction: Connection) -> Document:
            payment = _payment(transaction, terminal, reference, lock=True)
            wanted = payment["amount"] if amount is None else amount
            if payment["state"] != "AUTHORISED" or wanted > payment["amount"]:
                raise ConflictError(f"{wanted} of a payment that is {payment['state']} cannot be captured.")
            _set(transaction, reference, "state = 'CAPTURED', captured = :amount", wanted)
            return _payment(transaction, terminal, reference)

        return self._once(Request(terminal, key, f"capture {reference} {amount}"), change)

    def refund(self, terminal: int, key: str, reference: str, amount: int | None) -> Document:
        def change(transaction: Connection) -> Document:
            payment = _payment(transaction, terminal, reference, lock=True)
            left = payment["captured"] - payment["refunded"]
            wanted = left if amount is None else amount
            if payment["state"] != "CAPTURED" or not 0 < wanted <= left:
                raise ConflictError(f"{wanted} of a payment that is {payment['state']} with {left} left cannot return.")
            _set(transaction, reference, "refunded = refunded + :amount", wanted)
            return _payment(transaction, terminal, reference)

        return self._once(Request(terminal, key, f"refund {reference} {amount}"), change)

    def settle(self, terminal: int, key: str) -> Document:
        """Closes all captured payments of the terminal that no settlement holds yet: one settlement per currency."""
        return self._once(Request(terminal, key, "settle"), lambda transaction: _settle(transaction, terminal))

    def settle_everybody(self, day: str) -> int:
        """The end of a day, as a scheduled job: every terminal once, however often the job runs that day."""
        with self._database.reading() as transaction:
            rows = transaction.execute(
                text(
                    "SELECT DISTINCT terminal_id FROM payments WHERE state = 'CAPTURED' AND settlement_id IS NULL"
                    " LIMIT :most"
                ),
                {"most": SETTLED_PER_JOB},
            ).all()
        for (terminal,) in rows:
            self.settle(int(terminal), f"end of day {day}")
        return len(rows)

    def payment(self, terminal: int, reference: str) -> Document:
        with self._database.writing() as transaction:
            return _payment(transaction, terminal, reference)

    def settlements(self, terminal: int) -> list[Document]:
        """The latest 100, from the reader."""
        with self._database.reading() as transaction:
            rows = transaction.execute(
                text(
                    "SELECT reference, currency, payments, captured, refunded, CAST(created_at AS CHAR) AS created_at"
                    " FROM settlements WHERE terminal_id = :terminal ORDER BY id DESC LIMIT 100"
                ),
                {"terminal": terminal},
            )
            return [dict(row) for row in rows.mappings()]

    def _once(self, request: Request, change: Callable[[Connection], Document]) -> Document:
        """Carries `change` out and keeps its answer; a second request with the key gets the kept answer.

        The row's primary key makes a second request at the same time wait for the first one's end.
        """
        try:
            with self._database.writing() as transaction:
                _begin(transaction, request)
                answer = change(transaction)
                transaction.execute(
                    text(
                        "UPDATE requests SET answer = :answer WHERE terminal_id = :terminal AND idempotency_key = :key"
                    ),
                    {"answer": json.dumps(answer), "terminal": request.terminal, "key": request.key},
                )
                return answer
        except _AskedBeforeError:
            return self._kept(request)

    def _kept(self, request: Request) -> Document:
        with self._database.writing() as transaction:
            row = transaction.execute(
                text(
                    "SELECT fingerprint, answer FROM requests WHERE terminal_id = :terminal AND idempotency_key = :key"
                ),
                {"terminal": request.terminal, "key": request.key},
            ).first()
        if row is None or row[0] != request.fingerprint:
            raise ConflictError("The idempotency key was used for another request; choose a new one.")
        kept: Document = json.loads(row[1])
        return kept


def activation_hash(code: str, salt: bytes) -> bytes:
    """How a terminal's activation code is kept."""
    return hashlib.scrypt(code.encode(), salt=salt, n=2**12, r=8, p=1, dklen=32)


def enrol(transaction: Connection, serial: str, activation_code: str) -> None:
    """Adds a terminal. The phones' enrolment is another system's work; tests and demonstrations do it by this."""
    salt = os.urandom(16)
    transaction.execute(
        text("INSERT INTO terminals (serial, activation_salt, activation_hash) VALUES (:serial, :salt, :hash)"),
        {"serial": serial, "salt": salt, "hash": activation_hash(activation_code, salt)},
    )


def _begin(transaction: Connection, request: Request) -> None:
    try:
        transaction.execute(
            text(
                "INSERT INTO requests (terminal_id, idempotency_key, fingerprint, created_at)"
                " VALUES (:terminal, :key, :fingerprint, NOW(6))"
            ),
            {"terminal": request.terminal, "key": request.key, "fingerprint": request.fingerprint},
        )
    except IntegrityError as error:
        raise _AskedBeforeError from error


def _payment(transaction: Connection, terminal: int, reference: str, *, lock: bool = False) -> Document:
    row = (
        transaction.execute(
            text(
                f"SELECT {PAYMENT} FROM payments WHERE reference = :reference AND terminal_id = :terminal"  # noqa: S608
                f"{' FOR UPDATE' if lock else ''}"
            ),
            {"reference": reference, "terminal": terminal},
        )
        .mappings()
        .first()
    )
    if row is None:
        raise NotFoundError("This terminal has no such payment.")
    return dict(row)


def _set(transaction: Connection, reference: str, what: str, amount: int) -> None:
    transaction.execute(
        text(f"UPDATE payments SET {what} WHERE reference = :reference"),  # noqa: S608  `what` is text of this file
        {"reference": reference, "amount": amount},
    )


def _settle(transaction: Connection, terminal: int) -> Document:
    rows = transaction.execute(
        text(
            "SELECT id, currency, captured, refunded FROM payments"
            " WHERE terminal_id = :terminal AND state = 'CAPTURED' AND settlement_id IS NULL FOR UPDATE"
        ),
        {"terminal": terminal},
    ).all()
    settled = []
    for currency in sorted({row.currency for row in rows}):
        of_it = [row for row in rows if row.currency == currency]
        told = {
            "reference": uuid.uuid4().hex,
            "currency": currency,
            "payments": len(of_it),
            "captured": sum(row.captured for row in of_it),
            "refunded": sum(row.refunded for row in of_it),
        }
        made = transaction.execute(
            text(
                "INSERT INTO settlements (reference, terminal_id, currency, payments, captured, refunded, created_at)"
                " VALUES (:reference, :terminal, :currency, :payments, :captured, :refunded, NOW(6))"
            ),
            {**told, "terminal": terminal},
        )
        transaction.execute(
            text("UPDATE payments SET settlement_id = :settlement, state = 'SETTLED' WHERE id = :payment"),
            [{"settlement": made.lastrowid, "payment": row.id} for row in of_it],
        )
        settled.append(told)
    return {"settlements": settled}
