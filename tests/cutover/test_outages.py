"""Outages that were seen on real servers, each played again: payments go on, nothing is lost, the cause is named."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from typing import Any

import pymysql
import pytest

from cutover.errors import RefusedError, ToolError
from cutover.record import StateId
from cutover.servers import locks, shape
from cutover.servers.mysql import ConnectionLostError
from cutover.steps import objects
from cutover.steps.actions import Statement
from tests.cutover import application
from tests.cutover.rig import Rig, run_of
from tests.cutover.servers import TestServer

READER, READER_PASSWORD = "report", "reader-of-a-test"


@contextlib.contextmanager
def idle_reader(server: TestServer, *, as_root: bool = False) -> Iterator[pymysql.Connection[Any]]:
    """A report or a dump: it has read the payments in a transaction that it leaves open."""
    if not as_root:
        server.run(
            f"DROP USER IF EXISTS '{READER}'@'%'",
            f"CREATE USER '{READER}'@'%' IDENTIFIED BY '{READER_PASSWORD}'",
            f"GRANT SELECT ON softpos.* TO '{READER}'@'%'",
        )
    connection = server.connect(autocommit=False) if as_root else server.connect(READER, READER_PASSWORD)
    try:
        with connection.cursor() as cursor:
            cursor.execute("START TRANSACTION")
            cursor.execute("SELECT COUNT(*) FROM softpos.payments")
        yield connection
    finally:
        with contextlib.suppress(pymysql.Error):
            connection.close()
        if not as_root:
            server.run(f"DROP USER '{READER}'@'%'")


def nobody_ends(_server: object, found: list[locks.Holder]) -> tuple[list[locks.Holder], list[str]]:
    """As where the operator may not end the sessions: a superuser's."""
    return [], [f"{one} stays" for one in found]


def validated(rig: Rig) -> None:
    rig.application.wait_for_commits()
    rig.advance("validate")
    rig.application.wait_for_commits(2)


def triggers(server: TestServer) -> list[str]:
    return [str(row[0]) for row in server.run("SHOW TRIGGERS FROM softpos")]


def statements_under_way(server: TestServer) -> list[str]:
    rows = server.run("SELECT USER, INFO FROM information_schema.PROCESSLIST WHERE INFO LIKE 'CREATE%TRIGGER%'")
    return [str(row[1]) for row in rows if row[0] == "migrator"]


def test_the_whole_way_there_and_back_needs_no_grant_that_the_runbook_does_not_name(rig: Rig) -> None:
    validated(rig)
    from_freeze(rig)
    rig.application.wait_for_commits()
    assert rig.roll_back() == "rolled back"
    rig.application.wait_for_commits()
    rig.application.stop()
    assert triggers(rig.source) == ["payments_audited"]
    assert rig.writable("source")
    assert not rig.writable("target")
    assert rig.ledger_against("source") == ([], [])


def test_an_idle_reader_on_the_target_is_ended_and_named_and_the_cutover_goes_through(rig: Rig) -> None:
    validated(rig)
    with idle_reader(rig.target):
        from_freeze(rig)
    rig.application.wait_for_commits()
    rig.application.stop()
    assert rig.serving() == "target"
    assert triggers(rig.target) == ["payments_audited"]
    assert any("ended on the target" in told and READER in told for told in rig.screen.told), rig.screen.told
    assert rig.ledger_against("target") == ([], [])


def test_a_reader_on_the_target_that_may_not_be_ended_is_named_and_no_statement_is_left_on_the_server(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    validated(rig)
    monkeypatch.setattr("cutover.servers.locks.end_holders", nobody_ends)
    with idle_reader(rig.target):
        with pytest.raises(
            RefusedError, match=rf"waits for the lock on softpos\.payments: connection \d+ of {READER}@"
        ):
            from_freeze(rig)
        assert statements_under_way(rig.target) == []
        assert triggers(rig.target) == []
    rig.application.wait_for_commits()
    assert rig.record().state == StateId.REPLICATE
    assert rig.serving() == "source"
    assert rig.writable("source")
    assert triggers(rig.target) == []
    assert rig.forward.status == "running"


def test_an_idle_reader_on_the_source_does_not_tear_a_finished_cutover_down(rig: Rig) -> None:
    validated(rig)
    with idle_reader(rig.source):
        from_freeze(rig)
        assert rig.reverse.status == "running"
    rig.application.wait_for_commits()
    assert rig.serving() == "target"
    assert triggers(rig.source) == []
    with idle_reader(rig.source):
        assert rig.roll_back() == "rolled back"
    rig.application.wait_for_commits()
    rig.application.stop()
    assert triggers(rig.source) == ["payments_audited"]
    assert rig.ledger_against("source") == ([], [])


def test_a_reader_on_the_source_that_may_not_be_ended_leaves_the_application_on_the_target(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    validated(rig)
    with monkeypatch.context() as patched:
        patched.setattr("cutover.servers.locks.end_holders", nobody_ends)
        with idle_reader(rig.source), pytest.raises(RefusedError, match=f"of {READER}@.*stays on the target"):
            from_freeze(rig)
    rig.application.wait_for_commits()
    assert rig.serving() == "target"
    rig.advance("watch")
    assert rig.reverse.status == "running"
    rig.application.stop()
    assert rig.ledger_against("target") == ([], [])


def test_nobody_of_the_application_writes_on_the_source_before_its_triggers_act_again(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    validated(rig)
    from_freeze(rig)
    rig.with_limits(drain_seconds=3)
    with monkeypatch.context() as patched:
        patched.setattr("cutover.servers.locks.end_holders", nobody_ends)
        with idle_reader(rig.source) as reader:
            with pytest.raises(Exception, match=f"of {READER}@"):
                rig.roll_back()
            assert triggers(rig.source) == []
            assert not rig.writable("source")
            reader.rollback()
    rig.with_limits(drain_seconds=60)
    assert rig.roll_back() == "rolled back"
    assert triggers(rig.source) == ["payments_audited"]
    rig.application.wait_for_commits()
    rig.application.stop()
    assert rig.ledger_against("source") == ([], [])


def test_a_statement_whose_answer_does_not_come_is_ended_on_the_server_before_anything_else(rig: Rig) -> None:
    rig.advance("prepare")
    server = rig.migration().target
    with idle_reader(rig.target):
        with pytest.raises(ConnectionLostError):
            server.change(
                "CREATE TRIGGER late BEFORE INSERT ON payments FOR EACH ROW SET @x = 1",
                schema="softpos",
                session={"lock_wait_timeout": "60"},
                seconds=1,
            )
        rows = rig.target.run("SELECT INFO FROM information_schema.PROCESSLIST WHERE INFO LIKE 'CREATE TRIGGER late%'")
        assert not rows
    time.sleep(0.2)
    assert triggers(rig.target) == []


def test_a_statement_that_waits_for_a_lock_never_outlives_the_budget(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    rig.advance("prepare")
    monkeypatch.setattr("cutover.servers.locks.end_holders", nobody_ends)
    run = run_of(rig, deadline=time.time() + 3)
    statement = Statement(
        role="target",
        text="CREATE TRIGGER late BEFORE INSERT ON payments FOR EACH ROW SET @x = 1",
        schema="softpos",
        table="softpos.payments",
        ends_holders=True,
    )
    # On a busy machine the log-in alone can take the rest of the budget: then nothing was sent.
    with idle_reader(rig.target), pytest.raises((RefusedError, ToolError)):
        statement.carry_out(run)
    assert statements_under_way(rig.target) == []
    assert triggers(rig.target) == []


CHANGES = {
    "index softpos.payments.by_amount": "ALTER TABLE softpos.payments ADD INDEX by_amount (amount)",
    "column softpos.payments.currency": "ALTER TABLE softpos.payments ALTER COLUMN currency SET DEFAULT 'EUR'",
    "procedure softpos.refund": (
        "CREATE DEFINER='owner'@'%' PROCEDURE softpos.refund(IN n INT) "
        "UPDATE softpos.payments SET state='REFUNDED' WHERE id=n"
    ),
    "view softpos.open_payments": (
        "CREATE OR REPLACE DEFINER='owner'@'%' VIEW softpos.open_payments AS "
        "SELECT id, amount, state FROM softpos.payments WHERE state='AUTHORISED'"
    ),
    "view softpos.newview": "CREATE DEFINER='owner'@'%' VIEW softpos.newview AS SELECT 1 AS a",
    "event softpos.newevent": "CREATE DEFINER='owner'@'%' EVENT softpos.newevent ON SCHEDULE EVERY 1 DAY DO SET @x=1",
}


def test_every_change_of_the_schema_in_the_weeks_between_is_named_and_refused(rig: Rig) -> None:
    rig.application.wait_for_commits()
    rig.advance("replicate")
    rig.source.run(*CHANGES.values())
    run = run_of(rig)
    judgement = objects.SHAPES_EQUAL.judge(run)
    assert not judgement.good
    assert set(judgement.evidence["differences"]) == set(CHANGES)
    with pytest.raises(RefusedError, match=r"The schemas differ in 6 things: column softpos\.payments\.currency"):
        rig.advance("watch")
    assert rig.record().state == StateId.VALIDATE
    assert rig.writable("source")


def test_tables_are_compared_by_all_that_the_server_tells_of_them(rig: Rig) -> None:
    fulltext = "FULLTEXT KEY ft (a)"
    common = "id INT PRIMARY KEY, amount DECIMAL(10,2), fee DECIMAL(10,2) AS (amount * 0.0{n}) STORED"
    rig.source.run(
        f"CREATE TABLE softpos.g ({common.format(n=3)}, CONSTRAINT c CHECK (amount > 0)) "
        "PARTITION BY HASH(id) PARTITIONS 4",
        f"CREATE TABLE softpos.i (id INT PRIMARY KEY, a VARCHAR(20), b INT, {fulltext})",
    )
    rig.target.run(
        "CREATE DATABASE softpos",
        f"CREATE TABLE softpos.g ({common.format(n=2)})",
        "CREATE TABLE softpos.i (id INT PRIMARY KEY, a VARCHAR(20), b INT, KEY ft (a))",
    )
    expected = {
        "column softpos.g.fee",
        "check softpos.g.c",
        "partitions softpos.g",
        "index softpos.i.ft",
    }
    if not rig.source.mariadb:
        rig.source.run(
            "ALTER TABLE softpos.i ADD KEY f ((LOWER(a))), ADD KEY d (b DESC), ADD UNIQUE KEY u ((UPPER(a))), "
            "ADD KEY inv (a) INVISIBLE"
        )
        rig.target.run(
            "ALTER TABLE softpos.i ADD KEY f ((UPPER(a))), ADD KEY d (b), ADD UNIQUE KEY u ((LOWER(a))), "
            "ADD KEY inv (a)"
        )
        expected |= {f"index softpos.i.{name}" for name in ("f", "d", "u", "inv")}
    migration = rig.migration()
    found = shape.compare(*(shape.read_shape(migration.server(role), ["softpos"]) for role in ("source", "target")))
    told = {one.name for one in found if ".g" in one.name or ".i" in one.name.replace("softpos.i", ".i")}
    assert expected <= {one.name for one in found}, told
    migration.close()


def odd_objects(rig: Rig) -> None:
    """Objects that depend on what is around their text: order, time zone, modes, collations, definers."""
    connection = rig.source.connect()
    with connection.cursor() as cursor:
        for text in (
            "USE softpos",
            "CREATE TABLE sums (id INT PRIMARY KEY, total INT NOT NULL)",
            "CREATE DEFINER='owner'@'%' TRIGGER second_one BEFORE INSERT ON sums FOR EACH ROW "
            "SET NEW.total = NEW.total + 1",
            "CREATE DEFINER='owner'@'%' TRIGGER first_one BEFORE INSERT ON sums FOR EACH ROW PRECEDES second_one "
            "SET NEW.total = NEW.total * 2",
            "SET SESSION time_zone = '+02:00', sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES'",
            "SET NAMES latin1 COLLATE latin1_german1_ci",
            "CREATE DEFINER='owner'@'%' EVENT at_three ON SCHEDULE EVERY 1 DAY STARTS '2030-01-01 03:00:00' "
            "DO DELETE FROM audit WHERE id < -1",
            "CREATE DEFINER='owner'@'%' PROCEDURE greets() SELECT 'gr\u00fc\u00df' AS word, \"id\" FROM sums".encode(
                "latin1"
            ),
        ):
            if isinstance(text, bytes):
                connection.query(text)
            else:
                cursor.execute(text)
    connection.close()


def test_objects_are_the_same_on_the_target_in_all_that_makes_them_act_and_again_on_the_source(rig: Rig) -> None:
    odd_objects(rig)
    rig.application.wait_for_commits()
    before = definitions(rig, "source")
    rig.advance("watch")
    assert definitions(rig, "target") == before
    assert rig.target.run("INSERT INTO softpos.sums VALUES (1, 10)", "SELECT total FROM softpos.sums WHERE id = 1") == (
        (21,),
    ) or rig.target.run("SELECT total FROM softpos.sums WHERE id = 1")[0] == (21,)
    rig.application.wait_for_commits()
    assert rig.roll_back() == "rolled back"
    assert definitions(rig, "source") == before


def definitions(rig: Rig, role: str) -> dict[str, Any]:
    migration = rig.migration()
    try:
        return dict(shape.read_shape(migration.server(role), ["softpos"]).stored)
    finally:
        migration.close()


def test_an_application_with_the_bypass_by_a_role_is_found_and_cannot_write_on_the_old_source(rig: Rig) -> None:
    bypass = rig.migration().source.dialect.bypass_privilege
    validated(rig)
    rig.source.run(
        "DROP ROLE IF EXISTS mighty",
        "CREATE ROLE mighty",
        f"GRANT {bypass} ON *.* TO mighty",
        f"GRANT mighty TO '{application.USER}'@'%'",
        f"SET DEFAULT ROLE {'mighty FOR' if rig.source.mariadb else 'ALL TO'} '{application.USER}'@'%'",
    )
    try:
        from_freeze(rig)
        rig.application.wait_for_commits()
        assert rig.serving() == "target"
        assert not rig.writable("source")
    finally:
        rig.source.run("DROP ROLE mighty")


def from_freeze(rig: Rig, last: StateId = StateId.WATCH) -> None:
    """Goes on after a validation that was made before the trouble began."""
    with rig.driver() as driver:
        driver._session.enter(StateId.FREEZE)
        driver.advance(last)


def test_a_committed_source_refuses_everybody_and_a_rolled_back_one_keeps_nothing_of_ours(rig: Rig) -> None:
    if rig.source.mariadb:
        pytest.skip("MariaDB has neither super_read_only nor persisted variables")
    validated(rig)
    from_freeze(rig)
    assert rig.roll_back() == "rolled back"
    assert len(rig.source.run("SELECT * FROM performance_schema.persisted_variables")) == 0
    with rig.driver() as driver:
        driver.new_attempt()
        driver.advance(StateId.WATCH)
        driver.advance(StateId.COMMIT)
    assert rig.source.run("SELECT @@super_read_only")[0] == (1,)


def test_an_error_of_no_known_kind_inside_the_downtime_goes_the_way_back(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    validated(rig)

    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("nobody thought of this")

    with monkeypatch.context() as patched:
        patched.setattr("cutover.steps.objects.shape.compare", broken)
        with pytest.raises(RefusedError, match=r"ZeroDivisionError.*on the source"):
            from_freeze(rig)
    rig.application.wait_for_commits()
    assert rig.serving() == "source"
    assert rig.writable("source")


def test_what_holds_the_freeze_up_is_named_and_the_wait_is_offered(rig: Rig) -> None:
    rig.application.wait_for_commits()
    rig.advance("validate")
    rig.source.run(
        "DROP USER IF EXISTS 'locker'@'%'",
        "CREATE USER 'locker'@'%' IDENTIFIED BY 'locker-of-a-test'",
        "GRANT SELECT, INSERT, LOCK TABLES ON softpos.* TO 'locker'@'%'",
    )
    holder = rig.source.connect("locker", "locker-of-a-test")
    with holder.cursor() as cursor:
        cursor.execute("LOCK TABLES softpos.payments WRITE")
    try:
        with pytest.raises(RefusedError, match=r"a lock on the whole server: connection \d+ of locker@.*--grace"):
            from_freeze(rig)
    finally:
        holder.close()
        rig.source.run("DROP USER 'locker'@'%'")
    rig.application.wait_for_commits()
    assert rig.writable("source")


def test_a_new_log_file_is_no_write_and_a_write_after_the_freeze_is_named(rig: Rig) -> None:
    validated(rig)
    from_freeze(rig, StateId.FREEZE)
    rig.source.run("FLUSH BINARY LOGS")
    rig.advance("drain")
    rig.roll_back()
    rig.application.wait_for_commits()
    from_freeze(rig, StateId.FREEZE)
    with_super = ["SET GLOBAL super_read_only = OFF"] if not rig.source.mariadb else []
    rig.source.run(*with_super, "FLUSH PRIVILEGES")
    with pytest.raises(RefusedError, match=r"was written to while it was frozen.*FLUSH PRIVILEGES"):
        rig.advance("watch")
    rig.application.wait_for_commits()
    assert rig.writable("source")


def test_an_open_write_of_a_superuser_goes_back_and_is_named(rig: Rig) -> None:
    if rig.source.mariadb:
        pytest.skip("MariaDB lets this tool's account end any session")
    validated(rig)
    holder = rig.source.connect(autocommit=False)
    with holder.cursor() as cursor:
        cursor.execute("UPDATE softpos.terminals SET model = 'B' WHERE id = 20")
    with pytest.raises(RefusedError, match=r"Connection \d+ of root@.* may not be ended by it; let it end.*--grace"):
        from_freeze(rig)
    holder.rollback()
    holder.close()
    rig.application.wait_for_commits()
    assert rig.writable("source")
