"""A stand-in for the acquirer: it knows the card networks' published test numbers and nothing else.

A real application sends the number to its acquirer and gets a reference back. So does this one, with the acquirer in
the same process. A number is in memory while the request lasts; what is kept is its truncated form, which PCI DSS 3.4
and 3.5 allow to be shown and stored.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field

TEST_CARDS = {
    "4111111111111111": "visa",
    "4012888888881881": "visa",
    "4222222222222": "visa",
    "5555555555554444": "mastercard",
    "5105105105105100": "mastercard",
    "378282246310005": "amex",
    "371449635398431": "amex",
    "6011111111111117": "discover",
    "6011000990139424": "discover",
    "30569309025904": "diners",
    "3530111333300000": "jcb",
}
"""Numbers that the networks publish for tests; no account stands behind any of them."""
APPROVED = "00"
RESPONSES = {5: "05", 51: "51", 54: "54"}
"""ISO 8583 answers by the amount's last two digits, so that a test can ask for a decline: do not honour, insufficient
funds, expired card. Every other amount is approved."""


class UnknownCardError(Exception):
    """The number is none of the test numbers. The sentence does not repeat it."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What the acquirer says of one authorisation."""

    reference: str
    code: str
    """ISO 8583 field 39: `APPROVED` or the reason of the decline."""
    card: str
    """Truncated number: the first six digits and the last four."""
    network: str

    @property
    def approved(self) -> bool:
        return self.code == APPROVED


@dataclass(frozen=True)
class Card:
    """A card number on its way to the acquirer. Its text forms do not show it."""

    number: str = field(repr=False)

    @property
    def truncated(self) -> str:
        return f"{self.number[:6]}{'*' * (len(self.number) - 10)}{self.number[-4:]}"


def authorise(card: Card, amount: int) -> Answer:
    """The acquirer's answer for an amount in minor units.

    Raises:
        UnknownCardError: for every number that is no published test number.
    """
    network = TEST_CARDS.get(card.number)
    if network is None:
        raise UnknownCardError("The card number is not allowed; allowed: the networks' published test numbers.")
    code = RESPONSES.get(amount % 100, APPROVED)
    return Answer(reference=secrets.token_hex(12), code=code, card=card.truncated, network=network)
