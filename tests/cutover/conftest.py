"""Fixtures: two real servers and AWS's stand-ins for the whole run, a fresh evening for each test."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cutover import amazon
from tests.cutover.quick import PAUSES
from tests.cutover.rig import Rig, build
from tests.cutover.servers import (
    BINARY_VARIABLE,
    Authority,
    TestServer,
    make_server,
    make_template,
    server_binaries,
    version_of,
)

ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": amazon.REGION,
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": "/dev/null",
    "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
    "NO_PROXY": "127.0.0.1,localhost",
}


def shared_template(binary: str, base: Path, flavour: str) -> Path:
    """An initialised data directory for all workers of the run: the first one makes it, the others wait for it."""
    place, unfinished = base / f"template-{flavour}", base / f"unfinished-{flavour}"
    with (base / f"{flavour}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not place.exists():
            shutil.rmtree(unfinished, ignore_errors=True)
            make_template(binary, unfinished).rename(place)
    return place


NONE = f"no MySQL-compatible server: install mariadb-server, or name one by {BINARY_VARIABLE}"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Each test that needs servers runs once on every flavour at hand."""
    if "flavour" in metafunc.fixturenames:
        found = list(server_binaries()) or [pytest.param("none", marks=pytest.mark.skip(reason=NONE))]
        metafunc.parametrize("flavour", found, indirect=True, scope="session")


@pytest.fixture(scope="session")
def flavour(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="session")
def servers(flavour: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[TestServer, TestServer]]:
    binary = server_binaries()[flavour]
    own = tmp_path_factory.getbasetemp()
    template = shared_template(binary, own.parent if "PYTEST_XDIST_WORKER" in os.environ else own, flavour)
    base = Path(tmp_path_factory.mktemp("servers"))
    authority = Authority.create(base / "authority")
    pair = [
        make_server(binary, template, base / name, authority, number) for number, name in ((1, "source"), (2, "target"))
    ]
    yield pair[0], pair[1]
    for server in pair:
        server.stop()


@pytest.fixture(scope="session")
def aws() -> Iterator[tuple[amazon.Dms, str]]:
    dms = amazon.Dms()
    server, address = amazon.serve(dms)
    yield dms, address
    server.shutdown()
    server.server_close()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Prints the results of each flavour, and what tests have measured, whichever process they ran in."""
    for flavour, binary in server_binaries().items():
        told = {
            outcome: sum(f"[{flavour}" in report.nodeid for report in terminalreporter.getreports(outcome))
            for outcome in ("passed", "failed", "error")
        }
        if any(told.values()):
            counts = ", ".join(f"{number} {outcome}" for outcome, number in told.items() if number)
            terminalreporter.write_line(f"cutover on {flavour} ({version_of(binary)}): {counts}")
    for report in terminalreporter.getreports("passed"):
        for name, line in report.user_properties:
            if name == "measured":
                terminalreporter.write_line(str(line))


@pytest.fixture
def environment(aws: tuple[amazon.Dms, str], monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Environment of a process that talks to the stand-ins only."""
    wanted = ENVIRONMENT | {"AWS_ENDPOINT_URL": aws[1]}
    for name, value in wanted.items():
        monkeypatch.setenv(name, value)
    amazon.forget()
    return wanted


@pytest.fixture
def rig(
    servers: tuple[TestServer, TestServer],
    aws: tuple[amazon.Dms, str],
    environment: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Rig]:
    for module, name, seconds in PAUSES:
        monkeypatch.setattr(module, name, seconds)
    evening = build(servers[0], servers[1], aws[0])
    yield evening
    evening.application.stop()
    for task in evening.dms.tasks.values():
        task.end()
