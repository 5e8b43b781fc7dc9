"""Fixtures: two real servers and AWS's stand-ins for the whole run, a fresh evening for each test."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
import requests
from moto.server import ThreadedMotoServer

from operations.cutover import checks_source
from tests.operations.cutover import amazon
from tests.operations.cutover.rig import Rig, build
from tests.operations.cutover.servers import (
    BINARY_VARIABLE,
    Authority,
    TestServer,
    make_server,
    make_template,
    server_binary,
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


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[TestServer, TestServer]]:
    binary = server_binary()
    if binary is None:
        pytest.skip(f"no MySQL-compatible server: install mariadb-server, or name one by {BINARY_VARIABLE}")
    base = Path(tmp_path_factory.mktemp("servers"))
    authority = Authority.create(base / "authority")
    template = make_template(binary, base / "template")
    pair = [
        make_server(binary, template, base / name, authority, number) for number, name in ((1, "source"), (2, "target"))
    ]
    yield pair[0], pair[1]
    for server in pair:
        server.stop()


@pytest.fixture(scope="session")
def aws() -> Iterator[tuple[amazon.Dms, str, str]]:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    moto = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    moto.start()
    host, port = moto.get_host_and_port()
    dms = amazon.Dms()
    server, address = amazon.serve(dms)
    yield dms, address, f"http://{host}:{port}"
    server.shutdown()
    server.server_close()
    moto.stop()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Prints what tests have measured, whichever process they ran in."""
    for report in terminalreporter.getreports("passed"):
        for name, line in report.user_properties:
            if name == "measured":
                terminalreporter.write_line(line)


@pytest.fixture
def environment(aws: tuple[amazon.Dms, str, str], monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Environment of a process that talks to the stand-ins only."""
    _, dms_url, moto_url = aws
    wanted = ENVIRONMENT | {
        "AWS_ENDPOINT_URL": moto_url,
        "AWS_ENDPOINT_URL_DATABASE_MIGRATION_SERVICE": dms_url,
        "AWS_ENDPOINT_URL_EC2": dms_url,
    }
    for name, value in wanted.items():
        monkeypatch.setenv(name, value)
    requests.post(f"{moto_url}/moto-api/reset", timeout=10)
    boto3.setup_default_session()
    return wanted


@pytest.fixture
def rig(
    servers: tuple[TestServer, TestServer],
    aws: tuple[amazon.Dms, str, str],
    environment: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Rig]:
    dms, dms_url, moto_url = aws
    monkeypatch.setattr(checks_source, "RATE_SECONDS", 0.02)
    evening = build(servers[0], servers[1], dms, dms_url, moto_url)
    yield evening
    evening.application.stop()
    for task in dms.tasks.values():
        task.end()
