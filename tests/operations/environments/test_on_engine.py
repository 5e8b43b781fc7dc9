"""The life of environments on the real Pulumi CLI, by the real command line, on a stand-in account.

What decides is real: the CLI, its state and locks, the ledger, the guard, signals. Only AWS is played: its resources by
the stand-in providers, the login and the DNS zone by moto.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest

from command_line.exits import NO_PULUMI
from command_line.project import ROOT
from operations.environments import lifetimes, stacks
from operations.environments.ledger import Ledger, from_text
from operations.environments.ledger_store import FileStore, change
from operations.environments.names import stack_of
from operations.pipeline.locks import DIRECTORY as LOCKS
from recording.names import named
from settings import REHEARSAL
from tools.engine import provider
from tools.engine.account import Account
from tools.engine.api_server import ApiServer
from tools.engine.faults import Fault
from tools.engine.provider import PACKAGES, Components, Providers
from tools.engine.stack import PARALLEL

ACCOUNT = "111122223333"
REGION = "eu-central-1"
ZONE = "dev.example.com"
PATIENCE_SECONDS = 900

pytestmark = [
    pytest.mark.engine,
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("pulumi") is None, reason=NO_PULUMI),
]


@dataclass
class Done:
    """One finished command."""

    code: int
    printed: str
    said: str


@dataclass
class Country:
    """One account with all that belongs to it, and the command line pointed at it."""

    directory: Path
    aws: str
    account: Account
    providers: dict[str, tuple[Providers, Components]] = field(default_factory=dict)

    @property
    def store(self) -> FileStore:
        return FileStore(self.directory / "state")

    @property
    def ledger(self) -> Ledger:
        return from_text(self.store.read()[0])

    def start(self, *arguments: str, about: str = "any") -> subprocess.Popen[str]:
        """Start ``python -m operations env``; `about` is the environment whose cluster the providers play."""
        if about not in self.providers:
            self.providers[about] = (Providers(self.account, about), Components(self.account, about))
        resources, components = self.providers[about]
        ports = {**dict.fromkeys(PACKAGES, resources.port), "eks": components.port}
        environment = {
            **os.environ,
            "AWS_ENDPOINT_URL": self.aws,
            "AWS_ACCESS_KEY_ID": "played",
            "AWS_SECRET_ACCESS_KEY": "played",
            "PULUMI_HOME": str(self.directory / "home"),
            "PULUMI_BACKEND_URL": (self.directory / "state").as_uri(),
            "PULUMI_CONFIG_PASSPHRASE": "played",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            "PULUMI_DEBUG_PROVIDERS": ",".join(f"{package}:{port}" for package, port in ports.items()),
            REHEARSAL: "1",
        }
        return subprocess.Popen(
            [sys.executable, "-m", "operations", "env", *arguments],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str, about: str = "any") -> Done:
        return finished(self.start(*arguments, about=about))

    def up(self, name: str, owner: str = "ana", *arguments: str) -> Done:
        return self.run("up", name, "--owner", owner, *arguments, about=name)

    def expire(self, *names: str) -> None:
        """Let the time of environments be up."""
        past = lifetimes.now() - timedelta(minutes=1)
        for name in names:
            change(
                self.store,
                lambda ledger, name=name: Ledger(  # type: ignore[misc]
                    {**ledger.environments, name: replace(ledger.get(name), until=past)}
                ),
            )

    def locks(self, name: str) -> list[Path]:
        return list((self.directory / "state" / LOCKS / stack_of(name)).glob("*.json"))

    def close(self) -> None:
        for pair in self.providers.values():
            for providers in pair:
                providers.close()


def finished(process: subprocess.Popen[str]) -> Done:
    printed, said = process.communicate(timeout=PATIENCE_SECONDS)
    return Done(process.returncode, printed, said)


@pytest.fixture(scope="module")
def aws() -> Iterator[str]:
    """A moto in which we are logged in to the development account."""
    port = _free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
        env={**os.environ, "MOTO_ACCOUNT_ID": ACCOUNT},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"
    until(lambda: _answers(url))
    yield url
    process.terminate()
    process.wait()


def _free_port() -> int:
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as listener:
        port: int = listener.getsockname()[1]
        return port


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2):  # noqa: S310 (this machine)
            return True
    except OSError:
        return False


def until(happened: Callable[[], Any]) -> None:
    """Wait for something; the test fails when it does not come."""
    end = time.monotonic() + PATIENCE_SECONDS
    while not happened():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.05)


@pytest.fixture
def country(tmp_path: Path, aws: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Country]:
    for folder in ("state", "home"):
        (tmp_path / folder).mkdir()
    with ApiServer() as server:
        account = Account(REGION, ACCOUNT, answers={"aws:eks/cluster:Cluster": {"endpoint": server.url}})
        made = Country(tmp_path, aws, account)
        # Names with the digits of the rehearsal would be the same in environments that are created at one moment.
        monkeypatch.setattr(provider, "named", lambda *given: named(*given[:-1], lambda *_: True))
        monkeypatch.setenv("AWS_ENDPOINT_URL", aws)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "played")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "played")
        _zone_of_dev(made)
        yield made
        made.close()


def _zone_of_dev(country: Country) -> None:
    """The hosted zone that dev owns, in moto and, under the same id, among the account's things."""
    route53 = boto3.client("route53", region_name=REGION)
    for zone in route53.list_hosted_zones()["HostedZones"]:
        route53.delete_hosted_zone(Id=zone["Id"])
    identity = ""
    for attempt in range(2000):  # moto's ids begin with any letter, AWS's with a Z
        identity = route53.create_hosted_zone(Name=ZONE, CallerReference=str(attempt))["HostedZone"]["Id"][12:]
        if identity.startswith("Z"):
            break
        route53.delete_hosted_zone(Id=identity)
    urn = "urn:pulumi:dev::softpos::aws:route53/zone:Zone::edge-name-zone"
    zone = country.account.create(urn, "aws:route53/zone:Zone", {"name": ZONE}, "")
    zone.id = identity
    zone.known = zone.known | {identity}


def test_three_at_once_live_apart_expire_and_are_reaped(country: Country) -> None:
    names = ("ana", "ben", "cem")
    processes = [country.start("up", name, "--owner", name, about=name) for name in names]
    results = [finished(process) for process in processes]
    assert [result.code for result in results] == [0, 0, 0], "\n".join(result.said for result in results)
    for name, result in zip(names, results, strict=True):
        assert f"https://{name}.{ZONE}" in result.printed
        assert f"aws eks update-kubeconfig --region {REGION} --name softpos-env-{name}" in result.printed
    networks = {one.inputs["cidrBlock"] for one in country.account.of("aws:ec2/vpc:Vpc")}
    assert networks == {str(one.cidr) for one in country.ledger.environments.values()}
    assert len(networks) == 3
    vpc = country.account.of("aws:ec2/vpc:Vpc")[0]
    assert vpc.inputs["tags"]["Owner"] in names

    listed = country.run("list")
    assert all(f"env-{name}" in listed.printed for name in names)
    assert "3 of 4 allowed." in listed.printed

    country.expire("ana", "cem")
    reaped = country.run("reap", about="ana")
    assert reaped.code == 0, reaped
    assert "Gone: ana, cem." in reaped.printed or "Gone: cem, ana." in reaped.printed
    assert set(country.ledger.environments) == {"ben"}
    assert len(country.account.of("aws:ec2/vpc:Vpc")) == 1


def test_of_two_developers_who_choose_one_name_one_gets_it(country: Country) -> None:
    processes = [country.start("up", "shared", "--owner", owner, about="shared") for owner in ("ana", "ben")]
    results = [finished(process) for process in processes]
    assert sorted(result.code for result in results) == [0, 1], results
    [refused] = [result.said for result in results if result.code == 1]
    assert f"shared belongs to {country.ledger.get('shared').owner}" in refused
    assert len(country.account.of("aws:ec2/vpc:Vpc")) == 1
    other = "ben" if country.ledger.get("shared").owner == "ana" else "ana"
    stolen = country.run("down", "shared", "--owner", other, about="shared")
    assert stolen.code == 1
    assert len(country.account.of("aws:ec2/vpc:Vpc")) == 1


def test_a_reap_that_is_interrupted_leaves_no_lock_and_is_resumed(country: Country) -> None:
    assert country.up("ana").code == 0
    country.expire("ana")
    before = len(country.account.things)
    process = country.start("reap", about="ana")
    until(lambda: any(one.verb == "delete" for one in country.account.operations))
    process.send_signal(signal.SIGINT)
    interrupted = finished(process)
    assert "what is under way is finished first" in interrupted.said
    if country.account.of("aws:ec2/vpc:Vpc"):  # stopped before the end, which is the rule
        assert interrupted.code == 3
        assert country.ledger.get("ana").state == "leaving"
        assert len(country.account.things) < before
    assert country.locks("ana") == []
    refused = country.up("ana")
    assert "ana is being destroyed" in refused.said or refused.code == 0
    resumed = country.run("reap", about="ana")
    assert resumed.code == 0, resumed
    assert "ana" not in country.ledger.environments
    assert country.account.of("aws:ec2/vpc:Vpc") == []


def test_an_environment_can_be_had_again_under_its_old_name(country: Country) -> None:
    for _ in range(2):
        assert country.up("ana").code == 0
        gone = country.run("down", "ana", "--owner", "ana", about="ana")
        assert gone.code == 0, gone
    assert country.account.of("aws:ec2/vpc:Vpc") == []
    assert json.loads(country.store.read()[0])["environments"] == {}


def test_a_creation_that_fails_is_resumed_by_the_same_command(country: Country) -> None:
    country.account.faults.add(Fault("fail", "aws:elasticache/replicationGroup:ReplicationGroup", "cache"))
    broken = country.up("ana")
    assert broken.code == 3, broken
    assert "run the same command to go on" in broken.said
    created = len(country.account.created())
    resumed = country.up("ana")
    assert resumed.code == 0, resumed
    urns = country.account.created()
    assert len(urns) > created
    assert len(set(urns)) == len(urns), "something was created twice"


def test_engine_and_environments_work_at_the_same_width() -> None:
    assert stacks.PARALLEL == PARALLEL
