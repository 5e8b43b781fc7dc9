"""Every account of a server with all that it may do: what a role allows is only one `SET ROLE` away."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cutover.servers.grants import covers
from cutover.servers.mysql import Server

WRITING = frozenset({"INSERT", "UPDATE", "DELETE", "DROP", "ALTER"})
SYSTEM_USERS = frozenset(
    {
        "mysql.sys",
        "mysql.session",
        "mysql.infoschema",
        "mariadb.sys",
        "root",
        "rdsadmin",
        "rdsrepladmin",
        "rdsproxyadmin",
    }
)
"""Accounts of the server itself, and the administrator's own, which nothing can keep out."""
_GLOBAL = "SELECT GRANTEE AS who, PRIVILEGE_TYPE AS privilege FROM information_schema.USER_PRIVILEGES"
_SCHEMA = """SELECT GRANTEE AS who, TABLE_SCHEMA AS s, PRIVILEGE_TYPE AS privilege
FROM information_schema.SCHEMA_PRIVILEGES
UNION SELECT GRANTEE, TABLE_SCHEMA, PRIVILEGE_TYPE FROM information_schema.TABLE_PRIVILEGES"""
_LOCKED = "SELECT User AS name, Host AS host, account_locked AS locked, 'N' AS role FROM mysql.user"
_LOCKED_MARIADB = """SELECT User AS name, Host AS host,
    IF(JSON_VALUE(Priv, '$.account_locked') = 1, 'Y', 'N') AS locked,
    IF(JSON_VALUE(Priv, '$.is_role') = 1, 'Y', 'N') AS role FROM mysql.global_priv"""
_EDGES = "SELECT FROM_USER AS role, FROM_HOST AS role_host, TO_USER AS name, TO_HOST AS host FROM mysql.role_edges"
_EDGES_MARIADB = "SELECT Role AS role, '' AS role_host, User AS name, Host AS host FROM mysql.roles_mapping"


@dataclass(frozen=True, kw_only=True)
class Principal:
    """One account that can log in, or could if it were unlocked."""

    user: str
    host: str
    locked: bool
    everywhere: Mapping[str, str]
    """Privileges on `*.*`: each with the role that brings it, empty for the account's own."""
    on_schemas: Mapping[str, Mapping[str, str]]
    """The same for each schema that moves, whatever place the grant names."""

    @property
    def quoted(self) -> str:
        return quoted(self.user, self.host)

    def writes(self, schema: str) -> bool:
        return bool(WRITING & {*self.everywhere, *self.on_schemas.get(schema, {})} or "SUPER" in self.everywhere)


def quoted(user: str, host: str) -> str:
    return "@".join("'" + part.replace("'", "''") + "'" for part in (user, host))


def own(server: Server) -> str:
    """The account that the server has found for this log-in, quoted: its host need not be `%`."""
    user, _, host = str(server.value("SELECT CURRENT_USER()")).rpartition("@")
    return quoted(user, host)


def read_principals(server: Server, schemas: Sequence[str]) -> list[Principal]:
    """All accounts. Roles of a role and mandatory roles count, whether they are active at log-in or not."""
    mariadb = server.dialect.flavour == "mariadb"
    everywhere: dict[str, set[str]] = defaultdict(set)
    for row in server.rows(_GLOBAL):
        everywhere[row["who"]].add(row["privilege"])
    placed: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for row in server.rows(_SCHEMA):
        for schema in schemas:
            if covers(f"{row['s']}.*".replace("\\_", "_"), schema):
                placed[row["who"]][schema].add(row["privilege"])
    roles = _roles(server, mariadb=mariadb)
    always = _mandatory(server)
    found = []
    for row in server.rows(_LOCKED_MARIADB if mariadb else _LOCKED):
        if row["role"] == "Y":
            continue
        name = quoted(row["name"], row["host"])
        brought = dict.fromkeys(everywhere[name], "")
        on_schemas = {schema: dict.fromkeys(placed[name][schema], "") for schema in schemas}
        for role in _closure([*roles.get(name, ()), *always], roles):
            brought = {**dict.fromkeys(everywhere[role], role), **brought}
            for schema in schemas:
                on_schemas[schema] = {**dict.fromkeys(placed[role][schema], role), **on_schemas[schema]}
        brought.pop("USAGE", None)
        found.append(
            Principal(
                user=row["name"],
                host=row["host"],
                locked=row["locked"] == "Y",
                everywhere=brought,
                on_schemas=on_schemas,
            )
        )
    return found


def _roles(server: Server, *, mariadb: bool) -> dict[str, list[str]]:
    """The roles granted to each account or role, by quoted names."""
    if not mariadb and server.dialect.version < (8, 0, 0):
        return {}
    granted: dict[str, list[str]] = defaultdict(list)
    for row in server.rows(_EDGES_MARIADB if mariadb else _EDGES):
        granted[quoted(row["name"], row["host"])].append(quoted(row["role"], row["role_host"]))
    return granted


def _mandatory(server: Server) -> list[str]:
    """Roles that every account has."""
    told = server.row("SHOW GLOBAL VARIABLES LIKE 'mandatory_roles'").get("Value", "")
    names = [part.strip().replace("`", "").replace("'", "") for part in str(told).split(",") if part.strip()]
    return [quoted(name.partition("@")[0], name.partition("@")[2] or "%") for name in names]


def _closure(first: Sequence[str], roles: Mapping[str, Sequence[str]]) -> list[str]:
    reached: list[str] = []
    waiting = list(first)
    while waiting:
        role = waiting.pop(0)
        if role not in reached:
            reached.append(role)
            waiting += roles.get(role, ())
    return reached
