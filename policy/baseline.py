"""The baseline: findings of the day on which a program took the pack on. It may only shrink.

What stands in it is reported without stopping a deployment; every other finding stops it, and so does an entry whose
finding is gone, until it is taken out. `python <pack> baseline EVENTS` writes the file from the engine's event log.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import yaml

NAME: Final = "policy-baseline.yaml"
_KEYS: Final = {"rule", "urn"}
_HEAD: Final = (
    "# What broke a rule on the day on which the policy pack came. A finding in here does not stop a deployment.\n"
    "# Take an entry out when its finding is mended: one that no longer fits is itself a violation. Add none.\n"
)


class Baseline:
    """The known findings, and which of them were met again in this run."""

    def __init__(self, entries: Any = None) -> None:
        self.problems: list[str] = []
        self._known: set[tuple[str, str]] = set()
        self._met: set[tuple[str, str]] = set()
        if entries is not None and not isinstance(entries, list):
            self.problems.append(f"{NAME} is not a list: each entry starts with a dash.")
            return
        for position, entry in enumerate(entries or [], start=1):
            if isinstance(entry, dict) and set(entry) == _KEYS:
                self._known.add((str(entry["rule"]), str(entry["urn"])))
            else:
                self.problems.append(f"Entry {position} of {NAME} is {entry!r}; give the keys rule and urn.")

    def holds(self, rule: str, urn: str) -> bool:
        """Whether a finding is known; asking is meeting it."""
        known = (rule, urn) in self._known
        if known:
            self._met.add((rule, urn))
        return known

    def mended(self, urns: Iterable[str]) -> Iterator[str]:
        """A sentence for each entry of a resource in the stack whose finding is gone."""
        there = {*urns, ""}
        for rule, urn in sorted(self._known - self._met):
            if urn in there:
                yield f"{NAME} still has {rule} for {urn or 'the stack'}, which is mended; take the entry out."


def load(folder: Path | None) -> Baseline:
    """Reads the file in the program's folder; one that cannot be read holds nothing and is itself a problem."""
    if folder is None or not (file := folder / NAME).is_file():
        return Baseline()
    try:
        return Baseline(yaml.safe_load(file.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        baseline = Baseline()
        baseline.problems.append(f"{NAME} cannot be read, so it holds nothing: {' '.join(str(error).split())}")
        return baseline


def from_events(lines: Iterable[str], pack: str) -> list[tuple[str, str]]:
    """The mandatory findings of a pack in an engine's event log, one JSON object per line: rule and URN.

    Raises:
        ValueError: a line is not JSON.
    """
    found: dict[tuple[str, str], None] = {}
    for line in lines:
        event = json.loads(line).get("policyEvent") if line.strip() else None
        if event and event.get("policyPackName") == pack and event.get("enforcementLevel") == "mandatory":
            found[event["policyName"], event.get("resourceUrn", "")] = None
    return sorted(found)


def text(entries: Sequence[tuple[str, str]]) -> str:
    listed = [{"rule": rule, "urn": urn} for rule, urn in entries]
    return _HEAD + (yaml.safe_dump(listed, sort_keys=False, width=200) if listed else "[]\n")
