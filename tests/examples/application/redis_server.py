"""A real Redis for the tests: TLS on loopback, and the application's user with the rights that ElastiCache gives it."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import redis

from components.data.session_cache import APPLICATION_ACCESS
from tests.cutover.servers import Authority, _die_with_the_tests, free_port

USER, PASSWORD = "softpos_sessions", "cache-of-a-test"
START_SECONDS = 20


def redis_binary() -> str | None:
    """The server to test against, or None where there is none."""
    return shutil.which("redis-server") or shutil.which("valkey-server")


@dataclass
class RedisServer:
    """One process. `stop` ends it; `start` brings an empty one back on the same port."""

    binary: str
    directory: Path
    authority: Authority
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        pem = self.authority.directory
        rights = APPLICATION_ACCESS.removeprefix("on ")
        lines = [
            "port 0",
            f"tls-port {self.port}",
            "bind 127.0.0.1",
            f"tls-cert-file {pem / 'server.pem'}",
            f"tls-key-file {pem / 'server.key'}",
            f"tls-ca-cert-file {self.authority.ca_file}",
            "tls-auth-clients no",
            'save ""',
            f"dir {self.directory}",
            "user default off",
            f"user {USER} on >{PASSWORD} {rights}",
        ]
        file = self.directory / "redis.conf"
        file.write_text("\n".join(lines) + "\n")
        self.process = subprocess.Popen(
            [self.binary, str(file)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=_die_with_the_tests if sys.platform == "linux" else None,
        )
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                self.client().ping()
            except redis.RedisError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    self.stop()
                    raise
                time.sleep(0.02)
            else:
                return

    def client(self) -> redis.Redis:
        return redis.Redis(
            host="127.0.0.1",
            port=self.port,
            username=USER,
            password=PASSWORD,
            ssl=True,
            ssl_ca_certs=str(self.authority.ca_file),
            decode_responses=True,
        )

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait(timeout=20)
        self.process = None
