"""Two components of a kind in one program, and a program of another project: AWS is asked for no name twice."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from components.data.payment_database import PaymentDatabase
from components.data.session_cache import SessionCache
from components.foundations.alarms import Alarms
from components.foundations.log_storage import LogStorage
from components.foundations.placement import Placement
from components.network.secure_vpc import SecureVpc
from facts.names import namings
from recording.program import Recording
from tests.components.conftest import Play
from tests.components.data import test_payment_database, test_session_cache
from tests.components.network import test_secure_vpc

Build = Callable[[str, Placement, LogStorage, Alarms], object]

KINDS: dict[str, Build] = {
    "network": lambda name, place, logs, _: SecureVpc(name, test_secure_vpc.arguments(place, logs)),
    "database": lambda name, place, logs, alarms: PaymentDatabase(
        name, test_payment_database.arguments(place, logs, alarms, test_payment_database.AURORA)
    ),
    "cluster database": lambda name, place, logs, alarms: PaymentDatabase(
        name, test_payment_database.arguments(place, logs, alarms, test_payment_database.MULTI_AZ)
    ),
    "cache": lambda name, place, logs, alarms: SessionCache(name, test_session_cache.arguments(place, logs, alarms)),
}


def physical_names(recording: Recording) -> set[tuple[str, str]]:
    found = set()
    for resource in recording.resources:
        rule = namings().get(resource.type)
        name = resource.inputs.get(rule.property) if rule else None
        if isinstance(name, str):
            found.add((resource.type, name))
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_two_of_a_kind_share_no_physical_name(
    kind: str, play: Play, placement: Placement, logs: LogStorage, alarms: Alarms
) -> None:
    build = KINDS[kind]
    both = play(lambda: [build(name, placement, logs, alarms) for name in ("one", "two")])
    assert len(both.resources) == 2 * len(play(lambda: build("one", placement, logs, alarms)).resources)


@pytest.mark.parametrize("kind", KINDS)
def test_a_foreign_project_shares_no_physical_name_and_no_tag_with_the_platform(
    kind: str, play: Play, placement: Placement, logs: LogStorage, alarms: Alarms
) -> None:
    build, shop = KINDS[kind], replace(placement, project="shop")
    usual = kind.rpartition(" ")[2]
    ours = play(lambda: build(usual, placement, logs, alarms))
    theirs = play(lambda: build(usual, shop, replace(logs, placement=shop), replace(alarms, placement=shop)))
    assert not physical_names(ours) & physical_names(theirs)
    tags = [resource.inputs["tags"] for resource in theirs.resources if resource.inputs.get("tags")]
    assert tags
    assert {tag["Project"] for tag in tags} == {"shop"}
    assert not [tag["Name"] for tag in tags if not tag["Name"].startswith("shop-")]
