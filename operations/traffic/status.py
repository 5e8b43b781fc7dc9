"""Where a stack's traffic is: the record, and what AWS says now."""

from __future__ import annotations

from typing import Any

from operations.traffic.gates import Finding, judged
from operations.traffic.mover import title
from operations.traffic.preflight import open_questions
from operations.traffic.record import Record
from operations.traffic.seen import look
from operations.traffic.site import Site


def sentence(record: Record) -> str:
    """The record in words."""
    where = f"{record.percent} % of the traffic is at AWS"
    if not record.named:
        where = "the public name leads to the data centre"
    if record.going_back:
        return f"{where}, and a way back has begun and has not ended: run `traffic back`"
    if record.wanted is not None:
        state = "in force" if record.since else "begun"
        return f"{where}, and the step '{title(record.wanted)}' is {state}: run its command again, or `traffic back`"
    return where


def findings(site: Site, record: Record) -> list[Finding]:
    """The gates of this moment, against what the record says."""
    wanted = record.percent if record.wanted is None or not record.since else record.wanted
    return judged(look(site.looks, None, site.clock()), site.step(wanted))


def document(record: Record, seen: list[Finding], phase: str) -> dict[str, Any]:
    """The same as plain data."""
    return {
        "stack": record.stack,
        "phase": phase,
        "named": record.named,
        "percent": record.percent,
        "step": None if record.wanted is None else title(record.wanted),
        "goingBack": bool(record.going_back),
        "says": sentence(record),
        "gates": [{"gate": one.gate, "verdict": one.verdict.value, "says": one.says} for one in seen],
        "openQuestions": [one.id for one in open_questions(record.answers)],
        "journal": [vars(entry) for entry in record.journal],
    }
