"""What an update would change or has changed, gathered from the engine's events: names and kinds, never values."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from pulumi import automation

from facts.stateful import HOLDS_DATA

Verb = Literal["create", "update", "replace", "delete"]
VERBS: tuple[Verb, ...] = ("replace", "delete", "create", "update")
"""The kinds of change, the most dangerous first."""


@dataclass(frozen=True, order=True)
class Change:
    """One resource that changes."""

    verb: Verb
    urn: str
    properties: tuple[str, ...] = ()
    """Which properties differ; for a replacement those that force it."""

    @property
    def type(self) -> str:
        return self.urn.split("::")[2].rpartition("$")[2]

    @property
    def name(self) -> str:
        return self.urn.rpartition("::")[2]

    @property
    def loses_data(self) -> bool:
        return self.verb in ("replace", "delete") and self.type in HOLDS_DATA


@dataclass(frozen=True, order=True)
class Finding:
    """What a policy said."""

    level: str
    policy: str
    resource: str
    message: str


@dataclass(frozen=True, kw_only=True)
class Preview:
    """What came of asking the engine."""

    stack: str
    changes: tuple[Change, ...] = ()
    drift: tuple[Change, ...] = ()
    """What differs in the cloud from the state, where a refresh was asked for."""
    findings: tuple[Finding, ...] = ()
    errors: tuple[str, ...] = ()
    unchanged: int = 0

    @property
    def blocked(self) -> bool:
        return bool(self.errors) or any(finding.level == "mandatory" for finding in self.findings)

    def count(self, verb: Verb) -> int:
        return sum(change.verb == verb for change in self.changes)

    def to_text(self) -> str:
        return json.dumps(asdict(self), indent=1) + "\n"


def from_text(text: str) -> Preview:
    """The preview that `to_text` wrote."""
    document: Mapping[str, Any] = json.loads(text)
    return Preview(
        stack=document["stack"],
        changes=_changes(document["changes"]),
        drift=_changes(document["drift"]),
        findings=tuple(Finding(**finding) for finding in document["findings"]),
        errors=tuple(document["errors"]),
        unchanged=document["unchanged"],
    )


def _changes(entries: Iterable[Mapping[str, Any]]) -> tuple[Change, ...]:
    return tuple(Change(entry["verb"], entry["urn"], tuple(entry["properties"])) for entry in entries)


@dataclass
class Listener:
    """Takes the engine's events in."""

    stack: str
    _changes: dict[str, Change] = field(default_factory=dict)
    _drift: dict[str, Change] = field(default_factory=dict)
    _refreshed: set[str] = field(default_factory=set)
    _findings: set[Finding] = field(default_factory=set)
    _errors: list[str] = field(default_factory=list)
    _same: set[str] = field(default_factory=set)

    def hear(self, event: automation.EngineEvent) -> None:
        if event.resource_pre_event:
            self._planned(event.resource_pre_event.metadata)
        elif event.res_outputs_event:
            self._read(event.res_outputs_event.metadata)
        elif event.policy_event:
            found = event.policy_event
            where = (found.resource_urn or "").rpartition("::")[2]
            self._findings.add(Finding(found.enforcement_level, found.policy_name, where, _one_line(found.message)))
        elif event.diagnostic_event and event.diagnostic_event.severity == "error":
            self._errors.append(_one_line(event.diagnostic_event.message))

    def result(self, problem: str = "") -> Preview:
        """Everything heard; `problem` is why the engine failed, which counts where no event said it."""
        refused = any(finding.level == "mandatory" for finding in self._findings)
        errors = self._errors or ([problem] if problem and not refused else [])
        return Preview(
            stack=self.stack,
            changes=tuple(sorted(self._changes.values(), key=_danger)),
            drift=tuple(sorted(self._drift.values(), key=_danger)),
            findings=tuple(sorted(self._findings)),
            errors=tuple(dict.fromkeys(errors)),
            unchanged=len(self._same),
        )

    def _planned(self, step: automation.events.StepEventMetadata) -> None:
        verb = step.op.value
        if verb == "refresh":
            self._refreshed.add(step.urn)
        elif verb == "same":
            self._same.add(step.urn)
        elif verb in VERBS and not _invisible(step.urn):
            properties = step.keys if verb == "replace" and step.keys else step.diffs
            self._changes[step.urn] = Change(verb, step.urn, tuple(sorted(properties or ())))

    def _read(self, step: automation.events.StepEventMetadata) -> None:
        """After a refresh the step's end says whether the cloud differs; what is gone has no new state."""
        gone = step.op.value == "refresh" and step.new is None
        verb: Verb | None = "delete" if gone else "update" if step.op.value == "update" else None
        if verb and step.urn in self._refreshed and not _invisible(step.urn):
            self._refreshed.discard(step.urn)
            self._drift[step.urn] = Change(verb, step.urn, tuple(sorted(step.diffs or step.detailed_diff or ())))


def _invisible(urn: str) -> bool:
    """The stack itself and providers are no part of the infrastructure."""
    type_ = urn.split("::")[2].rpartition("$")[2]
    return type_.startswith("pulumi:")


def _danger(change: Change) -> tuple[int, bool, str]:
    return VERBS.index(change.verb), not change.loses_data, change.urn


def _one_line(text: str) -> str:
    return " ".join(text.split())
