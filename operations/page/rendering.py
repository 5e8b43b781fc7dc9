"""The templates of the page, filled by Jinja; everything that is put in is escaped."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import jinja2

TEMPLATES = Path(__file__).with_name("templates")


@cache
def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def template(name: str) -> jinja2.Template:
    """A template by file name."""
    return _environment().get_template(name)


def source(name: str) -> str:
    """A style sheet or script as it stands. Ours, so it is not escaped."""
    return TEMPLATES.joinpath(name).read_text(encoding="utf-8")
