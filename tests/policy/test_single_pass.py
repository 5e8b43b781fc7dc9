"""The single pass leans on one private class of the SDK: these tests say when that class has changed."""

from __future__ import annotations

import inspect

import pytest
from pulumi_policy import policy as sdk

from policy import pack, single_pass
from policy.judgement import Judgement


def test_sdk_still_has_the_servicer_that_the_single_pass_replaces() -> None:
    servicer = getattr(sdk, single_pass.SERVICER, None)
    assert servicer is not None, (
        "pulumi_policy has lost its servicer: each rule is now decoded apart; see single_pass.py"
    )
    assert f"{single_pass.SERVICER}(" in inspect.getsource(sdk.PolicyPack), "PolicyPack starts another servicer now"
    assert {"Analyze", "AnalyzeStack", "Configure"} <= set(vars(servicer))


def test_changed_sdk_is_left_alone(judge: Judgement, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(sdk, single_pass.SERVICER)
    assert single_pass.install(judge, pack.policies(judge)) is False
    assert not hasattr(sdk, single_pass.SERVICER)


def test_single_pass_takes_the_place_of_the_servicer(judge: Judgement, monkeypatch: pytest.MonkeyPatch) -> None:
    original = getattr(sdk, single_pass.SERVICER)
    monkeypatch.setattr(sdk, single_pass.SERVICER, original)
    assert single_pass.install(judge, pack.policies(judge)) is True
    assert issubclass(getattr(sdk, single_pass.SERVICER), original)
