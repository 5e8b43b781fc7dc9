"""What a comparison has found: counts and keys, never a row's values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

SHOWN_KEYS = 20
"""Keys of differing rows that a report lists per table."""


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One row that is not the same on both sides. Never its values."""

    kind: str
    """`missing` on the target, `extra` on the target, or `different`."""
    key: str
    """The key itself if it is an integer too short for a card number, else a keyed reference to it."""


@dataclass(kw_only=True)
class TableResult:
    table: str
    source_rows: int = 0
    target_rows: int = 0
    chunks: int = 0
    missing: int = 0
    extra: int = 0
    different: int = 0
    hot: int = 0
    """Rows written so often during a live comparison that no two looks agreed."""
    shown: list[Difference] = field(default_factory=list)
    keys: dict[tuple[Any, ...], str] = field(default_factory=dict)
    """Keys of differing rows with the kind, for a repair: kept in memory only, up to the repair's limit."""
    wrong_chunks: int = 0
    problem: str = ""
    """Why the table could not be compared; empty if it was."""

    @property
    def differences(self) -> int:
        return self.missing + self.extra + self.different

    @property
    def equal(self) -> bool:
        return not self.differences and not self.problem


@dataclass(frozen=True, kw_only=True)
class Verification:
    tables: tuple[TableResult, ...]
    seconds: float
    paused_seconds: float
    scan_seconds: float
    """Time of the busiest worker's chunks, without pauses and second looks: what frozen servers would take."""

    @property
    def rows(self) -> int:
        return sum(table.source_rows for table in self.tables)

    @property
    def rows_per_second(self) -> float:
        return self.rows / self.seconds if self.seconds else 0.0

    @property
    def equal(self) -> bool:
        return all(table.equal for table in self.tables)

    def sentence(self) -> str:
        wrong = [table for table in self.tables if not table.equal]
        if not wrong:
            return f"{self.rows:,} rows in {len(self.tables)} tables are the same on both sides"
        first = wrong[0]
        more = f" and {len(wrong) - 1} more tables" if len(wrong) > 1 else ""
        if first.problem:
            return f"{first.problem}{more}"
        keys = ", ".join(f"{item.kind} {item.key}" for item in first.shown[:3])
        return f"table {first.table} differs in {first.differences} rows ({keys}){more}"

    def evidence(self) -> dict[str, Any]:
        return {
            "rows": self.rows,
            "tables": len(self.tables),
            "seconds": round(self.seconds, 3),
            "rows_per_second": round(self.rows_per_second),
            "paused_seconds": round(self.paused_seconds, 1),
            "rows_written_meanwhile": sum(table.hot for table in self.tables),
            "differences": sum(table.differences for table in self.tables),
            "wrong_tables": [table.table for table in self.tables if not table.equal][:SHOWN_KEYS],
        }
