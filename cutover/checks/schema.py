"""Preflight of what is in the schemas: what DMS cannot carry, carries wrongly, or this tool could not compare."""

from __future__ import annotations

import json
from collections.abc import Iterator

from cutover.checks.preflight import FAIL, WARN, Evening, Observation, Room, require
from cutover.errors import ToolError
from cutover.servers.catalogue import LONG_BYTES, LONG_TEXTS
from cutover.servers.grants import read_grants
from cutover.servers.mysql import quoted, statement

room = Room("schema")
UNSUPPORTED = frozenset({"vector", "uuid", "inet4", "inet6", "xmltype"})
"""Types that DMS does not know, or this tool has no canonical text for."""
SILENT_ACTIONS = frozenset({"CASCADE", "SET NULL", "SET DEFAULT"})
CASCADES_LOGGED = (9, 6, 0)
"""From here on MySQL writes cascaded changes into the binary log; before, InnoDB makes them unseen."""
LARGEST_LOB_SECONDS = 5


@room.check("storage engines")
def engines(evening: Evening) -> Iterator[Observation]:
    other = [table for table in evening.source_catalogue.tables if table.engine.lower() != "innodb"]
    yield require(
        not other,
        ", ".join(f"{table.full_name} is {table.engine}" for table in other) or "InnoDB only",
        " ".join(f"ALTER TABLE {table.quoted} ENGINE = InnoDB;" for table in other),
    )


@room.check("column types")
def types(evening: Evening) -> Iterator[Observation]:
    columns = [(table, column) for table in evening.source_catalogue.tables for column in table.columns]
    alien = [
        f"{table.full_name}.{column.name} {column.data_type}"
        for table, column in columns
        if column.data_type in UNSUPPORTED
    ]
    yield require(
        not alien,
        ", ".join(alien) or "all known to DMS",
        "Convert these columns, or leave their tables out of the mapping.",
    )
    fractions = [
        f"{table.full_name}.{column.name}" for table, column in columns if column.column_type.startswith("time(")
    ]
    if fractions:
        yield require(
            False,
            f"TIME with fractions, which DMS drops: {', '.join(fractions)}",
            "Store them as DATETIME(n) or as a number.",
        )


@room.check("large values")
def large_values(evening: Evening) -> Iterator[Observation]:
    """Longer values than the task's LobMaxSize arrive cut off, without an error."""
    migration = evening.migration
    settings = json.loads(migration.aws.task(migration.stack.forward_task_arn).get("ReplicationTaskSettings", "{}"))
    metadata = settings.get("TargetMetadata", {})
    if metadata.get("FullLobMode"):
        yield require(True, "FullLobMode carries any length", "")
        return
    most = int(metadata.get("LobMaxSize", 32)) * 1024
    with migration.source.connect(LARGEST_LOB_SECONDS + 5) as connection, connection.cursor() as cursor:
        cursor.execute(migration.source.dialect.statement_limit.replace("{ms}", str(LARGEST_LOB_SECONDS * 1000)))
        for table in evening.source_catalogue.tables:
            long = [column for column in table.columns if column.data_type in LONG_BYTES | LONG_TEXTS - {"tinytext"}]
            for column in long:
                name = f"{table.full_name}.{column.name}"
                text = statement(
                    "SELECT COALESCE(MAX(LENGTH({c})), 0) AS n FROM {t}", c=quoted(column.name), t=table.quoted
                )
                try:
                    cursor.execute(text)
                except Exception as error:  # noqa: BLE001  the driver raises many kinds; the finding says it
                    yield Observation(
                        level=WARN,
                        found=f"{name} was not measured within {LARGEST_LOB_SECONDS} s ({type(error).__name__})",
                        remedy=f"Measure it on a replica: {text}",
                    )
                    continue
                row = cursor.fetchone()
                size = int(row["n"]) if row else 0
                yield require(
                    size <= most,
                    f"{name}: longest value {size:,} bytes, LobMaxSize {most:,}",
                    f"Set TargetMetadata.LobMaxSize of the task to {size // 1024 + 1} (kB) or more.",
                )


@room.check("cascading foreign keys")
def cascades(evening: Evening) -> Iterator[Observation]:
    """The load needs foreign keys unchecked, the change capture needs them checked: DMS's own endpoint says which.

    Before the load it is a warning, after it a failure: what a cascade has changed on the source is in no binary log.
    """
    migration = evening.migration
    dialect = migration.source.dialect
    silent = [key for key in evening.source_catalogue.foreign_keys if {key.on_update, key.on_delete} & SILENT_ACTIONS]
    if dialect.flavour == "mysql" and dialect.version >= CASCADES_LOGGED:
        silent = []
    arn = migration.stack.target_endpoint_arn
    endpoint = migration.aws.endpoint(arn)
    settings = f"{endpoint.get('ExtraConnectionAttributes', '')} {endpoint.get('MySQLSettings', {})}"
    unchecked = "FOREIGN_KEY_CHECKS=0" in settings.upper().replace(" ", "")
    names = ", ".join(f"{key.table}.{key.name}" for key in silent)
    yield require(
        not (silent and unchecked),
        f"{names} change rows that the binary log does not show" if silent else "none that change rows unseen",
        "When the full load has ended: stop the forward task, `aws dms modify-endpoint --endpoint-arn "
        f'{arn} --my-sql-settings \'{{"AfterConnectScript": "SET FOREIGN_KEY_CHECKS=1"}}\'`, and `cutover start`: the '
        "target then cascades itself. A `pulumi up` before the commit would put the old setting back. Reload the "
        "tables named here if a cascade ran during the load.",
        otherwise=FAIL if evening.started else WARN,
    )


@room.check("objects that DMS does not carry")
def stored_objects(evening: Evening) -> Iterator[Observation]:
    for kinds, word in (
        (("TRIGGER",), "triggers"),
        (("EVENT",), "events"),
        (("PROCEDURE", "FUNCTION"), "routines"),
        (("VIEW",), "views"),
    ):
        objects = evening.source_catalogue.of_kind(*kinds)
        yield require(
            not objects,
            f"{len(objects)} {word}" + (": " + ", ".join(item.full_name for item in objects) if objects else ""),
            f"`cutover schema` copies them; {word} stay off until the switch."
            if word in ("triggers", "events")
            else "`cutover schema` copies them.",
            otherwise=WARN,
        )


@room.check("definers exist on the target")
def definers(evening: Evening) -> Iterator[Observation]:
    wanted = {item.definer for item in evening.source_catalogue.stored}
    try:
        rows = evening.migration.target.rows("SELECT CONCAT(User, '@', Host) AS account FROM mysql.user")
    except ToolError:
        yield Observation(
            level=WARN, found="mysql.user of the target is not readable", remedy="GRANT SELECT ON mysql.user TO ...;"
        )
        return
    lacking = sorted(wanted - {str(row["account"]) for row in rows})
    yield require(
        not lacking,
        f"missing: {', '.join(lacking)}" if lacking else f"all {len(wanted)} there",
        " ".join("CREATE USER '{}'@'{}' ACCOUNT LOCK;".format(*definer.rsplit("@", 1)) for definer in lacking)
        + " and grant what its objects do.",
    )
    mighty = evening.migration.target.rows(
        "SELECT DISTINCT REPLACE(GRANTEE, CHAR(39), '') AS account FROM information_schema.USER_PRIVILEGES "
        "WHERE PRIVILEGE_TYPE = 'SYSTEM_USER'"
    )
    beyond = sorted(wanted & {str(row["account"]) for row in mighty})
    if beyond and not read_grants(evening.migration.target).allow("SYSTEM_USER"):
        yield require(
            False,
            f"system accounts as definers: {', '.join(beyond)}",
            "On the source, create these objects again with an ordinary account as their definer.",
        )


@room.check("collations")
def collations(evening: Evening) -> Iterator[Observation]:
    used = {column.collation for table in evening.source_catalogue.tables for column in table.columns}
    used |= {table.collation for table in evening.source_catalogue.tables}
    rows = evening.migration.target.rows("SELECT COLLATION_NAME AS name FROM information_schema.COLLATIONS")
    lacking = sorted(used - {""} - {str(row["name"]) for row in rows})
    yield require(
        not lacking,
        f"unknown to the target: {', '.join(lacking)}"
        if lacking
        else f"{len(used - {''})} in use, all known to the target",
        "Convert these tables to a collation that both servers have, such as utf8mb4_unicode_ci.",
    )
