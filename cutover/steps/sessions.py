"""Who is connected, who writes, and whether a server stands still: what the steps on both servers ask."""

from __future__ import annotations

import time
from collections.abc import Sequence

from cutover.errors import RefusedError
from cutover.servers.mysql import NO_SUCH_THREAD, BinlogPosition, Row, Server, statement
from cutover.steps.actions import Change, Effect, Judgement, Run, Statement

STILL_SECONDS = 0.3
SHOWN = 5
_OTHERS = """SELECT ID AS id, USER AS user, HOST AS host FROM information_schema.PROCESSLIST
WHERE ID <> CONNECTION_ID() AND COMMAND NOT LIKE 'Binlog Dump%' AND COMMAND <> 'Daemon'"""
SERVER_THREADS = ("system user", "event_scheduler")
_SESSIONS = """SELECT ID AS id, USER AS user, HOST AS host FROM information_schema.PROCESSLIST
WHERE ID <> CONNECTION_ID() AND USER = %s"""
_WRITERS = """SELECT DISTINCT p.ID AS id, p.USER AS user, p.HOST AS host FROM information_schema.INNODB_TRX t
JOIN information_schema.PROCESSLIST p ON p.ID = t.trx_mysql_thread_id
WHERE t.trx_mysql_thread_id <> CONNECTION_ID() AND p.USER NOT IN ({kept}) AND p.COMMAND <> 'Binlog Dump'
    AND (t.trx_rows_modified > 0 OR t.trx_rows_locked > 0)
    AND TIMESTAMPDIFF(SECOND, t.trx_started, NOW()) >= %s"""


def is_on(run: Run, role: str, name: str) -> bool:
    """Whether a global variable is on; one that the server lacks is off."""
    row = run.migration.server(role).row("SHOW GLOBAL VARIABLES LIKE %s", (name,))
    return str(row.get("Value", "OFF")).upper() in ("ON", "1")


def sessions(run: Run, role: str) -> list[Row]:
    """The application's connections to a server."""
    return [*run.migration.server(role).rows(_SESSIONS, (run.migration.application_account,))]


def writers(run: Run, role: str, open_seconds: float = 0) -> list[Row]:
    """Other people's connections with a transaction that has written or locked rows and is open for so long."""
    kept = (*sorted(run.migration.own_accounts), *SERVER_THREADS)
    text = statement(_WRITERS, kept=", ".join(["%s"] * len(kept)))
    return [*run.migration.server(role).rows(text, (*kept, int(open_seconds)))]


def kills(run: Run, role: str, found: Sequence[Row]) -> list[Effect]:
    dialect = run.migration.server(role).dialect
    return [
        Statement(
            role=role,
            text=dialect.kill(int(row["id"])),
            fine_if=NO_SUCH_THREAD,
            denied=f"connection {row['id']} of {row['user']}@{row['host']} on the {role} has rights above this tool's "
            f"and may not be ended by it; let it end by itself (--grace), or end it (KILL {row['id']};), and run the "
            "same command again",
        )
        for row in found
    ]


def every_kill(server: Server) -> list[str]:
    """The form in which sessions are ended on a server: whose they will be is not known beforehand."""
    return [server.dialect.kill(0)]


def end_sessions(role: str) -> Change:
    return Change(
        id=f"end-{role}-sessions",
        name=f"end the application's sessions on the {role}",
        why="its pools must connect again, to where its secret points",
        effects=lambda run: kills(run, role, sessions(run, role)),
        every=lambda _: [],
    )


def still(run: Run, role: str) -> str:
    """The server's binary log position. Raises `RefusedError` while somebody writes, with who and what."""
    server = run.migration.server(role)
    first = server.binlog_position()
    time.sleep(STILL_SECONDS)
    second = server.binlog_position()
    if written := server.written_between(first, second):
        raise RefusedError(f"The {role} is frozen and yet it was written to: {_who_and_what(run, role, written)}")
    return str(second)


def stayed(run: Run, role: str, fact: str) -> Judgement:
    """Whether nothing was written on the server since the position in the fact. A new log file alone is no write."""
    server = run.migration.server(role)
    now, then = server.binlog_position(), BinlogPosition.parse(str(getattr(run.facts, fact)))
    written = server.written_between(then, now)
    if not written:
        return Judgement(
            good=True, sentence=f"nothing was written on the {role} since {then}", evidence={"position": str(now)}
        )
    return Judgement(
        good=False,
        sentence=f"The {role} was written to while it was frozen: its binary log moved from {then} to {now}: "
        f"{_who_and_what(run, role, written)}",
    )


def _who_and_what(run: Run, role: str, written: Sequence[str]) -> str:
    rows = run.migration.server(role).rows(_OTHERS)
    kept = {*run.migration.own_accounts, *SERVER_THREADS}
    others = [f"connection {row['id']} of {row['user']}@{row['host']}" for row in rows if row["user"] not in kept]
    return (
        f"{', '.join(written[:SHOWN])}. It can have been {', '.join(others[:SHOWN]) or 'a session that has ended'}; "
        "let that work end, or lock its account, and run the same command again."
    )
