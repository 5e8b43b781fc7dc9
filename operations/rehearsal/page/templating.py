"""The page's own templates."""

from __future__ import annotations

from pathlib import Path

from command_line.rendering import Templates

TEMPLATES = Templates(Path(__file__).with_name("templates"))
