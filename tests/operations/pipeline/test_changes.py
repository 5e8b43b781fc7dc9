"""What is gathered from the engine's events: kinds and names of changes, drift, verdicts; never a value."""

from typing import Any

from pulumi.automation import EngineEvent

from operations.pipeline.changes import Change, Finding, Listener, Preview, from_text

URN = "urn:pulumi:dev::softpos::softpos:data:PaymentDatabase$aws:rds/cluster:Cluster::database-cluster"
SUBNET = "urn:pulumi:dev::softpos::softpos:network:SecureVpc$aws:ec2/subnet:Subnet::network-public-a"
STACK = "urn:pulumi:dev::softpos::pulumi:pulumi:Stack::softpos-dev"


STATE = {"type": "t", "urn": URN, "id": "i", "parent": "", "inputs": {}, "outputs": {}, "provider": ""}


def step(op: str, urn: str = URN, kind: str = "resourcePreEvent", **others: Any) -> EngineEvent:
    """An event as the engine writes it into its log."""
    return EngineEvent.from_json(
        {
            "sequence": 1,
            "timestamp": 1,
            kind: {"metadata": {"op": op, "urn": urn, "type": "", "provider": "", **others}},
        }
    )


def heard(*events: EngineEvent, problem: str = "") -> Preview:
    listener = Listener("dev")
    for event in events:
        listener.hear(event)
    return listener.result(problem)


def test_each_kind_of_change_is_kept_with_what_differs() -> None:
    found = heard(step("update", SUBNET, diffs=["tags", "mapPublicIpOnLaunch"]), step("create", URN))
    assert found.changes == (Change("create", URN), Change("update", SUBNET, ("mapPublicIpOnLaunch", "tags")))
    assert found.changes[0].type == "aws:rds/cluster:Cluster"
    assert found.changes[0].name == "database-cluster"


def test_a_replacement_is_one_change_that_names_what_forces_it() -> None:
    parts = ("create-replacement", "replace", "delete-replaced")
    found = heard(*(step(op, keys=["engineMode"], diffs=["engineMode", "tags"]) for op in parts))
    assert found.changes == (Change("replace", URN, ("engineMode",)),)


def test_the_most_dangerous_change_comes_first() -> None:
    other = SUBNET.replace("public-a", "public-b")
    found = heard(step("create", SUBNET), step("delete", other), step("replace", SUBNET + "x"), step("replace", URN))
    assert [change.urn for change in found.changes] == [URN, SUBNET + "x", other, SUBNET]
    assert found.changes[0].loses_data
    assert not found.changes[1].loses_data


def test_stack_and_providers_are_no_change_and_what_stays_is_counted() -> None:
    provider = "urn:pulumi:dev::softpos::pulumi:providers:aws::aws"
    found = heard(step("create", STACK), step("update", provider), step("same", URN), step("same", SUBNET))
    assert found.changes == ()
    assert found.unchanged == 2


def test_drift_is_what_a_refresh_found_to_differ() -> None:
    found = heard(
        step("refresh", URN),
        step("update", URN, "resOutputsEvent", diffs=["backupRetentionPeriod"]),
        step("refresh", SUBNET),
        step("refresh", SUBNET, "resOutputsEvent", new=STATE),
    )
    assert found.drift == (Change("update", URN, ("backupRetentionPeriod",)),)


def test_what_is_gone_from_the_cloud_is_drift() -> None:
    found = heard(step("refresh", URN, old=STATE), step("refresh", URN, "resOutputsEvent", old=STATE))
    assert found.drift == (Change("delete", URN),)


def test_an_update_without_a_refresh_is_no_drift() -> None:
    found = heard(step("update", URN, diffs=["tags"]), step("update", URN, "resOutputsEvent", diffs=["tags"]))
    assert found.drift == ()


def policy(level: str) -> EngineEvent:
    event = {"message": "no\nTLS", "color": "", "policyName": "tls", "policyPackName": "p", "policyPackVersion": "1"}
    event |= {"policyPackVersionTag": "1", "enforcementLevel": level, "resourceUrn": URN}
    return EngineEvent.from_json({"sequence": 1, "timestamp": 1, "policyEvent": event})


def test_only_a_mandatory_verdict_blocks() -> None:
    assert not heard(policy("advisory")).blocked
    found = heard(policy("mandatory"), policy("mandatory"), problem="update failed")
    assert found.blocked
    assert found.findings == (Finding("mandatory", "tls", "database-cluster", "no TLS"),)
    assert found.errors == ()


def test_an_engine_that_fails_without_a_word_blocks_by_its_exit() -> None:
    found = heard(problem="no credentials")
    assert found.blocked
    assert found.errors == ("no credentials",)


def test_an_error_of_the_engine_is_kept_once_on_one_line() -> None:
    event = EngineEvent.from_json(
        {
            "sequence": 1,
            "timestamp": 1,
            "diagnosticEvent": {"message": "boom\n at x", "color": "", "severity": "error"},
        }
    )
    assert heard(event, event, problem="1 error occurred").errors == ("boom at x",)


def test_a_preview_survives_being_stored() -> None:
    found = heard(step("update", URN, diffs=["tags"]), step("same", SUBNET), policy("advisory"), problem="x")
    assert from_text(found.to_text()) == found
