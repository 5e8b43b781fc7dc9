"""The light form of the SDKs changes how fast a program is recorded, and nothing of what is recorded."""

import json
import subprocess
import sys

from pulumi import _types, _utils
from pulumi.runtime import resource

from command_line.project import ROOT
from recording import light_sdk

_RECORD = """
import contextlib, dataclasses, json, sys
from recording import program
from operations.plan.stack_recording import record_stack
if sys.argv[1] == "as they are":
    program.light_sdk = contextlib.nullcontext
recording = record_stack("dev")
import pulumi_aws.ec2.instance
resources = [
    {field.name: repr(getattr(one, field.name)) for field in dataclasses.fields(one) if field.name != "wire_inputs"}
    for one in recording.resources
]
form = type(pulumi_aws.ec2.instance.__loader__).__name__
json.dump({"form": form, "resources": resources, "outputs": repr(recording.outputs)}, sys.stdout)
"""


def test_a_recording_is_the_same_as_with_the_sdks_as_they_are() -> None:
    processes = [
        subprocess.Popen([sys.executable, "-c", _RECORD, form], cwd=ROOT, stdout=subprocess.PIPE, text=True)
        for form in ("light", "as they are")
    ]
    light, ordinary = (json.loads(process.communicate(timeout=300)[0]) for process in processes)
    assert (light.pop("form"), ordinary.pop("form")) == ("_LightLoader", "SourceFileLoader")
    assert len(light["resources"]) > 400
    assert light == ordinary


def test_the_sdk_still_has_what_is_replaced() -> None:
    """Where it has not, rehearsals become slow without a word: then light_sdk.py has lost its point."""
    assert callable(_types.get_type_hints)
    assert callable(_utils.is_empty_function)
    assert callable(resource._get_stack_trace)
    generated = (ROOT / ".venv").rglob("pulumi_aws/sns/_inputs.py") if (ROOT / ".venv").exists() else iter(())
    source = next(generated, None)
    assert source is None or light_sdk._TYPED in source.read_bytes()
