"""Who holds a lock that a statement of this tool waits for."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from cutover.errors import ToolError
from cutover.servers.mysql import Server, StatementError

SERVER_THREADS = ("system user", "event_scheduler")
_BY_TABLE = """SELECT DISTINCT p.ID AS id, p.USER AS user, p.HOST AS host, p.COMMAND AS command, p.TIME AS seconds,
    COALESCE(x.trx_started, '') AS since, LEFT(COALESCE(p.INFO, ''), 60) AS text
FROM performance_schema.metadata_locks m
JOIN performance_schema.threads t ON t.THREAD_ID = m.OWNER_THREAD_ID
JOIN information_schema.PROCESSLIST p ON p.ID = t.PROCESSLIST_ID
LEFT JOIN information_schema.INNODB_TRX x ON x.trx_mysql_thread_id = p.ID
WHERE m.LOCK_STATUS = 'GRANTED' AND p.ID <> CONNECTION_ID() AND (
    (m.OBJECT_TYPE IN ('TABLE', 'TABLESPACE') AND CONCAT(m.OBJECT_SCHEMA, '.', m.OBJECT_NAME) = %s)
    OR (%s = '' AND m.OBJECT_TYPE IN ('GLOBAL', 'COMMIT', 'BACKUP LOCK')
        AND m.LOCK_TYPE <> 'INTENTION_EXCLUSIVE')
    OR (%s = '' AND m.OBJECT_TYPE = 'TABLE' AND m.LOCK_TYPE IN ('SHARED_NO_READ_WRITE', 'SHARED_READ_ONLY')))"""
_BY_TRANSACTION = """SELECT p.ID AS id, p.USER AS user, p.HOST AS host, p.COMMAND AS command, p.TIME AS seconds,
    COALESCE(x.trx_started, '') AS since, LEFT(COALESCE(p.INFO, ''), 60) AS text
FROM information_schema.PROCESSLIST p LEFT JOIN information_schema.INNODB_TRX x ON x.trx_mysql_thread_id = p.ID
WHERE p.ID <> CONNECTION_ID() AND p.COMMAND NOT IN ('Daemon', 'Binlog Dump', 'Binlog Dump GTID')
    AND (x.trx_id IS NOT NULL OR (p.COMMAND = 'Sleep' AND %s = '' AND %s = '' AND %s = '') OR p.COMMAND = 'Query')"""


@dataclass(frozen=True, kw_only=True)
class Holder:
    """A session that holds a lock, or, where the server does not tell locks, one that may."""

    id: int
    account: str
    """User and host, as the process list shows them."""
    seconds: int
    """How long it has been in its present state, such as idle."""
    doing: str

    def __str__(self) -> str:
        return f"connection {self.id} of {self.account} ({self.doing})"


def holders(server: Server, table: str, kept: Collection[str]) -> list[Holder]:
    """The sessions that hold a lock on `table` (`schema.name`), or, for an empty name, one on the whole server.

    Sessions of the users in `kept` and of the server itself are left out. A server that does not show its metadata
    locks (MariaDB, MySQL 5.7 as delivered) answers with every session that is in a transaction or at work.
    """
    arguments = (table, table, table)
    try:
        rows = server.rows(_BY_TABLE, arguments)
    except StatementError:
        rows = server.rows(_BY_TRANSACTION, arguments)
    ignored = {*kept, *SERVER_THREADS, None}
    return [
        Holder(
            id=int(row["id"]),
            account=f"{row['user']}@{str(row['host']).rpartition(':')[0] or row['host']}",
            seconds=int(str(row["seconds"])),
            doing=_doing(row),
        )
        for row in rows
        if row["user"] not in ignored
    ]


def _doing(row: dict[str, object]) -> str:
    """What the session does, without a value: the first two words of a statement."""
    words = " ".join(str(row["text"]).split()[:2])
    since = f"in a transaction since {row['since']}" if row["since"] else "in no transaction"
    return f"{words or 'idle'} for {row['seconds']} s, {since}"


def end_holders(server: Server, found: list[Holder]) -> tuple[list[Holder], list[str]]:
    """Ends the sessions. Those that could be ended, and the reasons why others could not."""
    ended, refused = [], []
    for holder in found:
        try:
            server.end(holder.id)
        except ToolError as error:
            refused.append(f"{holder} could not be ended: {str(error).rstrip('.')}")
        else:
            ended.append(holder)
    return ended, refused
