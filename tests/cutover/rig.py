"""One evening in small: two servers, AWS, the application, and the migration between them."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pymysql

from cutover.driver import Driver
from cutover.limits import Limits
from cutover.migration import Migration
from cutover.record import DynamoStore, Facts, Record, StateId, leased
from cutover.servers.aws import Aws
from cutover.stack import OUTPUT, Stack, from_outputs
from cutover.steps.actions import Run
from tests.cutover import amazon, application, runbook
from tests.cutover.application import Application, json_secret
from tests.cutover.quick import QUICK
from tests.cutover.replication import Endpoint, Task
from tests.cutover.servers import TestServer

OPERATOR, OPERATOR_PASSWORD = "migrator", "operator-of-a-test"
DMS_USER, DMS_BACK, DMS_PASSWORD = "dms", "dms_back", "dms-of-a-test"
TABLE = "migration-state"
SCHEMA = tuple(
    text.strip() for text in (Path(__file__).parent / "softpos.sql").read_text().split(";\n") if text.strip()
)


def accounts(server: TestServer, role: str) -> list[str]:
    """The accounts of an evening, with the grants of the runbook's table and no other."""
    made = []
    for user, password in (
        (OPERATOR, OPERATOR_PASSWORD),
        (DMS_USER, DMS_PASSWORD),
        (DMS_BACK, DMS_PASSWORD),
        (application.USER, application.PASSWORD),
    ):
        made += [
            f"DROP USER IF EXISTS '{user}'@'%'",
            f"CREATE USER '{user}'@'%' IDENTIFIED BY '{password}' REQUIRE SSL",
        ]
    for account, user in (("operator (this tool)", OPERATOR), ("DMS, there", DMS_USER), ("DMS, back", DMS_BACK)):
        made += runbook.statements(account, role, f"'{user}'@'%'", "softpos", mariadb=server.mariadb)
    return [
        *made,
        "DROP USER IF EXISTS 'owner'@'%'",
        "CREATE USER 'owner'@'%' ACCOUNT LOCK",
        "GRANT ALL ON softpos.* TO 'owner'@'%'",
        f"GRANT SELECT, INSERT, UPDATE, DELETE, EXECUTE ON softpos.* TO '{application.USER}'@'%'",
    ]


class Quiet:
    """A screen that remembers."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def waits(self, what: str, downtime_seconds: float | None) -> None:
        pass

    def tells(self, sentence: str) -> None:
        self.told.append(sentence)


@functools.cache
def aws_at(address: str) -> Aws:
    """The clients of the stand-in at an address, kept for all tests that ask it: making them takes seconds."""
    return Aws(amazon.REGION)


def aws_here() -> Aws:
    """The clients of the stand-in that this test's environment names."""
    return aws_at(os.environ["AWS_ENDPOINT_URL"])


@dataclass
class Rig:
    source: TestServer
    target: TestServer
    dms: amazon.Dms
    stack: Stack
    outputs: dict[str, Any]
    application: Application
    limits: Limits = QUICK
    screen: Quiet = field(default_factory=Quiet)
    commands: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Commands of the operator's, by the name that `Migration` knows."""

    @property
    def forward(self) -> Task:
        return self.dms.tasks[amazon.FORWARD]

    @property
    def reverse(self) -> Task:
        return self.dms.tasks[amazon.REVERSE]

    def migration(self) -> Migration:
        made = Migration(self.stack, self.limits, **self.commands)
        made.aws = aws_here()
        return made

    def store(self) -> DynamoStore:
        return DynamoStore(self.migration().aws, TABLE)

    def record(self) -> Record:
        return self.store().read(self.stack.name) or Record(stack=self.stack.name)

    @contextlib.contextmanager
    def driver(self, operator: str = "tester") -> Iterator[Driver]:
        migration = self.migration()
        try:
            with leased(self.store(), self.stack.name, operator, self.limits.lease_seconds) as session:
                yield Driver(migration, session, self.screen)
        finally:
            migration.close()

    def advance(self, last: str) -> None:
        with self.driver() as driver:
            driver.advance(StateId(last))

    def roll_back(self) -> str:
        with self.driver() as driver:
            return driver.roll_back()

    def with_limits(self, **changes: Any) -> None:
        self.limits = replace(self.limits, **changes)

    def server(self, role: str) -> TestServer:
        return self.source if role == "source" else self.target

    def replicated(self, seconds: float = 30) -> None:
        """Returns once the forward task has carried over all that the source holds; nobody may write any more."""
        deadline = time.monotonic() + seconds
        there = self.migration().source.binlog_position()
        while self.forward.checkpoint != (there.file, there.offset):
            assert time.monotonic() < deadline, f"the forward task is at {self.forward.checkpoint}, not at {there}"
            time.sleep(0.02)

    def ledger_against(self, role: str) -> tuple[list[int], list[int]]:
        """Payments of the ledger that the server lacks or holds otherwise, and payments that nobody made."""
        held = {
            int(row[0]): (str(row[1]), str(row[2]))
            for row in self.server(role).run("SELECT id, amount, state FROM softpos.payments WHERE reference LIKE 'P%'")
        }
        ledger, unsure = dict(self.application.ledger), self.application.unsure
        wrong = [number for number, told in ledger.items() if number not in unsure and held.get(number) != told]
        return wrong, [number for number in held if number not in ledger and number not in unsure]

    def serving(self) -> str:
        """The server that the application's secret points to."""
        port = int(self.application.read_secret()["port"])
        return "source" if port == self.source.port else "target"

    def writable(self, role: str) -> bool:
        """Whether the application's account can write on the server now."""
        try:
            connection = self.server(role).connect(application.USER, application.PASSWORD)
        except pymysql.Error:
            return False
        try:
            with connection.cursor() as cursor:
                cursor.execute("UPDATE softpos.terminals SET model = 'B' WHERE id = 1")
                cursor.execute("UPDATE softpos.terminals SET model = 'A' WHERE id = 1")
        except pymysql.Error:
            return False
        else:
            return True
        finally:
            connection.close()


def reset(server: TestServer, role: str) -> None:
    """The server as before the evening: thawed, empty, with the accounts made anew."""
    thaw = ["SET GLOBAL read_only = OFF"]
    if not server.mariadb:
        thaw = ["SET PERSIST super_read_only = OFF", "SET PERSIST read_only = OFF", "RESET PERSIST"]
    server.run(
        *thaw,
        "SET GLOBAL event_scheduler = ON",
        "DROP DATABASE IF EXISTS softpos",
        *accounts(server, role),
        *(SCHEMA if role == "source" else ()),
    )


def build(source: TestServer, target: TestServer, dms: amazon.Dms) -> Rig:
    """A fresh evening on the two servers."""
    reset(source, "source")
    reset(target, "target")
    secrets = aws_here().client("secretsmanager")
    arns: dict[str, str] = {}
    for name, server, user, password in (
        ("source", source, DMS_USER, DMS_PASSWORD),
        ("target", target, DMS_USER, DMS_PASSWORD),
        ("back-source", target, DMS_BACK, DMS_PASSWORD),
        ("back-target", source, DMS_BACK, DMS_PASSWORD),
        ("source-operator", source, OPERATOR, OPERATOR_PASSWORD),
        ("target-operator", target, OPERATOR, OPERATOR_PASSWORD),
        ("application", source, application.USER, application.PASSWORD),
    ):
        text = {"host": "127.0.0.1", "port": server.port, "username": user, "password": password}
        arns[name] = secrets.create_secret(Name=f"softpos/{name}", SecretString=json.dumps(text))["ARN"]
    aws_here().client("dynamodb").create_table(
        TableName=TABLE,
        KeySchema=[{"AttributeName": "stack", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "stack", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    ca_file = str(source.authority.ca_file)
    ends = {
        "source": Endpoint(source.port, DMS_USER, DMS_PASSWORD, ca_file),
        "target": Endpoint(target.port, DMS_USER, DMS_PASSWORD, ca_file),
        "back-source": Endpoint(target.port, DMS_BACK, DMS_PASSWORD, ca_file),
        "back-target": Endpoint(source.port, DMS_BACK, DMS_PASSWORD, ca_file),
    }
    dms.__dict__.update(amazon.Dms(ca_pem=source.authority.ca_pem).__dict__)
    dms.tasks = {
        amazon.FORWARD: Task(ends["source"], ends["target"], ["softpos"], full_load=True),
        amazon.REVERSE: Task(ends["back-source"], ends["back-target"], ["softpos"], full_load=False),
    }
    payments = Application(json_secret(secrets, arns["application"]), ca_file)
    payments.start()
    outputs = {
        OUTPUT: {
            "region": amazon.REGION,
            "state_table_name": TABLE,
            "vpn_connection_id": amazon.VPN,
            "replication_instance_arn": amazon.INSTANCE,
            "forward_task_arn": amazon.FORWARD,
            "reverse_task_arn": amazon.REVERSE,
            "source_endpoint_arn": amazon.SOURCE,
            "target_endpoint_arn": amazon.TARGET,
            "reverse_source_endpoint_arn": amazon.REVERSE_SOURCE,
            "reverse_target_endpoint_arn": amazon.REVERSE_TARGET,
            "reverse_source_secret_arn": arns["back-source"],
            "reverse_target_secret_arn": arns["back-target"],
            "source_secret_arn": arns["source"],
            "target_secret_arn": arns["target"],
            "source_operator_secret_arn": arns["source-operator"],
            "target_operator_secret_arn": arns["target-operator"],
            "application_secret_arn": arns["application"],
            "database_writer_endpoint": "127.0.0.1",
            "database_port": target.port,
            "schemas": ["softpos"],
            "health_url": payments.url,
        }
    }
    return Rig(source, target, dms, from_outputs("test", outputs), outputs, payments)


def run_of(rig: Rig, **changes: Any) -> Run:
    """A run outside any engine, for tests of single steps."""
    return Run(migration=rig.migration(), facts=changes.pop("facts", Facts()), screen=rig.screen, **changes)
