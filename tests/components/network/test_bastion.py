import json
import re
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from ipaddress import IPv4Network
from typing import Any

import pytest

from components.foundations.alarms import Alarms
from components.foundations.log_storage import LogStorage
from components.foundations.placement import Placement
from components.network.bastion import Bastion, BastionArgs, architecture_of, boot_script
from recording import stand_in_cloud
from recording.program import Recording
from settings import BastionSettings
from tests.components.conftest import Play

VPC = IPv4Network("10.20.0.0/16")
DISK_KEY = "arn:aws:kms:eu-central-1:123456789012:key/disks"
SETTINGS = BastionSettings(
    instance_type="t3.micro",
    image="al2023",
    public_key="ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIL/EQQw5iJMawbxR8yAnT/inAO4gsLMhimq8asrq1ljN someone@example.com",
    trusted_cidrs=(IPv4Network("203.0.113.0/28"), IPv4Network("198.51.100.64/29")),
)


@pytest.fixture(scope="module")
def arguments(placement: Placement, logs: LogStorage, alarms: Alarms) -> BastionArgs:
    return BastionArgs(
        placement=placement,
        logs=logs,
        alarms=alarms,
        settings=SETTINGS,
        vpc_id="vpc-1",
        vpc_cidr=VPC,
        subnet_id="subnet-public",
        disk_key_arn=DISK_KEY,
    )


@pytest.fixture(scope="module")
def bastion(play: Play, arguments: BastionArgs) -> Recording:
    return play(lambda: Bastion("bastion", arguments))


def with_settings(play: Play, arguments: BastionArgs, **changed: Any) -> Recording:
    return play(lambda: Bastion("bastion", replace(arguments, settings=replace(SETTINGS, **changed))))


# ---- Who reaches whom -----------------------------------------------------------------------------------------------


def test_only_trusted_ranges_reach_it_and_only_by_ssh(bastion: Recording) -> None:
    rules = [rule.inputs for rule in bastion.of("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule")]
    assert {(rule["cidrIpv4"], rule["fromPort"], rule["toPort"], rule["ipProtocol"]) for rule in rules} == {
        ("203.0.113.0/28", 22, 22, "tcp"),
        ("198.51.100.64/29", 22, 22, "tcp"),
    }
    (group,) = bastion.of("aws:ec2/securityGroup:SecurityGroup")
    assert "ingress" not in group.inputs
    assert bastion.named("bastion-host").inputs["vpcSecurityGroupIds"] == [group.id]


def test_it_reaches_the_internet_by_https_only_and_the_vpc_for_administration(bastion: Recording) -> None:
    rules = [rule.inputs for rule in bastion.of("aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule")]
    assert all(rule["fromPort"] == rule["toPort"] and rule["ipProtocol"] == "tcp" for rule in rules)
    assert {rule["fromPort"] for rule in rules if rule["cidrIpv4"] == "0.0.0.0/0"} == {443}
    assert {rule["fromPort"] for rule in rules if rule["cidrIpv4"] == str(VPC)} == {22, 3306, 6379}
    assert {rule["cidrIpv4"] for rule in rules} == {"0.0.0.0/0", str(VPC)}


# ---- The host -------------------------------------------------------------------------------------------------------


def test_its_metadata_service_wants_a_session_and_answers_the_host_only(bastion: Recording) -> None:
    options = bastion.named("bastion-host").inputs["metadataOptions"]
    assert (options["httpTokens"], options["httpPutResponseHopLimit"]) == ("required", 1)


def test_its_disk_is_encrypted_with_the_given_key(bastion: Recording) -> None:
    disk = bastion.named("bastion-host").inputs["rootBlockDevice"]
    assert (disk["encrypted"], disk["kmsKeyId"]) == (True, DISK_KEY)


def test_log_in_is_by_the_given_key_pair(bastion: Recording) -> None:
    assert bastion.named("bastion-key-pair").inputs["publicKey"] == SETTINGS.public_key
    assert bastion.named("bastion-host").inputs["keyName"] == bastion.named("bastion-key-pair").outputs["keyName"]


def test_nobody_terminates_it_by_a_slip(bastion: Recording) -> None:
    host = bastion.named("bastion-host").inputs
    assert host["disableApiTermination"] is True
    assert host["forceDestroy"] is True, "else this program could not replace it either"


def test_a_new_host_keeps_the_address(bastion: Recording) -> None:
    host, address = bastion.named("bastion-host"), bastion.named("bastion-address")
    assert host.urn not in address.dependencies
    association = bastion.named("bastion-address-association").inputs
    assert (association["instanceId"], association["allocationId"]) == (host.id, address.id)


def test_security_updates_are_installed_every_night(bastion: Recording) -> None:
    updates = bastion.named("bastion-updates").inputs
    assert (updates["name"], updates["parameters"]["Operation"]) == ("AWS-RunPatchBaseline", "Install")
    assert updates["targets"] == [{"key": "InstanceIds", "values": [bastion.named("bastion-host").id]}]


# ---- Its image ------------------------------------------------------------------------------------------------------


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Mapping[str, Any]]:
    """What the program looked up, in order."""
    questions: list[Mapping[str, Any]] = []
    for token in ("aws:ssm/getParameter:getParameter", "aws:ec2/getAmi:getAmi"):
        answer = stand_in_cloud.INVOKED[token]

        def listen(args: Mapping[str, Any], answer: Any = answer) -> dict[str, Any]:
            questions.append(args)
            found: dict[str, Any] = answer(args)
            return found

        monkeypatch.setitem(stand_in_cloud.INVOKED, token, listen)  # type: ignore[arg-type] # a plain dict underneath
    return questions


@pytest.mark.parametrize(
    ("instance_type", "architecture"),
    [("t3.micro", "x86_64"), ("t4g.micro", "arm64"), ("m7gd.large", "arm64"), ("g5.xlarge", "x86_64")],
)
def test_amazons_image_is_of_one_kernel_stream_and_the_hosts_architecture(
    play: Play, arguments: BastionArgs, asked: list[Mapping[str, Any]], instance_type: str, architecture: str
) -> None:
    with_settings(play, arguments, instance_type=instance_type)
    assert [question["name"] for question in asked] == [
        f"/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-6.12-{architecture}"
    ]
    assert architecture_of(instance_type) == architecture


def test_cis_image_comes_from_the_marketplace_only(
    play: Play, arguments: BastionArgs, asked: list[Mapping[str, Any]]
) -> None:
    with_settings(play, arguments, image="cis-level1")
    assert [question["owners"] for question in asked] == [["679593333241"]]


@pytest.mark.parametrize(
    ("image", "follows"), [("al2023", False), ("cis-level1", False), ("ami-0aaaaaaaaaaaaaaaa", True)]
)
def test_only_a_named_image_replaces_a_running_host(
    play: Play, arguments: BastionArgs, image: str, follows: bool
) -> None:
    host = with_settings(play, arguments, image=image).named("bastion-host")
    assert ("ami" not in host.ignore_changes) == follows


# ---- What it may do -------------------------------------------------------------------------------------------------


def test_its_role_writes_its_logs_and_serves_systems_manager_and_nothing_else(bastion: Recording) -> None:
    attached = [a.inputs["policyArn"] for a in bastion.of("aws:iam/rolePolicyAttachment:RolePolicyAttachment")]
    (own,) = bastion.of("aws:iam/policy:Policy")
    assert sorted(attached) == sorted(["arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore", own.outputs["arn"]])
    statements = json.loads(own.inputs["policy"])["Statement"]
    assert {action.partition(":")[0] for statement in statements for action in statement["Action"]} == {"logs"}
    assert {statement["Resource"] for statement in statements} == {
        "arn:aws:logs:eu-central-1:123456789012:log-group:/softpos/test/bastion:*"
    }


# ---- Its boot script ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def script() -> str:
    return boot_script("/softpos/test/bastion")


def sshd_settings(script: str) -> dict[str, str]:
    lines = script.partition("<<'SSHD'\n")[2].partition("\nSSHD\n")[0].splitlines()
    return {name.lower(): value for name, _, value in (line.partition(" ") for line in lines)}


def test_boot_script_is_bash_and_fits_into_user_data(script: str) -> None:
    subprocess.run(["bash", "-n"], input=script, text=True, check=True)  # noqa: S607 (the shell of whoever tests)
    assert len(script.encode()) < 16_384


def test_host_boots_with_the_script_and_its_own_log_group(bastion: Recording, script: str) -> None:
    assert bastion.named("bastion-host").inputs["userData"] == script
    assert bastion.named("bastion-log-group").inputs["name"] == "/softpos/test/bastion"
    assert "LOG_GROUP=/softpos/test/bastion\n" in script


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("passwordauthentication", "no"),
        ("kbdinteractiveauthentication", "no"),
        ("permitrootlogin", "no"),
        ("authenticationmethods", "publickey"),
        ("allowusers", "ec2-user"),
        ("allowagentforwarding", "no"),
        ("x11forwarding", "no"),
    ],
)
def test_ssh_takes_keys_of_one_account_only(script: str, setting: str, value: str) -> None:
    assert sshd_settings(script)[setting] == value


def test_ssh_gives_up_on_guessers_and_offers_authenticated_ciphers_only(script: str) -> None:
    settings = sshd_settings(script)
    assert int(settings["maxauthtries"]) <= 4
    assert all("gcm" in cipher or "poly1305" in cipher for cipher in settings["ciphers"].split(","))


def test_idle_shells_end_within_fifteen_minutes(script: str) -> None:
    found = re.search(r"readonly TMOUT=(\d+)", script)
    assert found
    assert int(found[1]) <= 900


def test_every_command_is_audited_and_the_rules_cannot_be_changed(script: str) -> None:
    assert "-S execve,execveat -F auid>=1000" in script
    assert script.index("rm -f /etc/audit/rules.d/audit.rules") < script.index("augenrules --load")
    rules = script.partition("echo '-D'")[2].partition("} >/etc/audit/rules.d/")[0]
    assert rules.strip().endswith("echo '-e 2'")


def test_boot_script_holds_and_fetches_no_secret(script: str) -> None:
    assert not re.search(
        r"secretsmanager|get-secret|get-parameter|password=|token=|PRIVATE KEY|AKIA", script, re.IGNORECASE
    )


# ---- Alarms ---------------------------------------------------------------------------------------------------------


def test_refused_log_ins_ring(bastion: Recording) -> None:
    counted = bastion.named("bastion-failed-logins-filter").inputs
    alarm = bastion.named("bastion-failed-logins").inputs
    assert counted["logGroupName"] == bastion.named("bastion-log-group").inputs["name"]
    transformation = counted["metricTransformation"]
    assert (alarm["namespace"], alarm["metricName"]) == (transformation["namespace"], transformation["name"])


def test_a_dead_host_rings(bastion: Recording) -> None:
    alarm = bastion.named("bastion-down").inputs
    assert alarm["metricName"] == "StatusCheckFailed"
    assert alarm["dimensions"] == {"InstanceId": bastion.named("bastion-host").id}
