"""Everything that makes a migration fail at three in the morning, looked at beforehand on the real servers.

A check is a short function beside its name in one of the files here. It looks and judges; it changes nothing.
Each finding that is not a pass says what was found and the exact statement or setting that mends it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property

from cutover.errors import CutoverError
from cutover.migration import Migration, Snapshot
from cutover.servers.catalogue import Catalogue
from cutover.servers.principals import Principal, read_principals

PASS, WARN, FAIL = "pass", "warn", "fail"


@dataclass(frozen=True, kw_only=True)
class Observation:
    """What one check says about one thing."""

    level: str
    found: str
    remedy: str = ""
    """The statement or setting that mends it; for a warning, what to decide."""


@dataclass(frozen=True, kw_only=True)
class Result:
    area: str
    check: str
    level: str
    found: str
    remedy: str


class Evening:
    """What the checks look at: read once, on first use, and shared by all checks of one preflight."""

    def __init__(self, migration: Migration, *, started: bool) -> None:
        self.migration = migration
        self.started = started
        """Whether replication has begun: the target then holds rows, as it must."""
        self._principals: dict[str, list[Principal]] = {}

    @cached_property
    def source_variables(self) -> dict[str, str]:
        return self.migration.source.variables()

    @cached_property
    def target_variables(self) -> dict[str, str]:
        return self.migration.target.variables()

    def principals(self, role: str) -> list[Principal]:
        """Every account of a server, with what it may do by itself and by roles."""
        if role not in self._principals:
            self._principals[role] = read_principals(self.migration.server(role), self.migration.stack.schemas)
        return self._principals[role]

    @cached_property
    def snapshot(self) -> Snapshot:
        return Snapshot(self.migration)

    @property
    def source_catalogue(self) -> Catalogue:
        return self.snapshot.catalogue("source")

    @property
    def target_catalogue(self) -> Catalogue:
        return self.snapshot.catalogue("target")


Judge = Callable[[Evening], Iterable[Observation]]


@dataclass(frozen=True, kw_only=True)
class Check:
    area: str
    name: str
    judge: Judge


class Room:
    """The checks of one area. `@room.check("name")` puts a function among them."""

    def __init__(self, area: str) -> None:
        self.area = area
        self.checks: list[Check] = []

    def check(self, name: str) -> Callable[[Judge], Judge]:
        def add(judge: Judge) -> Judge:
            self.checks.append(Check(area=self.area, name=name, judge=judge))
            return judge

        return add


@dataclass(frozen=True, kw_only=True)
class Preflight:
    results: tuple[Result, ...]
    seconds: float

    @property
    def failed(self) -> tuple[Result, ...]:
        return tuple(result for result in self.results if result.level == FAIL)

    @property
    def warned(self) -> tuple[Result, ...]:
        return tuple(result for result in self.results if result.level == WARN)

    def sentence(self) -> str:
        if not self.failed:
            return f"{len(self.results)} findings, none failed, {len(self.warned)} warnings"
        first = self.failed[0]
        return f"{len(self.failed)} checks failed, the first: {first.area}, {first.check}: {first.found}"

    def evidence(self) -> dict[str, object]:
        return {
            "findings": len(self.results),
            "failed": [f"{result.area}: {result.check}" for result in self.failed],
            "warned": [f"{result.area}: {result.check}" for result in self.warned],
        }


def require(good: bool, found: str, remedy: str, *, otherwise: str = FAIL) -> Observation:
    """A pass if `good`, else a finding of level `otherwise` with the remedy."""
    return Observation(level=PASS, found=found) if good else Observation(level=otherwise, found=found, remedy=remedy)


def run_preflight(migration: Migration, rooms: Iterable[Room], *, started: bool) -> Preflight:
    """All checks, in order. A check that cannot be made is a failure of that check, and the others go on."""
    began = time.monotonic()
    evening = Evening(migration, started=started)
    results = []
    for check in [check for room in rooms for check in room.checks]:
        try:
            findings = list(check.judge(evening))
        except CutoverError as error:
            findings = [
                Observation(level=FAIL, found=str(error), remedy="Mend the access first, then run preflight again.")
            ]
        results += [
            Result(area=check.area, check=check.name, level=finding.level, found=finding.found, remedy=finding.remedy)
            for finding in findings
        ]
    return Preflight(results=tuple(results), seconds=time.monotonic() - began)
