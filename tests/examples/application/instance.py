"""The application as one process, started as its container starts it."""

from __future__ import annotations

import http.client
import json
import os
import signal
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.cutover.servers import _die_with_the_tests, free_port

HOME = Path(__file__).parents[3] / "examples/application"
START_SECONDS = 90


def no_verification() -> ssl.SSLContext:
    """The load balancer's way: it encrypts to an instance and does not ask who it is."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


@dataclass
class Instance:
    """One process; its standard output is kept in `lines`."""

    environment: Mapping[str, str]
    address: str = "127.0.0.1"
    port: int = field(default_factory=free_port)
    lines: list[str] = field(default_factory=list)
    process: subprocess.Popen[str] | None = None

    def start(self, *arguments: str) -> None:
        own = {"TLS_PORT": str(self.port), "LISTEN_ADDRESS": self.address, "PYTHONPATH": str(HOME)}
        inherited = {name: value for name, value in os.environ.items() if name.startswith(("AWS_", "PATH"))}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "softpos", *arguments],
            cwd=HOME,
            env=inherited | dict(self.environment) | own,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            preexec_fn=_die_with_the_tests if sys.platform == "linux" else None,
        )
        threading.Thread(target=self._read, args=(self.process,), daemon=True).start()

    def _read(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout
        self.lines.extend(process.stdout)

    @property
    def output(self) -> str:
        return "".join(self.lines)

    def ask(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        seconds: float = 10,
    ) -> tuple[int, Any]:
        """Status and JSON of one request on a connection of its own."""
        connection = http.client.HTTPSConnection(self.address, self.port, timeout=seconds, context=no_verification())
        try:
            sent = json.dumps(body) if body is not None else None
            kind = {"Content-Type": "application/json"} if sent else {}
            connection.request(method, path, sent, kind | dict(headers or {}))
            answer = connection.getresponse()
            text = answer.read()
            return answer.status, json.loads(text) if text else None
        finally:
            connection.close()

    def wait(self, status: int = 200, path: str = "/health", seconds: float = START_SECONDS) -> Any:
        """Returns the page's content once it answers `status`."""
        deadline = time.monotonic() + seconds
        seen: Any = "nothing yet"
        while time.monotonic() < deadline:
            try:
                seen = self.ask("GET", path, seconds=3)
            except (OSError, http.client.HTTPException) as error:
                seen = error
            else:
                if seen[0] == status:
                    return seen[1]
            assert self.process is None or self.process.poll() is None, f"the instance ended:\n{self.output}"
            time.sleep(0.05)
        raise AssertionError(f"{path} did not answer {status}, but {seen}; the instance said:\n{self.output}")

    def stop(self, signal_number: int = signal.SIGTERM, seconds: float = 30) -> int:
        """Ends the process; its exit code."""
        if self.process is None:
            return 0
        if self.process.poll() is None:
            self.process.send_signal(signal_number)
        code = self.process.wait(timeout=seconds)
        self.process = None
        return code
