"""An AWS account that exists only here: it keeps what was created, across runs, and refuses as AWS does."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from recording.stand_in_cloud import StandInCloud
from tools.engine.changing import changing
from tools.engine.clock import Clock, NoTime
from tools.engine.creation import overwritten, prerequisites, references, uniqueness
from tools.engine.deletion import deletion, remains, written_buckets
from tools.engine.durations import creation_seconds
from tools.engine.faults import Faults
from tools.engine.thing import ROLE, Refused, Thing, kubernetes_id, texts

PROPAGATION_PATIENCE_SECONDS = 120.0
"""How long the real provider tries again with a role that is not usable yet."""

RENEWED: Mapping[str, tuple[str, ...]] = {"aws:ec2/launchTemplate:LaunchTemplate": ("latestVersion",)}
"""Outputs that count the updates of a thing; a preview of an update does not know them."""

SENT_ALONE = frozenset({"aws:lb/listenerRule:ListenerRule", "aws:eks/nodeGroup:NodeGroup"})
"""Types of which the AWS provider sends only the top-level properties that changed, each as a whole (`HasChange` in its
updates: actions and conditions of a rule; `scalingConfig`, `updateConfig` and labels of a node group)."""

Verb = Literal["create", "update", "delete"]
T = TypeVar("T")


@dataclass(frozen=True)
class Operation:
    """One change that reached the account."""

    verb: Verb
    urn: str
    start: float
    end: float
    refusal: str = ""
    """Why it was refused, or empty."""


@dataclass
class Account:
    """What exists, and everything that was done.

    Args:
        region: the Region in ids and ARNs.
        number: the account's 12 digits.
        clock: how time passes; by default nothing takes any.
    """

    region: str
    number: str
    clock: Clock = field(default_factory=NoTime)
    faults: Faults = field(default_factory=Faults)
    answers: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Outputs, by type, that are given instead of the stand-in cloud's."""
    role_propagation_seconds: float = 0.0
    """How long after its creation a role cannot be used yet."""
    things: dict[str, Thing] = field(default_factory=dict)
    """What exists, by a number of its own."""
    remains: set[tuple[str, str]] = field(default_factory=set)
    """Names that stay taken after their thing is gone: secrets in their recovery window, final snapshots."""
    operations: list[Operation] = field(default_factory=list)
    _lock: threading.RLock = field(default_factory=threading.RLock)
    _names: set[tuple[str, str]] = field(default_factory=set)
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def __post_init__(self) -> None:
        self._cloud = StandInCloud(self.region, self.number)

    def created(self) -> list[str]:
        """URNs of everything created so far, in order, once for each time."""
        return [operation.urn for operation in self.operations if operation.verb == "create" and not operation.refusal]

    def of(self, type_: str) -> list[Thing]:
        """What exists of one type."""
        return [thing for thing in self.things.values() if thing.type == type_]

    def taken(self, type_: str, name: str, value: str) -> bool:
        """Whether something of a type has this value in its input `name`."""
        with self._lock:
            return any(thing.inputs.get(name) == value for thing in self.of(type_))

    def change(self, thing: Thing, **inputs: Any) -> None:
        """Change a thing as somebody else would: an autoscaler, a command, a person in the console."""
        with self._lock:
            self._show(thing, {**thing.inputs, **inputs})

    def create(self, urn: str, type_: str, inputs: Mapping[str, Any], home: str) -> Thing:
        """Make a thing, in the time that it takes.

        Args:
            home: where a name must be unique beside the account: the cluster of a Kubernetes object.

        Raises:
            Refused: when AWS would not.
        """
        name = urn.rpartition("::")[2]
        return self._done("create", urn, lambda: self._create(urn, type_, name, inputs, home))

    def update(
        self,
        type_: str,
        identity: str,
        urn: str,
        inputs: Mapping[str, Any],
        home: str,
        sent: Mapping[str, Any] | None = None,
    ) -> Thing:
        """Change a thing in place.

        Args:
            inputs: everything that the program declares.
            sent: top-level properties that differ from the last declared ones, by default all. What something else has
                changed meanwhile stays where `SENT_ALONE` says that the provider sends only those.

        Raises:
            Refused: when it does not exist, or AWS would not.
        """

        def change() -> Thing:
            with self._lock:
                thing = self._find(type_, identity, home)
                for output in RENEWED.get(type_, ()):
                    thing.invented[output] += 1
                changing(thing, inputs, self._others(thing))
                references(type_, inputs, self._others(thing))
                kept = thing.inputs if sent is not None and type_ in SENT_ALONE else {}
                self._show(thing, {**kept, **(sent if kept and sent else inputs)})
                return thing

        return self._done("update", urn, change)

    def read(self, type_: str, identity: str, home: str) -> Thing | None:
        """What exists under an id, or nothing."""
        with self._lock:
            try:
                return self._find(type_, identity, home)
            except Refused:
                return None

    def delete(self, type_: str, identity: str, urn: str, home: str) -> None:
        """Remove a thing; one that is gone already counts as removed.

        Raises:
            Refused: while something still depends on it, or it is protected.
        """

        def remove() -> None:
            with self._lock:
                thing = self.read(type_, identity, home)
                if thing is None:
                    return
                deletion(thing, self._others(thing))
                self.remains |= remains(thing, self.remains)
                del self.things[thing.number]

        self._done("delete", urn, remove)

    def _done(self, verb: Verb, urn: str, act: Callable[[], T]) -> T:
        start, refusal = self.clock.now, ""
        try:
            return act()
        except Refused as error:
            refusal = str(error)
            raise
        finally:
            self.operations.append(Operation(verb, urn, start, self.clock.now, refusal))

    def _create(self, urn: str, type_: str, name: str, inputs: Mapping[str, Any], home: str) -> Thing:
        fault = self.faults.due(type_, name)
        if fault and fault.kind == "fail":
            raise Refused("InternalFailure: the creation failed on demand")
        if fault and fault.kind == "throttle":
            self.clock.wait(fault.seconds)
        self._await_roles(inputs)
        with self._lock:
            thing = Thing(str(next(self._numbers)), type_, name, urn, dict(inputs), home=home)
            for gone in overwritten(thing, self._others(thing)):
                del self.things[gone.number]
            others = self._others(thing)
            uniqueness(thing, others, self.remains)
            references(type_, inputs, others)
            prerequisites(thing, others)
            # The first of its name gets the id that it has in the rehearsal, so that both can be compared.
            seed = thing.number if (type_, name) in self._names else ""
            self._names.add((type_, name))
            thing.id, thing.invented = self._cloud.create(type_, name, inputs, seed)
            thing.id = kubernetes_id(thing) or thing.id
            if self.read(type_, thing.id, home):
                thing.id = f"{thing.id}-{thing.number}"
            thing.invented.update({**self.answers.get(type_, {}), "id": thing.id})
            self._show(thing, inputs)
            self.things[thing.number] = thing
            seconds = creation_seconds(thing, [one for one in others if not one.ready])
        self.clock.wait(seconds)
        if fault and fault.kind == "stall":
            fault.released.wait()
        with self._lock:
            thing.ready, thing.since = True, self.clock.now
            for bucket in written_buckets(thing, self._others(thing)):
                bucket.invented["written"] = True
        if fault and fault.kind == "lose-answer":
            raise Refused("RequestError: the connection was lost before the answer came")
        return thing

    def _show(self, thing: Thing, inputs: Mapping[str, Any]) -> None:
        """Let a thing be what its inputs say."""
        thing.inputs = dict(inputs)
        thing.outputs = {**inputs, **thing.invented}
        thing.known = frozenset({thing.id, *texts(thing.outputs)})

    def _await_roles(self, inputs: Mapping[str, Any]) -> None:
        """Wait for roles that are not usable yet, as long as the real provider would."""
        if not self.role_propagation_seconds:
            return
        used = texts(inputs)
        with self._lock:
            since = [role.since for role in self.of(ROLE) if role.ready and role.outputs["arn"] in used]
        left = max(since, default=-self.role_propagation_seconds) + self.role_propagation_seconds - self.clock.now
        if left > PROPAGATION_PATIENCE_SECONDS:
            self.clock.wait(PROPAGATION_PATIENCE_SECONDS)
            raise Refused("InvalidParameterValueException: the role cannot be assumed")
        self.clock.wait(max(0.0, left))

    def _others(self, thing: Thing) -> list[Thing]:
        return [other for other in self.things.values() if other is not thing]

    def _find(self, type_: str, identity: str, home: str) -> Thing:
        for thing in self.things.values():
            if (thing.type, thing.id, thing.home) == (type_, identity, home):
                return thing
        raise Refused(f"ResourceNotFoundException: there is no {type_} {identity}")
