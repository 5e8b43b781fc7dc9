"""Where the project is on this machine."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
"""The folder that holds the program, the policy pack and the stacks' files."""
