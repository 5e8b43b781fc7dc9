"""Preflight of the target in AWS: is it empty or as expected, may DMS and this tool do their work, can it go back?"""

from __future__ import annotations

from collections.abc import Iterator

from cutover.checks.preflight import PASS, WARN, Evening, Observation, Room, require
from cutover.servers import principals
from cutover.servers.grants import read_grants
from cutover.servers.mysql import quoted, statement

room = Room("target")
RETENTION_HOURS = 24
STORAGE_HEADROOM = 1.5
"""Free space wanted over the source's size: rows plus the secondary indexes that the load rebuilds."""

AGREEING = (
    ("lower_case_table_names", "fail"),
    ("sql_mode", "warn"),
    ("character_set_server", "warn"),
    ("collation_server", "warn"),
    ("auto_increment_increment", "fail"),
    ("auto_increment_offset", "fail"),
    ("explicit_defaults_for_timestamp", "warn"),
    ("innodb_strict_mode", "warn"),
)
"""Variables that mean other results for the same statements where the two servers differ."""


@room.check("writer")
def writer(evening: Evening) -> Iterator[Observation]:
    variables = evening.target_variables
    closed = [name for name in ("innodb_read_only", "read_only") if variables.get(name, "OFF") in ("ON", "1")]
    yield require(
        not closed,
        f"{' and '.join(closed)} on" if closed else "accepts writes",
        "Use the cluster's writer endpoint; a reader cannot be a DMS target.",
    )


@room.check("parameters agree with the source")
def parameters(evening: Evening) -> Iterator[Observation]:
    for name, level in AGREEING:
        mine, theirs = evening.source_variables.get(name), evening.target_variables.get(name)
        if mine is not None and theirs is not None and mine != theirs:
            yield require(
                False,
                f"{name}: source {mine}, target {theirs}",
                f"Set {name} = {mine} in the target's parameter group.",
                otherwise=level,
            )
    here, there = (
        int(group.get("max_allowed_packet", 0)) for group in (evening.source_variables, evening.target_variables)
    )
    yield require(
        there >= here,
        f"max_allowed_packet: source {here:,}, target {there:,}",
        f"Set max_allowed_packet = {here} or more in the target's parameter group.",
    )


@room.check("local_infile")
def local_infile(evening: Evening) -> Iterator[Observation]:
    value = evening.target_variables.get("local_infile", "OFF")
    endpoint = evening.migration.aws.endpoint(evening.migration.stack.target_endpoint_arn)
    by_insert = "LOADUSINGCSV=FALSE" in str(endpoint.get("ExtraConnectionAttributes", "")).upper()
    yield require(
        value in ("ON", "1") or by_insert or evening.started,
        f"local_infile = {value}" + (", not needed: the endpoint loads by INSERT" if by_insert else ""),
        "Set local_infile = 1 in the target's parameter group for the full load; DMS loads with LOAD DATA LOCAL.",
    )


@room.check("grants of the DMS account")
def dms_grants(evening: Evening) -> Iterator[Observation]:
    reader, writer = evening.migration.target_as_reader, evening.migration.target_as_writer
    grants = read_grants(writer)
    wanted = ["ALTER", "CREATE", "DROP", "INDEX", "INSERT", "UPDATE", "DELETE", "SELECT"]
    name = principals.own(writer)
    for schema in (*evening.migration.stack.schemas, "awsdms_control"):
        lacks = grants.missing(wanted, schema)
        yield require(
            not lacks,
            f"{name} on {schema}: {'complete' if not lacks else 'lacks ' + ', '.join(lacks)}",
            f"GRANT {', '.join(wanted)} ON {quoted(schema)}.* TO {name};",
        )
    name = principals.own(reader)
    lacks = read_grants(reader).missing(["REPLICATION CLIENT", "REPLICATION SLAVE"])
    yield require(
        not lacks,
        f"{name}: {'reads the binary log for the way back' if not lacks else 'lacks ' + ', '.join(lacks)}",
        f"GRANT REPLICATION CLIENT, REPLICATION SLAVE ON *.* TO {name};",
    )


@room.check("binary log for the way back")
def binary_log(evening: Evening) -> Iterator[Observation]:
    for name, wanted in (("log_bin", ("ON", "1")), ("binlog_format", ("ROW",)), ("binlog_row_image", ("FULL",))):
        value = evening.target_variables.get(name, "OFF")
        yield require(
            value.upper() in wanted,
            f"{name} = {value}",
            f"Set {name} = {wanted[0]} in the target's cluster parameter group and reboot the writer.",
        )
    server = evening.migration.target
    if server.dialect.managed:
        rows = server.rows("CALL mysql.rds_show_configuration")
        told = {str(row["name"]): row["value"] for row in rows}
        hours = int(told.get("binlog retention hours") or 0)
        yield require(
            hours >= RETENTION_HOURS,
            f"binlog retention hours = {hours}",
            f"CALL mysql.rds_set_configuration('binlog retention hours', {3 * RETENTION_HOURS});",
        )


@room.check("creating triggers and functions")
def trusted(evening: Evening) -> Iterator[Observation]:
    """With the binary log on, an account without SUPER may create them only where the server trusts it."""
    if not evening.source_catalogue.of_kind("TRIGGER", "FUNCTION"):
        return
    for role, variables, place in (
        ("target", evening.target_variables, "in the target's cluster parameter group"),
        ("source", evening.source_variables, "by SET GLOBAL on the source: the way back makes its triggers again"),
    ):
        value = variables.get("log_bin_trust_function_creators", "OFF")
        mighty = read_grants(evening.migration.server(role)).allow("SUPER")
        yield require(
            value in ("ON", "1") or mighty,
            f"{role}: log_bin_trust_function_creators = {value}, operator {'with' if mighty else 'without'} SUPER",
            f"Set log_bin_trust_function_creators = 1 {place}.",
        )


@room.check("content")
def content(evening: Evening) -> Iterator[Observation]:
    """Before the start the schemas are empty or hold the source's tables without rows."""
    mine = {table.full_name: table for table in evening.source_catalogue.tables}
    theirs = {table.full_name: table for table in evening.target_catalogue.tables}
    strange = sorted(theirs.keys() - mine.keys())
    yield require(
        not strange,
        f"tables that the source lacks: {', '.join(strange)}"
        if strange
        else f"{len(theirs)} of {len(mine)} tables there",
        "Drop them from the target, or name the right schemas in the stack's settings.",
    )
    if evening.started:
        return
    filled = [
        table.full_name
        for name, table in theirs.items()
        if name in mine and evening.migration.target.rows(statement("SELECT 1 FROM {t} LIMIT 1", t=table.quoted))
    ]
    yield require(
        not filled,
        f"rows before the full load in {', '.join(filled)}" if filled else "no rows",
        "Empty them, or run `cutover start --reload` which does it.",
    )


@room.check("free storage")
def storage(evening: Evening) -> Iterator[Observation]:
    stack = evening.migration.stack
    need = evening.source_catalogue.size_bytes * STORAGE_HEADROOM
    if not stack.database_cluster_id:
        yield Observation(level=WARN, found="the stack names no database cluster", remedy="Export database_cluster_id.")
        return
    cluster = evening.migration.aws.cluster(stack.database_cluster_id)
    if str(cluster.get("Driver", "")).startswith("aurora"):
        yield Observation(level=PASS, found=f"Aurora grows by itself; {need / 1e9:,.2f} GB will be used")
        return
    have = float(cluster.get("AllocatedStorage", 0)) * 1e9
    yield require(
        have >= need,
        f"{have / 1e9:,.0f} GB allocated, {need / 1e9:,.2f} GB wanted",
        f"Raise the allocated storage to {need / 1e9:,.0f} GB in the stack's settings.",
    )
