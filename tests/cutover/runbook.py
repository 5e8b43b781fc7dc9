"""The runbook's own table of grants, read: the accounts of the tests hold exactly what it tells people to grant."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

RUNBOOK = Path(__file__).parents[2] / "docs" / "runbooks" / "migration.md"
IN_MARIADB = {
    "REPLICATION CLIENT": "BINLOG MONITOR",
    "CONNECTION_ADMIN": "CONNECTION ADMIN, READ_ONLY ADMIN",
    "SYSTEM_VARIABLES_ADMIN": "SUPER",
    "SET_ANY_DEFINER": "SET USER",
    "SHOW_ROUTINE": "",
    "XA_RECOVER_ADMIN": "",
}
"""What MariaDB calls a privilege; empty where it asks for none."""


class Grant(NamedTuple):
    account: str
    """The table's own name, such as `operator (this tool)`."""
    server: str
    privileges: str
    place: str
    """`*.*`, `{schema}.*` for each schema that moves, or a place of its own."""


def grants() -> list[Grant]:
    found = []
    for line in RUNBOOK.read_text().splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if len(cells) != 5 or cells[1] not in ("source", "target"):
            continue
        account, server, everywhere, schemas, elsewhere = cells
        found += [
            Grant(account, server, cell.strip("`"), place)
            for cell, place in ((everywhere, "*.*"), (schemas, "{schema}.*"))
            if cell
        ]
        found += [Grant(account, server, *told) for told in re.findall(r"`([^`]+)` on `([^`]+)`", elsewhere)]
    return found


def statements(account: str, server: str, user: str, schema: str, *, mariadb: bool) -> list[str]:
    """The GRANT statements that give `user` what the table says for the account on that server."""
    made = []
    for one in grants():
        if (one.account, one.server) != (account, server) or (mariadb and one.place == "performance_schema.*"):
            continue
        names = [name.strip() for name in one.privileges.split(",")]
        if mariadb:
            names = [IN_MARIADB.get(name, name) for name in names]
        made.append(f"GRANT {', '.join(filter(None, names))} ON {one.place.format(schema=schema)} TO {user}")
    return made
