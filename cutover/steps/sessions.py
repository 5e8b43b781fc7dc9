"""Who is connected, who writes, and whether a server stands still: what the steps on both servers ask."""

from __future__ import annotations

import time
from collections.abc import Sequence

from cutover.errors import ToolError
from cutover.servers.mysql import NO_SUCH_THREAD, Server, statement
from cutover.steps.actions import Change, Effect, Judgement, Run, Statement

STILL_SECONDS = 0.3
SERVER_THREADS = ("system user", "event_scheduler")
_SESSIONS = "SELECT ID AS id FROM information_schema.PROCESSLIST WHERE ID <> CONNECTION_ID() AND USER = %s"
_WRITERS = """SELECT DISTINCT t.trx_mysql_thread_id AS id FROM information_schema.INNODB_TRX t
JOIN information_schema.PROCESSLIST p ON p.ID = t.trx_mysql_thread_id
WHERE t.trx_mysql_thread_id <> CONNECTION_ID() AND p.USER NOT IN ({kept}) AND p.COMMAND <> 'Binlog Dump'
    AND (t.trx_rows_modified > 0 OR t.trx_rows_locked > 0)
    AND TIMESTAMPDIFF(SECOND, t.trx_started, NOW()) >= %s"""


def is_on(run: Run, role: str, name: str) -> bool:
    """Whether a global variable is on; one that the server lacks is off."""
    row = run.migration.server(role).row("SHOW GLOBAL VARIABLES LIKE %s", (name,))
    return str(row.get("Value", "OFF")).upper() in ("ON", "1")


def sessions(run: Run, role: str) -> list[int]:
    """The application's connections to a server."""
    rows = run.migration.server(role).rows(_SESSIONS, (run.migration.application_account,))
    return [int(row["id"]) for row in rows]


def writers(run: Run, role: str, open_seconds: float = 0) -> list[int]:
    """Other people's connections with a transaction that has written or locked rows and is open for so long."""
    kept = (*sorted(run.migration.own_accounts), *SERVER_THREADS)
    text = statement(_WRITERS, kept=", ".join(["%s"] * len(kept)))
    return [int(row["id"]) for row in run.migration.server(role).rows(text, (*kept, int(open_seconds)))]


def kills(run: Run, role: str, numbers: Sequence[int]) -> list[Effect]:
    dialect = run.migration.server(role).dialect
    return [Statement(role=role, text=dialect.kill(number), fine_if=NO_SUCH_THREAD) for number in numbers]


def every_kill(server: Server) -> list[str]:
    """The form in which sessions are ended on a server: whose they will be is not known beforehand."""
    return [server.dialect.kill(0)]


def end_sessions(role: str) -> Change:
    return Change(
        id=f"end-{role}-sessions",
        name=f"end the application's sessions on the {role}",
        why="its pools must connect anew, to where its secret points",
        effects=lambda run: kills(run, role, sessions(run, role)),
        every=lambda _: [],
    )


def still(run: Run, role: str) -> str:
    """The server's binary log position. Raises `ToolError` while it moves."""
    server = run.migration.server(role)
    first = server.binlog_position()
    time.sleep(STILL_SECONDS)
    second = server.binlog_position()
    if first != second:
        raise ToolError(f"The {role} is frozen and yet its binary log moves from {first} to {second}: who writes?")
    return str(second)


def stayed(run: Run, role: str, fact: str) -> Judgement:
    """Whether the server's binary log still ends where the fact says that it stopped."""
    now, then = str(run.migration.server(role).binlog_position()), str(getattr(run.facts, fact))
    if now == then:
        return Judgement(good=True, sentence=f"the {role}'s binary log still ends at {now}", evidence={"position": now})
    return Judgement(
        good=False, sentence=f"The {role} was written to while it was frozen: its binary log moved from {then} to {now}"
    )
