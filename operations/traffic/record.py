"""The record of the traffic's move: one durable item per stack with its journal, and one operator at a time.

It is in the table of the database's move, under `STACK/traffic`. Every change writes the whole item on condition that
its version is the one that was read, and every step forward is journalled before it is made: a process that dies in
between leaves the truth (begun, perhaps done), and of two processes one fails to write and then changes nothing. On the
way back the rules change first: a table that is down must keep nobody on a side that fails.
"""

from __future__ import annotations

import contextlib
import datetime
import json
import secrets
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from command_line.exits import FAILED, REFUSED, Stop
from operations.traffic.aws import Aws, AwsError

ITEM_BYTES = 350_000
"""DynamoDB refuses items over 400 KB; a move's journal is far smaller."""
TAKEN = "another operator has taken this over; this process stops and changes nothing more."
DATABASE_ON_SOURCE = frozenset({"", "new", "prepare", "replicate", "validate", "rolled back", "stop", "thaw"})
"""States of the database's move (`cutover`) in which the application writes to the data centre's database."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One line of the journal."""

    at: str
    """UTC, ISO 8601."""
    operator: str
    step: str
    """`name`, `shift to 10 %`, `back`, `preflight` ..."""
    event: str
    """`begun`, `set`, `passed`, `failed` or `answered`."""
    seen: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Lease:
    owner: str
    token: str
    beat: int
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Record:
    """Where one stack's traffic is."""

    stack: str
    version: int = 0
    named: bool = False
    """Whether the public name leads to the load balancer, and that step has passed."""
    percent: int = 0
    """What has passed: so many per cent are at AWS."""
    wanted: int | None = None
    """The step under way, in per cent; 0 is the name. None when there is none."""
    since: float | None = None
    """`time.time()` from which the step under way is in force; None until it is."""
    going_back: str = ""
    """What the way back that has begun leads to: `weights` or `name`; empty when none has begun."""
    name_before: tuple[Mapping[str, Any], ...] = ()
    """The record sets of the public name from before the step, as Route 53 tells them."""
    answers: Mapping[str, str] = field(default_factory=dict)
    """What a person has answered to the preflight's questions, by the question's id."""
    journal: tuple[Entry, ...] = ()
    lease: Lease | None = None

    def to_json(self) -> str:
        return json.dumps(asdict(self), separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> Record:
        given = json.loads(text)
        given["journal"] = tuple(Entry(**entry) for entry in given["journal"])
        given["lease"] = Lease(**given["lease"]) if given["lease"] else None
        given["name_before"] = tuple(given["name_before"])
        return cls(**given)


class ConflictError(Exception):
    """Somebody else wrote the record since it was read."""


class Store:
    """The items of the table."""

    def __init__(self, aws: Aws, table: str) -> None:
        self._aws = aws
        self._table = table

    def read(self, stack: str) -> Record:
        """A stack's record; a new one where there is none."""
        item = self._item(_key(stack))
        return Record.from_json(item["record"]["S"]) if item else Record(stack=stack)

    def database_state(self, stack: str) -> str:
        """Where the database's move is, in its own words; empty when it has not begun."""
        return str(self._item(stack).get("state", {}).get("S", ""))

    def write(self, record: Record, expected: int) -> None:
        """Raises `ConflictError` unless the stored version is `expected`; 0 for none."""
        text = record.to_json()
        if len(text) > ITEM_BYTES:
            raise Stop(FAILED, f"record: it has {len(text):,} bytes; {ITEM_BYTES:,} are allowed; see docs/runbooks.")
        condition: dict[str, Any] = {
            "ConditionExpression": "#version = :expected",
            "ExpressionAttributeNames": {"#version": "version"},
            "ExpressionAttributeValues": {":expected": {"N": str(expected)}},
        }
        if not expected:
            condition = {
                "ConditionExpression": "attribute_not_exists(#stack)",
                "ExpressionAttributeNames": {"#stack": "stack"},
            }
        item = {
            "stack": {"S": _key(record.stack)},
            "version": {"N": str(record.version)},
            "state": {"S": f"{record.percent} %"},
            "record": {"S": text},
        }
        try:
            self._aws.call("dynamodb", "put_item", TableName=self._table, Item=item, **condition)
        except AwsError as error:
            if error.reason != "ConditionalCheckFailedException":
                raise
            # A retried request may meet its own first write: the same text is then the proof that it arrived.
            if self.read(record.stack).to_json() != text:
                raise ConflictError from error

    def _item(self, key: str) -> dict[str, Any]:
        answer = self._aws.call(
            "dynamodb", "get_item", TableName=self._table, Key={"stack": {"S": key}}, ConsistentRead=True
        )
        found: dict[str, Any] = answer.get("Item", {})
        return found


class Session:
    """This process's hold on the record. Each write renews the lease; `beat` does nothing else."""

    def __init__(self, store: Store, record: Record, operator: str) -> None:
        self._store = store
        self.record = record
        self._operator = operator

    def note(self, step: str, event: str, seen: Mapping[str, Any] | None = None, **changes: Any) -> None:
        """One line of the journal, together with changes of the record. Raises `Stop` when the lease is lost."""
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")
        entry = Entry(at=now, operator=self._operator, step=step, event=event, seen=seen or {})
        self._write(replace(self.record, journal=(*self.record.journal, entry), **changes))

    def beat(self) -> None:
        """Tell that this process lives. Raises `Stop` when the lease is lost."""
        lease = self.record.lease
        if lease is not None:
            self._write(replace(self.record, lease=replace(lease, beat=lease.beat + 1)))

    def end(self) -> None:
        self._write(replace(self.record, lease=None))

    def _write(self, record: Record) -> None:
        record = replace(record, version=self.record.version + 1)
        try:
            self._store.write(record, self.record.version)
        except ConflictError:
            raise LeaseLostError from None
        self.record = record


class LeaseLostError(Stop):
    """Another operator works on this traffic now."""

    def __init__(self) -> None:
        super().__init__(REFUSED, f"traffic: {TAKEN}")


@contextlib.contextmanager
def leased(store: Store, stack: str, operator: str, seconds: float, *, at_once: bool = False) -> Iterator[Session]:
    """The record under this process's lease. A holder that is silent for its whole lease is dead, by our own clock.

    Args:
        at_once: take the lease even from a living holder, as the way back may: the holder's next write fails, and
            it changes nothing more.

    Raises:
        Stop: while another process holds and renews the lease.
    """
    record = store.read(stack)
    if record.lease is not None and not at_once:
        record = _outwait(store, stack, record.lease)
    lease = Lease(owner=operator, token=secrets.token_hex(8), beat=0, seconds=seconds)
    taken = replace(record, version=record.version + 1, lease=lease)
    try:
        store.write(taken, record.version)
    except ConflictError:
        if at_once:  # a living holder has just renewed its lease
            with leased(store, stack, operator, seconds, at_once=True) as session:
                yield session
            return
        raise LeaseLostError from None
    session = Session(store, taken, operator)
    try:
        yield session
    finally:
        with contextlib.suppress(Stop):
            session.end()


def _outwait(store: Store, stack: str, held: Lease) -> Record:
    deadline = time.monotonic() + held.seconds
    while True:
        record = store.read(stack)
        if record.lease is None:
            return record
        if (record.lease.token, record.lease.beat) != (held.token, held.beat):
            raise Stop(
                REFUSED,
                f"traffic: {record.lease.owner} is working on the traffic of {stack} now; one operator at a time, "
                "nothing was changed.",
            )
        if time.monotonic() >= deadline:
            return record
        time.sleep(min(0.5, held.seconds / 10))


def _key(stack: str) -> str:
    return f"{stack}/traffic"
