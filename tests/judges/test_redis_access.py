"""Redis itself reads the access strings: what it would answer is what the program declares."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from components.data.session_cache import APPLICATION_ACCESS, NO_ACCESS

ADDED = "sanitize-payload "
"""What Redis says of every user and ElastiCache does not show."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[redis.Redis]:
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("redis-server is not installed; install the package redis-server")
    folder = tmp_path_factory.mktemp("redis")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)],
        stdout=(folder / "log").open("w"),
    )
    client = redis.Redis(port=port, decode_responses=True)
    while True:
        try:
            client.ping()
            break
        except redis.ConnectionError:
            assert process.poll() is None, Path(folder / "log").read_text()
            time.sleep(0.02)
    yield client
    client.close()
    process.terminate()
    process.wait()


def answered(server: redis.Redis, access: str) -> str:
    server.execute_command("ACL", "SETUSER", "asked", "reset", *access.split())
    [line] = [one for one in server.acl_list() if one.startswith("user asked ")]
    return str(line).removeprefix("user asked ").replace(ADDED, "")


def test_redis_answers_the_closed_users_string_as_it_is_declared(server: redis.Redis) -> None:
    assert answered(server, NO_ACCESS) == NO_ACCESS


def test_redis_adds_no_keys_and_no_channels_to_the_applications_string(server: redis.Redis) -> None:
    before_commands = APPLICATION_ACCESS.partition(" -@all")[0]
    assert answered(server, APPLICATION_ACCESS).startswith(f"{before_commands} -@all ")


def test_a_string_that_redis_would_complete_is_found(server: redis.Redis) -> None:
    assert answered(server, "off ~* -@all") != "off ~* -@all"
