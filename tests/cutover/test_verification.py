# ruff: noqa: S608 (statements from constants)
"""The comparison: finds every difference on real servers, shows no value, and hurts nobody."""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from cutover.comparison import checksum
from cutover.comparison.pair import ChunkTooLongError
from cutover.comparison.pair import Pair as Servers
from cutover.comparison.repair import repairing
from cutover.comparison.results import TableResult, Verification
from cutover.comparison.rows import Comparison
from cutover.comparison.throttle import Throttle
from cutover.errors import RefusedError
from cutover.limits import Limits
from cutover.servers.catalogue import Catalogue, Column, Table, read_catalogue
from cutover.servers.mysql import Login, Server, Tls
from tests.cutover.servers import ROOT_PASSWORD, TestServer

Pair = tuple[Server, Server]
CARD_NUMBER = "4111111111111111"
"""Visa's published test number."""


@pytest.fixture
def pair(servers: tuple[TestServer, TestServer]) -> Iterator[Pair]:
    ends = tuple(
        Server(
            role,
            Login(host="127.0.0.1", port=server.port, username="root", password=ROOT_PASSWORD),
            Tls(ca_pem=server.authority.ca_pem),
        )
        for role, server in zip(("source", "target"), servers, strict=True)
    )
    for end in ends:
        end.rows("SET GLOBAL read_only = OFF")
        end.rows("DROP DATABASE IF EXISTS compared")
        end.rows("CREATE DATABASE compared CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci")
    yield ends[0], ends[1]
    for end in ends:
        end.rows("DROP DATABASE compared")
        end.close()


def on_both(pair: Pair, *statements: str) -> None:
    for end in pair:
        for text in statements:
            end.rows(text)


def compared(pair: Pair, **limits: Any) -> Verification:
    catalogues: list[Catalogue] = [read_catalogue(end, ["compared"]) for end in pair]
    return Comparison(pair[0], pair[1], Limits(**({"parallel": 2} | limits))).run(*catalogues)


def the_table(result: Verification) -> TableResult:
    assert len(result.tables) == 1
    return result.tables[0]


def test_two_payments_that_swapped_their_amounts_are_found_where_xored_crc32_is_blind(pair: Pair) -> None:
    on_both(
        pair,
        "CREATE TABLE compared.p (id INT PRIMARY KEY, amount DECIMAL(8,2) NOT NULL)",
        "INSERT INTO compared.p VALUES (1, 10.00), (2, 25.50), (3, 30.00)",
    )
    usual = "SELECT BIT_XOR(CRC32(CONCAT_WS('#', id, amount))) FROM compared.p"
    before = pair[1].value(usual)
    pair[1].rows("UPDATE compared.p SET amount = 35.50 - amount WHERE id IN (1, 2)")
    assert pair[1].value(usual) == before
    table = the_table(compared(pair))
    assert (table.different, sorted(item.key for item in table.shown)) == (2, ["1", "2"])


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("('a|', 'b')", "('a', '|b')"),
        ("(NULL, 'a')", "('', 'a')"),
        ("(NULL, 'a')", "('a', NULL)"),
        ("('a', 'b')", "('A', 'b')"),
        ("('a', 'b')", "('a ', 'b')"),
        ("('a', NULL)", "(NULL, 'a')"),
    ],
)
def test_texts_that_only_look_alike_are_told_apart(pair: Pair, source: str, target: str) -> None:
    on_both(pair, "CREATE TABLE compared.t (id INT PRIMARY KEY AUTO_INCREMENT, a VARCHAR(9) NULL, b VARCHAR(9) NULL)")
    pair[0].rows(f"INSERT INTO compared.t (a, b) VALUES {source}")
    pair[1].rows(f"INSERT INTO compared.t (a, b) VALUES {target}")
    assert the_table(compared(pair)).different == 1


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("INT UNSIGNED", "n"),
        ("BIGINT", "n - 50"),
        ("VARCHAR(20)", "CONCAT('key ', n, '%s')"),
        ("CHAR(8) CHARACTER SET latin1", "LPAD(n, 8, 'x')"),
        ("VARBINARY(9)", "CONCAT(CHAR(n), 'z')"),
        ("DATE", "DATE_ADD('2026-01-01', INTERVAL n DAY)"),
        ("DATETIME(6)", "DATE_ADD('2026-01-01', INTERVAL n MICROSECOND)"),
        ("DECIMAL(10,3)", "n / 8"),
        ("BIT(10)", "n"),
    ],
)
def test_a_changed_row_is_found_whatever_the_key_is_made_of(pair: Pair, kind: str, value: str) -> None:
    numbers = " UNION ALL ".join(f"SELECT {n} AS n" for n in range(1, 101))
    on_both(
        pair,
        f"CREATE TABLE compared.k (a {kind} NOT NULL, b TINYINT NOT NULL, v INT NOT NULL, PRIMARY KEY (a, b))",
        f"INSERT INTO compared.k SELECT {value}, n % 3, n FROM ({numbers}) x",
    )
    assert compared(pair).equal
    pair[1].rows("UPDATE compared.k SET v = -v WHERE v = 60")
    pair[1].rows("DELETE FROM compared.k WHERE v IN (1, 100)")
    pair[0].rows("DELETE FROM compared.k WHERE v = 50")
    table = the_table(compared(pair))
    assert (table.different, table.missing, table.extra) == (1, 2, 1)


def test_every_column_type_that_dms_carries_compares_equal_to_itself_and_shows_a_change(pair: Pair) -> None:
    columns = {
        "c1": ("FLOAT", "1.5e-7", "2"),
        "c2": ("DOUBLE", "1e300", "2"),
        "c3": ("TEXT", "'long'", "'lonG'"),
        "c4": ("BLOB", "x'00ff'", "x'00fe'"),
        "c5": ("ENUM('a','b')", "'a'", "'b'"),
        "c6": ("SET('a','b')", "'a,b'", "'a'"),
        "c7": ("JSON", "'{\"a\": 1}'", "'{\"a\": 2}'"),
        "c8": ("TIME", "'-10:00:00'", "'10:00:00'"),
        "c9": ("TIMESTAMP", "'2026-03-29 01:30:00'", "'2026-03-29 01:30:01'"),
        "c10": ("YEAR", "2026", "2027"),
        "c11": ("BINARY(4)", "'a'", "'b'"),
        "c12": ("BIT(1)", "1", "0"),
        "c13": ("VARCHAR(9) CHARACTER SET latin1", "'\u00fc'", "'u'"),
    }
    on_both(
        pair,
        "CREATE TABLE compared.w (id INT PRIMARY KEY, "
        + ", ".join(f"{name} {told[0]} NULL" for name, told in columns.items())
        + ")",
        "INSERT INTO compared.w VALUES (1, " + ", ".join(told[1] for told in columns.values()) + ")",
    )
    pair[1].rows("ALTER TABLE compared.w MODIFY c13 VARCHAR(9) CHARACTER SET utf8mb4 NULL")
    assert compared(pair).equal
    for name, (_, first, second) in columns.items():
        pair[1].rows(f"UPDATE compared.w SET {name} = {second}")
        assert the_table(compared(pair)).different == 1, name
        pair[1].rows(f"UPDATE compared.w SET {name} = {first}")
    assert compared(pair).equal


def test_a_row_beyond_the_last_key_of_the_source_is_found(pair: Pair) -> None:
    on_both(pair, "CREATE TABLE compared.e (id INT PRIMARY KEY)", "INSERT INTO compared.e VALUES (1), (2)")
    pair[1].rows("INSERT INTO compared.e VALUES (-5), (900)")
    table = the_table(compared(pair))
    assert sorted(item.key for item in table.shown) == ["-5", "900"]
    assert table.extra == 2


def test_many_differences_are_narrowed_down_to_single_rows(pair: Pair) -> None:
    digits = " CROSS JOIN ".join(
        f"(SELECT 0 d UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3) d{n}" for n in range(6)
    )
    number = " + ".join(f"d{n}.d * {4**n}" for n in range(6))
    on_both(
        pair,
        "CREATE TABLE compared.m (id INT PRIMARY KEY, v INT NOT NULL)",
        f"INSERT INTO compared.m SELECT {number}, 7 FROM {digits}",
    )
    pair[1].rows("UPDATE compared.m SET v = 8 WHERE id IN (0, 17, 2048, 4095)")
    table = the_table(compared(pair))
    assert table.source_rows == 4096
    assert sorted(int(item.key) for item in table.shown) == [0, 17, 2048, 4095]


def test_a_key_that_could_be_a_card_number_is_never_shown(pair: Pair) -> None:
    on_both(
        pair,
        "CREATE TABLE compared.c (pan BIGINT PRIMARY KEY, v INT NOT NULL)",
        f"INSERT INTO compared.c VALUES ({CARD_NUMBER}, 1)",
    )
    pair[1].rows("UPDATE compared.c SET v = 2")
    result = compared(pair)
    assert the_table(result).shown[0].key.startswith("ref:")
    assert CARD_NUMBER not in repr(result) + result.sentence() + str(result.evidence())


def test_keys_that_sort_differently_are_refused_rather_than_compared_wrongly(pair: Pair) -> None:
    pair[0].rows("CREATE TABLE compared.s (k VARCHAR(9) COLLATE utf8mb4_bin PRIMARY KEY)")
    pair[1].rows("CREATE TABLE compared.s (k VARCHAR(9) COLLATE utf8mb4_unicode_ci PRIMARY KEY)")
    with pytest.raises(
        RefusedError, match=r"sorts by utf8mb4_bin on the source and by utf8mb4_unicode_ci on the target"
    ):
        compared(pair)


def rows_of(count: int) -> str:
    """SQL of so many numbers from 0, as a derived table with the column n."""
    digits = " CROSS JOIN ".join(
        f"(SELECT 0 d {'UNION ALL SELECT '.join(['', '1 ', '2 ', '3 '])}) d{n}" for n in range(8)
    )
    number = " + ".join(f"d{n}.d * {4**n}" for n in range(8))
    return f"(SELECT {number} AS n FROM {digits} HAVING n < {count}) x"


def rows_read(end: Server) -> int:
    names = ("Handler_read_next", "Handler_read_first", "Handler_read_key", "Handler_read_rnd_next")
    return sum(end.status(*names).values())


@pytest.mark.parametrize(
    ("kind", "value"),
    [("ENUM('w','x','y','z')", "1 + n % 4"), ("SET('a','b','c')", "n % 8"), ("BIT(20)", "n"), ("INT", "n % 4")],
)
def test_each_row_is_read_twice_at_most_whatever_the_key_is_made_of(
    pair: Pair, kind: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_both(
        pair,
        f"CREATE TABLE compared.k (a {kind} NOT NULL, b INT NOT NULL, v INT NOT NULL, PRIMARY KEY (a, b))",
        f"INSERT INTO compared.k SELECT {value}, n, 7 FROM {rows_of(20000)}",
        "ANALYZE TABLE compared.k",
    )
    monkeypatch.setattr("cutover.comparison.rows.CHUNK_ROWS_MOST", 1000)
    catalogues = [read_catalogue(end, ["compared"]) for end in pair]
    before = rows_read(pair[0])
    result = the_table(Comparison(pair[0], pair[1], Limits(parallel=2, chunk_seconds=1000)).run(*catalogues))
    assert result.source_rows == 20000
    assert result.chunks >= 20
    assert rows_read(pair[0]) - before < 2.5 * 20000


def test_chunks_end_rightly_among_texts_that_differ_and_sort_alike(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cutover.comparison.rows.CHUNK_ROWS_MOST", 3)
    on_both(
        pair,
        "CREATE TABLE compared.k (a VARCHAR(9) COLLATE utf8mb4_unicode_ci, b INT, PRIMARY KEY (a, b))",
        f"INSERT INTO compared.k SELECT IF(n % 2, 'abc', 'ABC'), n FROM {rows_of(50)}",
        f"INSERT INTO compared.k SELECT IF(n % 3, 'x', 'X'), n FROM {rows_of(50)}",
    )
    table = the_table(compared(pair, parallel=1))
    assert (table.source_rows, table.target_rows, table.differences) == (100, 100, 0)


def test_a_large_dense_integer_key_is_read_once_and_a_gap_in_it_makes_no_chunk_larger(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cutover.comparison.rows.CHUNK_ROWS_MOST", 1000)
    monkeypatch.setattr("cutover.comparison.rows.SPLIT_ROWS", 100)
    on_both(
        pair,
        "CREATE TABLE compared.k (id BIGINT PRIMARY KEY, v INT NOT NULL)",
        f"INSERT INTO compared.k SELECT n - 5, 7 FROM {rows_of(10000)}",
        f"INSERT INTO compared.k SELECT n + 9000000000000000000, 7 FROM {rows_of(10000)}",
        "ANALYZE TABLE compared.k",
    )
    pair[1].rows("INSERT INTO compared.k VALUES (-9, 7), (9000000000000020000, 7)")
    pair[1].rows("UPDATE compared.k SET v = 8 WHERE id IN (995, 9000000000000009999)")
    catalogues = [read_catalogue(end, ["compared"]) for end in pair]
    before, most = rows_read(pair[0]), list[int]()
    limits = Limits(parallel=1, chunk_seconds=1000)
    result = the_table(Comparison(pair[0], pair[1], limits, progress=most.append).run(*catalogues))
    assert (result.source_rows, result.target_rows) == (20000, 20002)
    assert (result.different, result.extra) == (2, 2)
    assert max(most) <= 1000
    # The two chunks that differ are read again, and the ends of a few are found by the index.
    assert rows_read(pair[0]) - before < 1.8 * 20000


def test_what_looked_equal_and_is_not_is_found(pair: Pair) -> None:
    on_both(
        pair,
        "CREATE TABLE compared.b (id INT PRIMARY KEY, d DOUBLE NULL, f FLOAT NULL, e ENUM('', 'a', 'b') NULL, "
        "s SET('a', 'b') NULL, u VARCHAR(5) CHARACTER SET utf16 COLLATE utf16_bin NULL)",
        "INSERT INTO compared.b VALUES (1, 0, 0, 1, 0, NULL)",
    )
    assert compared(pair).equal
    # MariaDB makes 0 of -0.0 when it stores it.
    signed = [] if pair[0].dialect.flavour == "mariadb" else [("d", "-0e0"), ("f", "-0e0")]
    for name, value in (*signed, ("e", "0")):
        pair[1].rows(f"UPDATE compared.b SET {name} = {value}")
        assert the_table(compared(pair)).different == 1, name
        pair[1].rows("UPDATE compared.b SET d = 0, f = 0, e = 1")
    assert compared(pair).equal


def test_texts_that_hold_the_byte_between_the_columns_are_told_apart(pair: Pair) -> None:
    on_both(
        pair,
        "CREATE TABLE compared.l (id INT PRIMARY KEY, a VARCHAR(9) CHARACTER SET latin1, "
        "b VARCHAR(9) CHARACTER SET latin1)",
    )
    byte = "CONVERT(X'FF' USING latin1)"
    pair[0].rows(f"INSERT INTO compared.l VALUES (1, CONCAT('a', {byte}), 'b')")
    pair[1].rows(f"INSERT INTO compared.l VALUES (1, 'a', CONCAT({byte}, 'b'))")
    assert the_table(compared(pair)).different == 1


def test_members_that_hold_the_separator_do_not_hide_a_difference(pair: Pair) -> None:
    on_both(pair, "CREATE TABLE compared.e (id INT PRIMARY KEY, a ENUM('x', 'x|1'), b ENUM('1|y', 'y'))")
    pair[0].rows("INSERT INTO compared.e VALUES (1, 'x', '1|y')")
    pair[1].rows("INSERT INTO compared.e VALUES (1, 'x|1', 'y')")
    assert the_table(compared(pair)).different == 1


def test_a_generated_column_with_another_expression_shows(pair: Pair) -> None:
    for end, rate in zip(pair, ("0.03", "0.02"), strict=True):
        end.rows(
            "CREATE TABLE compared.g (id INT PRIMARY KEY, amount DECIMAL(10,2), "
            f"fee DECIMAL(10,2) AS (amount * {rate}) STORED)"
        )
        end.rows("INSERT INTO compared.g (id, amount) VALUES (1, 100)")
    assert the_table(compared(pair)).different == 1


def test_enums_with_other_members_and_texts_that_no_conversion_keeps_are_named_as_not_compared(pair: Pair) -> None:
    pair[0].rows("CREATE TABLE compared.m (id INT PRIMARY KEY, e ENUM('a', 'b'))")
    pair[1].rows("CREATE TABLE compared.m (id INT PRIMARY KEY, e ENUM('b', 'a'))")
    with pytest.raises(RefusedError, match=r"compared\.m\.e has other members on the target"):
        compared(pair)
    on_both(pair, "DROP TABLE compared.m")
    pair[0].rows("CREATE TABLE compared.m (id INT PRIMARY KEY, u VARCHAR(5) CHARACTER SET utf16)")
    pair[1].rows("CREATE TABLE compared.m (id INT PRIMARY KEY, u VARCHAR(5) CHARACTER SET utf8mb4)")
    with pytest.raises(RefusedError, match=r"utf16 on the source and utf8mb4 on the target"):
        compared(pair)


def many_chunks(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cutover.comparison.rows.CHUNK_ROWS_MOST", 16)
    on_both(
        pair,
        "CREATE TABLE compared.p (id INT PRIMARY KEY, v INT NOT NULL)",
        f"INSERT INTO compared.p SELECT n, 1 FROM {rows_of(4096)}",
    )


def test_a_busy_table_whose_every_chunk_differs_at_the_first_look_is_not_refused(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    many_chunks(pair, monkeypatch)
    pair[0].rows("UPDATE compared.p SET v = 2")
    catalogues = [read_catalogue(end, ["compared"]) for end in pair]
    late = Server("target", pair[1].account, pair[1].tls)
    result = Comparison(
        pair[0], pair[1], Limits(parallel=1), catch_up=lambda: late.rows("UPDATE compared.p SET v = 2") and None
    ).run(*catalogues)
    assert result.equal, result.sentence()


def test_a_table_that_truly_differs_everywhere_is_given_up(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    many_chunks(pair, monkeypatch)
    pair[0].rows("UPDATE compared.p SET v = 2")
    assert the_table(compared(pair, parallel=1)).problem == "table compared.p differs in more than 200 chunks"


def test_a_chunk_that_takes_too_long_is_halved_and_the_comparison_goes_on(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    many_chunks(pair, monkeypatch)
    sums, asked = Servers.sums, iter(range(3))

    def slow(self: Servers, *given: Any) -> Any:
        if next(asked, None) is not None:
            raise ChunkTooLongError("too long")
        return sums(self, *given)

    monkeypatch.setattr(Servers, "sums", slow)
    assert the_table(compared(pair, parallel=1)).source_rows == 4096


def test_a_lost_connection_goes_on_at_the_chunk_where_it_was(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    many_chunks(pair, monkeypatch)
    catalogues = [read_catalogue(end, ["compared"]) for end in pair]
    killer = Server("source", pair[0].account, pair[0].tls)
    seen: list[int] = []

    def progress(rows: int) -> None:
        seen.append(rows)
        if len(seen) == 20:
            mine = "SELECT ID AS id FROM information_schema.PROCESSLIST WHERE ID <> CONNECTION_ID() AND USER = 'root'"
            for row in killer.rows(mine):
                killer.end(int(row["id"]))

    result = Comparison(pair[0], pair[1], Limits(parallel=1), progress=progress).run(*catalogues)
    assert result.equal
    assert sum(seen) == 4096


@pytest.mark.parametrize("key", ["id INT", "id CHAR(36)", "id ENUM('0','1','2')"])
def test_any_key_is_split_for_the_workers(pair: Pair, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cutover.comparison.rows.SPLIT_ROWS", 100)
    value = {"id INT": "n", "id CHAR(36)": "SHA2(n, 224)", "id ENUM('0','1','2')": "1 + n % 3"}[key]
    on_both(
        pair,
        f"CREATE TABLE compared.u ({key} NOT NULL, n INT NOT NULL, PRIMARY KEY (id, n))"
        if "ENUM" in key
        else f"CREATE TABLE compared.u ({key} NOT NULL PRIMARY KEY, n INT NOT NULL)",
        f"INSERT INTO compared.u SELECT LEFT({value}, 36), n FROM {rows_of(3000)}"
        if "CHAR" in key
        else f"INSERT INTO compared.u SELECT {value}, n FROM {rows_of(3000)}",
        "ANALYZE TABLE compared.u",
    )
    catalogues = [read_catalogue(end, ["compared"]) for end in pair]
    comparison = Comparison(pair[0], pair[1], Limits(parallel=3))
    tables = (catalogues[0].tables[0], catalogues[1].tables[0])
    with Servers(*pair) as servers:
        spans = list(comparison._spans(servers, checksum.plan(*tables, (pair[0].dialect, pair[1].dialect))))
    assert len(spans) == 3
    pair[1].rows("UPDATE compared.u SET n = -1 WHERE n = 2999")
    table = the_table(comparison.run(*catalogues))
    assert (table.source_rows, table.target_rows) == (3000, 3000)
    assert table.differences >= 1


def test_a_repair_makes_the_target_as_the_source_whatever_the_rows_hold(pair: Pair) -> None:
    json = "JSON" if pair[0].dialect.flavour != "mariadb" else "LONGTEXT"
    on_both(
        pair,
        "CREATE TABLE compared.r (id INT, code VARCHAR(9), e ENUM('a', 'b') NULL, s SET('x', 'y') NULL, b BIT(9) NULL, "
        f"f FLOAT NULL, d DECIMAL(8,3) NULL, t TEXT NULL, v VARBINARY(9) NULL, j {json} NULL, m DATETIME(6) NULL, "
        "w VARCHAR(9) NULL UNIQUE, g INT AS (id * 2) STORED, PRIMARY KEY (id, code))",
    )
    rows = (
        "(1, 'o''ne%s', 'b', 'x,y', 300, 1.5e-7, -1.250, 'gr\u00fc\u00df `\\\\', x'00ff', '{\"a\": 1.5}', "
        "'2026-11-30 10:00:00.000001', 'first')",
        "(2, 'two', NULL, '', 0, NULL, NULL, '', '', NULL, NULL, 'second')",
        "(3, 'three', 'a', 'x', 1, -0e0, 1, NULL, NULL, '[]', NULL, NULL)",
    )
    names = "(id, code, e, s, b, f, d, t, v, j, m, w)"
    pair[0].rows(f"INSERT INTO compared.r {names} VALUES {', '.join(rows)}")
    pair[1].rows(
        f"INSERT INTO compared.r {names} VALUES {rows[0]}, {rows[2]}, (9, 'extra', 'a', 'x', 1, 1, 1, '', '', "
        "'[]', NULL, 'second')"
    )
    pair[1].rows(
        "UPDATE compared.r SET e = NULL, s = 'y', b = 1, f = 0, d = 0, t = 'x', v = '', j = '[]', m = NULL "
        "WHERE id IN (1, 3)"
    )
    catalogues = [read_catalogue(end, ["compared"]) for end in pair]
    found = the_table(Comparison(pair[0], pair[1], Limits(parallel=1), keep_keys=10).run(*catalogues))
    assert (found.missing, found.extra, found.different) == (1, 1, 2)
    for text in repairing(pair[0], catalogues[0].tables[0], found):
        pair[1].rows(text)
    assert compared(pair).equal


class Busy:
    """A source whose load a test sets."""

    def __init__(self, *running: int, history: int = 0) -> None:
        self.running = list(running)
        self.history = history

    def status(self, *_: str) -> dict[str, int]:
        return {"threads_running": self.running.pop(0) if len(self.running) > 1 else self.running[0]}

    def value(self, _: str) -> int:
        return self.history


def test_a_live_comparison_waits_while_the_source_is_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cutover.comparison.throttle.LOOK_SECONDS", 0.0)
    throttle = Throttle({"source": Busy(90, 80, 3)}, Limits(max_threads_running=25))  # type: ignore[arg-type]
    asked: list[int] = []
    throttle.wait(lambda: asked.append(1))
    assert len(asked) == 2


def test_a_live_comparison_waits_while_replication_lags(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cutover.comparison.throttle.LOOK_SECONDS", 0.0)
    lags = [30.0, 12.0, 0.5]
    throttle = Throttle({"source": Busy(1)}, Limits(max_lag_seconds=10), lambda: lags.pop(0))  # type: ignore[arg-type]
    asked: list[int] = []
    throttle.wait(lambda: asked.append(1))
    assert len(asked) == 2


@pytest.mark.parametrize(
    ("servers", "command", "reason"),
    [
        ({"source": Busy(1), "target": Busy(90)}, (), "86 threads run on the target, 25 are allowed"),
        ({"source": Busy(1, history=2_000_000)}, (), "the history list of the source holds 2,000,000 entries"),
        ({"source": Busy(1)}, ("sh", "-c", "echo settlement runs; exit 1"), "settlement runs"),
        ({"source": Busy(1)}, ("true",), ""),
    ],
)
def test_load_of_any_server_and_the_site_itself_pause_a_live_comparison(
    servers: dict[str, Any], command: tuple[str, ...], reason: str
) -> None:
    told = Throttle(servers, Limits(), None, command).reason()
    assert reason in told if reason else told == ""


def test_a_critical_load_ends_a_live_comparison() -> None:
    with pytest.raises(RefusedError, match="496 threads run on the target, 200 are critical"):
        Throttle({"target": Busy(500)}, Limits()).reason()  # type: ignore[dict-item]


def column(name: str) -> Column:
    return Column(name=name, data_type="int", column_type="int", collation="", nullable=False, generated=False)


def three_part_key() -> Table:
    columns = tuple(column(name) for name in "abc")
    return Table(
        schema="main",
        name="t",
        engine="InnoDB",
        rows=0,
        size_bytes=0,
        auto_increment=None,
        collation="",
        columns=columns,
        key=columns,
    )


KEYS = some.sets(some.tuples(*[some.integers(0, 3)] * 3), min_size=1, max_size=30)


@given(KEYS, some.lists(some.tuples(*[some.integers(0, 3)] * 3), max_size=4))
def test_chunks_by_key_bounds_hold_every_row_exactly_once(
    keys: set[tuple[int, ...]], bounds: list[tuple[int, ...]]
) -> None:
    table = three_part_key()
    base = sqlite3.connect(":memory:")
    base.execute("CREATE TABLE t (a, b, c)")
    base.executemany("INSERT INTO t VALUES (?, ?, ?)", keys)
    edges: list[tuple[int, ...] | None] = [None, *sorted(set(bounds)), None]
    seen: list[tuple[int, ...]] = []
    for low, high in itertools.pairwise(edges):
        text, values = checksum.between(table, low, high)
        seen += base.execute("SELECT a, b, c FROM t WHERE " + text.replace("%s", "?"), values).fetchall()
    base.close()
    assert sorted(seen) == sorted(keys)
