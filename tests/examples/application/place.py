"""Where instances run in the tests: real servers, prepared, and what the platform would tell a pod."""

from __future__ import annotations

import hashlib
import json
import signal
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
from botocore.credentials import Credentials

from components.service.application_access import DATABASE_USER
from tests.cutover import amazon
from tests.cutover.servers import TestServer
from tests.examples.application import redis_server
from tests.examples.application.iam_login import Gate, cache_gate, database_gate
from tests.examples.application.instance import HOME, Instance
from tests.examples.application.redis_server import RedisServer

PASSWORD = "application-of-a-test"
CODE = "activation-of-a-test"
CREDENTIALS = Credentials("testing", "testing")
"""What IAM knows in the tests; an instance has the same in its environment."""
CACHE_NAME, CACHE_USER = "softpos-test-cache", "softpos-test-application"
SCHEMA = tuple(text.strip() for text in (HOME / "schema.sql").read_text().split(";\n") if text.strip())
SALT = b"salt-of-a-test.."


def schema_statements(schema: str = "softpos") -> tuple[str, ...]:
    return (
        f"CREATE DATABASE {schema} CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci",
        f"USE {schema}",
        *SCHEMA,
        *(_terminal(number) for number in range(1, 21)),
    )


def _terminal(number: int) -> str:
    code = hashlib.scrypt(CODE.encode(), salt=SALT, n=2**12, r=8, p=1, dklen=32)
    return (
        "INSERT INTO terminals (serial, activation_salt, activation_hash) "  # noqa: S608
        f"VALUES ('{serial(number)}', 0x{SALT.hex()}, 0x{code.hex()})"
    )


def serial(number: int) -> str:
    return f"T{number:04}"


def account_statements() -> tuple[str, ...]:
    """The application's account: its rows and nothing else."""
    return (
        f"DROP USER IF EXISTS '{DATABASE_USER}'@'%'",
        f"CREATE USER '{DATABASE_USER}'@'%' IDENTIFIED BY '{PASSWORD}' REQUIRE SSL",
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON softpos.* TO '{DATABASE_USER}'@'%'",
    )


@dataclass
class Place:
    """A database and a cache, with both kinds of login to each."""

    database: TestServer
    cache: RedisServer
    directory: Path
    secret: str = field(default_factory=lambda: f"softpos/{uuid.uuid4().hex}")
    gates: dict[str, Gate] = field(default_factory=dict)
    instances: list[Instance] = field(default_factory=list)

    def prepare(self) -> None:
        """Empty tables and fresh accounts."""
        self.database.run(
            "SET GLOBAL read_only = OFF",
            "DROP DATABASE IF EXISTS softpos",
            *schema_statements(),
            *account_statements(),
        )
        self.open_gates()
        boto3.client("secretsmanager").create_secret(Name=self.secret, SecretString=json.dumps(self.by_password))

    def open_gates(self) -> None:
        """The logins by IAM's tokens."""
        self.gates = {
            "database": database_gate(
                self.database.authority, self.database.port, PASSWORD, CREDENTIALS, amazon.REGION
            ),
            "cache": cache_gate(
                self.cache.authority,
                (self.cache.port, redis_server.USER, redis_server.PASSWORD),
                CACHE_NAME,
                CACHE_USER,
                CREDENTIALS,
                amazon.REGION,
            ),
        }

    @property
    def by_password(self) -> dict[str, Any]:
        """The connection secret before a switch."""
        return {
            "host": "127.0.0.1",
            "port": self.database.port,
            "database": "softpos",
            "username": DATABASE_USER,
            "auth": "password",
            "password": PASSWORD,
        }

    @property
    def by_iam(self) -> dict[str, Any]:
        """The connection secret after a switch, as components/service/application_access.py writes it."""
        return {
            "host": "127.0.0.1",
            "reader_host": "127.0.0.1",
            "port": self.gates["database"].port,
            "database": "softpos",
            "username": DATABASE_USER,
            "auth": "iam",
        }

    def write_secret(self, content: Mapping[str, Any]) -> None:
        boto3.client("secretsmanager").put_secret_value(SecretId=self.secret, SecretString=json.dumps(content))

    def on_aws(self, **changes: str) -> dict[str, str]:
        """What the platform tells a pod, and how fast the tests want it."""
        return {
            "AWS_REGION": amazon.REGION,
            "DATABASE_CONNECTION_SECRET": self.secret,
            "DATABASE_CA_FILE": str(self.database.authority.ca_file),
            "CACHE_HOST": "127.0.0.1",
            "CACHE_PORT": str(self.gates["cache"].port),
            "CACHE_NAME": CACHE_NAME,
            "CACHE_USER": CACHE_USER,
            "CACHE_CA_FILE": str(self.cache.authority.ca_file),
            "SECRET_POLL_SECONDS": "1",
            "DRAIN_SECONDS": "0.5",
        } | changes

    def outside(self, **changes: str) -> dict[str, str]:
        """The same on a cluster outside AWS: files in the place of Secrets Manager and IAM."""
        connection, password = self.directory / "connection.json", self.directory / "cache-password"
        connection.write_text(json.dumps(self.by_password))
        password.write_text(redis_server.PASSWORD)
        return (
            self.on_aws(
                DATABASE_CONNECTION_SECRET="",
                DATABASE_CONNECTION_FILE=str(connection),
                CACHE_NAME="",
                CACHE_USER=redis_server.USER,
                CACHE_PORT=str(self.cache.port),
                CACHE_PASSWORD_FILE=str(password),
            )
            | changes
        )

    def start(self, environment: Mapping[str, str], **options: Any) -> Instance:
        instance = Instance(environment, **options)
        self.instances.append(instance)
        instance.start()
        return instance

    def close(self) -> None:
        for instance in self.instances:
            instance.stop(signal.SIGKILL)
        for gate in self.gates.values():
            gate.close()


INNODB_REFRESHES_SECONDS = 0.1
"""InnoDB renews INNODB_TRX and its like only when nobody has read them for so long (CACHE_MIN_IDLE_TIME_NS)."""


def until(true: Callable[[], bool], seconds: float = 60, pause: float = 0.05) -> None:
    """Returns once it is true, which is asked every `pause` seconds."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not come true"
        time.sleep(pause)
