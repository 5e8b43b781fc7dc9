"""A pack that never answers is a failure of the pack, told in one sentence, and not a rehearsal that never ends."""

from pathlib import Path

import pytest

from operations.plan import judgement
from operations.plan.judgement import PackError, PolicyPack

HANGS = """
import time
from pulumi_policy import {kind}, EnforcementLevel, PolicyPack

PolicyPack("hangs", [{kind}("hangs", "Hangs.", lambda args, report: time.sleep(60))], EnforcementLevel.MANDATORY)
"""


@pytest.mark.parametrize("kind", ["StackValidationPolicy"])
def test_a_rule_that_hangs_ends_with_one_sentence(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "PulumiPolicy.yaml").write_text("runtime: python\n", encoding="utf-8")
    (tmp_path / "__main__.py").write_text(HANGS.format(kind=kind), encoding="utf-8")
    with PolicyPack(tmp_path, "shop", "dev", configuration=None) as pack:
        pack._await_port()
        monkeypatch.setattr(judgement, "JUDGING_SECONDS", 2)
        with pytest.raises(PackError, match="within 2 s, so a rule hangs; nothing counts as judged"):
            pack.judge([], {})
