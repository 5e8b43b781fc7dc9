"""Preflight of the on-premises server: can it be replicated from, frozen, and replicated back to?"""

from __future__ import annotations

import time
from collections.abc import Iterator

from cutover.checks.preflight import PASS, WARN, Evening, Observation, Room, require
from cutover.errors import ToolError
from cutover.servers import principals
from cutover.servers.grants import Grants, read_grants
from cutover.servers.mysql import quoted

room = Room("source")
RETENTION_SECONDS = 86_400
"""DMS user guide, MySQL source: binary logs are kept for at least 24 hours."""
LONG_TRANSACTION_SECONDS = 60
LOAD_BYTES_PER_SECOND = 30_000_000
"""Cautious speed of a DMS full load over one VPN tunnel (1.25 Gbit/s at most), for the forecast only."""
RATE_SECONDS = 2.0
NEVER_EXHAUSTED = 0.8
"""Part of an AUTO_INCREMENT's range that may be used before it is worth a warning."""
SIGNED_MAXIMUM = {"tinyint": 2**7, "smallint": 2**15, "mediumint": 2**23, "int": 2**31, "bigint": 2**63}
CONTROL_SCHEMA = "awsdms_control"
"""Where DMS keeps tables of its own on whatever it writes to."""


@room.check("server version")
def version(evening: Evening) -> Iterator[Observation]:
    dialect = evening.migration.source.dialect
    number = ".".join(map(str, dialect.version))
    if dialect.flavour == "mariadb":
        yield Observation(
            level=WARN,
            found=f"MariaDB {number}: no super_read_only, and read_only ends with a restart",
            remedy="For the evening write read_only=1 into the server's option file, so that a restart stays frozen.",
        )
        return
    yield require(
        dialect.version >= (5, 7, 8), f"MySQL {number}", "Upgrade the source to MySQL 5.7.8 or later: super_read_only."
    )


SETTINGS = (
    ("log_bin", ("ON", "1"), "log_bin = ON in the option file, then restart"),
    ("binlog_format", ("ROW",), "SET GLOBAL binlog_format = 'ROW'; then end the sessions opened before it"),
    ("binlog_row_image", ("FULL",), "SET GLOBAL binlog_row_image = 'FULL'; then end the sessions opened before it"),
    ("binlog_row_value_options", ("",), "SET GLOBAL binlog_row_value_options = ''"),
    ("binlog_transaction_compression", ("OFF", "0"), "SET GLOBAL binlog_transaction_compression = OFF"),
    ("log_bin_compress", ("OFF", "0"), "SET GLOBAL log_bin_compress = OFF"),
)
"""Variable, values that DMS can read from, and what mends it. A variable that the server lacks is no finding."""


@room.check("binary log")
def binary_log(evening: Evening) -> Iterator[Observation]:
    for name, allowed, remedy in SETTINGS:
        value = evening.source_variables.get(name)
        if value is not None:
            yield require(value.upper() in allowed, f"{name} = {value or '(empty)'}", remedy + ".")


@room.check("binary log filters")
def filters(evening: Evening) -> Iterator[Observation]:
    """A filtered schema's changes are in no log: DMS would never see them."""
    row = evening.migration.source.row(evening.migration.source.dialect.binary_log_status)
    told = [f"{name} = {row[name]}" for name in ("Binlog_Do_DB", "Binlog_Ignore_DB") if row.get(name)]
    yield require(
        not told,
        ", ".join(told) or "every schema is logged",
        "Remove binlog_do_db and binlog_ignore_db from the option file, then restart.",
    )


@room.check("replication into the source")
def replica(evening: Evening) -> Iterator[Observation]:
    """A replica's own threads write through read_only and super_read_only."""
    server = evening.migration.source
    rows = server.rows(server.dialect.replica_status)
    word = server.dialect.replica_status.replace("SHOW", "STOP").replace(" STATUS", "")
    yield require(
        not rows,
        f"{len(rows)} replication channels write on the source" if rows else "none",
        f"{word}; RESET {word.split()[1]} ALL; or migrate from the primary.",
    )


@room.check("binary log retention")
def retention(evening: Evening) -> Iterator[Observation]:
    name = evening.migration.source.dialect.binlog_retention
    value = float(evening.source_variables.get(name, 0))
    seconds = value * 86_400 if name.endswith("days") else value
    wanted = f"SET GLOBAL {name} = {3 if name.endswith('days') else 3 * 86_400};"
    # 0 means: never removed.
    yield require(seconds == 0 or seconds >= RETENTION_SECONDS, f"{name} = {value:g}", wanted)


@room.check("server_id")
def server_id(evening: Evening) -> Iterator[Observation]:
    value = int(evening.source_variables.get("server_id", 0))
    yield require(value >= 1, f"server_id = {value}", "server_id = 1 (unique) in the option file, then restart.")


@room.check("grants of the DMS account")
def dms_grants(evening: Evening) -> Iterator[Observation]:
    reader, writer = evening.migration.source_as_reader, evening.migration.source_as_writer
    grants = read_grants(reader)
    name = principals.own(reader)
    wide = grants.missing(["REPLICATION CLIENT", "REPLICATION SLAVE"])
    yield require(
        not wide,
        f"{name}: {'replication granted' if not wide else 'lacks ' + ', '.join(wide)}",
        _grant(wide, "*", name),
    )
    for schema in evening.migration.stack.schemas:
        yield _on_schema(name, grants, ["SELECT"], schema)
    grants = read_grants(writer)
    name = principals.own(writer)
    for schema in evening.migration.stack.schemas:
        yield _on_schema(name, grants, ["SELECT", "INSERT", "UPDATE", "DELETE"], schema)
    yield _on_schema(name, grants, ["SELECT", "INSERT", "UPDATE", "DELETE", "CREATE", "DROP", "ALTER"], CONTROL_SCHEMA)
    bypass = writer.dialect.bypass_privilege
    yield require(
        grants.allow(bypass),
        f"{name}: {'may' if grants.allow(bypass) else 'may not'} write while read_only is on",
        f"{_grant([bypass], '*', name)} The reverse task writes while the application must not.",
    )


@room.check("long transactions")
def long_transactions(evening: Evening) -> Iterator[Observation]:
    rows = evening.migration.source.rows(
        "SELECT trx_mysql_thread_id AS id, TIMESTAMPDIFF(SECOND, trx_started, NOW()) AS age"
        " FROM information_schema.INNODB_TRX WHERE TIMESTAMPDIFF(SECOND, trx_started, NOW()) > %s ORDER BY age DESC",
        (LONG_TRANSACTION_SECONDS,),
    )
    worst = rows[0] if rows else None
    yield require(
        worst is None,
        f"connection {worst['id']} has been in a transaction for {worst['age']} s" if worst else "none over a minute",
        f"KILL {worst['id']};" if worst else "",
    )


@room.check("prepared XA transactions")
def prepared(evening: Evening) -> Iterator[Observation]:
    try:
        count = len(evening.migration.source.rows("XA RECOVER"))
    except ToolError:
        yield Observation(
            level=WARN, found="not visible to the operator account", remedy="GRANT XA_RECOVER_ADMIN ON *.* ...;"
        )
        return
    yield require(count == 0, f"{count} prepared", "XA COMMIT or XA ROLLBACK each: they would outlive the freeze.")


@room.check("time zone")
def time_zone(evening: Evening) -> Iterator[Observation]:
    zone = evening.source_variables.get("time_zone", "SYSTEM")
    local = evening.source_variables.get("system_time_zone", "") if zone == "SYSTEM" else zone
    there = evening.target_variables.get("time_zone", "SYSTEM")
    theirs = evening.target_variables.get("system_time_zone", "") if there == "SYSTEM" else there
    yield require(
        local == theirs,
        f"source {local}, target {theirs}",
        "Set time_zone of the target's parameter group to the source's. Leave serverTimezone of the endpoints alone: "
        "it shifts TIMESTAMP values between two MySQL servers.",
        otherwise=WARN,
    )


@room.check("AUTO_INCREMENT")
def auto_increment(evening: Evening) -> Iterator[Observation]:
    full = []
    for table in evening.source_catalogue.tables:
        kinds = [column for column in table.key if column.data_type in SIGNED_MAXIMUM]
        if table.auto_increment is not None and kinds:
            most = SIGNED_MAXIMUM[kinds[0].data_type] * (2 if "unsigned" in kinds[0].column_type else 1)
            if table.auto_increment > NEVER_EXHAUSTED * most:
                full.append(f"{table.full_name} at {table.auto_increment:,}")
    yield require(
        not full,
        "near the end of the type: " + ", ".join(full) if full else "all far from the end of their types",
        "ALTER TABLE ... MODIFY the key to BIGINT on the source before the migration.",
        otherwise=WARN,
    )


@room.check("size and write rate")
def forecast(evening: Evening) -> Iterator[Observation]:
    server = evening.migration.source
    names = ("Com_insert", "Com_update", "Com_delete")
    first, position, began = server.status(*names), server.binlog_position(), time.monotonic()
    time.sleep(RATE_SECONDS)
    last, later, seconds = server.status(*names), server.binlog_position(), time.monotonic() - began
    writes = (sum(last.values()) - sum(first.values())) / seconds
    size = evening.source_catalogue.size_bytes
    written = (
        f", {(later.offset - position.offset) / seconds / 1000:,.0f} kB/s of log" if later.file == position.file else ""
    )
    yield Observation(
        level=PASS,
        found=f"{size / 1e9:,.2f} GB, {writes:,.0f} writing statements a second{written}; full load about "
        f"{max(1, round(size / LOAD_BYTES_PER_SECOND / 60)):,} min at {LOAD_BYTES_PER_SECOND // 1_000_000} MB/s",
    )


def _on_schema(account: str, grants: Grants, wanted: list[str], schema: str) -> Observation:
    lacks = grants.missing(wanted, schema)
    found = f"{account} on {schema}: {'complete' if not lacks else 'lacks ' + ', '.join(lacks)}"
    return require(not lacks, found, _grant(lacks, schema, account))


def _grant(privileges: list[str], schema: str, account: str) -> str:
    if not privileges:
        return ""
    place = "*.*" if schema == "*" else f"{quoted(schema)}.*"
    return f"GRANT {', '.join(privileges)} ON {place} TO {account};"
