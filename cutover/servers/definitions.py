"""Triggers, events, routines and views: what the server tells of each, and the statements that make it again, the same.

A stored object is more than its text. The server keeps the definer, the session's `sql_mode`, its character set and
collation, an event's time zone and a trigger's place among others of its table, and uses them when the object runs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace

from cutover.errors import ToolError
from cutover.servers.catalogue import StoredObject
from cutover.servers.mysql import Server, quoted, statement

TEXT_COLUMN = {
    "TRIGGER": "SQL Original Statement",
    "EVENT": "Create Event",
    "PROCEDURE": "Create Procedure",
    "FUNCTION": "Create Function",
    "VIEW": "Create View",
}
_STATUS = re.compile(r" (ENABLE|DISABLE)( ON SLAVE| ON REPLICA)?(?= COMMENT | DO )")
_EVENT = re.compile(r"^CREATE (?:DEFINER=`(?:[^`]|``)*`(?:@`(?:[^`]|``)*`)? )?EVENT `(?:[^`]|``)+`")
"""An event up to its name, which may hold any word."""
_BODY = re.compile(r"(?= COMMENT '| DO )")
_DEFINER = re.compile(r"^CREATE (?:ALGORITHM=\w+ )?DEFINER=(`(?:[^`]|``)*`(?:@`(?:[^`]|``)*`)?)")
_ORDER = """SELECT TRIGGER_SCHEMA AS s, TRIGGER_NAME AS name, EVENT_OBJECT_TABLE AS t, ACTION_TIMING AS timing,
    EVENT_MANIPULATION AS event, ACTION_ORDER AS place FROM information_schema.TRIGGERS
WHERE TRIGGER_SCHEMA IN ({schemas})"""
_EVENTS = "SELECT EVENT_SCHEMA AS s, EVENT_NAME AS name, STATUS AS status FROM information_schema.EVENTS"
SEEN_AS = {
    "text": "statement",
    "sql_mode": "sql_mode",
    "character_set_client": "character_set_client",
    "collation_connection": "collation_connection",
    "database_collation": "database collation",
    "time_zone": "time zone",
    "status": "status",
    "acts": "table and event",
    "place": "place among the triggers of its table",
}
"""The parts of a definition that must be the same on both sides, and what people call them."""


@dataclass(frozen=True, kw_only=True)
class Definition:
    """All that makes one stored object what it is."""

    kind: str
    schema: str
    name: str
    text: str
    """Its creating statement with the definer; an event's without ENABLE or DISABLE."""
    sql_mode: str = ""
    character_set_client: str = ""
    collation_connection: str = ""
    database_collation: str = ""
    time_zone: str = ""
    status: str = ""
    """Of an event: `ENABLED`, `DISABLED` or `SLAVESIDE_DISABLED`, as the server calls it."""
    acts: str = ""
    """Of a trigger: its table, time and event, such as `payments AFTER INSERT`."""
    place: int = 0
    """Of a trigger: its place among those that act on the same table at the same time, from 1."""

    @property
    def full_name(self) -> str:
        return f"{self.schema}.{self.name}"

    @property
    def table(self) -> str:
        """Of a trigger: the table that it acts on, with its schema."""
        return f"{self.schema}.{self.acts.rsplit(' ', 2)[0]}" if self.acts else ""

    @property
    def session(self) -> dict[str, str]:
        """Session settings under which it must be made."""
        told = {
            "character_set_client": self.character_set_client,
            "collation_connection": self.collation_connection,
            "time_zone": self.time_zone,
        }
        given = {name: value for name, value in told.items() if value}
        return given if self.kind == "VIEW" else {**given, "sql_mode": self.sql_mode}

    @property
    def definer(self) -> str:
        """As a statement names it; empty where the text names none."""
        found = _DEFINER.match(self.text)
        return found[1] if found else ""

    def differing(self, other: Definition) -> list[str]:
        """Names of the parts that are not the same."""
        return [told for part, told in SEEN_AS.items() if getattr(self, part) != getattr(other, part)]

    def creating(self) -> str:
        """The statement that makes it; an event is made disabled."""
        if self.kind != "EVENT":
            return self.text
        place = _BODY.search(self.text, _after_name(self.text))
        at = place.start() if place else len(self.text)
        return f"{self.text[:at]} DISABLE{self.text[at:]}"

    def to_json(self) -> dict[str, object]:
        return asdict(self)


def _after_name(text: str) -> int:
    found = _EVENT.match(text)
    return found.end() if found else 0


def from_json(told: Mapping[str, object]) -> Definition:
    return Definition(**told)  # type: ignore[arg-type]


def read_definition(server: Server, item: StoredObject) -> Definition:
    """What the server tells of one object. Raises `ToolError` if the account may not see it, or it is broken."""
    row = server.row(statement("SHOW CREATE {kind} {name}", kind=item.kind, name=quoted(item.schema, item.name)))
    text = row.get(TEXT_COLUMN[item.kind])
    if not text:
        raise ToolError(
            f"The {server.role} account may not read {item.kind} {item.full_name}; grant SHOW_ROUTINE or SELECT."
        )
    text = str(text)
    if item.kind == "VIEW":
        # A view is told with or without its schema's name, as the session's own schema happens to be.
        text = text.replace(quoted(item.schema) + ".", "")
    if item.kind == "EVENT":
        at = _after_name(text)
        text = text[:at] + _STATUS.sub("", text[at:], count=1)
    return Definition(
        kind=item.kind,
        schema=item.schema,
        name=item.name,
        text=text,
        sql_mode=str(row.get("sql_mode") or ""),
        character_set_client=str(row.get("character_set_client") or ""),
        collation_connection=str(row.get("collation_connection") or ""),
        database_collation=str(row.get("Database Collation") or ""),
        time_zone=str(row.get("time_zone") or ""),
    )


def read_definitions(server: Server, items: Iterable[StoredObject], schemas: Sequence[str]) -> list[Definition]:
    """All of the objects, with what only the server's lists tell: a trigger's place and an event's status."""
    found = [read_definition(server, item) for item in items]
    kinds = {item.kind for item in found}
    places: dict[tuple[str, str], tuple[str, int]] = {}
    if "TRIGGER" in kinds:
        text = statement(_ORDER, schemas=", ".join(["%s"] * len(schemas)))
        for row in server.rows(text, tuple(schemas)):
            places[row["s"], row["name"]] = (f"{row['t']} {row['timing']} {row['event']}", int(row["place"]))
    statuses = {(row["s"], row["name"]): str(row["status"]) for row in server.rows(_EVENTS)} if "EVENT" in kinds else {}
    told = []
    for one in found:
        acts, place = places.get((one.schema, one.name), ("", 0)) if one.kind == "TRIGGER" else ("", 0)
        status = statuses.get((one.schema, one.name), "") if one.kind == "EVENT" else ""
        told.append(replace(one, acts=acts, place=place, status=status))
    return sorted(told, key=lambda one: (one.kind, one.schema, one.acts, one.place, one.name))
