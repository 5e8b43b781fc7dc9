"""The migration's record: one durable item per stack, its journal, and the lease that keeps a second operator out.

The record outlives the operator's laptop. Every change writes the whole item under the condition that its version is
the one that was read: two processes can never both believe that they wrote. A step is journalled before it is begun
and when it is finished, so a process that dies in between leaves the truth: begun, perhaps done.
"""

from __future__ import annotations

import contextlib
import datetime
import json
import secrets
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from typing import Any, Protocol

from cutover.errors import CutoverError, LeaseLostError, RefusedError, ToolError
from cutover.servers.aws import Aws, AwsRefusedError

ITEM_BYTES = 350_000
"""DynamoDB refuses items over 400 KB; the journal of one attempt is far smaller."""
BEATS_PER_LEASE = 4
SELF_FENCE = 0.8
"""Part of the lease after which a process that could not renew it stops acting: before anyone may take over."""


class StateId(StrEnum):
    """Where a migration can be; `states.py` says what each means and what leads there."""

    NEW = "new"
    PREPARE = "prepare"
    REPLICATE = "replicate"
    VALIDATE = "validate"
    FREEZE = "freeze"
    DRAIN = "drain"
    SWITCH = "switch"
    WATCH = "watch"
    COMMIT = "commit"
    STOP = "stop"
    THAW = "thaw"
    RETURN = "return"
    HAND_BACK = "hand-back"
    ROLLED_BACK = "rolled back"


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What the steps have found out and later steps need. A field at its default is not known yet."""

    reload: bool = False
    """The attempt begins by emptying the target."""
    application_version: str = ""
    """Version of the application's secret from before the switch."""
    events_were_on: bool = False
    events: Mapping[str, str] = field(default_factory=dict)
    """Status of each of the source's events by name."""
    triggers: Mapping[str, Any] = field(default_factory=dict)
    """The source's triggers by name: `definitions.Definition` as JSON, which makes each again."""
    source_accounts: tuple[str, ...] = ()
    """The application's accounts on the source that were open before the freeze."""
    verified_rows: int = 0
    scan_seconds: float | None = None
    """Time of the last live comparison, without pauses and second looks."""
    frozen_at: float | None = None
    """`time.time()` at which the downtime began."""
    forward_token: str = ""
    source_position: str = ""
    frozen_verification: Mapping[str, Any] = field(default_factory=dict)
    target_position: str = ""
    served_at: float | None = None
    """`time.time()` of the first healthy answer on the target."""
    downtime_seconds: float | None = None
    back_at: float | None = None
    """`time.time()` at which the application's waiting on the way back began."""
    reverse_token: str = ""
    frozen_target_position: str = ""

    def without(self, *names: str) -> Facts:
        """The same with these fields at their defaults."""
        unknown = Facts()
        return replace(self, **{name: getattr(unknown, name) for name in names})

    def known(self) -> dict[str, Any]:
        """The fields that differ from their defaults."""
        unknown = Facts()
        told = {one.name: getattr(self, one.name) for one in fields(self)}
        return {name: value for name, value in told.items() if value != getattr(unknown, name)}


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One line of the journal."""

    at: str
    """UTC, ISO 8601."""
    operator: str
    state: str
    step: str
    event: str
    """`begun`, `finished`, `failed` or `entered`."""
    evidence: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Lease:
    owner: str
    token: str
    beat: int
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Record:
    """Where one stack's migration is. `state` is the last one entered, `done` whether all its steps are finished."""

    stack: str
    version: int = 0
    attempt: int = 1
    state: StateId = StateId.NEW
    done: bool = True
    finished: tuple[str, ...] = ()
    """Ids of the steps of `state` that are finished: a resumed run goes on after them."""
    begun: tuple[str, ...] = ()
    """Ids of all steps ever begun in this attempt: what a way back has to undo."""
    facts: Facts = field(default_factory=Facts)
    journal: tuple[Entry, ...] = ()
    lease: Lease | None = None

    def to_json(self) -> str:
        return json.dumps(vars(self), separators=(",", ":"), default=_plain)

    @classmethod
    def from_json(cls, text: str) -> Record:
        given = json.loads(text)
        given["journal"] = tuple(Entry(**entry) for entry in given["journal"])
        given["lease"] = Lease(**given["lease"]) if given["lease"] else None
        facts = given["facts"]
        given["facts"] = Facts(**{**facts, "source_accounts": tuple(facts.get("source_accounts", ()))})
        given["state"] = StateId(given["state"])
        for name in ("finished", "begun"):
            given[name] = tuple(given[name])
        return cls(**given)


def _plain(value: object) -> object:
    """What JSON does not know. `asdict` would copy the whole journal at every write, while the application waits."""
    if isinstance(value, Facts):
        return value.known()
    return vars(value) if isinstance(value, (Entry, Lease)) else str(value)


class ConflictError(CutoverError):
    """Somebody else wrote the record since it was read."""


class Store(Protocol):
    """Where records live. `write` must fail with `ConflictError` unless the stored version is `expected`."""

    def read(self, stack: str) -> Record | None: ...

    def write(self, record: Record, expected: int) -> None: ...


class DynamoStore:
    """One item per stack in a table whose hash key is the string `stack`; earlier attempts under `stack#attempt`."""

    def __init__(self, aws: Aws, table: str) -> None:
        self._aws = aws
        self._table = table

    def read(self, stack: str) -> Record | None:
        answer = self._aws.call(
            "dynamodb", "get_item", TableName=self._table, Key={"stack": {"S": stack}}, ConsistentRead=True
        )
        item = answer.get("Item")
        return Record.from_json(item["record"]["S"]) if item else None

    def write(self, record: Record, expected: int) -> None:
        text = record.to_json()
        if len(text) > ITEM_BYTES:
            raise ToolError(f"The record of stack {record.stack} has {len(text):,} bytes; {ITEM_BYTES:,} are allowed.")
        item = {
            "stack": {"S": record.stack},
            "version": {"N": str(record.version)},
            "state": {"S": record.state},
            "record": {"S": text},
        }
        try:
            self._aws.call(
                "dynamodb",
                "put_item",
                TableName=self._table,
                Item=item,
                ConditionExpression="#version = :expected" if expected else "attribute_not_exists(#stack)",
                ExpressionAttributeNames={"#version": "version"} if expected else {"#stack": "stack"},
                **({"ExpressionAttributeValues": {":expected": {"N": str(expected)}}} if expected else {}),
            )
        except AwsRefusedError as error:
            if error.code != "ConditionalCheckFailedException":
                raise
            # A retried request may meet its own first write: the same text is then the proof that it arrived.
            stored = self.read(record.stack)
            if stored is None or stored.to_json() != text:
                raise ConflictError(f"The record of stack {record.stack} was changed by someone else.") from error


class Session:
    """This process's hold on the record: leased, renewed by a thread, and given back at the end."""

    def __init__(self, store: Store, record: Record, operator: str) -> None:
        self._store = store
        self._record = record
        self._operator = operator
        self._lock = threading.RLock()
        self._ended = threading.Event()
        self._lost = ""
        self._renewed = time.monotonic()
        self._thread = threading.Thread(target=self._renew, name="lease", daemon=True)

    @property
    def record(self) -> Record:
        return self._record

    def check(self) -> None:
        """Raises `LeaseLostError` unless this process surely still holds the lease."""
        lease = self._record.lease
        silent = time.monotonic() - self._renewed
        if not self._lost and lease is not None and silent > lease.seconds * SELF_FENCE:
            self._lost = f"The lease could not be renewed for {silent:.0f} s; start the command again."
        if self._lost:
            raise LeaseLostError(self._lost)

    def enter(self, state: StateId, evidence: Mapping[str, Any] | None = None) -> None:
        self._write(
            replace(
                self._with_entry("", "entered", evidence or {}, state),
                state=state,
                done=False,
                finished=(),
            )
        )

    def leave(self) -> None:
        self._write(replace(self._record, done=True))

    def settle(
        self, state: StateId, *, done: bool = True, forget: tuple[str, ...] = (), forget_facts: tuple[str, ...] = ()
    ) -> None:
        """Ends a way back in `state`. `forget` names steps of the undone part, `forget_facts` what they found."""
        begun = tuple(step for step in self._record.begun if step not in forget)
        facts = self._record.facts.without(*forget_facts)
        entry = self._with_entry("", "entered", {}, state)
        self._write(replace(entry, state=state, done=done, finished=(), begun=begun, facts=facts))

    def begin(self, step: str) -> None:
        record = self._with_entry(step, "begun", {})
        self._write(replace(record, begun=(*(name for name in record.begun if name != step), step)))

    def finish(self, step: str, evidence: Mapping[str, Any], facts: Mapping[str, Any]) -> None:
        record = self._with_entry(step, "finished", evidence)
        self._write(replace(record, finished=(*record.finished, step), facts=replace(record.facts, **facts)))

    def fail(self, step: str, reason: str) -> None:
        self._write(self._with_entry(step, "failed", {"reason": reason}))

    def note(self, facts: Mapping[str, Any]) -> None:
        self._write(replace(self._record, facts=replace(self._record.facts, **facts)))

    def forget(self, *facts: str) -> None:
        self._write(replace(self._record, facts=self._record.facts.without(*facts)))

    def next_attempt(self) -> None:
        """Files the journal so far under `stack#attempt` and begins a fresh one."""
        old = self._record
        archive = replace(old, stack=f"{old.stack}#{old.attempt}", version=1, lease=None)
        with contextlib.suppress(ConflictError):
            self._store.write(archive, 0)
        self._write(Record(stack=old.stack, version=old.version, attempt=old.attempt + 1, lease=old.lease))

    def end(self) -> None:
        self._ended.set()
        self._thread.join()
        with contextlib.suppress(CutoverError):
            self._write(replace(self._record, lease=None))

    def start(self) -> None:
        self._thread.start()

    def _with_entry(self, step: str, event: str, evidence: Mapping[str, Any], state: StateId | None = None) -> Record:
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")
        record = self._record
        entry = Entry(
            at=now, operator=self._operator, state=state or record.state, step=step, event=event, evidence=evidence
        )
        return replace(record, journal=(*record.journal, entry))

    def _write(self, record: Record) -> None:
        with self._lock:
            self.check()
            current = self._record
            # The renewing thread may have written between the caller's reading and this lock.
            record = replace(record, version=current.version + 1, lease=record.lease and current.lease)
            try:
                self._store.write(record, current.version)
            except ConflictError as error:
                self._lost = "Another operator has taken this migration over; this process stops and changes nothing."
                raise LeaseLostError(self._lost) from error
            self._record = record
            self._renewed = time.monotonic()

    def _renew(self) -> None:
        lease = self._record.lease
        if lease is None:
            return
        while not self._ended.wait(lease.seconds / BEATS_PER_LEASE):
            with self._lock, contextlib.suppress(CutoverError):
                record = self._record
                if record.lease is not None:
                    beat = replace(record, lease=replace(record.lease, beat=record.lease.beat + 1))
                    self._beat(beat)

    def _beat(self, record: Record) -> None:
        current = self._record
        record = replace(record, version=current.version + 1)
        try:
            self._store.write(record, current.version)
        except ConflictError:
            self._lost = "Another operator has taken this migration over; this process stops and changes nothing."
            raise
        self._record = record
        self._renewed = time.monotonic()


@contextlib.contextmanager
def leased(store: Store, stack: str, operator: str, seconds: float) -> Iterator[Session]:
    """The record under this process's lease. Raises `RefusedError` while another process holds and renews one.

    A holder that is silent for the lease's whole time, by this process's own clock, is dead, and the lease is taken:
    clocks of two machines are never compared.
    """
    record = store.read(stack) or Record(stack=stack)
    if record.lease is not None:
        record = _outwait(store, stack, record.lease)
    lease = Lease(owner=operator, token=secrets.token_hex(8), beat=0, seconds=seconds)
    taken = replace(record, version=record.version + 1, lease=lease)
    try:
        store.write(taken, record.version)
    except ConflictError as error:
        raise RefusedError("Another operator has just begun to work on this migration; nothing was changed.") from error
    session = Session(store, taken, operator)
    session.start()
    try:
        yield session
    finally:
        session.end()


def _outwait(store: Store, stack: str, held: Lease) -> Record:
    deadline = time.monotonic() + held.seconds
    while True:
        record = store.read(stack) or Record(stack=stack)
        if record.lease is None:
            return record
        if (record.lease.token, record.lease.beat) != (held.token, held.beat):
            raise RefusedError(
                f"{record.lease.owner} is working on stack {stack} now; one operator at a time, nothing was changed."
            )
        if time.monotonic() >= deadline:
            return record
        time.sleep(min(0.2, held.seconds / 10))
