"""Production goes through the phases of the move on the real engine: no update moves a payment or its record."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.tools.engine.test_values_of_others import RULE, shift, succeeded, weights
from tools.engine.stack import EngineStack, Run

StackOf = Callable[..., EngineStack]
PHASE = "softpos:migrationPhase"
HOST = "pay.example.com"
RECORD = "aws:route53/record:Record"


def public_records(engine: EngineStack) -> list[Any]:
    """What the public name leads to in the account, whoever has made it."""
    return [one for one in engine.account.of(RECORD) if one.inputs["name"] == HOST and one.inputs["type"] == "A"]


def on_rules_and_records(engine: EngineStack, run: Run) -> dict[str, list[str]]:
    """The update's operations on listener rules and on the public name, by what is done."""
    found: dict[str, list[str]] = {}
    for operation, urn in run.steps():
        type_, name = urn.split("::")[2].rpartition("$")[2], urn.rpartition("::")[2]
        if type_ == RULE or (type_ == RECORD and name == "edge-alias"):
            found.setdefault(operation, []).append(name)
    return found


@pytest.mark.slow
def test_production_goes_through_the_phases_and_no_update_moves_a_payment(stack_of: StackOf) -> None:
    engine = stack_of("prod")
    succeeded(engine.up())
    assert public_records(engine) == []
    # The record that serves payments is the data centre's; the program has never seen it.
    [zone] = {one.inputs["zoneId"] for one in engine.account.of(RECORD) if one.inputs["name"].endswith(HOST)}
    old = {"zoneId": zone, "name": HOST, "type": "A", "ttl": 60, "records": ["192.0.2.10"]}
    served = engine.account.create("somebody::else::data-centre::record", RECORD, old, "")
    engine.set(PHASE, "shifting")
    succeeded(engine.up())
    assert [one.inputs for one in public_records(engine)] == [old]
    # The one change of the traffic command.
    alias = {"zoneId": zone, "name": HOST, "type": "A", "aliases": [{"name": "balancer", "zoneId": "Z0"}]}
    engine.account.change(served, ttl=None, records=None, aliases=alias["aliases"])
    for percent, centre in ((10, "softpos-10"), (50, "softpos-50")):
        rules = shift(engine.account, percent)
        assert rules
        run = engine.up()
        succeeded(run)
        assert run.steps() == []
        succeeded(engine.run("refresh", "--preview-only", "--expect-no-changes"))
        engine.set("softpos:costCentre", centre)
        run = engine.up()
        succeeded(run)
        assert set(on_rules_and_records(engine, run)) == {"update"}
        succeeded(engine.refresh("--expect-no-changes"))
        assert {tuple(weights(rule)) for rule in rules} == {(100 - percent, percent)}
        assert [one.inputs["aliases"] for one in public_records(engine)] == [alias["aliases"]]
    for rule in shift(engine.account, 100):
        assert weights(rule) == [0, 100]
    engine.set(PHASE, "after")
    run = engine.up()
    succeeded(run)
    found = on_rules_and_records(engine, run)
    assert found["create"] == ["edge-alias"]
    assert all(name.startswith("edge-shift") for name in found["delete"])
    [record] = public_records(engine)
    assert record.inputs["aliases"][0]["name"].endswith(".elb.amazonaws.com")


@pytest.mark.slow
def test_a_record_that_somebody_else_has_made_is_not_overwritten_without_a_word(stack_of: StackOf) -> None:
    """The stand-in refuses as Route 53 does: a CREATE of what exists is no UPSERT."""
    engine = stack_of("dev")
    engine.edit("__main__.py", lambda _: RECORD_ALONE)
    succeeded(engine.up())
    [zone] = {thing.id for thing in engine.account.of("aws:route53/zone:Zone")}
    foreign = {"zoneId": zone, "name": HOST, "type": "A", "ttl": 60, "records": ["192.0.2.10"]}
    engine.account.create("somebody::else::record", RECORD, foreign, "")
    engine.set("softpos:serviceReplicasMax", "1")
    run = engine.up()
    assert run.code != 0
    assert "AlreadyExists" in run.output
    engine.set("softpos:serviceReplicasMax", "2")
    succeeded(engine.up())
    [record] = public_records(engine)
    assert record.inputs["records"] == ["198.51.100.1"]


RECORD_ALONE = f"""
import pulumi
import pulumi_aws as aws

zone = aws.route53.Zone("zone", name="example.com")
step = pulumi.Config().get_int("serviceReplicasMax") or 0
if step in (1, 2):
    aws.route53.Record(
        "alias", zone_id=zone.id, name="{HOST}", type="A", ttl=60, records=["198.51.100.1"],
        allow_overwrite=True if step == 2 else None,
    )
"""
