"""Ways around the rules are caught, and what only looks like one is left alone, as the engine would hear it.

`python -m tests.policy.test_evasions` prints how many of each kind.
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

from policy import pack
from policy.analyzer import Answers
from policy.judgement import Judgement
from tests.policy.asked import NAME, about, configured

CASES = Path(__file__).with_name("cases")
EVASIONS: list[dict[str, Any]] = yaml.safe_load((CASES / "evasions.yaml").read_text(encoding="utf-8"))
LOOK_ALIKES: list[dict[str, Any]] = yaml.safe_load((CASES / "look_alikes.yaml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def answers(judge: Judgement) -> Answers:
    """As a stranger runs the pack: without this platform's wishes and without exceptions."""
    return configured(judge, {})


def found(answers: Answers, case: dict[str, Any]) -> set[str]:
    return {one.policyName for one in about(answers, case["type"], case["properties"], case.get("name", NAME))}


@pytest.mark.parametrize("case", EVASIONS, ids=[case["id"] for case in EVASIONS])
def test_evasion_is_caught_by_its_rule(answers: Answers, case: dict[str, Any]) -> None:
    assert case["rule"] in found(answers, case), case["why"]


@pytest.mark.parametrize("case", LOOK_ALIKES, ids=[case["id"] for case in LOOK_ALIKES])
def test_look_alike_is_left_alone(answers: Answers, case: dict[str, Any]) -> None:
    assert found(answers, case) == set(), case["why"]


def test_readme_of_the_pack_gives_the_true_counts() -> None:
    readme = Path(pack.__file__).with_name("README.md").read_text(encoding="utf-8")
    evasions, alike = (Counter(case["kind"] for case in cases) for cases in (EVASIONS, LOOK_ALIKES))
    for kind in evasions:
        assert f"| {kind} | {evasions[kind]} | {alike[kind]} |" in readme


def test_cases_have_names_of_their_own() -> None:
    names = Counter(case["id"] for case in (*EVASIONS, *LOOK_ALIKES))
    assert [name for name, count in names.items() if count > 1] == []


def main() -> None:
    answers = configured(pack.judgement(folder=CASES), {})
    for kind in dict.fromkeys(case["kind"] for case in EVASIONS):
        evasions = [case for case in EVASIONS if case["kind"] == kind]
        alike = [case for case in LOOK_ALIKES if case["kind"] == kind]
        caught = sum(case["rule"] in found(answers, case) for case in evasions)
        alarms = sum(bool(found(answers, case)) for case in alike)
        sys.stdout.write(f"{kind:18} {caught:3} of {len(evasions):3} caught, {alarms} of {len(alike):3} false alarms\n")


if __name__ == "__main__":
    main()
