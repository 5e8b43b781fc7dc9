"""What reaping and taking down do about a lock, on an engine that is played: a dead update's, and a live one's."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Network
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from pulumi import automation
from pulumi.automation.errors import create_command_error

from command_line.exits import Stop
from operations.environments import identity, lifecycle
from operations.environments.configuration import ranges_in_use, source_settings
from operations.environments.guard import LIFETIME_TAG, TEMPORARY
from operations.environments.ledger import Environment, Ledger, Request
from operations.environments.ledger_store import FileStore, change
from operations.environments.lifecycle import STALE_LOCK, Environments
from operations.environments.names import stack_of
from operations.environments.stacks import Engine

NOW = datetime(2026, 11, 22, 20, 0, tzinfo=UTC)
NAME = "blue"


@dataclass
class PlayedEngine:
    """An engine with one stack, which perhaps is locked."""

    locked_at: datetime | None = None
    standing: bool = True
    unlocked: int = 0
    command: Any = field(default_factory=lambda: SimpleNamespace(interrupted=False))

    def names(self) -> set[str]:
        return {stack_of(NAME)} if self.standing else set()

    def tags(self, _stack: str) -> dict[str, str]:
        return {LIFETIME_TAG: TEMPORARY}

    def resources(self, _stack: str) -> tuple[()]:
        return ()

    def destroy(self, stack: str, _on_event: object) -> None:
        if self.locked_at:
            said = (
                "error: the stack is currently locked by 1 lock(s). Either wait for the other process(es) to end or "
                f"delete the lock file with `pulumi cancel`.\n  s3://state/.pulumi/locks/{stack}/1.json: created by "
                f"runner@host (pid 7) at {self.locked_at:%Y-%m-%dT%H:%M:%SZ}"
            )
            raise create_command_error(automation.CommandResult(stdout="", stderr=said, code=255))
        self.standing = False

    def unlock(self, _stack: str) -> None:
        self.locked_at = None
        self.unlocked += 1


def environments(engine: PlayedEngine, directory: Path) -> Environments:
    configuration, settings = source_settings("dev")
    store = FileStore(directory)
    one = Environment(
        name=NAME,
        owner="dana",
        purpose="a test",
        source="dev",
        account=settings.account_id,
        cidr=IPv4Network("10.64.0.0/20"),
        created=NOW - timedelta(hours=9),
        until=NOW - timedelta(hours=1),
    )
    change(store, lambda _: Ledger({NAME: one}))
    return Environments(
        engine=cast("Engine", engine),
        store=store,
        source=configuration,
        settings=settings,
        caller=settings.account_id,
        pause=lambda _: None,
        now=lambda: NOW,
    )


def test_the_reaper_breaks_the_lock_of_a_dead_update_and_goes_on(tmp_path: Path) -> None:
    engine = PlayedEngine(locked_at=NOW - STALE_LOCK - timedelta(minutes=1))
    life = environments(engine, tmp_path)
    assert life.reap() == ([NAME], [])
    assert (engine.unlocked, engine.standing) == (1, False)
    assert life.ledger().environments == {}


def test_the_reaper_leaves_an_update_alone_that_may_still_run(tmp_path: Path) -> None:
    engine = PlayedEngine(locked_at=NOW - STALE_LOCK + timedelta(minutes=1))
    life = environments(engine, tmp_path)
    gone, left = life.reap()
    assert gone == []
    assert [one.stack for one in left] == [stack_of(NAME)]
    assert f"`pulumi cancel --stack {stack_of(NAME)}` unlocks it" in left[0].reason
    assert (engine.unlocked, engine.standing) == (0, True)
    assert NAME in life.ledger().environments, "the next reap goes on with it"


def test_taking_down_never_breaks_a_lock(tmp_path: Path) -> None:
    engine = PlayedEngine(locked_at=NOW - 2 * STALE_LOCK)
    with pytest.raises(Stop) as stopped:
        environments(engine, tmp_path).down(NAME, "dana")
    assert "`pulumi cancel" in stopped.value.lines[0]
    assert engine.unlocked == 0


def test_the_reaper_takes_no_step_in_another_account(tmp_path: Path) -> None:
    engine = PlayedEngine()
    gone, left = replace(environments(engine, tmp_path), caller="999999999999").reap()
    assert gone == []
    assert "you are logged in to account 999999999999" in left[0].reason
    assert engine.standing


def test_an_up_that_is_refused_leaves_the_name_to_its_owners_other_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two of one owner's at the same time: the first is refused by the pack after the second has claimed the name."""
    life = environments(PlayedEngine(standing=False), tmp_path)
    change(life.store, lambda _: Ledger())
    asked = Request(
        name=NAME,
        owner="dana",
        purpose="a test",
        source="dev",
        account=life.settings.account_id,
        lifetime=timedelta(hours=8),
    )

    def judged(_configuration: object) -> tuple[()]:
        taken = ranges_in_use(life.settings)
        change(
            life.store, lambda ledger: ledger.claim(asked, NOW, limit=4, pool=IPv4Network("10.64.0.0/12"), taken=taken)
        )
        raise Stop(1, "refused by the pack")

    monkeypatch.setattr(lifecycle.identity, "zone_id", lambda *_: "Z0123456789ABC")
    monkeypatch.setattr(lifecycle.forecast, "judged", judged)
    with pytest.raises(Stop, match="refused by the pack"):
        life.up(asked)
    assert life.ledger().get(NAME).claims == 2


def test_environments_expire_by_awss_clock_and_not_by_this_machines(monkeypatch: pytest.MonkeyPatch) -> None:
    said = "Sun, 22 Nov 2026 20:00:00 GMT"
    answer = {"Account": "1", "ResponseMetadata": {"HTTPHeaders": {"date": said}}}
    client = SimpleNamespace(get_caller_identity=lambda: answer)
    monkeypatch.setattr(identity.boto3, "client", lambda *_args, **_given: client)
    monkeypatch.setattr(identity.lifetimes, "now", lambda: NOW + timedelta(days=1))
    assert identity.clock("eu-central-1")() == NOW
    answer["ResponseMetadata"] = {"HTTPHeaders": {}}
    with pytest.raises(Stop, match="'' is no time"):
        identity.clock("eu-central-1")
