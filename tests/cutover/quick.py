"""An evening's limits and pauses, shortened to a test's time."""

from __future__ import annotations

from types import ModuleType

from cutover.checks import source as checks_source
from cutover.limits import Limits
from cutover.steps import old_side, sessions

QUICK = Limits(
    max_downtime_seconds=120,
    writer_grace_seconds=1.2,
    watch_seconds=0.6,
    watch_every_seconds=0.1,
    tolerated_failures=3,
    poll_seconds=0.05,
    replication_seconds=20,
    drain_seconds=60,
    lease_seconds=30,
    parallel=2,
)
PAUSES: tuple[tuple[ModuleType, str, float], ...] = (
    (checks_source, "RATE_SECONDS", 0.02),
    (sessions, "STILL_SECONDS", 0.1),
    (old_side, "LOOK_SECONDS", 0.05),
)
"""Pauses that the tool makes by constants: module, name and seconds."""
