"""Who has which environment, until when, at which addresses: one small document and the changes it allows.

The document is the truth; tags of stacks and of AWS resources are copies of it for people. Every change is a pure
function from one ledger to the next, so that a store needs no more than compare-and-swap to keep all its promises:
one owner a name, no overlapping addresses, no more environments than the account allows.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from ipaddress import IPv4Network
from typing import Any, Literal

from command_line.exits import FAILED, REFUSED, Stop
from operations.environments.addresses import free_range
from operations.environments.lifetimes import as_moment, as_text

VERSION = 1
LONGEST_LIFE = timedelta(days=14)
"""From its creation, whatever is added to it: what lives longer is no test environment any more."""


@dataclass(frozen=True, kw_only=True)
class Environment:
    """One environment as the ledger knows it."""

    name: str
    owner: str
    purpose: str
    source: str
    """Stack whose settings it started from."""
    account: str
    """The 12 digits of the account it lives in; it is destroyed in no other."""
    cidr: IPv4Network
    created: datetime
    until: datetime
    """From then on the reaper may destroy it."""
    state: Literal["live", "leaving"] = "live"
    """``leaving`` once its destruction has begun: it cannot come back, only finish."""
    image: str = ""
    """Image by digest, where another than the source's was asked for."""
    claims: int = 1
    """How often its owner asked for it: 1 means that nobody but who claimed it works on it."""

    @property
    def end(self) -> datetime:
        """When it ends at the latest."""
        return self.created + LONGEST_LIFE

    def expired(self, at: datetime) -> bool:
        return self.state == "leaving" or self.until <= at


@dataclass(frozen=True, kw_only=True)
class Request:
    """What somebody asks for."""

    name: str
    owner: str
    purpose: str
    source: str
    account: str
    lifetime: timedelta
    image: str = ""
    """Empty keeps what the environment runs already, or the source's."""


@dataclass(frozen=True)
class Ledger:
    """All environments by name."""

    environments: Mapping[str, Environment] = field(default_factory=dict)

    def claim(
        self, request: Request, at: datetime, *, limit: int, pool: IPv4Network, taken: Iterable[IPv4Network]
    ) -> Ledger:
        """The ledger with `request` granted: a new environment, or a longer life for the owner's own.

        Raises:
            Stop: when the name is another's, the environment is leaving, or the account is full.
        """
        found = self.environments.get(request.name)
        if found is None:
            return self._with(self._new(request, at, limit, pool, taken))
        self._must_be_theirs(found, request.owner)
        _must_stay(found)
        if found.source != request.source:
            raise Stop(
                REFUSED,
                f"--from: {request.name} was made from {found.source}, not {request.source}; "
                "take it down first, or leave the option away.",
            )
        if found.end <= at:
            raise _too_long(found)
        return self._with(
            replace(
                found,
                claims=found.claims + 1,
                until=min(at + request.lifetime, found.end),
                purpose=request.purpose or found.purpose,
                image=request.image or found.image,
            )
        )

    def extend(self, name: str, owner: str, until: datetime) -> Ledger:
        """The ledger with another end for one environment.

        Raises:
            Stop: when there is none of that name, it is another's, it is leaving, or it would live too long.
        """
        found = self.get(name)
        self._must_be_theirs(found, owner)
        _must_stay(found)
        if until > found.end:
            raise _too_long(found)
        return self._with(replace(found, until=until))

    def leave(self, name: str) -> Ledger:
        """The ledger once the destruction of one environment has begun."""
        return self._with(replace(self.get(name), state="leaving"))

    def forget(self, name: str) -> Ledger:
        """The ledger without one environment, of which nothing is left."""
        return Ledger({other: kept for other, kept in self.environments.items() if other != name})

    def give_back(self, claimed: Environment) -> Ledger:
        """The ledger without an environment of which nothing was made, if it still is as this claim left it.

        Its owner may have claimed it again since: then somebody else makes it now, and it stays.
        """
        return self.forget(claimed.name) if self.environments.get(claimed.name) == claimed else self

    def get(self, name: str) -> Environment:
        """One environment.

        Raises:
            Stop: when there is none of that name.
        """
        if name not in self.environments:
            known = ", ".join(sorted(self.environments)) or "none exists"
            raise Stop(REFUSED, f"NAME: there is no environment {name!r}; known: {known}; see `env list`.")
        return self.environments[name]

    def theirs(self, name: str, owner: str) -> Environment:
        """One environment, if it is this owner's.

        Raises:
            Stop: when there is none of that name, or it is another's.
        """
        found = self.get(name)
        self._must_be_theirs(found, owner)
        return found

    def expired(self, at: datetime) -> list[Environment]:
        """What may be destroyed, the longest expired first."""
        return sorted((one for one in self.environments.values() if one.expired(at)), key=lambda one: one.until)

    def _new(
        self, request: Request, at: datetime, limit: int, pool: IPv4Network, taken: Iterable[IPv4Network]
    ) -> Environment:
        if len(self.environments) >= limit:
            soonest = min(self.environments.values(), key=lambda one: one.until, default=None)
            ends = f"; {soonest.name} of {soonest.owner} expires first, at {as_text(soonest.until)}" if soonest else ""
            raise Stop(
                REFUSED,
                f"softpos:temporaryLimit: {len(self.environments)} environments exist, allowed: {limit}{ends}; "
                "take one down, or raise the limit and the account's quotas.",
            )
        used = [*taken, *(one.cidr for one in self.environments.values())]
        return Environment(
            name=request.name,
            owner=request.owner,
            purpose=request.purpose,
            source=request.source,
            account=request.account,
            cidr=free_range(pool, used),
            created=at,
            until=at + request.lifetime,
            image=request.image,
        )

    def _must_be_theirs(self, found: Environment, owner: str) -> None:
        if found.owner != owner:
            raise Stop(
                REFUSED,
                f"NAME: {found.name} belongs to {found.owner} until {as_text(found.until)}, not to {owner}; "
                "choose another name, or give --owner if you act for them.",
            )

    def _with(self, environment: Environment) -> Ledger:
        return Ledger({**self.environments, environment.name: environment})


def _too_long(found: Environment) -> Stop:
    return Stop(
        REFUSED,
        f"NAME: {found.name} was made at {as_text(found.created)}; allowed: {LONGEST_LIFE.days} days, until "
        f"{as_text(found.end)}; take it down and make another one.",
    )


def _must_stay(found: Environment) -> None:
    if found.state == "leaving":
        raise Stop(
            REFUSED,
            f"NAME: {found.name} is being destroyed; wait until `env list` no longer shows it, or finish it by "
            f"`env down {found.name}`.",
        )


def to_text(ledger: Ledger) -> str:
    """The ledger as it is stored."""
    entries = {
        name: {
            **asdict(one),
            "cidr": str(one.cidr),
            "created": as_text(one.created),
            "until": as_text(one.until),
        }
        for name, one in sorted(ledger.environments.items())
    }
    return json.dumps({"version": VERSION, "environments": entries}, indent=1) + "\n"


def from_text(text: str) -> Ledger:
    """The ledger that `to_text` wrote; nothing stored is an empty ledger.

    Raises:
        Stop: when the text is no ledger of this version: guessing could destroy the wrong thing.
    """
    if not text:
        return Ledger()
    try:
        document = json.loads(text)
        if document["version"] != VERSION:
            raise Stop(
                FAILED,
                f"environments.json: version {document['version']} is not allowed; allowed: {VERSION}; "
                "use the release of this tool that wrote it.",
            )
        return Ledger({name: _entry(entry) for name, entry in document["environments"].items()})
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Stop(
            FAILED,
            f"environments.json: it is no ledger of environments ({type(error).__name__}: {error}); "
            "restore an earlier version of the object in the state bucket.",
        ) from None


def _entry(entry: Mapping[str, Any]) -> Environment:
    texts = {key: value for key, value in entry.items() if key not in ("cidr", "created", "until")}
    return Environment(
        **texts,
        cidr=IPv4Network(entry["cidr"]),
        created=as_moment(entry["created"]),
        until=as_moment(entry["until"]),
    )
