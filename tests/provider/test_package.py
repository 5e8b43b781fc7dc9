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
from pulumi.errors import InputPropertiesError

from command_line.project import ROOT
from components.data.settings import DatabaseSettings
from components.foundations.rds_authority import root_certificate
from provider.exports import EXPORTS, FORMER
from provider.host import ComponentsProvider, Exported
from provider.schema import schema
from recording.configuration import Configuration
from recording.program import ProgramError, Recording, record
from recording.stand_in_cloud import StandInCloud

REGION, ACCOUNT = "eu-central-1", "123456789012"
PLACE = {"region": REGION, "accountId": ACCOUNT, "owner": "platform", "costCentre": "softpos", "production": False}
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1"
TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:alarms"
ZONES = [f"{REGION}{letter}" for letter in "abc"]
IN_VPC = {"vpcId": "vpc-1", "keyArn": KEY, "clients": {"application": "sg-1"}, "dataSubnetIds": ["a", "b", "c"]}
WATCHED = {"place": PLACE, "logsKeyArn": KEY, "alarmTopicArn": TOPIC}
SSH_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f"
BACKEND = {"name": "", "nodePort": 30443, "healthPath": "/health", "protocol": "HTTPS", "patterns": ["/*"]}

GIVEN: dict[str, dict[str, Any]] = {
    "SecureVpc": {"place": PLACE, "logsKeyArn": KEY, "cidr": "10.40.0.0/16", "availabilityZones": ZONES},
    "PaymentDatabase": {**WATCHED, **IN_VPC},
    "SessionCache": {**WATCHED, **IN_VPC, "replicas": 2.0},
    "SoftPosCluster": {
        **WATCHED,
        "vpcId": "vpc-1",
        "vpcCidr": "10.40.0.0/16",
        "applicationSubnetIds": ["a", "b", "c"],
        "clusterKeyArn": KEY,
        "bastionSecurityGroupId": "sg-2",
        "sshKeyName": "admins",
        "adminRoleArns": [f"arn:aws:iam::{ACCOUNT}:role/admin"],
        "agent": {"policyId": 7.0},
    },
    "Bastion": {
        **WATCHED,
        "vpcId": "vpc-1",
        "vpcCidr": "10.40.0.0/16",
        "subnetId": "a",
        "diskKeyArn": KEY,
        "publicKey": SSH_KEY,
        "trustedCidrs": ["198.51.100.0/28"],
    },
    "SiteToSiteVpn": {
        **WATCHED,
        "vpcId": "vpc-1",
        "routeTableIds": ["rtb-1"],
        "customerGatewayIp": "203.0.113.10",
        "onPremisesCidrs": ["10.80.0.0/16"],
    },
    "AuditTrail": {
        "place": PLACE,
        "logsKeyArn": KEY,
        "auditKeyArn": KEY,
        "alarmEmails": ["on-call@example.com"],
    },
    "MigrationPipeline": {
        **WATCHED,
        "vpcId": "vpc-1",
        "dataSubnetIds": ["a", "b", "c"],
        "keyArn": KEY,
        "endpointsSecurityGroupId": "sg-3",
        "databaseEngine": "aurora-mysql",
        "databaseSecurityGroupId": "sg-4",
        "databasePort": 3306.0,
        "phase": "beside",
        "sourceHost": "mysql.datacentre.example.com",
        "sourceAddresses": ["10.80.16.10"],
        "sourceCa": root_certificate("eu-west-1"),
    },
    "PublicEdge": {
        **WATCHED,
        "vpcId": "vpc-1",
        "publicSubnetIds": ["a", "b", "c"],
        "nodeSecurityGroupId": "sg-2",
        "backends": [BACKEND],
        "autoscalingGroupNames": ["nodes"],
        "accessLogBucket": "logs",
        "zoneName": "example.com",
        "hostName": "pay.example.com",
    },
}
"""What a program gives to each component, as the engine hands it over: camel case, numbers as floats."""


@pytest.fixture(scope="module")
def declared() -> dict[str, Any]:
    return schema()


def play(component: str, region: str = REGION, **changes: Any) -> Recording:
    """One component, as a program in another language would use it."""

    def program() -> None:
        given = {name: value for name, value in {**GIVEN[component], **changes}.items() if value is not None}
        made = Exported("it", f"softpos:index:{component}", given)
        for name, value in made.state.items():
            pulumi.export(name, value)

    configuration = Configuration(project="example", stack="test", values={"aws:region": region})
    return record(program, StandInCloud(REGION, ACCOUNT), configuration)


def test_every_component_of_the_platform_is_exported_by_its_name_and_documented(declared: dict[str, Any]) -> None:
    former = {"Network", "Database", "Cache"}
    assert {token.rpartition(":")[2] for token in declared["resources"]} == GIVEN.keys() | former
    undocumented = [
        f"{token}.{kind}.{name}"
        for token, resource in declared["resources"].items()
        for kind in ("inputProperties", "properties")
        for name, described in resource[kind].items()
        if not described.get("description")
    ]
    assert undocumented == []


def test_defaults_choices_and_units_come_from_the_components_declarations(declared: dict[str, Any]) -> None:
    inputs = declared["resources"]["softpos:index:PaymentDatabase"]["inputProperties"]
    assert inputs["instanceClass"]["default"] == DatabaseSettings.instance_class
    assert inputs["backupRetentionDays"]["default"] == DatabaseSettings.backup_retention_days
    assert "a whole number of days from 7 to 35" in inputs["backupRetentionDays"]["description"]
    choices = declared["types"][inputs["engine"]["$ref"].removeprefix("#/types/")]["enum"]
    assert [choice["value"] for choice in choices] == ["aurora-mysql", "mysql"]
    assert "settings" not in inputs


@pytest.mark.parametrize("component", GIVEN)
def test_a_component_creates_what_the_program_creates_and_gives_every_output(
    component: str, declared: dict[str, Any]
) -> None:
    recording = play(component)
    resource = declared["resources"][f"softpos:index:{component}"]
    assert set(resource["requiredInputs"]) <= GIVEN[component].keys() <= resource["inputProperties"].keys()
    assert recording.outputs.keys() == resource["properties"].keys()
    inner = EXPORTS[component].component.__name__
    assert any(found.type.endswith(f":{inner}") and found.parent for found in recording.resources)


@pytest.mark.parametrize("former", FORMER)
def test_a_former_name_creates_the_same_and_the_new_name_takes_over_its_resources(former: str) -> None:
    new = FORMER[former]
    assert f"softpos:index:{former}" in [
        one["type"] for one in schema()["resources"][f"softpos:index:{new}"]["aliases"]
    ]
    given = {**GIVEN[new], "natPerZone": False} if former == "Network" else GIVEN[new]

    def program() -> None:
        Exported("it", f"softpos:index:{former}", given)

    old = record(program, StandInCloud(REGION, ACCOUNT), Configuration(project="example", stack="test", values={}))
    changed = {"nat": "single"} if former == "Network" else {}
    assert len(old.resources) == len(play(new, **changed).resources)


REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("SecureVpc", {"cidr": "8.8.0.0/16"}, "cidr: '8.8.0.0/16' is not allowed; allowed: a private IPv4 range"),
    ("SecureVpc", {"cidr": "10.0.0.0/8"}, "cidr: '10.0.0.0/8' is not allowed; allowed: a private IPv4 range between"),
    ("SecureVpc", {"trustedCidrs": ["0.0.0.0/0"]}, "trustedCidrs: '[\"0.0.0.0/0\"]' is not allowed"),
    ("SecureVpc", {"availabilityZones": ZONES[:1]}, "allowed: a list of exactly 3 items, not 1"),
    ("SecureVpc", {"availabilityZones": ["eu-west-1a", "eu-west-1b", "eu-west-1c"]}, "allowed: zones of eu-central-1"),
    (
        "SecureVpc",
        {"onPremisesCidrs": ["10.40.64.0/18"]},
        "apart from 10.40.64.0/18 of onPremisesCidrs",
    ),
    ("SecureVpc", {"nat": "none"}, "nat: 'none' is not allowed; allowed: single or per-zone"),
    ("SecureVpc", {"nat": "single", "place": {**PLACE, "production": True}}, "allowed: per-zone in production"),
    ("SecureVpc", {"cider": "10.0.0.0/16"}, "cider: this input is not allowed"),
    ("SecureVpc", {"cidr": None}, "cidr: nothing is not allowed; allowed: a value; give it"),
    (
        "SecureVpc",
        {"place": {**PLACE, "accountId": "abc"}},
        "place.accountId: 'abc' is not allowed; allowed: the 12",
    ),
    ("SecureVpc", {"place": {**PLACE, "region": "eu-west-1"}}, "allowed: eu-central-1, the Region of the provider"),
    ("SecureVpc", {"place": {**PLACE, "region": "moon-1"}}, "place.region: 'moon-1' is not allowed"),
    ("SecureVpc", {"place": {**PLACE, "logRetentionDays": 30.0}}, "place.logRetentionDays: '30' is not allowed"),
    ("PaymentDatabase", {"backupRetentionDays": 1.0}, "backupRetentionDays: '1' is not allowed"),
    ("PaymentDatabase", {"engine": "postgres"}, "engine: 'postgres' is not allowed; allowed: aurora-mysql or mysql"),
    ("PaymentDatabase", {"engine": "mysql"}, "engineVersion: '8.4.mysql_aurora.8.4.8' is not allowed; allowed: 8.4.7"),
    ("PaymentDatabase", {"readers": 4.0}, "readers: '4' is not allowed; allowed: at most readersMax (3)"),
    ("PaymentDatabase", {"dataSubnetIds": ["a"]}, "dataSubnetIds: a list of 1 is not allowed; allowed: three subnets"),
    (
        "PaymentDatabase",
        {"deletionProtection": False, "place": {**PLACE, "production": True}},
        "deletionProtection: 'false' is not allowed; allowed: true in production",
    ),
    ("SessionCache", {"replicas": 3.0}, "replicas: '3' is not allowed; allowed: a number of replicas among 2, 4"),
    ("SoftPosCluster", {"nodesMin": 9.0}, "nodesMin: '9' is not allowed; allowed: at most nodesDesired (3)"),
    ("SoftPosCluster", {"agent": {"policyId": 0.0}}, "agent.policyId: '0' is not allowed"),
    ("Bastion", {"trustedCidrs": ["0.0.0.0/0"]}, "trustedCidrs: '[\"0.0.0.0/0\"]' is not allowed"),
    (
        "PublicEdge",
        {"hostName": "pay.example.org"},
        "hostName: 'pay.example.org' is not allowed; allowed: a name",
    ),
]


@pytest.mark.parametrize(("component", "changes", "words"), REFUSED)
def test_what_the_settings_refuse_is_refused_here_in_the_same_words(
    component: str, changes: dict[str, Any], words: str
) -> None:
    with pytest.raises(ProgramError) as error:
        play(component, **changes)
    assert words in str(error.value)


def test_a_list_that_is_known_only_later_is_refused_because_its_length_decides(declared: dict[str, Any]) -> None:
    def program() -> None:
        given = {**GIVEN["PaymentDatabase"], "dataSubnetIds": pulumi.Output.from_input(["a", "b", "c"])}
        Exported("it", "softpos:index:PaymentDatabase", given)

    with pytest.raises(ProgramError, match="dataSubnetIds: an output is not allowed"):
        record(program, StandInCloud(REGION, ACCOUNT), Configuration(project="example", stack="test", values={}))
    resource = declared["resources"]["softpos:index:PaymentDatabase"]
    assert resource["inputProperties"]["dataSubnetIds"]["plain"] is True
    assert not any(one.get("plain") for one in resource["properties"].values())


def test_the_engine_is_told_of_each_input_in_one_sentence_without_a_traceback() -> None:
    told: list[InputPropertiesError] = []

    def program() -> None:
        try:
            ComponentsProvider().construct(
                "it", "softpos:index:SecureVpc", {**GIVEN["SecureVpc"], "cidr": "8.8.0.0/16", "nat": "none"}
            )
        except InputPropertiesError as error:
            told.append(error)

    record(program, StandInCloud(REGION, ACCOUNT), Configuration(project="example", stack="test", values={}))
    (error,) = told
    assert [one["property_path"] for one in error.errors or []] == ["cidr", "nat"]
    assert all("\n" not in one["reason"] for one in error.errors or [])
    assert error.__suppress_context__


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
def test_an_example_gives_what_is_needed_and_nothing_unknown(example: str, declared: dict[str, Any]) -> None:
    found = list(uses(ROOT / "examples" / example))
    assert len(found) == 2
    for token, given in found:
        resource = declared["resources"][token]
        assert set(resource["requiredInputs"]) <= given
        assert given <= set(resource["inputProperties"])


@pytest.mark.slow
def test_the_typescript_example_type_checks(tmp_path: Path, declared: dict[str, Any]) -> None:
    """Against the SDK that the CLI makes of the schema."""
    missing = [name for name in ("pulumi", "pulumi-language-nodejs", "npm") if shutil.which(name) is None]
    if missing:
        pytest.skip(f"no {' and no '.join(missing)} on PATH; the SDK for TypeScript is made by the Pulumi CLI")
    example = tmp_path / "example"
    shutil.copytree(ROOT / "examples" / "typescript", example)
    (tmp_path / "schema.json").write_text(json.dumps(declared), encoding="utf-8")
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
