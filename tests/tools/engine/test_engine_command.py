"""``python -m operations rehearse-engine``: what it says before it starts, and what it shows."""

import pytest

from command_line.exits import BAD_INPUT, FAILED
from operations.__main__ import main
from tools.engine.stack import EngineStack, Run


def test_without_the_cli_it_says_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "")
    assert main(["rehearse-engine", "--stack", "dev"]) == BAD_INPUT
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1
    assert "the Pulumi CLI is not on PATH" in lines[0]
    assert "install it from" in lines[0]


def test_an_unknown_stack_is_refused_in_one_line(cli: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rehearse-engine", "--stack", "prd"]) == BAD_INPUT
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1
    assert "did you mean prod" in lines[0]


def test_a_failed_first_deployment_is_all_that_is_told(
    cli: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(EngineStack, "up", lambda *_, **__: Run(1, "the database was refused", (), 1.0))
    assert main(["rehearse-engine", "--stack", "dev"]) == FAILED
    told = capsys.readouterr()
    assert "the database was refused" in told.out
    assert told.err.strip().splitlines() == ["deploy: the first deployment failed; see its output above."]


@pytest.mark.slow
def test_a_whole_life_shows_forecast_and_played_time_and_every_left_over(
    cli: None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["rehearse-engine", "--stack", "dev"]) == 0
    shown = capsys.readouterr().out
    assert "played" in shown
    assert "longest chain" in shown
    assert "retained: audit-detection-guardduty" in shown
    assert "Everything held" in shown
