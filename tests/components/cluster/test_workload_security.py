import json
import os
import shutil
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from components.cluster.workload_security import WorkloadSecurityAgent, WorkloadSecurityAgentArgs, boot_script
from components.foundations.alarms import Alarms
from components.foundations.log_storage import LogStorage
from components.foundations.placement import Placement
from recording.program import Recording
from settings import AgentSettings
from tests.components.conftest import REGION, Play

TENANT = "7A6F1C02-0000-4000-8000-tenant"
TOKEN = "0B5D9E44-0000-4000-8000-token"
SETTINGS = AgentSettings(
    product="cloud-one",
    activation_url="dsm://agents.workload.de-1.cloudone.trendmicro.com:443/",
    manager_url="https://workload.de-1.cloudone.trendmicro.com:443",
    policy_id=12,
    secret_name="softpos/workload-security",
)
SECRET = {
    "tenantId": TENANT,
    "token": TOKEN,
    "signingKey": "-----BEGIN PGP PUBLIC KEY BLOCK-----\n",
    "minimumVersion": "20.0.1-3180",
}
RECORDED = 'printf "%s\\n" "$(basename "$0") $*" >>"${RECORD}"\n'
STAND_INS = {
    "systemctl": "exit 0",
    "rpm": 'case "$*" in *NAME*) echo "${PACKAGE}" ;; *VERSION*) echo "${VERSION}" ;; *) exit ${RPM_STATUS:-0} ;; esac',
    "rpmkeys": 'case "$*" in *--checksig*) echo "agent.rpm: ${SIGNATURE}" ;; esac',
    "curl": 'case "${CURL_STATUS:-0}" in 0) exit 0 ;; *) exit "${CURL_STATUS}" ;; esac',
    "sleep": "exit 0",
    "uname": "echo x86_64",
    "aws": 'if [ "$1" = secretsmanager ]; then printf "%s" "${SECRET_VALUE-}"; exit "${SECRET_STATUS:-0}"; fi',
    "dsa_control": '[ "$4" = "token:${VALID_TOKEN}" ]',
    "dsa_query": 'printf "AgentStatus.agentState: %s\\nAgentStatus.dsmUrl: %s\\n" "${AGENT_STATE}" "${MANAGER}"',
}
"""Commands of the node, each of which records how it was called."""


@dataclass(frozen=True)
class Boot:
    """What one run of the boot script left behind."""

    status: int
    output: str
    calls: tuple[str, ...]
    holds: tuple[Path, ...]
    """What keeps the kubelet from starting without the flag."""
    flag: bool

    @property
    def powered_off(self) -> bool:
        return "systemctl poweroff" in self.calls

    @property
    def joins(self) -> bool:
        """Whether systemd would start the kubelet: each unit is held by a flag that exists, or not held at all."""
        return not self.powered_off and (self.flag or len(self.holds) < 2)

    @property
    def reported(self) -> dict[str, str]:
        put = next(call for call in self.calls if call.startswith("aws logs put-log-events"))
        events = json.loads(put.partition("--log-events ")[2])
        return json.loads(events[0]["message"])


@pytest.fixture
def node(tmp_path: Path) -> "Node":
    return Node(tmp_path)


class Node:
    """A directory that stands for a node: its commands, its units, its instance id."""

    def __init__(self, root: Path, patience: str = "timeout", **settings: str) -> None:
        self.root = root
        self.commands = root / "bin"
        self.commands.mkdir()
        for name, body in STAND_INS.items():
            command = self.commands / name
            command.write_text(f"#!/bin/bash\n{RECORDED}{body}\n")
            command.chmod(0o755)
        (root / "instance-id").write_text("i-0123456789abcdef0\n")
        here = {
            "/opt/ds_agent": self.commands,
            "/etc/systemd/system": root / "units",
            "/run/softpos/agent-active": root / "state" / "agent-active",
            "/usr/local/sbin": root / "sbin",
            "/var/lib/cloud/data/instance-id": root / "instance-id",
        }
        script = boot_script(replace(SETTINGS, **settings), REGION, "/softpos/test/workload-security")
        for there, place in here.items():
            assert f"={there}\n" in script
            script = script.replace(f"={there}\n", f"={place}\n")
        assert "\nATTEMPTS=10\n" in script
        script = script.replace("\nATTEMPTS=10\n", "\nATTEMPTS=2\n").replace(
            "timeout --kill-after=10", f"{patience} --kill-after=1"
        )
        self.script = root / "boot.sh"
        self.script.write_text(script)

    def boot(self, word: str = "", **environment: str) -> Boot:
        record = self.root / "calls"
        record.write_text("")
        given = {
            "PATH": f"{self.commands}:{os.environ['PATH']}",
            "RECORD": str(record),
            "TMPDIR": str(self.root),
            "SECRET_VALUE": json.dumps(SECRET),
            "PACKAGE": "ds_agent",
            "VERSION": "20.0.1-9400",
            "SIGNATURE": "digests signatures OK",
            "VALID_TOKEN": TOKEN,
            "AGENT_STATE": "green",
            "MANAGER": "https://agents-004.workload.de-1.cloudone.trendmicro.com:443/",
            **environment,
        }
        done = subprocess.run(
            ["/bin/bash", str(self.script), word], env=given, capture_output=True, text=True, timeout=60, check=False
        )
        return Boot(
            status=done.returncode,
            output=done.stdout + done.stderr,
            calls=tuple(record.read_text().splitlines()),
            holds=tuple(sorted((self.root / "units").rglob("*.conf"))),
            flag=(self.root / "state" / "agent-active").exists(),
        )


def test_protected_node_joins_and_says_so(node: Node) -> None:
    boot = node.boot()
    assert (boot.status, boot.joins) == (0, True)
    assert boot.reported["result"] == "activated"
    assert boot.reported["instance"] == "i-0123456789abcdef0"


def test_agent_is_activated_with_the_policy_of_the_settings(node: Node) -> None:
    activation = next(call for call in node.boot().calls if call.startswith("dsa_control -a"))
    assert activation.split()[2] == SETTINGS.activation_url
    assert activation.endswith(f"policyid:{SETTINGS.policy_id}")


FAILURES = {
    "secret missing": ({"SECRET_STATUS": "254", "SECRET_VALUE": ""}, "secret"),
    "secret is not JSON": ({"SECRET_VALUE": f"{TENANT}:{TOKEN}"}, "secret"),
    **{
        f"secret without {lacking}": (
            {"SECRET_VALUE": json.dumps({key: value for key, value in SECRET.items() if key != lacking})},
            "secret",
        )
        for lacking in SECRET
    },
    # What rpmkeys of rpm 4.18 says of a package that is not signed, and of one signed by a key that it does not have.
    "package without a signature": ({"SIGNATURE": "digests OK"}, "signature"),
    "package signed by somebody else": ({"SIGNATURE": "digests SIGNATURES NOT OK"}, "signature"),
    "another package": ({"PACKAGE": "ds_agent_evil"}, "signature"),
    "package that is too old": ({"VERSION": "20.0.0-9999"}, "signature"),
    "no network": ({"CURL_STATUS": "28"}, "download"),
    "package refused": ({"RPM_STATUS": "1"}, "install"),
    "wrong token": ({"VALID_TOKEN": "another"}, "activate"),
    "modules not working": ({"AGENT_STATE": "red"}, "verify"),
    "agent without a manager": ({"MANAGER": ""}, "verify"),
}


@pytest.mark.parametrize(("environment", "step"), FAILURES.values(), ids=FAILURES.keys())
def test_unprotected_node_never_joins_and_powers_itself_off(node: Node, environment: dict[str, str], step: str) -> None:
    boot = node.boot(**environment)
    assert boot.status != 0
    assert not boot.joins
    assert boot.powered_off
    assert (boot.reported["result"], boot.reported["step"]) == ("failed", step)
    assert_secret_is_kept(node, boot)


def test_kubelet_is_held_before_anything_else_is_tried(node: Node) -> None:
    """Whatever ends the script early, even kill -9, finds both units waiting for a flag that is not there."""
    kill_itself = '#!/bin/bash\nkill -9 "$(ps -o ppid= -p "${PPID}" | tr -d " ")"\n'  # the parent of timeout
    (node.commands / "aws").write_text(kill_itself)
    boot = node.boot()
    assert boot.status == -9
    assert [hold.parent.name for hold in boot.holds] == ["kubelet.service.d", "nodeadm-run.service.d"]
    assert all(f"ConditionPathExists={node.root}/state/agent-active" in hold.read_text() for hold in boot.holds)
    assert not boot.joins


HANGS = ["aws", "curl", "rpm", "rpmkeys", "dsa_control", "dsa_query"]


@pytest.mark.slow
@pytest.mark.parametrize("command", HANGS)
def test_a_command_that_hangs_ends_the_start_and_not_the_waiting(tmp_path: Path, command: str) -> None:
    """Each limit is cut to a tenth of a second here; curl has a limit of its own, which the real one keeps."""
    quick = tmp_path / "quick"
    quick.write_text('#!/bin/bash\nshift 2\nexec /usr/bin/timeout --kill-after=1 0.1 "$@"\n')
    quick.chmod(0o755)
    (tmp_path / "node").mkdir()
    node = Node(tmp_path / "node", patience=str(quick))
    (node.commands / command).write_text("#!/bin/bash\nexec tail -f /dev/null\n")
    if command == "curl":
        assert "--max-time 300" in node.script.read_text()
        return
    boot = node.boot()
    assert boot.status != 0
    assert boot.powered_off
    assert not boot.joins


def test_every_later_start_asks_the_agent_again(node: Node) -> None:
    assert node.boot().flag
    unit = (node.root / "units" / "softpos-agent-restart.service").read_text()
    assert "Before=nodeadm-run.service kubelet.service" in unit
    assert f"ExecStart={node.root}/sbin/softpos-agent-boot restart" in unit
    assert (node.root / "sbin" / "softpos-agent-boot").read_text() == node.script.read_text()
    assert "FLAG=/run/" in boot_script(SETTINGS, REGION, "x"), "a restart must forget that the agent once worked"
    (node.root / "state" / "agent-active").unlink()
    broken = node.boot("restart", AGENT_STATE="red")
    assert (broken.flag, broken.powered_off) == (False, True)
    assert (broken.reported["result"], broken.reported["step"]) == ("failed", "restart")
    whole = node.boot("restart")
    assert (whole.status, whole.flag, whole.powered_off) == (0, True, False)
    assert not [call for call in whole.calls if "secretsmanager" in call]


def test_while_the_glass_is_broken_a_node_joins_without_an_agent_and_says_so(tmp_path: Path) -> None:
    node = Node(tmp_path, break_glass_until="2999-01-01T00:00:00Z")
    boot = node.boot(CURL_STATUS="28")
    assert (boot.flag, boot.powered_off) == (True, False)
    assert (boot.reported["result"], boot.reported["step"]) == ("unprotected", "download")
    assert node.boot().reported["result"] == "activated"


def test_after_that_moment_it_does_not(tmp_path: Path) -> None:
    boot = Node(tmp_path, break_glass_until="2026-01-01T00:00:00Z").boot(CURL_STATUS="28")
    assert (boot.flag, boot.powered_off) == (False, True)


def test_reboot_of_a_node_that_failed_does_not_let_it_join(node: Node) -> None:
    """A flag that an earlier start left behind is taken away."""
    node.boot()
    assert not node.boot(VALID_TOKEN="another").flag


def test_secret_is_in_no_output_no_report_no_file_and_no_other_command_line(node: Node) -> None:
    assert_secret_is_kept(node, node.boot())


def assert_secret_is_kept(node: Node, boot: Boot) -> None:
    """The one command line that holds the secret is the activation's, which knows no other way."""
    others = [call for call in boot.calls if not call.startswith("dsa_control -a")]
    files = [path.read_text() for path in node.root.rglob("*") if path.is_file() and path.name != "calls"]
    assert others
    assert files
    for secret in (TENANT, TOKEN):
        assert not [text for text in (boot.output, *others, *files) if secret in text]


def test_package_is_fetched_over_tls_and_kept_no_longer_than_needed(node: Node) -> None:
    boot = node.boot()
    download = next(call for call in boot.calls if call.startswith("curl"))
    assert "--proto =https --proto-redir =https --tlsv1.2" in download
    assert download.endswith(f"{SETTINGS.manager_url}/software/agent/amzn2023/x86_64/agent.rpm")
    assert not list(node.root.glob("tmp.*"))


@pytest.mark.skipif(shutil.which("shellcheck") is None, reason="shellcheck is not installed")
def test_boot_script_is_clean_shell(node: Node) -> None:
    shellcheck = shutil.which("shellcheck")
    assert shellcheck
    done = subprocess.run([shellcheck, str(node.script)], capture_output=True, text=True, check=False)
    assert done.stdout == ""


def test_vision_one_needs_other_settings_only() -> None:
    vision_one = AgentSettings(
        product="vision-one",
        activation_url="dsm://agents.eu.xdr.trendmicro.com:443/",
        manager_url="https://eu.workload.xdr.trendmicro.com",
        policy_id=3,
        secret_name="softpos/workload-security",
    )
    changed = boot_script(vision_one, REGION, "/g").splitlines()
    before = boot_script(SETTINGS, REGION, "/g").splitlines()
    differing = {line.partition("=")[0] for line, other in zip(changed, before, strict=True) if line != other}
    assert differing == {"ACTIVATION_URL", "MANAGER_URL", "POLICY_ID"}


@pytest.fixture
def agent(play: Play, placement: Placement, logs: LogStorage, alarms: Alarms) -> Recording:
    return play(
        lambda: WorkloadSecurityAgent(
            "agent", WorkloadSecurityAgentArgs(placement=placement, logs=logs, alarms=alarms, settings=SETTINGS)
        )
    )


def test_alarm_rings_for_the_report_that_a_failed_node_writes(agent: Recording, node: Node) -> None:
    report = node.boot(VALID_TOKEN="another").reported
    transformation = agent.named("agent-failures").inputs
    assert transformation["pattern"] == f'{{ $.event = "{report["event"]}" && $.result != "activated" }}'
    assert report["result"] == "failed"
    alarm = agent.named("agent-not-activated").inputs
    metric = transformation["metricTransformation"]
    assert (alarm["namespace"], alarm["metricName"]) == (metric["namespace"], metric["name"])
    assert (alarm["threshold"], alarm["comparisonOperator"]) == (0, "GreaterThanThreshold")


def test_nodes_write_to_the_log_group_that_the_alarm_watches(agent: Recording, node: Node) -> None:
    group = agent.named("agent-log-group").inputs["name"]
    assert agent.named("agent-failures").inputs["logGroupName"] == group
    assert any(f"put-log-events --region {REGION} --log-group-name {group} " in call for call in node.boot().calls)


def test_permission_reads_one_secret_and_writes_one_log_group(
    play: Play, placement: Placement, logs: LogStorage, alarms: Alarms
) -> None:
    made: list[WorkloadSecurityAgent] = []
    arguments = WorkloadSecurityAgentArgs(placement=placement, logs=logs, alarms=alarms, settings=SETTINGS)
    play(lambda: made.append(WorkloadSecurityAgent("agent", arguments)))
    resources = {statement["Sid"]: statement["Resource"] for statement in made[0].permission}
    assert resources["ReadAgentSecret"].endswith(":secret:softpos/workload-security-??????")
    assert resources["ReportAgentActivation"].endswith(":log-group:/softpos/test/workload-security:*")
    decrypt = next(statement for statement in made[0].permission if statement["Sid"] == "DecryptAgentSecret")
    assert decrypt["Condition"]["StringLike"]["kms:EncryptionContext:SecretARN"] == resources["ReadAgentSecret"]
