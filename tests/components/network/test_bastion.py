import json
import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from ipaddress import IPv4Network
from pathlib import Path
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
    lines = script.partition("<<SSHD\n")[2].partition("\nSSHD\n")[0].splitlines()
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
        ("allowusers", "${ALLOWED}"),
        ("allowagentforwarding", "no"),
        ("x11forwarding", "no"),
    ],
)
def test_ssh_takes_keys_of_one_account_only(script: str, setting: str, value: str) -> None:
    assert sshd_settings(script)[setting] == value


ADMINISTRATORS = tuple(
    f"{name} sk-ssh-ed25519@openssh.com {key}"
    for name, key in (
        ("ana", "AAAAGnNrLXNzaC1lZDI1NTE5QG9wZW5zc2guY29tAAAAILJM6Ol8L00Q76GkK5BvS0uRtTFUh9LYohyuNzvJYsajAAAABHNzaDo="),
        ("ben", "AAAAGnNrLXNzaC1lZDI1NTE5QG9wZW5zc2guY29tAAAAICSXvwoKp9b+Ma8isUJOwOMNQ/n1Jrs7T1oIorvd5L4AAAAABHNzaDo="),
    )
)
COMMANDS = {
    **dict.fromkeys(("dnf", "sshd", "augenrules", "sysctl", "useradd", "usermod", "chown", "sleep"), "exit 0"),
    "systemctl": 'case "$*" in "is-active"*) exit "${ACTIVE:-0}" ;; esac',
    "auditctl": 'echo "-a always,exit -F arch=b64 -S execve -F key=command"; echo "-F key=${FORWARD:-forward}"',
    "id": "exit 1",
    "agent-ctl": 'exit "${AGENT:-0}"',
}


class Host:
    """A directory that stands for the host; its commands record how they are called."""

    def __init__(self, root: Path, administrators: tuple[str, ...] = ()) -> None:
        self.root, self.calls = root, root / "calls"
        commands = root / "bin"
        commands.mkdir()
        for name, body in COMMANDS.items():
            (commands / name).write_text(f'#!/bin/bash\necho "{name} $*" >>"{self.calls}"\n{body}\n')
            (commands / name).chmod(0o755)
        text = boot_script("/softpos/test/bastion", administrators)
        text = text.replace(
            "/opt/aws/amazon-cloudwatch-agent/bin/amazon-cloudwatch-agent-ctl", str(commands / "agent-ctl")
        )
        for place in ("etc", "var", "opt", "home"):
            text = re.sub(rf"(?<![\w.-])/{place}/", f"{root}/{place}/", text)
        for folder in ("etc/ssh/sshd_config.d", "etc/profile.d", "etc/audit/rules.d", "etc/sysctl.d", "etc/sudoers.d"):
            (root / folder).mkdir(parents=True)
        (root / "opt/aws/amazon-cloudwatch-agent/etc").mkdir(parents=True)
        shared = root / "home/ec2-user/.ssh"
        shared.mkdir(parents=True)
        (shared / "authorized_keys").write_text("ssh-ed25519 the key pair\n")
        self.script = root / "harden.sh"
        self.script.write_text(text)

    def harden(self, **environment: str) -> int:
        path = f"{self.root / 'bin'}:{os.environ['PATH']}"
        given = {"PATH": path, **environment}
        return subprocess.run(
            ["/bin/bash", self.script], env=given, capture_output=True, timeout=60, check=False
        ).returncode

    @property
    def open(self) -> bool:
        """Whether systemd would start SSH, and was asked to."""
        said = self.calls.read_text().splitlines()
        return (self.root / "etc/softpos/hardened").exists() and said[-1] == "systemctl start sshd"


def test_ssh_is_closed_first_and_opens_last(tmp_path: Path) -> None:
    host = Host(tmp_path)
    assert host.harden() == 0
    said = [line for line in host.calls.read_text().splitlines() if line.startswith("systemctl")]
    assert said[:2] == ["systemctl daemon-reload", "systemctl stop sshd.socket sshd"]
    assert said[-1] == "systemctl start sshd"
    assert host.open
    unit = (tmp_path / "etc/systemd/system/sshd.service.d/10-softpos.conf").read_text()
    assert f"ConditionPathExists={tmp_path}/etc/softpos/hardened" in unit
    assert "Requires=auditd.service amazon-cloudwatch-agent.service" in unit


@pytest.mark.parametrize(
    ("command", "environment"),
    [
        ("dnf", {}),  # the package mirror is down
        ("sshd", {}),
        ("augenrules", {}),
        ("useradd", {}),
        ("", {"ACTIVE": "3"}),  # the audit or the shipping of logs does not run
        ("", {"AGENT": "1"}),
        ("", {"FORWARD": "nothing"}),  # the rule was not loaded
    ],
)
def test_a_host_that_is_not_hardened_to_the_end_has_no_ssh(
    tmp_path: Path, command: str, environment: dict[str, str]
) -> None:
    host = Host(tmp_path, ADMINISTRATORS)
    if command:
        (tmp_path / "bin" / command).write_text("#!/bin/bash\nexit 1\n")
    assert host.harden(**environment) != 0
    assert not host.open


def test_each_administrator_has_an_account_a_key_with_a_pin_and_sudo_of_his_own(tmp_path: Path) -> None:
    host = Host(tmp_path, ADMINISTRATORS)
    assert host.harden() == 0
    for administrator in ADMINISTRATORS:
        name, _, key = administrator.partition(" ")
        keys = (tmp_path / f"home/{name}/.ssh/authorized_keys").read_text()
        assert keys == f"verify-required {key}\n"
        assert (tmp_path / f"etc/sudoers.d/softpos-{name}").read_text() == f"{name} ALL=(ALL) NOPASSWD: ALL\n"
        assert (
            f"-w {tmp_path}/home/{name}/.ssh -p wa -k identity"
            in (tmp_path / "etc/audit/rules.d/50-softpos.rules").read_text()
        )
    assert "AllowUsers ana ben\n" in (tmp_path / "etc/ssh/sshd_config.d/10-softpos.conf").read_text()
    assert not (tmp_path / "home/ec2-user/.ssh/authorized_keys").exists()
    assert "usermod --lock --expiredate 1 ec2-user" in host.calls.read_text()


def test_without_named_administrators_the_key_pair_stays_the_way_in(tmp_path: Path) -> None:
    host = Host(tmp_path)
    assert host.harden() == 0
    assert "AllowUsers ec2-user\n" in (tmp_path / "etc/ssh/sshd_config.d/10-softpos.conf").read_text()
    assert (tmp_path / "home/ec2-user/.ssh/authorized_keys").exists()


def test_a_forward_to_the_database_is_recorded_with_the_person_who_makes_it(script: str) -> None:
    assert "-S connect -F auid>=1000 -F auid!=unset -k forward" in script


@pytest.mark.parametrize("stream", ["secure", "audit"])
def test_a_silent_log_rings(bastion: Recording, script: str, stream: str) -> None:
    assert f"softpos-heartbeat-{stream}" in script
    counted = bastion.named(f"bastion-heartbeat-{stream}").inputs
    alarm = bastion.named(f"bastion-silent-{stream}").inputs
    assert counted["pattern"] == f'"softpos-heartbeat-{stream}"'
    assert counted["metricTransformation"]["name"] == alarm["metricName"]
    assert (alarm["treatMissingData"], alarm["threshold"]) == ("breaching", 1)
    assert "defaultValue" not in counted["metricTransformation"]


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
