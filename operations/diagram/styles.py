"""The drawing's templates, and the style sheets that it shares with the pages around it."""

from __future__ import annotations

from pathlib import Path

from command_line.rendering import Templates

TEMPLATES = Templates(Path(__file__).with_name("templates"))
PALETTE = TEMPLATES.source("palette.css")
"""Colours for light and dark, as custom properties."""
DIAGRAM = TEMPLATES.source("diagram.css")
