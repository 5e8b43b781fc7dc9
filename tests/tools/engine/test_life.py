"""The whole life of a stack on the real engine: first deployment, second, refresh, destruction."""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from command_line.project import ROOT
from operations.plan.forecast import forecast_creation
from operations.plan.judgement import PolicyPack
from recording.configuration import read_configuration
from recording.program import Recording
from recording.recorder import SIGNATURE, WITHHELD
from recording.sdk import BRIDGE_DEFAULTS, resource_type
from tests.tools.engine.conftest import Life
from tools.engine.provider import canary

FORECAST_TOLERANCE = 0.05
MADE_BY_AWS = ("name", "keyName", "nodeGroupName", "policyName", "targetId")
"""Names that a provider makes up where the program gives none; the rehearsal leaves them out."""

Rehearsed = Callable[[str], Recording]


def test_deployment_completes_and_creates_each_thing_once(life: Life) -> None:
    assert life.first.code == 0, life.first.diagnostics()
    assert len(life.created) == len(set(life.created)) > 300


def test_second_deployment_changes_nothing(life: Life) -> None:
    assert life.second.code == 0, life.second.diagnostics()
    assert life.second.steps() == []
    assert life.operations_of_second == 0


def test_refresh_finds_no_drift(life: Life) -> None:
    assert life.refresh.code == 0, life.refresh.diagnostics()
    outcomes = {
        event["resOutputsEvent"]["metadata"]["op"] for event in life.refresh.events if "resOutputsEvent" in event
    }
    assert outcomes == {"same"}


def test_destruction_leaves_only_what_is_retained_and_names_it(life: Life) -> None:
    protected = [one["urn"] for one in life.resources if one.get("protect") and one["urn"] in life.created]
    retained = {one["urn"] for one in life.resources if one.get("retainOnDelete")}
    if life.stack == "prod":
        assert life.destroy.code != 0
        assert "protected" in life.destroy.output
        kinds = {urn.split("::")[2].rpartition("$")[2] for urn in protected}
        assert {"aws:rds/cluster:Cluster", "aws:kms/key:Key", "aws:s3/bucket:Bucket"} <= kinds
        assert set(life.left) == set(life.created), "a refused destruction deletes nothing at all"
        return
    assert life.destroy.code == 0, life.destroy.diagnostics()
    assert protected == []
    assert set(life.left) <= retained, sorted(set(life.left) - retained)


def test_engine_and_rehearsal_know_the_same_resources(life: Life, rehearsed: Rehearsed) -> None:
    own = ("pulumi:pulumi:Stack", "pulumi:providers:")
    on_engine = {one["urn"] for one in life.resources if not one["type"].startswith(own)}
    in_rehearsal = {one.urn for one in rehearsed(life.stack).resources if not one.type.startswith(own)}
    assert on_engine == in_rehearsal


def test_engine_and_rehearsal_give_the_same_inputs(life: Life, rehearsed: Rehearsed) -> None:
    on_engine = {one["urn"]: one.get("inputs", {}) for one in life.resources}
    differing = {
        f"{resource.urn} {name}": (theirs.get(name), ours.get(name))
        for resource in rehearsed(life.stack).resources
        if resource.custom and not resource.type.startswith("pulumi:")
        for ours, theirs in [(comparable(resource.inputs), comparable(on_engine[resource.urn]))]
        for name in {*ours, *theirs}
        if ours.get(name) != theirs.get(name) and not (name in MADE_BY_AWS and name not in ours)
    }
    assert differing == {}


def test_engine_and_rehearsal_give_the_same_verdicts(life: Life, rehearsed: Rehearsed) -> None:
    configuration = read_configuration(ROOT, life.stack, {})
    with PolicyPack(ROOT / "policy", configuration.project, life.stack) as pack:
        verdicts = pack.judge(rehearsed(life.stack).resources, configuration.values)
    findings = (*verdicts.violations, *verdicts.undetermined, *verdicts.exceptions, *verdicts.notes)
    said = {(one.policy, one.urn) for one in findings}
    # The engine puts what is said of the whole stack under the stack's own URN.
    of_stack = {one["urn"]: "" for one in life.resources if one["type"] == "pulumi:pulumi:Stack"}
    assert {(policy, of_stack.get(urn, urn)) for policy, urn, _ in life.first.violations()} == said


def test_dependencies_are_the_same_where_time_is_forecast(life: Life, rehearsed: Rehearsed) -> None:
    """The forecast and the deployment, played with the same creation times, agree."""
    forecast = forecast_creation(rehearsed(life.stack).resources)
    assert abs(forecast.seconds - life.seconds_played) <= FORECAST_TOLERANCE * life.seconds_played
    assert forecast.seconds <= 15 * 60


def test_workload_waits_for_control_plane_and_nodes_and_nothing_longer(life: Life) -> None:
    ends = {one.urn: one for one in life.account.operations if one.verb == "create"}
    by_type = {one["type"]: ends[one["urn"]] for one in life.resources if one["urn"] in ends}
    control_plane, nodes = by_type["aws:eks/cluster:Cluster"], by_type["aws:eks/nodeGroup:NodeGroup"]
    workload = next(one for urn, one in ends.items() if urn.endswith("::service-deployment"))
    assert control_plane.start <= 60
    assert nodes.start - control_plane.end <= 35
    assert workload.start == nodes.end


def test_no_secret_is_in_state_events_or_output_in_clear(life: Life) -> None:
    secrets = [
        canary(one["urn"], name)
        for one in life.resources
        if one["type"].startswith(("aws:", "random:"))
        for name in resource_type(one["type"]).secret_outputs
    ]
    assert secrets
    places = {
        "state": json.dumps(life.state),
        "events": json.dumps([life.first.events, life.second.events, life.refresh.events, life.destroy.events]),
        "output": "".join(run.output for run in (life.first, life.second, life.refresh, life.destroy)),
    }
    found = [(place, secret) for place, text in places.items() for secret in secrets if secret in text]
    assert found == []
    for place, text in places.items():
        assert not re.search(r"-----BEGIN [A-Z ]*PRIVATE KEY", text), place


def test_secret_inputs_are_encrypted_in_state(life: Life) -> None:
    written = [one for one in life.resources if one["type"] == "aws:secretsmanager/secretVersion:SecretVersion"]
    assert written
    assert all("ciphertext" in one["inputs"]["secretString"] for one in written)


def comparable(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Inputs without what the wire adds, secrets withheld."""
    return {name: _plain(value) for name, value in inputs.items() if value is not None and name != BRIDGE_DEFAULTS}


def _plain(value: Any) -> Any:
    match value:
        case Mapping() if SIGNATURE in value:
            return WITHHELD
        case Mapping():
            return comparable(value)
        case list():
            return [_plain(member) for member in value]
        case float() if value.is_integer():
            return int(value)
        case _:
            return value
