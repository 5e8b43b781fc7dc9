"""A verdict on one object: the strongest of its points, and a sentence for each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum
from typing import Any


class Verdict(Enum):
    """What becomes of an object; the order is that of strength."""

    IGNORED = "ignored"
    CARRIED = "carried"
    CHANGED = "changed"
    DECISION = "decision"
    IMPOSSIBLE = "impossible"


STRENGTH = {verdict: number for number, verdict in enumerate(Verdict)}
OPEN = (Verdict.DECISION, Verdict.IMPOSSIBLE)
"""Verdicts after which a person still has something to do."""
LEADS = {
    Verdict.IGNORED: "Ignored",
    Verdict.CARRIED: "Carried",
    Verdict.CHANGED: "Carried with changes",
    Verdict.DECISION: "Needs a decision",
    Verdict.IMPOSSIBLE: "Not possible here",
}
NOWHERE = "none"
MOST_NAMES = 8


def few(names: Iterable[str]) -> str:
    """Names for a sentence: all of a few, the first ones of many."""
    listed = list(names)
    more = f" and {len(listed) - MOST_NAMES} more" if len(listed) > MOST_NAMES else ""
    return f"{', '.join(listed[:MOST_NAMES])}{more}"


@dataclass
class Judgement:
    """The points found about one object, from which its verdict follows."""

    object: str
    target: str = NOWHERE
    points: list[tuple[Verdict, str]] = field(default_factory=list)
    keys: tuple[str, ...] = ()
    """Names of the entries of a Secret or a ConfigMap; never a value."""
    left: tuple[str, ...] = ()
    """Fields that no rule reads and that therefore do not move."""
    namespace: str = ""

    def carried(self, *sentences: str) -> None:
        """The meaning stays the same."""
        self._add(Verdict.CARRIED, sentences)

    def changed(self, *sentences: str) -> None:
        """This tool does it, and the sentence says what differs."""
        self._add(Verdict.CHANGED, sentences)

    def ask(self, question: str, choices: Iterable[str], default: str) -> None:
        """A person chooses; `default` is what holds until then."""
        self._add(Verdict.DECISION, [f"{question} (choices: {'; or '.join(choices)}. Until then: {default})"])

    def impossible(self, why: str, instead: str) -> None:
        """The product refuses it by design."""
        self._add(Verdict.IMPOSSIBLE, [f"{why}; instead: {instead}"])

    def ignored(self, why: str) -> None:
        """The platform made it, or nothing is lost."""
        self._add(Verdict.IGNORED, [why])

    def _add(self, verdict: Verdict, sentences: Iterable[str]) -> None:
        self.points += [(verdict, sentence) for sentence in sentences]

    @property
    def verdict(self) -> Verdict:
        """The strongest point's."""
        return max((verdict for verdict, _ in self.points), key=STRENGTH.__getitem__, default=Verdict.DECISION)

    @property
    def says(self) -> str:
        """All points, the strongest first, and the fields that stay behind."""
        parts = []
        for verdict in sorted(Verdict, key=STRENGTH.__getitem__, reverse=True):
            sentences = [sentence for found, sentence in self.points if found is verdict]
            if sentences:
                parts.append(f"{LEADS[verdict]}: {'; '.join(dict.fromkeys(sentences))}.")
        if self.left:
            parts.append(f"Stays behind: {', '.join(self.left)}.")
        return " ".join(parts)

    def document(self) -> dict[str, Any]:
        """The object's entry in the JSON result."""
        entry: dict[str, Any] = {
            "object": self.object,
            "verdict": self.verdict.value,
            "target": self.target,
            "says": self.says,
        }
        return {**entry, "keys": list(self.keys)} if self.keys else entry
