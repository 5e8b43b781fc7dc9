"""What the tests on the real engine share: the CLI, an account that stands in for AWS, and a whole life of a stack."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from command_line.exits import NO_PULUMI
from operations.plan.stack_recording import stack_settings
from recording.program import Recording
from tests.pack import copy_pack
from tests.recorded import recorded
from tools.engine.account import Account
from tools.engine.api_server import ApiServer
from tools.engine.clock import Clock, NoTime
from tools.engine.stack import EngineStack, Run

REGION = "eu-central-1"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that ask for the CLI are skipped, with the reason, where there is none."""
    for item in items:
        if "cli" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.engine)


@pytest.fixture(scope="session")
def cli() -> None:
    if shutil.which("pulumi") is None:
        pytest.skip(NO_PULUMI)


@pytest.fixture(scope="session")
def cluster_endpoint() -> Iterator[str]:
    with ApiServer() as server:
        yield server.url


AccountOf = Callable[..., Account]


@pytest.fixture(scope="session")
def account_of(cluster_endpoint: str) -> AccountOf:
    """Makes the empty account that a stack's settings name."""

    def make(stack: str, clock: Clock | None = None) -> Account:
        return Account(
            region=REGION,
            number=stack_settings(stack)[1].account_id,
            clock=clock or NoTime(),
            answers={"aws:eks/cluster:Cluster": {"endpoint": cluster_endpoint}},
        )

    return make


@pytest.fixture(scope="session")
def rehearsed() -> Callable[[str], Recording]:
    """The same stack, recorded without the CLI; once a session."""
    return recorded


@dataclass
class Life:
    """What was seen when a stack was deployed twice, refreshed and destroyed."""

    stack: str
    account: Account
    first: Run
    created: list[str]
    state: dict[str, Any]
    second: Run
    operations_of_second: int
    refresh: Run
    destroy: Run
    seconds_played: float
    left: list[str] = field(default_factory=list)
    """URNs of what still exists in the account at the end."""

    @property
    def resources(self) -> list[dict[str, Any]]:
        return list(self.state["deployment"]["resources"])


@pytest.fixture(scope="session")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The policy pack, as `--policy-pack` takes it."""
    return copy_pack(tmp_path_factory.mktemp("pack"))


@pytest.fixture(scope="session", params=["dev", pytest.param("prod", marks=pytest.mark.slow)])
def life(request: pytest.FixtureRequest, cli: None, account_of: AccountOf) -> Life:
    """Up with the policy pack, up again, refresh, destroy."""
    stack = str(request.param)
    account = account_of(stack, Clock())
    with EngineStack(account, stack) as engine:
        first = engine.up(*engine.policy)
        seconds_played = account.clock.now
        account.clock.close()
        created, state = account.created(), engine.state()
        before = len(account.operations)
        second = engine.up()
        operations_of_second = len(account.operations) - before
        refresh = engine.refresh()
        destroy = engine.destroy(preview=stack == "prod")
    left = [thing.urn for thing in account.things.values()]
    return Life(
        stack=stack,
        account=account,
        first=first,
        created=created,
        state=state,
        second=second,
        operations_of_second=operations_of_second,
        refresh=refresh,
        destroy=destroy,
        seconds_played=seconds_played,
        left=left,
    )


@pytest.fixture
def stack_of(cli: None, account_of: AccountOf, tmp_path: Path) -> Iterator[Callable[..., EngineStack]]:
    """Makes stacks that are gone after the test."""
    made: list[EngineStack] = []

    def make(stack: str, account: Account | None = None, **options: Any) -> EngineStack:
        engine = EngineStack(account or account_of(stack), stack, folder=tmp_path, **options)
        made.append(engine)
        return engine

    yield make
    for engine in made:
        engine.__exit__(None, None, None)
