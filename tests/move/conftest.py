"""Fixtures: one move on real servers, with AWS's stand-ins."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cutover import amazon
from tests.cutover.conftest import aws, environment, servers  # noqa: F401  fixtures
from tests.cutover.quick import PAUSES
from tests.cutover.servers import Authority, TestServer
from tests.examples.application.conftest import flavour  # noqa: F401  a fixture
from tests.examples.application.redis_server import RedisServer, redis_binary
from tests.move.elb_api import as_aws_answers
from tests.move.stage import Stage, build, open_front


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Prints what the move has measured."""
    for report in terminalreporter.getreports("passed"):
        for name, line in report.user_properties:
            if name == "moved":
                terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def caches(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RedisServer, RedisServer]]:
    binary = redis_binary()
    if binary is None:
        pytest.skip("no Redis: install redis-server")
    base = Path(tmp_path_factory.mktemp("caches"))
    authority = Authority.create(base / "authority")
    pair = RedisServer(binary, base / "openshift", authority), RedisServer(binary, base / "aws", authority)
    for server in pair:
        server.start()
    yield pair
    for server in pair:
        server.stop()


@pytest.fixture
def stage(
    servers: tuple[TestServer, TestServer],  # noqa: F811
    aws: tuple[amazon.Dms, str],  # noqa: F811
    environment: dict[str, str],  # noqa: F811
    caches: tuple[RedisServer, RedisServer],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Stage]:
    for module, name, seconds in PAUSES:
        monkeypatch.setattr(module, name, seconds)
    # The cutover asks the health page as it asks any public one: with verification.
    monkeypatch.setenv("SSL_CERT_FILE", str(servers[0].authority.ca_file))
    made = build(servers[0], servers[1], aws[0], caches, tmp_path)
    with as_aws_answers(made.front.health):
        open_front(made)
        yield made
        # pytest shows it where the test has failed.
        sys.stdout.write(
            "".join([*(f"{told}\n" for told in made.rig.screen.told), made.old.output, *made.last_words()])
        )
        made.close()
    for task in made.rig.dms.tasks.values():
        task.end()
