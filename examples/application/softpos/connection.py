"""Where the database is and how the application logs in to it: the connection secret.

The platform changes the secret while the application runs: the switch of a migration changes the address and the
login (a password on the data centre's server, a token of IAM on AWS) in one new version.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from softpos.configuration import Configuration

LOG = logging.getLogger(__name__)
LEAST_SECONDS_BETWEEN_READS = 0.5
"""Errors of the database make the secret be read at once, but a storm of them not more often than this."""


class ConnectionSecretError(Exception):
    """The secret cannot be read or is not what the contract says. The sentence names no value."""


@dataclass(frozen=True, kw_only=True)
class Connection:
    """One version of the connection secret."""

    host: str
    port: int
    database: str
    username: str
    auth: Literal["iam", "password"]
    password: str = field(default="", repr=False)
    reader_host: str = ""
    """Empty: there is no reader, and the writer answers everything."""

    @classmethod
    def parse(cls, text: str) -> Connection:
        """The connection that the secret's JSON describes. Without `auth` it is the login by password.

        Raises:
            ConnectionSecretError: when a field is missing or wrong.
        """
        try:
            found = json.loads(text)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise ConnectionSecretError("The connection secret is no JSON object; write one with host and username.")
        missing = [name for name in ("host", "username") if not found.get(name)]
        auth = found.get("auth", "password")
        if auth == "password" and not found.get("password"):
            missing.append("password")
        if missing:
            raise ConnectionSecretError(f"The connection secret has no {', '.join(missing)}; add it.")
        if auth not in ("iam", "password"):
            raise ConnectionSecretError("auth of the connection secret is unknown; allowed: iam, password; correct it.")
        try:
            port = int(found.get("port", 3306))
        except (TypeError, ValueError):
            raise ConnectionSecretError("port of the connection secret is no number; allowed: 1 to 65535.") from None
        return cls(
            host=str(found["host"]),
            port=port,
            database=str(found.get("database", "softpos")),
            username=str(found["username"]),
            auth=auth,
            password=str(found.get("password", "")) if auth == "password" else "",
            reader_host=str(found.get("reader_host") or ""),
        )


def reader(configuration: Configuration, session: boto3.Session) -> Callable[[], str]:
    """What reads the secret's text: from Secrets Manager, or from a file in a cluster outside AWS."""
    if configuration.database_connection_file:
        file = Path(configuration.database_connection_file)
        return lambda: file.read_text(encoding="utf-8")
    client: Any = session.client("secretsmanager", region_name=configuration.aws_region)
    name = configuration.database_connection_secret
    return lambda: str(client.get_secret_value(SecretId=name, VersionStage="AWSCURRENT")["SecretString"])


class ConnectionWatch:
    """Reads the secret every `poll_seconds`, or at once when asked, and tells each change."""

    def __init__(self, read: Callable[[], str], changed: Callable[[Connection], None], poll_seconds: float) -> None:
        self._read = read
        self._changed = changed
        self._poll_seconds = poll_seconds
        self._known: Connection | None = None
        self._asked = threading.Event()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True, name="connection secret")

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._asked.set()

    def ask(self) -> None:
        """The database refused something that it took before: perhaps it has moved."""
        self._asked.set()

    def look(self) -> None:
        """Reads the secret once. What cannot be read or used leaves the connection as it is, and is logged."""
        try:
            found = Connection.parse(self._read())
        except (ConnectionSecretError, OSError) as error:
            LOG.error("connection secret: %s", error)  # noqa: TRY400  the sentence says it; a trace could hold the secret
            return
        except (BotoCoreError, ClientError) as error:
            LOG.error("connection secret: Secrets Manager did not answer (%s)", type(error).__name__)  # noqa: TRY400
            return
        if found != self._known:
            self._known = found
            LOG.info("database: %s:%d by %s", found.host, found.port, found.auth)
            self._changed(found)

    def _run(self) -> None:
        while not self._stopped.is_set():
            self._asked.clear()
            self.look()
            self._stopped.wait(LEAST_SECONDS_BETWEEN_READS)
            # Until the first version has been read, nothing can work: do not wait for the next turn.
            self._asked.wait(0 if self._known is None else self._poll_seconds)
