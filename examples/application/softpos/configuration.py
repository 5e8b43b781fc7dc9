"""What the platform tells the application, by environment variables: docs/application-contract.md describes each."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from pathlib import Path


class ConfigurationError(Exception):
    """A variable is missing or wrong; `args` holds one sentence for each."""


@dataclass(frozen=True, kw_only=True)
class Configuration:
    """One instance's configuration. A field is read from the variable of the same name in capitals."""

    aws_region: str
    tls_port: int = 8443
    listen_address: str = "0.0.0.0"  # noqa: S104  a pod has one address, and network policies say who reaches it
    instance: str = socket.gethostname()
    """Name of this instance in logs and in the table `heartbeats`; Kubernetes gives each pod its own host name."""

    database_connection_secret: str = ""
    """Name or ARN of the connection secret in Secrets Manager."""
    database_connection_file: str = ""
    """The same JSON in a file, for a cluster outside AWS. Exactly one of the two is given."""
    database_ca_file: str
    """PEM file with the authorities of every database that the connection secret may name."""

    cache_host: str
    cache_reader_host: str = ""
    """Not used: a session must be seen at once by the next request, and a replica lags."""
    cache_port: int = 6379
    cache_user: str
    cache_name: str = ""
    """Replication group of ElastiCache: the login is then a token of IAM."""
    cache_password_file: str = ""
    """File with the cache user's password, for a Redis outside AWS. Exactly one of the two is given."""
    cache_ca_file: str = ""
    """PEM file with the authority of the cache; empty: the operating system's authorities."""

    secret_poll_seconds: float = 10.0
    """How often the connection secret is read again. An error of the database makes it be read at once."""
    drain_seconds: float = 5.0
    """How long a stopping instance still takes requests and asks its clients to leave, before it closes its port."""

    @classmethod
    def read(cls, environment: Mapping[str, str] = os.environ) -> Configuration:
        """The configuration of the environment.

        Raises:
            ConfigurationError: with one sentence for each variable that is missing or wrong.
        """
        values: dict[str, object] = {}
        problems: list[str] = []
        required = {field.name for field in fields(cls) if field.default is MISSING}
        for field in fields(cls):
            name, text = field.name.upper(), environment.get(field.name.upper(), "")
            if not text:
                if field.name in required:
                    problems.append(f"{name} is not set; allowed: a text; the platform sets it for every pod.")
                continue
            try:
                values[field.name] = {"int": int, "float": float}.get(str(field.type), str)(text)
            except ValueError:
                problems.append(f"{name} is {text!r}; allowed: a number; correct it.")
        for one, other in (
            ("database_connection_secret", "database_connection_file"),
            ("cache_name", "cache_password_file"),
        ):
            if bool(values.get(one)) == bool(values.get(other)):
                problems.append(f"{one.upper()} and {other.upper()}: exactly one of the two must be set.")
        for name in ("database_ca_file", "cache_ca_file", "cache_password_file"):
            if (file := values.get(name)) and not Path(str(file)).is_file():
                problems.append(f"{name.upper()} is {file!r}; allowed: an existing file; mount it.")
        if problems:
            raise ConfigurationError(*problems)
        return cls(**values)  # type: ignore[arg-type]
