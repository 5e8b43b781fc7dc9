"""CSV as assessors open it: in a spreadsheet, which must run none of it."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable


def plain_cell(value: str) -> str:
    """Text that no spreadsheet runs."""
    return f"'{value}" if value[:1] in ("=", "+", "-", "@", "\t") else value


def as_table(header: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Header and rows as CSV; no cell is a formula."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(list(header))
    writer.writerows([plain_cell(cell) for cell in row] for row in rows)
    return text.getvalue()
