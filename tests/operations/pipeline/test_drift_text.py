"""What the cloud and the engine say becomes plain text in an issue, whatever it is."""

from __future__ import annotations

import pytest

from operations.pipeline import drift
from operations.pipeline.changes import Change, Preview

EVIL = [
    "@everyone look",
    "<img src=x onerror=alert(1)>",
    "[click](https://evil.example)",
    "![](https://evil.example/pixel.png)",
    "closes #12",
    "a\n\n# heading",
    "`code` | cell",
    "https://evil.example",
]


@pytest.mark.parametrize("text", EVIL)
def test_nothing_foreign_becomes_markup_a_mention_or_a_link(text: str) -> None:
    urn = f"urn:pulumi:prod::softpos::aws:ec2/vpc:Vpc::{text}"
    change = Change("update", urn, properties=(text,))
    said = drift.report(Preview(stack="prod", changes=(change,), errors=(text,))).text
    assert "@everyone" not in said
    assert "<img" not in said
    assert "\n# heading" not in said
    assert "closes #12" not in said.replace("`closes #12`", "")
    assert "https://evil.example" not in _outside_code(said)
    assert "](" not in _outside_code(said).replace("\\](", "")
    assert said.count("`") % 2 == 0


def _outside_code(text: str) -> str:
    return "".join(text.split("`")[::2])
