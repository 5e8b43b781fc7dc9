"""Every form of MySQL 5.7, 8.0, 8.4, 9, Aurora, RDS and MariaDB: what is said to which."""

from __future__ import annotations

import pytest

from cutover.servers import shape
from cutover.servers.catalogue import Column, Table
from cutover.servers.definitions import Definition
from cutover.servers.grants import Grants
from cutover.servers.mysql import (
    BinlogPosition,
    Dialect,
    dialect_of,
    parse_binlog_status,
    parse_version,
    quoted,
)

MYSQL57, MYSQL80, MYSQL82 = dialect_of("5.7.44-log"), dialect_of("8.0.36"), dialect_of("8.2.0")
MYSQL84, MYSQL97 = dialect_of("8.4.3"), dialect_of("9.7.4-2")
MARIADB105, MARIADB1011 = dialect_of("10.5.1-MariaDB"), dialect_of("10.11.19-MariaDB-0+deb12u1-log")
AURORA = dialect_of("8.4.8", aurora=True)
RDS = dialect_of("8.0.40", rds=True)


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("5.7.44-log", (5, 7, 44)),
        ("8.0.36-0ubuntu0.22.04.1", (8, 0, 36)),
        ("8.4.mysql_aurora.8.4.8", (8, 4, 0)),
        ("8.0.mysql_aurora.3.12.0", (8, 0, 0)),
        ("5.5.5-10.3.39-MariaDB", (10, 3, 39)),
        ("11.4.2-MariaDB-ubu2404", (11, 4, 2)),
    ],
)
def test_versions_are_read_as_the_servers_write_them(text: str, numbers: tuple[int, int, int]) -> None:
    assert parse_version(text) == numbers


@pytest.mark.parametrize(
    ("dialect", "status"),
    [
        (MYSQL57, "SHOW MASTER STATUS"),
        (MYSQL80, "SHOW MASTER STATUS"),
        (MYSQL82, "SHOW BINARY LOG STATUS"),
        (MYSQL84, "SHOW BINARY LOG STATUS"),
        (MYSQL97, "SHOW BINARY LOG STATUS"),
        (AURORA, "SHOW BINARY LOG STATUS"),
        (MARIADB1011, "SHOW MASTER STATUS"),
    ],
)
def test_the_binary_log_is_asked_for_by_the_word_that_the_version_knows(dialect: Dialect, status: str) -> None:
    assert dialect.binary_log_status == status


@pytest.mark.parametrize(
    ("dialect", "status"),
    [
        (MYSQL57, "SHOW SLAVE STATUS"),
        (MYSQL80, "SHOW REPLICA STATUS"),
        (MYSQL84, "SHOW REPLICA STATUS"),
        (MARIADB1011, "SHOW SLAVE STATUS"),
    ],
)
def test_a_replica_is_asked_for_by_the_word_that_the_version_knows(dialect: Dialect, status: str) -> None:
    assert dialect.replica_status == status


@pytest.mark.parametrize(
    ("dialect", "clients", "everybody"),
    [
        (MYSQL57, "SET GLOBAL read_only = ON", "SET GLOBAL super_read_only = ON"),
        (MYSQL80, "SET PERSIST read_only = ON", "SET PERSIST super_read_only = ON"),
        (MYSQL84, "SET PERSIST read_only = ON", "SET PERSIST super_read_only = ON"),
        (MARIADB1011, "SET GLOBAL read_only = ON", None),
    ],
)
def test_a_freeze_survives_a_restart_where_the_server_can_remember(
    dialect: Dialect, clients: str, everybody: str | None
) -> None:
    assert dialect.freeze_clients == clients
    assert dialect.freeze_all == everybody


@pytest.mark.parametrize(
    ("dialect", "privilege"),
    [(MYSQL57, "SUPER"), (MYSQL84, "CONNECTION_ADMIN"), (MARIADB105, "SUPER"), (MARIADB1011, "READ_ONLY ADMIN")],
)
def test_the_privilege_that_writes_through_read_only_is_known(dialect: Dialect, privilege: str) -> None:
    assert dialect.bypass_privilege == privilege


@pytest.mark.parametrize(
    ("dialect", "variable"),
    [
        (MYSQL57, "expire_logs_days"),
        (MYSQL84, "binlog_expire_logs_seconds"),
        (MARIADB105, "expire_logs_days"),
        (MARIADB1011, "binlog_expire_logs_seconds"),
    ],
)
def test_the_retention_of_the_binary_log_has_its_own_name_by_version(dialect: Dialect, variable: str) -> None:
    assert dialect.binlog_retention == variable


def test_a_managed_server_ends_sessions_by_its_procedure_and_is_never_frozen_by_variables() -> None:
    assert AURORA.kill(7) == RDS.kill(7) == "CALL mysql.rds_kill(7)"
    assert MYSQL84.kill(7) == "KILL 7"
    assert AURORA.freeze_all is None
    assert not AURORA.survives_restart


def test_both_answers_of_the_binary_log_status_are_read() -> None:
    master = {
        "File": "mysql-bin.000003",
        "Position": 1543,
        "Binlog_Do_DB": "",
        "Binlog_Ignore_DB": "",
        "Executed_Gtid_Set": "",
    }
    mariadb = {"File": "mysql-bin.000003", "Position": "1543", "Binlog_Do_DB": "", "Binlog_Ignore_DB": ""}
    expected = BinlogPosition(file="mysql-bin.000003", offset=1543)
    assert parse_binlog_status(master) == parse_binlog_status(mariadb) == expected
    assert str(expected) == "mysql-bin.000003:1543"


def test_a_name_cannot_leave_its_quotes() -> None:
    assert quoted("a`; DROP TABLE x; --", "b") == "`a``; DROP TABLE x; --`.`b`"


MYSQL_GRANTS = [
    "GRANT REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO `dms`@`%`",
    "GRANT CONNECTION_ADMIN,SHOW_ROUTINE ON *.* TO `dms`@`%`",
    "GRANT SELECT, INSERT ON `softpos`.* TO `dms`@`%`",
    "GRANT SELECT (`id`), UPDATE ON `mysql`.`user` TO `dms`@`%`",
    "GRANT `reader`@`%` TO `dms`@`%`",
]


def test_grants_of_mysql_are_read_by_schema_and_globally() -> None:
    grants = Grants(MYSQL_GRANTS)
    assert grants.missing(["REPLICATION CLIENT", "REPLICATION SLAVE", "CONNECTION_ADMIN", "SHOW_ROUTINE"]) == []
    assert grants.missing(["SELECT", "INSERT", "DELETE"], "softpos") == ["DELETE"]
    assert grants.missing(["SELECT"], "other") == ["SELECT"]
    assert not grants.allow("SELECT")


def test_grants_of_mariadb_say_the_same_in_other_words() -> None:
    grants = Grants(
        [
            "GRANT PROCESS, SUPER, BINLOG MONITOR, READ_ONLY ADMIN ON *.* TO `dms`@`%` REQUIRE SSL",
            "GRANT ALL PRIVILEGES ON `soft\\_pos`.* TO `dms`@`%`",
        ]
    )
    assert grants.allow("REPLICATION CLIENT")
    assert grants.allow("READ_ONLY ADMIN")
    assert grants.allow("DROP", "soft_pos")
    assert not grants.allow("DROP", "softpos")


def test_a_table_of_mysql_5_7_keeps_its_collations_on_a_target_with_another_default() -> None:
    told = (
        "CREATE TABLE `t` (\n"
        "  `id` int(11) NOT NULL,\n"
        "  `a` varchar(9) DEFAULT NULL COMMENT 'a CHARACTER SET no',\n"
        "  `b``c` varchar(9) CHARACTER SET utf8mb4 NOT NULL DEFAULT '',\n"
        "  `d` varchar(9) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL,\n"
        "  PRIMARY KEY (`id`)\n"
        ") ENGINE=InnoDB DEFAULT CHARSET=latin1 COMMENT='DEFAULT CHARSET=utf8'"
    )
    collations = {"id": "", "a": "latin1_swedish_ci", "b`c": "utf8mb4_general_ci", "d": "utf8mb4_bin"}
    columns = tuple(
        Column(name=name, data_type="varchar", column_type="", collation=one, nullable=True, generated=False)
        for name, one in collations.items()
    )
    table = Table(
        schema="s",
        name="t",
        engine="InnoDB",
        rows=0,
        size_bytes=0,
        auto_increment=None,
        collation="latin1_swedish_ci",
        columns=columns,
        key=columns[:1],
    )
    made = shape.with_collations(table, told)
    assert "`b``c` varchar(9) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci NOT NULL DEFAULT ''" in made
    assert "CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL" in made
    assert "DEFAULT CHARSET=latin1 COLLATE=latin1_swedish_ci COMMENT='DEFAULT CHARSET=utf8'" in made
    assert "COMMENT 'a CHARACTER SET no'," in made
    assert shape.with_collations(table, made) == made


def test_a_trigger_knows_its_table_whatever_the_tables_name_holds() -> None:
    one = Definition(kind="TRIGGER", schema="s", name="t", text="", acts="my `odd` table AFTER INSERT")
    assert one.table == "s.my `odd` table"


def test_an_event_is_made_disabled_whatever_words_its_name_and_comment_hold() -> None:
    head = "CREATE DEFINER=`own``er`@`%` EVENT `ev DO ``ent` ON SCHEDULE EVERY 1 DAY ON COMPLETION PRESERVE"
    rest = " COMMENT 'may DO ENABLE DO it' DO SET @x = ' DISABLE DO '"
    one = Definition(kind="EVENT", schema="s", name="ev DO `ent", text=head + rest)
    assert one.creating() == f"{head} DISABLE{rest}"
