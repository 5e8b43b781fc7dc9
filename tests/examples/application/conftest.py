"""Fixtures: a real database, a real Redis and AWS's stand-ins, on loopback with TLS."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cutover import amazon
from tests.cutover.conftest import ENVIRONMENT, NONE, aws, servers  # noqa: F401  fixtures
from tests.cutover.servers import Authority, TestServer, server_binaries
from tests.examples.application.place import Place
from tests.examples.application.redis_server import RedisServer, redis_binary


@pytest.fixture(scope="session")
def flavour() -> str:
    """The first server at hand: the cutover's own tests run on every flavour."""
    found = server_binaries()
    if not found:
        pytest.skip(NONE)
    return next(iter(found))


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    binary = redis_binary()
    if binary is None:
        pytest.skip("no Redis: install redis-server")
    base = Path(tmp_path_factory.mktemp("cache"))
    server = RedisServer(binary, base / "data", Authority.create(base / "authority"))
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def place(
    servers: tuple[TestServer, TestServer],  # noqa: F811
    aws: tuple[amazon.Dms, str],  # noqa: F811
    cache: RedisServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Place]:
    """One for a file: an instance takes seconds to start, so tests share it and keep to terminals of their own."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (ENVIRONMENT | {"AWS_ENDPOINT_URL": aws[1]}).items():
            patch.setenv(name, value)
        amazon.forget()
        here = Place(servers[1], cache, Path(tmp_path_factory.mktemp("place")))
        here.prepare()
        yield here
        here.close()
