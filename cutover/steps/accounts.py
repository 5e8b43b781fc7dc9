"""The application's accounts on the two servers: which there are, which are open, and the statements that turn them.

A locked account begins no session, whatever its privileges and roles are. Sessions that are open already go on.
"""

from __future__ import annotations

from cutover.steps.actions import Effect, Run, Statement


def accounts(run: Run, role: str) -> dict[str, bool]:
    """The application's accounts on a server as quoted names, and whether each is open."""
    server = run.migration.server(role)
    found = {}
    for row in server.rows(
        "SELECT User AS account, Host AS host FROM mysql.user WHERE User = %s", (run.migration.application_account,)
    ):
        name = "@".join("'" + str(row[part]).replace("'", "''") + "'" for part in ("account", "host"))
        told = str(next(iter(server.row(f"SHOW CREATE USER {name}").values())))
        found[name] = "ACCOUNT LOCK" not in told
    return found


def turn(role: str, name: str, word: str) -> Statement:
    return Statement(role=role, text=f"ALTER USER {name} ACCOUNT {word}")


def lock(run: Run, role: str) -> list[Effect]:
    return [turn(role, name, "LOCK") for name, is_open in accounts(run, role).items() if is_open]


def unlock(run: Run, role: str, *only: str) -> list[Effect]:
    """Opens the accounts that are locked; where `only` names some, no other."""
    return [
        turn(role, name, "UNLOCK")
        for name, is_open in accounts(run, role).items()
        if not is_open and (not only or name in only)
    ]


def every(run: Run, role: str) -> list[Effect]:
    """All statements that lock and open them."""
    return [turn(role, name, word) for name in accounts(run, role) for word in ("LOCK", "UNLOCK")]
