"""Kubernetes quantities and HAProxy durations as numbers."""

from __future__ import annotations

import re

_FACTORS = {
    "": 1, "m": 0.001, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15,
    "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40, "Pi": 2**50,
}  # fmt: skip
_SECONDS = {"us": 1e-6, "ms": 1e-3, "s": 1, "m": 60, "h": 3600, "d": 86400, "": 0.001}
"""HAProxy's units; a number alone is in milliseconds."""


def quantity(text: str) -> float | None:
    """A quantity such as ``512Mi`` or ``250m`` in bytes or cores; None when it is none."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([a-zA-Z]{0,2})", text)
    return float(found[1]) * _FACTORS[found[2]] if found and found[2] in _FACTORS else None


def seconds(text: str) -> int | None:
    """A duration of the router such as ``5m`` in whole seconds, rounded up; None when it is none."""
    found = re.fullmatch(r"(\d+)(us|ms|s|m|h|d|)", text)
    return -int(-int(found[1]) * _SECONDS[found[2]] // 1) if found else None
