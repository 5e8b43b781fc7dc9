# ruff: noqa: E501 (statements as a server takes them)
"""Objects with odd names, partitions, types, views and indexes: each moves there and back, and stays the same."""

from __future__ import annotations

import pytest

from tests.cutover.rig import Rig
from tests.cutover.test_outages import definitions

COMMON = {
    "names": [
        "CREATE TABLE softpos.`or``der ü \"x\" 'y' 100%` (`se lect` INT PRIMARY KEY, `from` VARCHAR(9), `a``b` INT, KEY `k e``y` (`from`))",
        "INSERT INTO softpos.`or``der ü \"x\" 'y' 100%` VALUES (1,'a',2),(2,NULL,NULL)",
        "CREATE DEFINER='owner'@'%' TRIGGER softpos.`tri ``g` BEFORE INSERT ON softpos.`or``der ü \"x\" 'y' 100%` FOR EACH ROW SET NEW.`a``b` = 5",
        "CREATE DEFINER='owner'@'%' VIEW softpos.`vi ``ew` AS SELECT `se lect`, `a``b` FROM softpos.`or``der ü \"x\" 'y' 100%`",
        "CREATE DEFINER='owner'@'%' VIEW softpos.`a view` AS SELECT * FROM softpos.`vi ``ew`",
        "CREATE DEFINER='owner'@'%' EVENT softpos.`ev DO ent` ON SCHEDULE EVERY 1 DAY ON COMPLETION PRESERVE COMMENT 'may DO ENABLE DO it' DO SET @x = ' DISABLE DO '",
        "CREATE DEFINER='owner'@'%' PROCEDURE softpos.`pro c`(IN `se l` INT) COMMENT 'x''y' SELECT `se l`",
        "CREATE DEFINER='owner'@'%' FUNCTION softpos.`f``n`(a INT) RETURNS INT DETERMINISTIC RETURN a + 1",
    ],
    "dot": [
        "CREATE TABLE softpos.`a.b` (id INT PRIMARY KEY, v INT)",
        "INSERT INTO softpos.`a.b` VALUES (1,2)",
        "CREATE DEFINER='owner'@'%' TRIGGER softpos.`t.t` BEFORE INSERT ON softpos.`a.b` FOR EACH ROW SET NEW.v = 5",
    ],
    "partitions": [
        "CREATE TABLE softpos.pr (id INT, d DATE, PRIMARY KEY (id, d)) PARTITION BY RANGE COLUMNS(d) SUBPARTITION BY HASH(id) SUBPARTITIONS 2 (PARTITION p0 VALUES LESS THAN ('2026-01-01') COMMENT = 'old', PARTITION p1 VALUES LESS THAN (MAXVALUE))",
        "CREATE TABLE softpos.pl (id INT PRIMARY KEY) PARTITION BY LIST(id) (PARTITION a VALUES IN (1,2), PARTITION b VALUES IN (3))",
        "CREATE TABLE softpos.pk (id INT PRIMARY KEY, v INT) PARTITION BY KEY(id) PARTITIONS 3",
        "INSERT INTO softpos.pr VALUES (1,'2025-01-01'),(2,'2026-06-01')",
        "INSERT INTO softpos.pl VALUES (1),(3)",
        "INSERT INTO softpos.pk VALUES (1,1),(2,2)",
    ],
    "types": [
        "CREATE TABLE softpos.ty (id INT PRIMARY KEY, g GEOMETRY NOT NULL, p POINT NULL, j JSON, f FLOAT, d DOUBLE, y YEAR, bi BINARY(5), tx TEXT CHARACTER SET latin1, ts TIMESTAMP(6) NULL, SPATIAL KEY sp (g))",
        "INSERT INTO softpos.ty VALUES (1, ST_GeomFromText('POINT(1 2)'), NULL, '{\"a\": 1.5, \"b\": [null, true]}', 1.17549e-38, 1.7976931348623157e308, 2155, 'a', 'x', '2026-03-29 01:30:00.000001'), (2, ST_GeomFromText('LINESTRING(0 0,1 1)'), ST_GeomFromText('POINT(0 0)'), NULL, -3.40282e38, 2.2250738585072014e-308, 1901, X'00FF', '', NULL)",
    ],
    "views": [
        "CREATE ALGORITHM=MERGE DEFINER='owner'@'%' SQL SECURITY INVOKER VIEW softpos.zz1 AS SELECT id, amount FROM softpos.payments WHERE amount > 5 WITH LOCAL CHECK OPTION",
        "CREATE DEFINER='owner'@'%' FUNCTION softpos.fee(a DECIMAL(10,2)) RETURNS DECIMAL(10,2) DETERMINISTIC RETURN a * 0.02",
        "CREATE DEFINER='owner'@'%' VIEW softpos.aa1 AS SELECT id, softpos.fee(amount) AS fee FROM softpos.zz1",
    ],
    "checks": [
        "CREATE TABLE softpos.ck (id INT AUTO_INCREMENT PRIMARY KEY, a INT CHECK (a > 0), b VARCHAR(20) DEFAULT (CONCAT('a', 'b')), c DATETIME DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP COMMENT 'x, y\\n z', UNIQUE KEY u (b(5), a)) COMMENT='it''s AUTO_INCREMENT=7', AUTO_INCREMENT=100",
        "INSERT INTO softpos.ck (a) VALUES (1),(2)",
    ],
}
MYSQL = {
    "invisible": [
        "CREATE TABLE softpos.iv (id INT PRIMARY KEY, a INT, KEY i (a) INVISIBLE, KEY f ((a + 1)), KEY de (a DESC))",
        "INSERT INTO softpos.iv VALUES (1,2)",
    ],
    "srid": [
        "CREATE TABLE softpos.sr (id INT PRIMARY KEY, g POINT NOT NULL SRID 4326, SPATIAL KEY (g))",
        "INSERT INTO softpos.sr VALUES (1, ST_GeomFromText('POINT(1 2)', 4326))",
    ],
    "notenforced": [
        "CREATE TABLE softpos.ne (id INT PRIMARY KEY, a INT, CONSTRAINT cc CHECK (a > 3) NOT ENFORCED, m INT DEFAULT (RAND() * 0))",
        "INSERT INTO softpos.ne (id,a) VALUES (1,2)",
    ],
    "multivalue": [
        "CREATE TABLE softpos.mv (id INT PRIMARY KEY, j JSON, KEY mv ((CAST(j->'$.z' AS UNSIGNED ARRAY))))",
        "INSERT INTO softpos.mv VALUES (1, '{\"z\": [1,2]}')",
    ],
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", [*COMMON, *MYSQL])
def test_odd_objects_move_there_and_back_unchanged(rig: Rig, kind: str) -> None:
    if kind in MYSQL and rig.source.mariadb:
        pytest.skip("MariaDB has no such thing")
    rig.source.run(*(COMMON | MYSQL)[kind])
    rig.application.wait_for_commits()
    before = definitions(rig, "source")
    rig.advance("watch")
    rig.application.wait_for_commits()
    assert definitions(rig, "target") == before
    assert rig.roll_back() == "rolled back"
    assert definitions(rig, "source") == before
