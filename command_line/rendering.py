"""The templates of one folder, filled by Jinja; everything that is put in is escaped."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import jinja2


@dataclass(frozen=True)
class Templates:
    """A folder of Jinja templates, style sheets and scripts."""

    directory: Path

    @cached_property
    def _environment(self) -> jinja2.Environment:
        return jinja2.Environment(
            loader=jinja2.FileSystemLoader(self.directory),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    def template(self, name: str) -> jinja2.Template:
        """A template by file name."""
        return self._environment.get_template(name)

    def source(self, name: str) -> str:
        """A style sheet or script as it is. Ours, so it is not escaped."""
        return self.directory.joinpath(name).read_text(encoding="utf-8")
