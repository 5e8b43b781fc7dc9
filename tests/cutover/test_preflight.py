"""Each trouble that a preflight promises to find, made on the real servers, found, and named with what mends it."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import pytest

from cutover.checks import ROOMS
from cutover.checks import source as checks_source
from cutover.checks.aws import selects
from cutover.checks.preflight import FAIL, PASS, Evening, Observation
from cutover.status import forecast_seconds
from tests.cutover import application
from tests.cutover.rig import DMS_USER, Rig


class Trouble(NamedTuple):
    area: str
    check: str
    make: Callable[[Rig], object]
    mend: Callable[[Rig], object]
    found: str
    remedy: str


def on(role: str, *statements: str) -> Callable[[Rig], object]:
    return lambda rig: rig.server(role).run(*statements)


def knob(name: str, value: object) -> Callable[[Rig], object]:
    return lambda rig: setattr(rig.dms, name, value)


def setting(group: str, name: str, value: object) -> Callable[[Rig], object]:
    def turn(rig: Rig) -> None:
        rig.dms.settings[group][name] = value

    return turn


UP = {"198.51.100.1": "UP", "203.0.113.1": "UP"}
TROUBLES = [
    Trouble(
        "source",
        "binary log",
        on("source", "SET GLOBAL binlog_row_image = 'MINIMAL'"),
        on("source", "SET GLOBAL binlog_row_image = 'FULL'"),
        "binlog_row_image = MINIMAL",
        "SET GLOBAL binlog_row_image = 'FULL'",
    ),
    Trouble(
        "source",
        "binary log",
        on("source", "SET GLOBAL binlog_format = 'MIXED'"),
        on("source", "SET GLOBAL binlog_format = 'ROW'"),
        "binlog_format = MIXED",
        "SET GLOBAL binlog_format = 'ROW'",
    ),
    Trouble(
        "source",
        "binary log retention",
        on("source", "SET GLOBAL binlog_expire_logs_seconds = 3600"),
        on("source", "SET GLOBAL binlog_expire_logs_seconds = 259200"),
        "= 3600",
        "SET GLOBAL binlog_expire_logs_seconds = 259200;",
    ),
    Trouble(
        "source",
        "grants of the DMS account",
        on("source", f"REVOKE REPLICATION SLAVE ON *.* FROM '{DMS_USER}'@'%'"),
        on("source", f"GRANT REPLICATION SLAVE ON *.* TO '{DMS_USER}'@'%'"),
        "'dms'@'%': lacks REPLICATION SLAVE",
        "GRANT REPLICATION SLAVE ON *.* TO 'dms'@'%';",
    ),
    Trouble(
        "schema",
        "primary keys",
        on("source", "CREATE TABLE softpos.bare (a INT)"),
        on("source", "DROP TABLE softpos.bare"),
        "softpos.bare",
        "ALTER TABLE `softpos`.`bare` ADD COLUMN",
    ),
    Trouble(
        "schema",
        "storage engines",
        on("source", "CREATE TABLE softpos.old (a INT PRIMARY KEY) ENGINE = MyISAM"),
        on("source", "DROP TABLE softpos.old"),
        "softpos.old is MyISAM",
        "ALTER TABLE `softpos`.`old` ENGINE = InnoDB;",
    ),
    Trouble(
        "schema",
        "column types",
        on("source", "CREATE TABLE softpos.f (a INT PRIMARY KEY, t TIME(3))"),
        on("source", "DROP TABLE softpos.f"),
        "TIME with fractions",
        "DATETIME",
    ),
    Trouble(
        "schema",
        "large values",
        on(
            "source",
            "CREATE TABLE softpos.l (a INT PRIMARY KEY, t MEDIUMTEXT)",
            "INSERT INTO softpos.l VALUES (1, REPEAT('x', 40000))",
        ),
        on("source", "DROP TABLE softpos.l"),
        "longest value 40,000 bytes, LobMaxSize 32,768",
        "LobMaxSize of the task to 40",
    ),
    Trouble(
        "schema",
        "definers exist on the target",
        on("target", "DROP USER 'owner'@'%'"),
        on("target", "CREATE USER 'owner'@'%' ACCOUNT LOCK"),
        "missing: owner@%",
        "CREATE USER 'owner'@'%' ACCOUNT LOCK;",
    ),
    Trouble(
        "target",
        "local_infile",
        on("target", "SET GLOBAL local_infile = OFF"),
        on("target", "SET GLOBAL local_infile = ON"),
        "local_infile = OFF",
        "Set local_infile = 1",
    ),
    Trouble(
        "target",
        "grants of the DMS account",
        on("target", f"REVOKE INDEX ON softpos.* FROM '{DMS_USER}'@'%'"),
        on("target", f"GRANT INDEX ON softpos.* TO '{DMS_USER}'@'%'"),
        "lacks INDEX",
        "GRANT ALTER",
    ),
    Trouble(
        "target",
        "writer",
        on("target", "SET GLOBAL read_only = ON"),
        on("target", "SET GLOBAL read_only = OFF"),
        "read_only on",
        "writer endpoint",
    ),
    Trouble(
        "accounts",
        "the application's account",
        on("target", f"RENAME USER '{application.USER}'@'%' TO 'other'@'%'"),
        on("target", f"RENAME USER 'other'@'%' TO '{application.USER}'@'%'"),
        "0 accounts",
        "CREATE USER 'softpos_app'",
    ),
    Trouble(
        "target",
        "binary log for the way back",
        on("target", "SET GLOBAL binlog_row_image = 'MINIMAL'"),
        on("target", "SET GLOBAL binlog_row_image = 'FULL'"),
        "binlog_row_image = MINIMAL",
        "cluster parameter group",
    ),
    Trouble(
        "target",
        "content",
        on("target", "CREATE DATABASE softpos", "CREATE TABLE softpos.strange (a INT PRIMARY KEY)"),
        on("target", "DROP DATABASE softpos"),
        "softpos.strange",
        "Drop them",
    ),
    Trouble(
        "aws",
        "VPN tunnels",
        knob("tunnels", UP | {"203.0.113.1": "DOWN"}),
        knob("tunnels", UP),
        "1 of 2 tunnels up, down: 203.0.113.1",
        "Bring the tunnel up",
    ),
    Trouble(
        "aws",
        "endpoint connections",
        knob("connection_status", "failed"),
        knob("connection_status", "successful"),
        "source: failed",
        "aws dms test-connection",
    ),
    Trouble(
        "aws", "certificates", knob("certificate_days", 5), knob("certificate_days", 300), "valid for 5 days", "Import"
    ),
    Trouble(
        "aws",
        "task settings",
        setting("TargetMetadata", "BatchApplyEnabled", True),
        setting("TargetMetadata", "BatchApplyEnabled", False),
        "BatchApplyEnabled true",
        "out of order",
    ),
    Trouble(
        "aws",
        "task settings",
        setting("ValidationSettings", "EnableValidation", False),
        setting("ValidationSettings", "EnableValidation", True),
        "EnableValidation false",
        "EnableValidation to true",
    ),
    Trouble(
        "aws",
        "task settings",
        setting("FullLoadSettings", "TargetTablePrepMode", "DROP_AND_CREATE"),
        setting("FullLoadSettings", "TargetTablePrepMode", "DO_NOTHING"),
        "DROP_AND_CREATE",
        "loses indexes",
    ),
]


def judge(rig: Rig, area: str, name: str) -> list[Observation]:
    check = next(check for room in ROOMS for check in room.checks if (check.area, check.name) == (area, name))
    migration = rig.migration()
    try:
        return list(check.judge(Evening(migration, started=False)))
    finally:
        migration.close()


def test_each_trouble_is_found_and_named_with_what_mends_it(rig: Rig) -> None:
    for trouble in TROUBLES:
        assert all(item.level != FAIL for item in judge(rig, trouble.area, trouble.check)), trouble.check
        trouble.make(rig)
        try:
            failed = [item for item in judge(rig, trouble.area, trouble.check) if item.level == FAIL]
        finally:
            trouble.mend(rig)
        assert any(trouble.found in item.found and trouble.remedy in item.remedy for item in failed), (trouble, failed)


def test_an_open_transaction_of_the_past_is_found(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks_source, "LONG_TRANSACTION_SECONDS", -1)
    connection = rig.source.connect(autocommit=False)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE softpos.terminals SET model = 'B' WHERE id = 20")
        failed = judge(rig, "source", "long transactions")
    connection.rollback()
    connection.close()
    assert failed[0].level == FAIL
    assert failed[0].remedy.startswith("KILL ")


@pytest.mark.parametrize(
    ("rules", "taken"),
    [
        ([("include", "softpos", "%")], True),
        ([("include", "soft_os", "pay%")], True),
        ([("include", "softpos", "migration[_]marker")], False),
        ([("include", "s[o]ftpos", "%")], True),
        ([("include", "softpos", "%"), ("exclude", "softpos", "payments")], False),
        ([("include", "other", "%")], False),
        ([], False),
    ],
)
def test_selection_rules_are_read_as_dms_reads_them(rules: list[tuple[str, str, str]], taken: bool) -> None:
    document = [
        {
            "rule-type": "selection",
            "rule-action": action,
            "object-locator": {"schema-name": schema, "table-name": table},
        }
        for action, schema, table in rules
    ]
    assert selects(document, "softpos", "payments") is taken


@pytest.mark.parametrize(
    ("lags", "seconds"),
    [([], None), ([5.0], 0.0), ([100.0, 70.0, 40.0], 60.0), ([40.0, 70.0], None), ([90.0], None)],
)
def test_the_forecast_of_the_lag_says_when_or_that_it_does_not_shrink(lags: list[float], seconds: float | None) -> None:
    assert forecast_seconds(lags, 60, 10) == seconds


@pytest.mark.slow
def test_a_sound_evening_passes_every_check(rig: Rig) -> None:
    for room in ROOMS:
        for check in room.checks:
            levels = {item.level for item in judge(rig, room.area, check.name)}
            assert FAIL not in levels, check.name
            assert levels <= {PASS, "warn"}
