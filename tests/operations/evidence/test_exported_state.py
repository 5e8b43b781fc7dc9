"""Evidence of what is really deployed: the same verdicts from an exported state, and no secret out of it."""

import json
from pathlib import Path
from typing import Any

import pytest

from command_line.exits import Stop
from operations.evidence.assessment import Assessment, assess
from operations.evidence.exported_state import read_state
from recording.program import Recording
from recording.recorder import SECRET_SIGNATURE, SIGNATURE, WITHHELD
from tests.operations.sample import SECRET


@pytest.fixture(scope="module")
def state(recording: Recording, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample as the engine would export it."""
    root = "urn:pulumi:sample::softpos::pulumi:pulumi:Stack::softpos-sample"
    resources: list[dict[str, Any]] = [{"urn": root, "type": "pulumi:pulumi:Stack", "custom": False}]
    for resource in recording.resources:
        inputs = {
            key: {SIGNATURE: SECRET_SIGNATURE, "plaintext": json.dumps(SECRET)} if value == WITHHELD else value
            for key, value in resource.inputs.items()
        }
        resources.append(
            {
                "urn": resource.urn,
                "type": resource.type,
                "custom": resource.custom,
                "id": resource.id,
                "parent": resource.parent,
                "protect": resource.protect,
                "inputs": {"__defaults": [], **inputs},
                "outputs": dict(resource.outputs),
                "dependencies": list(resource.dependencies),
                "propertyDependencies": {key: list(urns) for key, urns in resource.property_dependencies.items()},
            }
        )
    file = tmp_path_factory.mktemp("state") / "sample.json"
    file.write_text(json.dumps({"version": 3, "deployment": {"resources": resources}}), encoding="utf-8")
    return file


def test_a_state_is_judged_as_its_rehearsal_was(state: Path, assessment: Assessment) -> None:
    stack, resources = read_state(state)
    assert stack == "sample"
    judged = assess(stack, resources)
    told = [(one.rule.name, one.urn, one.outcome, one.setting) for one in assessment.results]
    assert [(one.rule.name, one.urn, one.outcome, one.setting) for one in judged.results] == told


def test_no_secret_comes_out_of_a_state(state: Path) -> None:
    assert SECRET in state.read_text(encoding="utf-8")
    _, resources = read_state(state)
    assert SECRET not in repr([(one.inputs, one.outputs, str(one.wire_inputs)) for one in resources])


def test_what_is_about_to_be_deleted_is_not_evidence(state: Path, tmp_path: Path) -> None:
    content = json.loads(state.read_text(encoding="utf-8"))
    content["deployment"]["resources"][-1]["delete"] = True
    file = tmp_path / "state.json"
    file.write_text(json.dumps(content), encoding="utf-8")
    assert len(read_state(file)[1]) == len(read_state(state)[1]) - 1


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"deployment": {"resources": []}}'])
def test_what_is_no_state_is_refused_in_one_sentence(tmp_path: Path, content: str) -> None:
    file = tmp_path / "state.json"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(Stop, match="is not an exported state; allowed"):
        read_state(file)
