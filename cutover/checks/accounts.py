"""Preflight of the accounts: who writes on the side that does not serve, and can the application use the target?"""

from __future__ import annotations

from collections.abc import Iterator

import pymysql

from cutover.checks.preflight import PASS, WARN, Evening, Observation, Room, require
from cutover.servers.mysql import quoted
from cutover.servers.principals import SYSTEM_USERS, Principal

room = Room("accounts")
ACCESS_DENIED = 1045
ACCOUNT_LOCKED = (3118, 4151)
"""What MySQL and MariaDB answer to the right password of a locked account."""
NEEDED = ("SELECT", "INSERT", "UPDATE", "DELETE", "EXECUTE")


def _others(evening: Evening, found: list[Principal]) -> list[Principal]:
    """Accounts that are neither ours nor the server's, and can log in."""
    ours = {*evening.migration.own_accounts, *SYSTEM_USERS}
    return [one for one in found if one.user not in ours and not one.locked]


@room.check("accounts that write through read_only")
def bypassing(evening: Evening) -> Iterator[Observation]:
    """Named and refused, whether the privilege is the account's own or a role brings it."""
    migration = evening.migration
    # information_schema of MariaDB spells READ_ONLY ADMIN without the underscore.
    names = (migration.source.dialect.bypass_privilege, "READ ONLY ADMIN", "SUPER")
    found = [
        (one, name, one.everywhere[name])
        for one in _others(evening, evening.principals("source"))
        for name in names
        if name in one.everywhere
    ]
    yield require(not found, "none" if not found else f"{len(found)} on the source", "See the lines below.")
    for one, name, role in found:
        whose = "the application's account" if one.user == migration.application_account else "the account"
        by = f" by the role {role}" if role else ""
        yield require(
            False,
            f"{whose} {one.quoted} holds {name}{by} and would write on a frozen source",
            f"REVOKE {role} FROM {one.quoted};" if role else f"REVOKE {name} ON *.* FROM {one.quoted};",
        )


@room.check("other accounts that write")
def other_writers(evening: Evening) -> Iterator[Observation]:
    """The switch opens and closes the application's account only."""
    migration = evening.migration
    schemas = migration.stack.schemas
    there = {one.quoted for one in evening.principals("target")}
    clean = True
    for role in ("source", "target"):
        for one in _others(evening, evening.principals(role)):
            written = [schema for schema in schemas if one.writes(schema)]
            if one.user == migration.application_account or not written:
                continue
            places = ", ".join(written)
            if role == "target":
                clean = False
                yield require(
                    False,
                    f"{one.quoted} can write on {places} of the target while DMS replicates",
                    f"ALTER USER {one.quoted} ACCOUNT LOCK;",
                )
            elif one.quoted not in there:
                clean = False
                yield Observation(
                    level=WARN,
                    found=f"{one.quoted} writes on {places} of the source, and the target does not have it",
                    remedy=f"CREATE USER {one.quoted} IDENTIFIED BY ... ACCOUNT LOCK; on the target, with its grants; "
                    "unlock it there after the switch.",
                )
    if clean:
        yield Observation(level=PASS, found="none but the application's")


@room.check("the application's account")
def application_account(evening: Evening) -> Iterator[Observation]:
    migration = evening.migration
    name = migration.application_account
    yield require(
        name not in migration.own_accounts,
        f"the application enters as {name}",
        "Give the application an account of its own: this tool locks it on the target until the switch.",
    )
    mine = {one.host: one for one in evening.principals("source") if one.user == name}
    theirs = {one.host: one for one in evening.principals("target") if one.user == name}
    yield require(
        bool(theirs),
        f"{name} has {len(theirs)} accounts on the target",
        f"CREATE USER '{name}'@'%' ... ACCOUNT LOCK; GRANT ...;",
    )
    for host, one in theirs.items():
        like = mine.get(host) or next(iter(mine.values()), None)
        for schema in migration.stack.schemas if like is not None else ():
            wanted = {*like.on_schemas[schema], *like.everywhere} if like else set()
            held = {*one.on_schemas[schema], *one.everywhere}
            lacks = [privilege for privilege in NEEDED if privilege in wanted and privilege not in held]
            yield require(
                not lacks,
                f"{one.quoted} on {schema} of the target: "
                + (f"lacks {', '.join(lacks)}" if lacks else "all that it may on the source"),
                f"GRANT {', '.join(lacks)} ON {quoted(schema)}.* TO {one.quoted};",
            )


@room.check("the application's log-in")
def application_login(evening: Evening) -> Iterator[Observation]:
    """Tries its own password on the target, over TLS: a locked account tells a right password from a wrong one."""
    migration = evening.migration
    stack = migration.stack
    if stack.application_authentication == "iam":
        yield Observation(level=PASS, found="by IAM: no password moves")
        return
    secret = migration.aws.secret(stack.application_secret_arn)
    number = _log_in(evening, str(secret.get("username", "")), str(secret.get("password", "")))
    yield require(
        number in (0, *ACCOUNT_LOCKED),
        f"the target answers {number} to the application's own password"
        if number not in (0, *ACCOUNT_LOCKED)
        else "the target knows the application's password",
        "Give the application's account on the target the password of its secret: ALTER USER ... IDENTIFIED BY.",
    )
    forced = evening.target_variables.get("require_secure_transport", "OFF") in ("ON", "1")
    free = evening.source_variables.get("require_secure_transport", "OFF") not in ("ON", "1")
    yield require(
        not (forced and free),
        "the target requires TLS, the source does not" if forced and free else "TLS is asked for alike on both sides",
        "See that the application connects with TLS and trusts the target's authority before the evening.",
        otherwise=WARN,
    )


def _log_in(evening: Evening, user: str, password: str) -> int:
    target = evening.migration.target
    try:
        pymysql.connect(
            host=target.account.host,
            port=target.account.port,
            user=user,
            password=password,
            ssl=target.tls.context(),
            connect_timeout=10,
        ).close()
    except pymysql.Error as error:
        return int(error.args[0]) if error.args and isinstance(error.args[0], int) else ACCESS_DENIED
    return 0
