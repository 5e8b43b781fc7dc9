"""What component tests share: a placement, and a way to play one component on the stand-in cloud."""

from collections.abc import Callable

import pytest

from components.foundations.alarms import Alarms
from components.foundations.log_storage import LogStorage
from components.foundations.placement import Placement
from recording.configuration import Configuration
from recording.program import Recording, record
from recording.stand_in_cloud import StandInCloud

REGION = "eu-central-1"
ACCOUNT = "123456789012"
LOG_KEY_ARN = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/logs"
TOPIC_ARN = f"arn:aws:sns:{REGION}:{ACCOUNT}:alarms"

Play = Callable[[Callable[[], object]], Recording]


@pytest.fixture(scope="session")
def placement() -> Placement:
    return Placement(
        stack="test", region=REGION, account_id=ACCOUNT, production=False, owner="platform", cost_centre="softpos"
    )


@pytest.fixture(scope="session")
def production(placement: Placement) -> Placement:
    return Placement(
        stack="prod", region=REGION, account_id=ACCOUNT, production=True, owner="platform", cost_centre="softpos"
    )


@pytest.fixture(scope="session")
def logs(placement: Placement) -> LogStorage:
    return LogStorage(placement=placement, key_arn=LOG_KEY_ARN, retention_days=400)


@pytest.fixture(scope="session")
def alarms(placement: Placement) -> Alarms:
    return Alarms(placement=placement, topic_arn=TOPIC_ARN)


@pytest.fixture(scope="session")
def play() -> Play:
    """Build components inside a program and get what they registered; every `apply` has run by then."""

    def run(build: Callable[[], object]) -> Recording:
        def program() -> None:
            build()

        configuration = Configuration(project="softpos", stack="test", values={})
        return record(program, StandInCloud(REGION, ACCOUNT), configuration)

    return run
