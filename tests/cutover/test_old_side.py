"""The gates before the freeze: each lets only what is still pass, and says what is not."""

from __future__ import annotations

import json
import ssl
import sys
import threading
from collections.abc import Iterator, Mapping
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import pymysql
import pytest

from cutover.errors import SettingsError, ToolError
from cutover.public_side import PublicSide, read_public_side
from cutover.stack import from_outputs
from cutover.states import STATES, StateId
from cutover.steps import old_side
from cutover.steps.actions import Gate, Judgement
from cutover.steps.application import healthy
from tests.cutover import application
from tests.cutover.rig import Rig, run_of
from tests.cutover.servers import Authority

RULE, AWS_GROUP, OLD_GROUP = "rule", "group/aws", "group/old"
PUBLIC = PublicSide(
    phase="shifting",
    host_name="pay.example.com",
    load_balancer_dns_name="edge.example.net",
    load_balancer_arn_suffix="app/edge/1",
    rules={RULE: AWS_GROUP},
    old_target_group_arn=OLD_GROUP,
)
STOPPED = {"kind": "Deployment", "metadata": {"name": "softpos"}, "spec": {"replicas": 0}, "status": {}}


def gate(name: str) -> Gate:
    return next(one for one in old_side.GATES if one.id == name)


def judged(rig: Rig, name: str, public: PublicSide | None = PUBLIC, **commands: tuple[str, ...]) -> Judgement:
    rig.stack, rig.commands = replace(rig.stack, public=public), commands
    return gate(name).judge(run_of(rig))


def prints(text: str) -> tuple[str, ...]:
    return (sys.executable, "-c", f"print({text!r})")


def listed(*items: Mapping[str, Any]) -> tuple[str, ...]:
    return prints(json.dumps({"items": items}))


def test_the_gates_are_judged_again_right_before_the_freeze() -> None:
    state = STATES[StateId.VALIDATE]
    assert state.about_now
    assert state.steps()[-len(old_side.GATES) :] == old_side.GATES


# ---- What OpenShift tells --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "spec", "status", "says"),
    [
        ("Deployment", {"replicas": 2}, {}, "has 2 pods"),
        ("Deployment", {}, {}, "has 1 pods"),
        ("DeploymentConfig", {"replicas": 0}, {"replicas": 1}, "has 1 pods"),
        ("StatefulSet", {"replicas": 1}, {"replicas": 0}, "has 1 pods"),
        ("ReplicationController", {"replicas": 1}, {}, "has 1 pods"),
        ("DaemonSet", {}, {"currentNumberScheduled": 3}, "has 3 pods"),
        ("CronJob", {"schedule": "0 3 * * *"}, {}, "is not suspended"),
        ("CronJob", {"suspend": False}, {}, "is not suspended"),
        ("CronJob", {"suspend": True}, {"active": [{}]}, "runs 1 times"),
        ("Job", {}, {"active": 1}, "runs 1 times"),
        ("Pod", {}, {"phase": "Running"}, "has not ended"),
        ("Pod", {}, {}, "has not ended"),
    ],
)
def test_whatever_works_on_the_old_side_is_named(
    kind: str, spec: dict[str, Any], status: dict[str, Any], says: str
) -> None:
    item = {"kind": kind, "metadata": {"name": "x"}, "spec": spec, "status": status}
    assert old_side.busy([STOPPED, item]) == [f"{kind}/x {says}"]


def test_a_still_old_side_passes_and_a_list_without_workloads_does_not() -> None:
    ended = {"kind": "Pod", "metadata": {"name": "x"}, "status": {"phase": "Succeeded"}}
    suspended = {"kind": "CronJob", "metadata": {"name": "x"}, "spec": {"suspend": True}}
    assert old_side.busy([STOPPED, ended, suspended]) == []
    assert old_side.busy([]) == old_side.busy([ended])
    assert "not of the application's project" in old_side.busy([])[0]


def test_pods_at_0_or_a_locked_account_pass(rig: Rig) -> None:
    name = "old-side-still"
    assert "give --old-side-command" in judged(rig, name).sentence
    running = {**STOPPED, "spec": {"replicas": 1}}
    assert not judged(rig, name, old_side_command=listed(running)).good
    assert judged(rig, name, old_side_command=listed(STOPPED)).good
    assert "printed no list" in judged(rig, name, old_side_command=prints("No resources found")).sentence
    with pytest.raises(ToolError, match="ended with 1"):
        judged(rig, name, old_side_command=("false",))
    rig.stack = replace(rig.stack, vpc_cidr="10.20.0.0/16")
    rig.source.run(f"ALTER USER '{application.USER}'@'%' ACCOUNT LOCK")
    assert "are locked" in judged(rig, name).sentence
    rig.source.run(f"ALTER USER '{application.USER}'@'%' ACCOUNT UNLOCK")
    assert not judged(rig, name).good


@pytest.mark.parametrize(
    ("host", "inside"),
    [
        ("10.20.3.4", True),
        ("10.20.%", True),
        ("10.20.3.%", True),
        ("10.20.0.0/255.255.0.0", True),
        ("10.%", False),
        ("10.21.%", False),
        ("%", False),
        ("", False),
        ("localhost", False),
        ("%.example.com", False),
        ("10.20%", False),
    ],
)
def test_an_account_is_aws_s_own_only_when_its_host_is_in_the_vpc(host: str, inside: bool) -> None:
    assert old_side.admits_only(f"'softpos'@'{host}'", IPv4Network("10.20.0.0/16")) == inside


# ---- Traffic, sessions, log ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("actions", "good"),
    [
        ([{"Type": "forward", "TargetGroupArn": AWS_GROUP}], True),
        ([{"Type": "forward", "ForwardConfig": {"TargetGroups": [{"TargetGroupArn": AWS_GROUP, "Weight": 1}]}}], True),
        (
            [
                {
                    "Type": "forward",
                    "ForwardConfig": {
                        "TargetGroups": [
                            {"TargetGroupArn": AWS_GROUP, "Weight": 100},
                            {"TargetGroupArn": OLD_GROUP, "Weight": 0},
                        ]
                    },
                }
            ],
            False,
        ),
        ([{"Type": "forward", "TargetGroupArn": OLD_GROUP}], False),
        ([{"Type": "fixed-response"}], False),
        ([], False),
    ],
)
def test_only_rules_that_name_aws_alone_are_all_of_the_traffic(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, actions: list[dict[str, Any]], good: bool
) -> None:
    told = {"Rules": [{"RuleArn": RULE, "Actions": actions}]}
    monkeypatch.setattr("cutover.servers.aws.Aws.call", lambda *_, **__: told)
    assert judged(rig, "all-traffic-on-aws").good == good


def test_another_phase_is_refused_and_a_stack_without_a_public_name_passes(rig: Rig) -> None:
    judgement = judged(rig, "all-traffic-on-aws", replace(PUBLIC, phase="beside", rules={}))
    assert "'beside'" in judgement.sentence
    assert not judgement.good
    for one in old_side.GATES:
        assert judged(rig, one.id, None).good


def test_a_session_from_outside_the_vpc_is_named(rig: Rig) -> None:
    rig.application.stop()
    rig.stack = replace(rig.stack, vpc_cidr="127.0.0.0/29")
    assert judged(rig, "no-foreign-sessions").good
    opened: pymysql.Connection[Any] = rig.source.connect(
        application.USER, application.PASSWORD, bind_address="127.0.0.77"
    )
    judgement = judged(rig, "no-foreign-sessions")
    assert not judgement.good
    assert "127.0.0.77" in judgement.sentence
    opened.close()
    rig.source.connect(application.USER, application.PASSWORD).close()
    assert judged(rig, "no-foreign-sessions").good


def test_the_old_log_and_the_load_balancer_must_be_silent(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[dict[str, float]] = []
    monkeypatch.setattr("cutover.servers.aws.Aws.call", lambda *_, **__: {"Datapoints": sent})
    name = "old-log-silent"
    assert "give --old-log-command" in judged(rig, name).sentence
    assert judged(rig, name, old_log_command=prints("GET https://other.example.com/")).good
    assert "1 requests" in judged(rig, name, old_log_command=prints("10.1.2.3 pay.example.com POST /v1")).sentence
    with pytest.raises(ToolError):
        judged(rig, name, old_log_command=("no-such-command-here",))
    sent.append({"Sum": 7.0})
    assert "7 requests" in judged(rig, name, old_log_command=prints("")).sentence


# ---- Where health is asked -------------------------------------------------------------------------------------------


@pytest.fixture
def balancer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[int, list[str]]]:
    """A load balancer on loopback: its port, and what it was asked for, by server name and by Host."""
    authority, asked = Authority.create(tmp_path), list[str]()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.headers["Host"].partition(":")[0])
            self.send_response(200 if self.path == "/ready" else 503)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(authority.directory / "server.pem", authority.directory / "server.key")
    tls.sni_callback = lambda _socket, name, _context: asked.append(name)  # type: ignore[assignment]
    server = HTTPServer(("127.0.0.1", 0), Handler)
    server.socket = tls.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.ca_file))
    yield server.server_port, asked
    server.shutdown()
    server.server_close()


def test_health_is_asked_of_the_load_balancer_by_the_public_name(balancer: tuple[int, list[str]]) -> None:
    port, asked = balancer
    assert healthy(f"https://pay.example.com:{port}/ready", "127.0.0.1") == ""
    assert asked == ["pay.example.com", "pay.example.com"]
    assert healthy(f"https://pay.example.com:{port}/health", "127.0.0.1") == "answered 503"
    assert "certificate" in healthy(f"https://other.example.com:{port}/ready", "127.0.0.1")


# ---- Outputs ---------------------------------------------------------------------------------------------------------

TRAFFIC = {
    "phase": "shifting",
    "host_name": "pay.example.com",
    "load_balancer_dns_name": "edge.example.net",
    "load_balancer_arn_suffix": "app/edge/1",
    "rules": [{"arn": RULE, "new_target_group_arn": AWS_GROUP}],
    "old_target_group_arn": OLD_GROUP,
}


def test_the_public_side_is_what_the_outputs_say() -> None:
    assert read_public_side("prod", {"traffic": TRAFFIC}) == PUBLIC
    assert read_public_side("prod", {"traffic": {}}) is None
    assert read_public_side("prod", {}) is None


@pytest.mark.parametrize("name", TRAFFIC)
def test_each_missing_field_is_named(name: str) -> None:
    given = {key: value for key, value in TRAFFIC.items() if key != name}
    with pytest.raises(SettingsError) as stop:
        read_public_side("prod", {"traffic": given if name != "phase" else {**given, "phase": 3}})
    assert f"traffic.{name}" in str(stop.value)


def test_a_range_that_is_none_is_refused(rig: Rig) -> None:
    outputs = {"migration": {**rig.outputs["migration"], "vpc_cidr": "10.20.0.0/99"}}
    with pytest.raises(SettingsError, match="vpc_cidr"):
        from_outputs("test", outputs)
