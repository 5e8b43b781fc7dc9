"""The components for other languages: a documented schema, the same refusals, examples that fit."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pulumi
import pytest
import yaml
from pulumi.provider.experimental.component import ComponentProvider

from command_line.project import ROOT
from provider.components import COMPONENTS, NAME, VERSION, Cache, Database, Network
from recording.configuration import Configuration
from recording.program import ProgramError, Recording, record
from recording.stand_in_cloud import StandInCloud

REGION, ACCOUNT = "eu-central-1", "123456789012"
PLACE = {"region": REGION, "account_id": ACCOUNT, "owner": "platform", "cost_centre": "softpos", "production": False}
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1"
TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:alarms"
ZONES = [f"{REGION}{letter}" for letter in "abc"]


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    made: dict[str, Any] = json.loads(ComponentProvider(list(COMPONENTS), NAME, None, VERSION).schema)
    return made


def play(**changes: Any) -> Recording:
    """All three components, as a program in another language would use them."""

    def program() -> None:
        common = {"place": PLACE, "logs_key_arn": KEY, "alarm_topic_arn": TOPIC, "key_arn": KEY}
        network = Network(
            "network", {"place": PLACE, "logs_key_arn": KEY, "cidr": "10.40.0.0/16", "availability_zones": ZONES}
        )
        data = [network.data_subnet_ids.apply(lambda ids, index=index: ids[index]) for index in range(3)]
        wiring = {**common, "vpc_id": network.vpc_id, "data_subnet_ids": data, "clients": {"application": "sg-1"}}
        database = Database("database", {**wiring, **changes})  # type: ignore[typeddict-item]
        Cache("cache", {**wiring, "replicas": 2.0})  # type: ignore[typeddict-item]
        pulumi.export("endpoint", database.endpoint)

    configuration = Configuration(project="example", stack="test", values={})
    return record(program, StandInCloud(REGION, ACCOUNT), configuration)


def test_every_input_and_output_is_documented(schema: dict[str, Any]) -> None:
    assert set(schema["resources"]) == {"softpos:index:Network", "softpos:index:Database", "softpos:index:Cache"}
    undocumented = [
        f"{token}.{kind}.{name}"
        for token, resource in schema["resources"].items()
        for kind in ("inputProperties", "properties")
        for name, declared in resource[kind].items()
        if not declared.get("description")
    ]
    assert undocumented == []


def test_the_components_create_what_the_program_creates() -> None:
    recording = play()
    types = {resource.type for resource in recording.resources}
    assert {"softpos:network:SecureVpc", "softpos:data:PaymentDatabase", "softpos:data:SessionCache"} <= types
    (cluster,) = recording.of("aws:rds/cluster:Cluster")
    assert cluster.inputs["storageEncrypted"] is True
    assert cluster.inputs["kmsKeyId"] == KEY
    assert recording.outputs["endpoint"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"backup_retention_days": 1.0}, "backupRetentionDays is 1.0; allowed"),
        ({"engine": "postgres"}, "engine is 'postgres'; allowed: aurora-mysql or mysql"),
        ({"instance_class": "large"}, "instanceClass is 'large'; allowed"),
        ({"place": {**PLACE, "log_retention_days": 30}}, "logRetentionDays is 30; allowed: 365 or more"),
    ],
)
def test_what_the_program_refuses_is_refused_here(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ProgramError) as error:
        play(**changes)
    assert words.replace(" or ", " ") in str(error.value).replace(", ", " ").replace(" or ", " ")


def uses(example: Path) -> Iterator[tuple[str, set[str]]]:
    """The components that an example uses, with the inputs that it gives."""
    if example.name == "Pulumi.yaml":
        for declared in yaml.safe_load(example.read_text(encoding="utf-8"))["resources"].values():
            if declared["type"].startswith("softpos:"):
                yield declared["type"], set(declared["properties"])
    else:
        for name, body in re.findall(
            r"new softpos\.(\w+)\(\"\w+\", \{\n(.*?)\n\}\);", example.read_text("utf-8"), re.DOTALL
        ):
            yield f"softpos:index:{name}", set(re.findall(r"^    (\w+)[,:]", body, re.MULTILINE))


@pytest.mark.parametrize("example", ["yaml/Pulumi.yaml", "typescript/index.ts"])
def test_an_example_gives_what_is_needed_and_nothing_unknown(example: str, schema: dict[str, Any]) -> None:
    found = list(uses(ROOT / "examples" / example))
    assert len(found) == 2
    for token, given in found:
        resource = schema["resources"][token]
        assert set(resource["requiredInputs"]) <= given
        assert given <= set(resource["inputProperties"])


@pytest.mark.slow
def test_the_typescript_example_type_checks(tmp_path: Path, schema: dict[str, Any]) -> None:
    """Against the SDK that the CLI makes of the schema."""
    missing = [name for name in ("pulumi", "pulumi-language-nodejs", "npm") if shutil.which(name) is None]
    if missing:
        pytest.skip(f"no {' and no '.join(missing)} on PATH; the SDK for TypeScript is made by the Pulumi CLI")
    example = tmp_path / "example"
    shutil.copytree(ROOT / "examples" / "typescript", example)
    (tmp_path / "schema.json").write_text(json.dumps(schema), encoding="utf-8")
    project = json.loads((example / "package.json").read_text(encoding="utf-8"))
    project["dependencies"]["@pulumi/softpos"] = "file:./sdk/nodejs"
    (example / "package.json").write_text(json.dumps(project), encoding="utf-8")
    for place, command in (
        (
            tmp_path,
            ["pulumi", "package", "gen-sdk", "schema.json", "--language", "nodejs", "--out", "example/sdk", "--local"],
        ),
        (example, ["npm", "install", "--no-audit", "--no-fund"]),
        (example, ["npx", "tsc"]),
    ):
        done = subprocess.run(command, cwd=place, capture_output=True, text=True, timeout=500, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
