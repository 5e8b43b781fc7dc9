"""Each remedy that a preflight prints is carried out as printed, and the check is green afterwards."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

import pytest

from cutover.checks import ROOMS
from cutover.checks.preflight import FAIL, WARN, Evening, Observation
from cutover.checks.statements import Proof
from cutover.record import StateId
from cutover.servers.mysql import Server
from tests.cutover import application, runbook
from tests.cutover.rig import DMS_USER, OPERATOR, Rig

STATEMENT = re.compile(r"\b((?:ALTER|GRANT|REVOKE|UPDATE|DROP|STOP|RESET|SET|KILL)\b[^;]*);")
APPLICATION = f"'{application.USER}'@'%'"


def judge(rig: Rig, area: str, name: str, *, started: bool = False) -> list[Observation]:
    check = next(check for room in ROOMS for check in room.checks if (check.area, check.name) == (area, name))
    migration = rig.migration()
    try:
        return list(check.judge(Evening(migration, started=started)))
    finally:
        migration.close()


def wrong(rig: Rig, area: str, name: str) -> list[Observation]:
    return [one for one in judge(rig, area, name) if one.level in (FAIL, WARN)]


class Case(NamedTuple):
    name: str
    role: str
    make: Sequence[str]
    area: str
    check: str
    found: str
    undo: Sequence[str] = ()
    mariadb: bool = True
    mysql: bool = True


CASES = [
    Case(
        "generated invisible primary key",
        "source",
        [
            "SET SESSION sql_generate_invisible_primary_key = ON",
            "CREATE TABLE softpos.gipk (x INT)",
            "INSERT INTO softpos.gipk VALUES (5), (6), (7)",
        ],
        "schema",
        "hidden columns",
        "softpos.gipk.my_row_id",
        mariadb=False,
    ),
    Case(
        "invisible column",
        "source",
        ["CREATE TABLE softpos.inv1 (id INT PRIMARY KEY, inv INT INVISIBLE DEFAULT 5)"],
        "schema",
        "hidden columns",
        "softpos.inv1.inv",
    ),
    Case(
        "row numbered 0",
        "source",
        [
            "SET SESSION sql_mode = 'NO_AUTO_VALUE_ON_ZERO'",
            "INSERT INTO softpos.terminals (id, serial, model) VALUES (0, 'ZERO', 'A')",
        ],
        "schema",
        "rows numbered 0",
        "softpos.terminals.id",
    ),
    Case(
        "decimal in JSON",
        "source",
        [
            "CREATE TABLE softpos.j (id INT PRIMARY KEY, d JSON)",
            "INSERT INTO softpos.j VALUES (1, JSON_OBJECT('amount', CAST(1.10 AS DECIMAL(5,2))))",
        ],
        "schema",
        "decimals in JSON",
        "softpos.j.d",
        mariadb=False,
    ),
    Case(
        "broken view",
        "source",
        [
            "CREATE TABLE softpos.tmpx (id INT PRIMARY KEY)",
            "CREATE DEFINER='owner'@'%' VIEW softpos.v3 AS SELECT * FROM softpos.tmpx",
            "DROP TABLE softpos.tmpx",
        ],
        "schema",
        "views that work",
        "softpos.v3",
    ),
    Case(
        "foreign key into another schema",
        "source",
        [
            "CREATE DATABASE otherdb",
            "CREATE TABLE otherdb.p (id INT PRIMARY KEY)",
            "CREATE TABLE softpos.ch2 (id INT PRIMARY KEY, "
            "CONSTRAINT out_of FOREIGN KEY (id) REFERENCES otherdb.p(id))",
        ],
        "schema",
        "references out of the schemas",
        "softpos.ch2.out_of refers to otherdb",
        undo=["DROP TABLE softpos.ch2", "DROP DATABASE otherdb"],
    ),
    Case(
        "view into another schema",
        "source",
        [
            "CREATE DATABASE otherdb",
            "CREATE TABLE otherdb.p (id INT PRIMARY KEY)",
            "CREATE DEFINER='root'@'127.0.0.1' VIEW softpos.out_view AS SELECT id FROM otherdb.p",
        ],
        "schema",
        "references out of the schemas",
        "view softpos.out_view reads otherdb",
        undo=["DROP VIEW IF EXISTS softpos.out_view", "DROP DATABASE otherdb"],
    ),
    Case(
        "no primary key, a column named id",
        "source",
        [
            "CREATE TABLE softpos.log1 (id INT NOT NULL, x INT, KEY(id))",
            "INSERT INTO softpos.log1 VALUES (1, 1), (1, 2)",
        ],
        "schema",
        "primary keys",
        "softpos.log1",
    ),
    Case(
        "no primary key, an AUTO_INCREMENT column",
        "source",
        ["CREATE TABLE softpos.log3 (n INT NOT NULL AUTO_INCREMENT, KEY(n))", "INSERT INTO softpos.log3 VALUES (), ()"],
        "schema",
        "primary keys",
        "softpos.log3",
    ),
    Case(
        "DMS's account on another host",
        "source",
        [
            f"RENAME USER '{DMS_USER}'@'%' TO '{DMS_USER}'@'127.%'",
            f"REVOKE REPLICATION SLAVE ON *.* FROM '{DMS_USER}'@'127.%'",
        ],
        "source",
        "grants of the DMS account",
        "'dms'@'127.%': lacks",
        undo=[f"RENAME USER '{DMS_USER}'@'127.%' TO '{DMS_USER}'@'%'"],
    ),
    Case(
        "the source is a replica",
        "source",
        ["CHANGE REPLICATION SOURCE TO SOURCE_HOST = '127.0.0.1'"],
        "source",
        "replication into the source",
        "1 replication channels",
        mariadb=False,
    ),
    Case(
        "the source is a replica",
        "source",
        ["CHANGE MASTER TO MASTER_HOST = '127.0.0.1'"],
        "source",
        "replication into the source",
        "1 replication channels",
        mysql=False,
    ),
    Case(
        "another account writes on the target",
        "target",
        [
            "CREATE USER 'settlement_job'@'%' IDENTIFIED BY 'job-of-a-test'",
            "GRANT SELECT, INSERT, UPDATE, DELETE ON softpos.* TO 'settlement_job'@'%'",
        ],
        "accounts",
        "other accounts that write",
        "'settlement_job'@'%' can write on softpos of the target",
        undo=["DROP USER 'settlement_job'@'%'"],
    ),
    Case(
        "the application may do less on the target",
        "target",
        [f"REVOKE INSERT, UPDATE ON softpos.* FROM {APPLICATION}"],
        "accounts",
        "the application's account",
        "lacks INSERT, UPDATE",
    ),
    Case(
        "the application writes through read_only by a role",
        "source",
        ["CREATE ROLE mighty", "GRANT CONNECTION_ADMIN ON *.* TO mighty", f"GRANT mighty TO {APPLICATION}"],
        "accounts",
        "accounts that write through read_only",
        f"the application's account {APPLICATION} holds CONNECTION_ADMIN by the role 'mighty'@'%'",
        undo=["DROP ROLE mighty"],
        mariadb=False,
    ),
    Case(
        "another account writes through read_only",
        "source",
        ["CREATE USER 'batch'@'%' IDENTIFIED BY 'batch-of-a-test'", "GRANT CONNECTION_ADMIN ON *.* TO 'batch'@'%'"],
        "accounts",
        "accounts that write through read_only",
        "the account 'batch'@'%' holds CONNECTION_ADMIN",
        undo=["DROP USER 'batch'@'%'"],
        mariadb=False,
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_a_remedy_says_mends_what_the_check_has_found(rig: Rig, case: Case) -> None:
    if not (case.mariadb if rig.source.mariadb else case.mysql):
        pytest.skip("this flavour has no such thing")
    server = rig.server(case.role)
    server.run(*case.make)
    try:
        found = [one for one in wrong(rig, case.area, case.check) if case.found in one.found]
        assert found, judge(rig, case.area, case.check)
        statements = [text for one in found for text in STATEMENT.findall(one.remedy)]
        assert statements, found
        server.run(*statements)
        assert not [one for one in wrong(rig, case.area, case.check) if case.found in one.found], statements
    finally:
        if case.undo:
            server.run(*case.undo)


def test_a_generated_column_is_left_out_by_the_rule_that_the_remedy_prints(rig: Rig) -> None:
    rig.source.run("CREATE TABLE softpos.gen (id INT PRIMARY KEY, a INT, b INT AS (a*2) STORED)")
    found = wrong(rig, "schema", "generated columns")
    assert [one.found for one in found] == ["forward: softpos.gen.b", "reverse: softpos.gen.b"]
    rule = json.loads(found[0].remedy.partition("mapping: ")[2])
    for task in rig.dms.tasks.values():
        task.rules.append(rule)
    assert wrong(rig, "schema", "generated columns") == []
    rig.application.wait_for_commits()
    rig.source.run("INSERT INTO softpos.gen (id, a) VALUES (1, 5)")
    rig.advance("validate")
    assert rig.target.run("SELECT b FROM softpos.gen")[0] == (10,)


def test_a_wrong_password_of_the_application_on_the_target_is_found(rig: Rig) -> None:
    rig.target.run(f"ALTER USER {APPLICATION} ACCOUNT LOCK")
    assert wrong(rig, "accounts", "the application's log-in") == []
    rig.target.run(f"ALTER USER {APPLICATION} IDENTIFIED BY 'other'")
    assert "answers 1045" in wrong(rig, "accounts", "the application's log-in")[0].found


def test_a_cascade_is_a_warning_before_the_load_and_a_failure_after_it_until_the_endpoint_checks_keys(rig: Rig) -> None:
    rig.source.run(
        "CREATE TABLE softpos.ch (id INT PRIMARY KEY, t INT, CONSTRAINT falls FOREIGN KEY (t) "
        "REFERENCES softpos.terminals(id) ON DELETE CASCADE)"
    )
    rig.dms.mysql_settings = {"AfterConnectScript": "SET FOREIGN_KEY_CHECKS=0"}
    logged = rig.migration().source.dialect.version >= (9, 6, 0) and not rig.source.mariadb
    name = "cascading foreign keys"
    assert [one.level for one in judge(rig, "schema", name)] == ["pass" if logged else WARN]
    after = judge(rig, "schema", name, started=True)[0]
    assert after.level == ("pass" if logged else FAIL)
    if not logged:
        told = re.search(r"--my-sql-settings '([^']+)'", after.remedy)
        assert told is not None
        rig.dms.mysql_settings = json.loads(told[1])
        assert judge(rig, "schema", name, started=True)[0].level == "pass"


def test_each_grant_of_the_runbook_that_the_operator_lacks_is_found_before_anything_starts(
    rig: Rig, record_property: Callable[[str, object], None]
) -> None:
    assert wrong(rig, "statements", "may be carried out") == []
    proved = [one.found for one in judge(rig, "statements", "may be carried out") if " statements " in one.found]
    assert len(proved) == 4
    record_property("measured", f"preflight: {'; '.join(proved)}")
    missed = []
    for one in runbook.grants():
        if not one.account.startswith("operator") or one.place != "*.*":
            continue
        for privilege in map(str.strip, one.privileges.split(",")):
            name = runbook.IN_MARIADB.get(privilege, privilege) if rig.source.mariadb else privilege
            server = rig.server(one.server)
            if not name or (rig.source.mariadb and privilege in ("REPLICATION SLAVE", "REPLICATION CLIENT")):
                continue
            server.run(f"REVOKE {name} ON *.* FROM '{OPERATOR}'@'%'")
            if not wrong(rig, "statements", "may be carried out"):
                missed.append((one.server, privilege))
            server.run(f"GRANT {name} ON *.* TO '{OPERATOR}'@'%'")
    assert missed == []


def test_nothing_is_sent_on_the_way_there_and_back_that_the_preflight_does_not_prove(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: set[str] = set()
    send, change = Server._send, Server.change

    def noted_send(self: Server, statement: str, arguments: Sequence[object]) -> list[dict[str, object]]:
        sent.add(statement)
        return send(self, statement, arguments)

    def noted_change(self: Server, text: str, **given: object) -> None:
        sent.add(text)
        change(self, text, **given)  # type: ignore[arg-type]

    monkeypatch.setattr(Server, "_send", noted_send)
    monkeypatch.setattr(Server, "change", noted_change)
    rig.application.wait_for_commits()
    rig.advance("watch")
    assert rig.roll_back() == StateId.ROLLED_BACK
    looks = ("SELECT", "SHOW", "SET SESSION", "XA RECOVER", "DO 0")
    changing = [text for text in sent if not text.lstrip().startswith(looks)]
    proof = Proof()
    for text in changing:
        proof.add(text)
    assert len(changing) >= 10
    assert proof.unknown == set()
