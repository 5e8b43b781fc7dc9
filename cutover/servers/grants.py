"""What an account may do, from the text of `SHOW GRANTS`."""

from __future__ import annotations

import re
from collections.abc import Iterable

from cutover.servers.mysql import Server

_GRANT = re.compile(r"^GRANT (?P<privileges>.+?) ON (?P<place>\S+) TO ", re.IGNORECASE)
_ALL = {"ALL", "ALL PRIVILEGES"}
_SAME = {
    "REPLICATION CLIENT": {"BINLOG MONITOR"},
    "CONNECTION_ADMIN": {"SUPER"},
    "SYSTEM_VARIABLES_ADMIN": {"SUPER"},
    "CREATE TEMPORARY TABLES": set[str](),
}
"""Other names of a privilege: MariaDB's, or the older and wider one that includes it."""


class Grants:
    """Parsed grants. Column privileges and `PROXY` grants say nothing about whole schemas and are skipped."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._held: list[tuple[str, set[str]]] = []
        for line in lines:
            found = _GRANT.match(line.strip())
            if found and "(" not in found["privileges"]:
                names = {name.strip().upper() for name in found["privileges"].split(",")}
                self._held.append((found["place"].replace("`", "").replace("\\_", "_"), names))

    def allow(self, privilege: str, schema: str = "*") -> bool:
        """Whether the account holds `privilege` on the whole schema, or on everything for `*`."""
        for place, names in self._held:
            here = place == "*.*" or (schema != "*" and covers(place, schema))
            if here and (names & _ALL or privilege in names or names & _SAME.get(privilege, set())):
                return True
        return False

    def missing(self, privileges: Iterable[str], schema: str = "*") -> list[str]:
        return [privilege for privilege in privileges if not self.allow(privilege, schema)]


def covers(place: str, schema: str) -> bool:
    name, _, rest = place.rpartition(".")
    pattern = re.escape(name).replace("%", ".*")
    return rest == "*" and re.fullmatch(pattern, schema) is not None


def read_grants(server: Server) -> Grants:
    """The grants of the account that `server` is entered with, those of its active roles included."""
    roles = "NONE"
    if server.dialect.flavour != "mariadb" and server.dialect.version >= (8, 0, 0):
        roles = str(server.value("SELECT CURRENT_ROLE()"))
    using = "" if roles == "NONE" else f" USING {roles}"
    rows = server.rows(f"SHOW GRANTS FOR CURRENT_USER(){using}")
    return Grants(str(next(iter(row.values()))) for row in rows)
