"""The way back needs the load balancer and nothing else: tables, metrics, names and credentials' names may be down."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from command_line.exits import FAILED, REFUSED, Stop
from operations import commands
from operations.traffic import command
from operations.traffic.aws import Aws, AwsError
from operations.traffic.limits import Limits
from operations.traffic.mover import Mover
from operations.traffic.record import Session, Store
from tests.operations.traffic.site import CLIENTS, REGION, STACK, TABLE, Place

RULES = ("elbv2", "modify_rule")
READ_BACK = ("elbv2", "describe_rules")


class Failing(Aws):
    """AWS of which only some calls work, from a moment on."""

    def __init__(self, *working: tuple[str, str], when: Callable[[], bool] = lambda: True) -> None:
        super().__init__(REGION)
        self._clients = CLIENTS
        self.working = working
        self.when = when

    def call(self, service: str, operation: str, **arguments: Any) -> dict[str, Any]:
        if self.when() and (service, operation) not in self.working:
            raise AwsError(f"AWS {service} {operation} did not answer: timed out.")
        return super().call(service, operation, **arguments)


@pytest.fixture
def at_ten(place: Place) -> Place:
    """Ten per cent of the traffic is at AWS."""
    for percent in (0, 1, 10):
        place.advance(percent)
    assert place.shares == {Fraction(10)}
    return place


@pytest.fixture
def run_back(at_ten: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Aws], int]:
    """`traffic back --yes` as an operator types it, on AWS as the test says it is."""
    file = tmp_path / "outputs.json"
    file.write_text(json.dumps(at_ten.outputs))
    quick = replace(Limits(), settle_seconds=0.0, patience_seconds=0.0)

    def run(aws: Aws) -> int:
        monkeypatch.setattr(command, "Aws", lambda _region: aws)
        monkeypatch.setattr(command, "Limits", lambda: quick)
        return commands.run(["traffic", "back", "--yes", "--stack", STACK, "--outputs", str(file)])

    return run


def test_traffic_is_back_when_every_call_fails_but_the_change_of_a_rule(
    at_ten: Place, run_back: Callable[[Aws], int]
) -> None:
    with pytest.raises(Stop, match="run `traffic back` again at once") as stuck:
        run_back(Failing(RULES))
    assert stuck.value.code == FAILED
    assert at_ten.shares == {Fraction(0)}


def test_traffic_is_back_and_read_back_without_its_record(
    at_ten: Place, run_back: Callable[[Aws], int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_back(Failing(RULES, READ_BACK)) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "nobody can tell whether the database is still in the data centre" in told
    assert "The record could not be written" in told
    assert at_ten.shares == {Fraction(0)}
    assert at_ten.record.percent == 10


def test_the_next_way_back_mends_the_record(at_ten: Place, run_back: Callable[[Aws], int]) -> None:
    run_back(Failing(RULES, READ_BACK))
    at_ten.back()
    assert (at_ten.record.percent, at_ten.record.going_back) == (0, "")


def test_a_rule_that_aws_refuses_to_change_keeps_no_other_rule(at_ten: Place, run_back: Callable[[Aws], int]) -> None:
    first = at_ten.traffic.rules[0].arn

    class Refusing(Failing):
        def call(self, service: str, operation: str, **arguments: Any) -> dict[str, Any]:
            if arguments.get("RuleArn") == first:
                raise AwsError("AWS elbv2 modify_rule was refused: Throttling.")
            return super().call(service, operation, **arguments)

    with pytest.raises(Stop):
        run_back(Refusing(RULES, READ_BACK))
    assert at_ten.shares == {Fraction(10), Fraction(0)}


def test_a_failed_gate_goes_back_while_the_table_is_down(at_ten: Place) -> None:
    down = False
    aws = Failing(RULES, READ_BACK, when=lambda: down)

    def sleep(seconds: float) -> None:
        """Between two looks the table fails, and the source falls behind."""
        nonlocal down
        down, at_ten.shown["lag"] = True, 10_000.0
        at_ten.now += seconds

    site = replace(at_ten.site(aws), sleep=sleep)
    session = Session(Store(aws, TABLE), at_ten.record, "tester")
    with pytest.raises(Stop, match="The data centre serves everything again") as failed:
        Mover(site, session).advance(50)
    assert failed.value.code == REFUSED
    assert at_ten.shares == {Fraction(0)}
    assert any("The record could not be written" in line for line in at_ten.screen.told)
    assert at_ten.record.wanted == 50


def test_a_watch_goes_on_while_the_table_is_down_and_the_same_command_records_the_step(at_ten: Place) -> None:
    down = False

    class TableDown(Failing):
        def call(self, service: str, operation: str, **arguments: Any) -> dict[str, Any]:
            if down and service == "dynamodb":
                raise AwsError("AWS dynamodb put_item did not answer: timed out.")
            return Aws.call(self, service, operation, **arguments)

    aws = TableDown()

    def sleep(seconds: float) -> None:
        nonlocal down
        down = True
        at_ten.now += seconds

    session = Session(Store(aws, TABLE), at_ten.record, "tester")
    with pytest.raises(AwsError, match="dynamodb put_item"):
        Mover(replace(at_ten.site(aws), sleep=sleep), session).advance(50)
    assert at_ten.shares == {Fraction(50)}
    assert "50 %" in at_ten.advance(50)
    assert at_ten.record.percent == 50
