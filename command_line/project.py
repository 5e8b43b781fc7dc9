"""Where the project is on this machine."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
"""The folder that holds the program, the policy pack and the stacks' files."""
POLICY_CONFIGURATION = ROOT / "policy" / "softpos.json"
"""What `--policy-pack-config` takes for this platform: it turns the pack's wishes on, which are its own."""
