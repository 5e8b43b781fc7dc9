"""The figures that decide: each with its unit, its default and what it is measured against."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What one run may do to the servers and how long it may take."""

    max_downtime_seconds: float = 300.0
    """From the first refused write on the source to the first healthy answer on the target. Then: roll back."""
    max_lag_seconds: float = 10.0
    """Replication lag above which the cutover is refused and a live comparison pauses."""
    writer_grace_seconds: float = 5.0
    """How long open transactions may end by themselves once clients can no longer begin to write."""
    watch_seconds: float = 900.0
    """How long the application must stay healthy on the target before the watch ends."""
    watch_every_seconds: float = 5.0
    tolerated_failures: int = 3
    """Failing answers in a row, of the application's health or of the reverse task, that trigger the way back."""
    replication_seconds: float = 900.0
    """Longest wait for a DMS task to start or stop."""
    drain_seconds: float = 600.0
    """Longest wait for a marker to arrive where no downtime budget runs."""
    poll_seconds: float = 0.5
    reverse_days: int = 7
    """Days that the way back stays open before `commit` is advised."""
    lease_seconds: float = 20.0
    """After this silence of an operator's process another may take the migration over."""
    parallel: int = 4
    """Tables, or parts of a large table, compared at once. Each holds one connection to each server."""
    chunk_seconds: float = 0.5
    """Time that one checksum statement should take; the number of its rows follows from it."""
    max_threads_running: int = 25
    """Busy threads on a server, without this tool's own, above which a live comparison pauses."""
    critical_threads_running: int = 200
    """Busy threads on a server above which a live comparison ends."""
    max_history_length: int = 1_000_000
    """Entries of InnoDB's history list above which a live comparison pauses: long reads keep it from being purged."""
    recheck_rounds: int = 5
    """How often a row that differs while it is being written is looked at again."""


FIRST_CHUNK_BYTES = 1_000_000
"""The first chunk's rows follow from their average length; later ones from the time that the last one took."""
CHUNK_ROWS_MOST = 500_000
LIST_ROWS = 1_000
"""Rows whose keys and hashes are fetched to find the ones that differ."""
SPLIT_ROWS = 200_000
"""Tables with more rows are compared in several parts at once."""
