"""The analyzer leans on one private class of the SDK: where that class has changed, nothing is judged."""

from __future__ import annotations

import inspect
import subprocess
import sys
from pathlib import Path

import pytest
from pulumi_policy import policy as sdk

from policy import analyzer, pack
from policy.baseline import Baseline
from policy.judgement import Judgement

PACK = Path(pack.__file__).parent
WITHOUT_SERVICER = (
    "import sys, runpy; from pulumi_policy import policy; del policy._PolicyAnalyzerServicer; "
    "sys.argv = ['policy', '127.0.0.1:1']; runpy.run_path(sys.argv.pop(), run_name='__main__')"
)


def test_sdk_still_has_the_servicer_that_the_analyzer_replaces() -> None:
    servicer = getattr(sdk, analyzer.SERVICER, None)
    assert servicer is not None, "pulumi_policy has lost its servicer: the pack judges nothing; see analyzer.py"
    assert f"{analyzer.SERVICER}(" in inspect.getsource(sdk.PolicyPack), "PolicyPack starts another servicer now"
    assert {"Analyze", "AnalyzeStack", "Configure"} <= set(vars(servicer))


def test_unknown_sdk_is_refused_and_left_alone(judge: Judgement, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(sdk, analyzer.SERVICER)
    with pytest.raises(analyzer.UnknownSdkError, match="judges nothing, because this version of pulumi-policy"):
        analyzer.install(judge, Baseline(), pack.policies(judge))
    assert not hasattr(sdk, analyzer.SERVICER)


def test_pack_on_an_unknown_sdk_ends_with_one_sentence_and_announces_no_port(tmp_path: Path) -> None:
    script = WITHOUT_SERVICER.replace("sys.argv.pop()", repr(str(PACK / "__main__.py")))
    ended = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert ended.stdout == ""
    assert ended.stderr.startswith("The policy pack judges nothing")
    assert ended.stderr.count("\n") == 1


def test_analyzer_takes_the_place_of_the_servicer(judge: Judgement, monkeypatch: pytest.MonkeyPatch) -> None:
    original = getattr(sdk, analyzer.SERVICER)
    monkeypatch.setattr(sdk, analyzer.SERVICER, original)
    analyzer.install(judge, Baseline(), pack.policies(judge))
    assert issubclass(getattr(sdk, analyzer.SERVICER), original)


def test_policy_asked_alone_refuses_to_judge(judge: Judgement) -> None:
    made = pack.policies(judge)[-1]
    with pytest.raises(RuntimeError, match="nothing may be judged except by its own analyzer"):
        made.validate(None, None)  # type: ignore[attr-defined]
