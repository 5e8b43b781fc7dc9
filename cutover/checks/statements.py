"""Preflight of the tool's own work: may its accounts carry out every statement of the way there and of the way back?

The statements are those of the plan itself: each change of the table of states names all that it may ever send. Each is
put into the form that asks for privileges, and the operator's grants are held against it. A statement of a form that is
not in the table is a failure: nothing is sent that was not proved.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from cutover.checks.preflight import WARN, Evening, Observation, Room, require
from cutover.record import Facts
from cutover.servers import locks, principals
from cutover.servers.grants import Grants, read_grants
from cutover.servers.mysql import Dialect, Server, quoted
from cutover.states import BACKWARD, FORWARD, State
from cutover.steps.actions import Change, Run, Statement
from cutover.steps.sessions import every_kill

room = Room("statements")
IDLE_SECONDS = 10


@dataclass(frozen=True)
class Form:
    pattern: str
    everywhere: tuple[str, ...] = ()
    """Privileges on `*.*`, in the words of MySQL 8.4."""
    on_schema: tuple[str, ...] = ()
    """Privileges on the schema that the statement works on."""


FORMS = (
    Form(r"SET (GLOBAL|PERSIST) (super_)?read_only =", ("SYSTEM_VARIABLES_ADMIN", "CONNECTION_ADMIN")),
    Form(r"RESET PERSIST ", ("SYSTEM_VARIABLES_ADMIN",)),
    Form(r"SET GLOBAL event_scheduler =", ("SYSTEM_VARIABLES_ADMIN",)),
    Form(r"ALTER USER .* ACCOUNT (LOCK|UNLOCK)", ("CREATE USER",)),
    Form(r"KILL ", ("CONNECTION_ADMIN", "PROCESS")),
    Form(r"CALL mysql\.rds_kill", ("PROCESS",)),
    Form(r"CREATE DEFINER.* TRIGGER ", ("SET_ANY_DEFINER",), ("TRIGGER",)),
    Form(r"DROP TRIGGER ", (), ("TRIGGER",)),
    Form(r"ALTER DEFINER.* EVENT ", ("SET_ANY_DEFINER",), ("EVENT",)),
    Form(r"CREATE DEFINER.* EVENT ", ("SET_ANY_DEFINER",), ("EVENT",)),
    Form(r"CREATE DEFINER.* (PROCEDURE|FUNCTION) ", ("SET_ANY_DEFINER", "SHOW_ROUTINE"), ("CREATE ROUTINE",)),
    Form(r"CREATE .*DEFINER.* VIEW ", ("SET_ANY_DEFINER",), ("CREATE VIEW", "SELECT")),
    Form(r"CREATE TABLE ", (), ("CREATE", "REFERENCES", "INDEX")),
    Form(r"CREATE DATABASE ", (), ("CREATE",)),
    Form(r"ALTER TABLE ", (), ("ALTER", "CREATE", "INSERT")),
    Form(r"TRUNCATE TABLE ", (), ("DROP",)),
    Form(r"INSERT INTO .*migration_marker", (), ("INSERT", "UPDATE", "SELECT")),
)
"""What each statement asks for (MySQL reference manual, the section of the statement, "Privileges")."""
LOOKING = {
    "source": ("PROCESS", "REPLICATION CLIENT", "REPLICATION SLAVE", "SHOW_ROUTINE", "XA_RECOVER_ADMIN"),
    "target": ("PROCESS", "REPLICATION CLIENT", "SHOW_ROUTINE"),
}
"""What the tool's looks ask for: process list, transactions, binary log, definitions, prepared transactions."""
OLDER = {
    "SET_ANY_DEFINER": ((8, 2, 0), "SET_USER_ID"),
    "SHOW_ROUTINE": ((8, 0, 20), ""),
    "XA_RECOVER_ADMIN": ((8, 0, 0), ""),
    "CONNECTION_ADMIN": ((8, 0, 0), "SUPER"),
    "SYSTEM_VARIABLES_ADMIN": ((8, 0, 0), "SUPER"),
    "SET_USER_ID": ((8, 0, 0), "SUPER"),
}
"""Since which version MySQL has the privilege, and what stood in its place before; empty: none was asked for."""
MARIADB = {
    "SET_ANY_DEFINER": "SET USER",
    "SHOW_ROUTINE": "",
    "XA_RECOVER_ADMIN": "",
    "CONNECTION_ADMIN": "CONNECTION ADMIN",
    "SYSTEM_VARIABLES_ADMIN": "SUPER",
    "REPLICATION SLAVE": "BINLOG MONITOR",
    "REPLICATION CLIENT": "BINLOG MONITOR",
}


def in_words_of(dialect: Dialect, privilege: str) -> str:
    """What a server calls the privilege; empty where it asks for none."""
    if dialect.flavour == "mariadb":
        return MARIADB.get(privilege, privilege)
    while privilege in OLDER and dialect.version < OLDER[privilege][0]:
        privilege = OLDER[privilege][1]
    return privilege


@dataclass
class Proof:
    """What is asked of one server's operator, and by how many statements."""

    statements: set[str] = field(default_factory=set)
    everywhere: set[str] = field(default_factory=set)
    on_schema: set[str] = field(default_factory=set)
    unknown: set[str] = field(default_factory=set)

    def add(self, text: str) -> None:
        self.statements.add(text)
        plain = " ".join(text.split())
        form = next((form for form in FORMS if re.match(form.pattern, plain)), None)
        if form is None:
            self.unknown.add(" ".join(plain.split(" ")[:3]))
            return
        self.everywhere |= {*form.everywhere}
        self.on_schema |= {*form.on_schema}


class _Silent:
    def waits(self, what: str, downtime_seconds: float | None) -> None: ...

    def tells(self, sentence: str) -> None: ...


def every_statement(evening: Evening, states: tuple[State, ...]) -> Iterator[Statement]:
    """All that the changes of these states may send, on the servers as they are now."""
    run = Run(migration=evening.snapshot, facts=Facts(), screen=_Silent())
    for state in states:
        for step in state.steps():
            if isinstance(step, Change):
                for effect in (step.every or step.effects)(run):
                    if isinstance(effect, Statement):
                        yield effect


def _lacking(server: Server, grants: Grants, wanted: set[str], schema: str = "*") -> list[str]:
    words = {in_words_of(server.dialect, privilege) for privilege in wanted} - {""}
    return sorted(grants.missing(sorted(words), schema))


@room.check("may be carried out")
def carried_out(evening: Evening) -> Iterator[Observation]:
    blind = False
    for role, wanted in LOOKING.items():
        server = evening.migration.server(role)
        name, lacks = principals.own(server), _lacking(server, read_grants(server), {*wanted})
        blind = blind or bool(lacks)
        yield require(
            not lacks,
            f"{name} sees all that it must on the {role}" if not lacks else f"{name}: lacks {', '.join(lacks)}",
            f"GRANT {', '.join(lacks)} ON *.* TO {name};",
        )
    if blind:
        return
    for way, states in (("there", FORWARD), ("back", BACKWARD)):
        proofs = {"source": Proof(), "target": Proof()}
        for one in every_statement(evening, states):
            proofs[one.role].add(one.text)
        for role, proof in proofs.items():
            server = evening.migration.server(role)
            for text in every_kill(server):
                proof.add(text)
            grants = read_grants(server)
            name = principals.own(server)
            lacks = _lacking(server, grants, proof.everywhere)
            count = f"{len(proof.statements)} statements of the way {way} on the {role}"
            yield require(
                not lacks,
                f"{name} may carry out {count}" if not lacks else f"{name}, {count}: lacks {', '.join(lacks)}",
                f"GRANT {', '.join(lacks)} ON *.* TO {name};",
            )
            for schema in evening.migration.stack.schemas:
                lacks = _lacking(server, grants, {*proof.on_schema, "SELECT", "SHOW VIEW"}, schema)
                yield require(
                    not lacks,
                    f"{name} on {schema}, way {way}: {'complete' if not lacks else 'lacks ' + ', '.join(lacks)}",
                    f"GRANT {', '.join(lacks)} ON {quoted(schema)}.* TO {name};",
                )
            yield require(
                not proof.unknown,
                f"way {way}, {role}: " + (", ".join(sorted(proof.unknown)) or "every statement is of a known form"),
                "This tool cannot prove these statements; take them out of the schema, or carry them out by hand.",
            )


@room.check("locks that it needs")
def lockable(evening: Evening) -> Iterator[Observation]:
    """Sessions that hold a lock now on a table whose triggers come and go. On the evening they would be ended."""
    migration = evening.migration
    tables = {one.table for one in every_statement(evening, FORWARD) if one.table and " TRIGGER " in one.text}
    held = {
        f"{role}: {holder} holds a lock on {table}": f"KILL {holder.id};"
        for role in ("source", "target")
        for table in sorted(tables)
        for holder in locks.holders(migration.server(role), table, migration.own_accounts)
        if holder.seconds >= IDLE_SECONDS
    }
    yield require(
        not held,
        "; ".join(list(held)[:3]) or f"nobody has held one for {IDLE_SECONDS} s",
        " ".join(sorted({*held.values()})) + " On the evening the tool ends such sessions where it may.",
        otherwise=WARN,
    )
