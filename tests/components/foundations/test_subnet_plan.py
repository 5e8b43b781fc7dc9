from ipaddress import IPv4Network
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.foundations.subnet_plan import Tier, plan_subnets

vpc_ranges = st.builds(
    lambda address, prefix: IPv4Network((address, prefix), strict=False),
    st.integers(0, 2**32 - 1),
    st.integers(16, 20),
)


@given(vpc_ranges)
def test_subnets_lie_in_the_vpc_and_never_overlap(vpc: IPv4Network) -> None:
    plan = plan_subnets(vpc)
    subnets = [subnet for tier in Tier for subnet in plan.of(tier)]
    assert len(subnets) == 9
    assert all(subnet.subnet_of(vpc) for subnet in subnets)
    assert not [pair for pair in combinations(subnets, 2) if pair[0].overlaps(pair[1])]


@given(vpc_ranges)
def test_at_least_half_of_the_vpc_stays_free(vpc: IPv4Network) -> None:
    plan = plan_subnets(vpc)
    used = sum(subnet.num_addresses for tier in Tier for subnet in plan.of(tier))
    assert used <= vpc.num_addresses / 2


@given(vpc_ranges)
def test_every_public_subnet_has_room_for_a_load_balancer(vpc: IPv4Network) -> None:
    assert all(subnet.prefixlen <= 27 for subnet in plan_subnets(vpc).public)


@given(vpc_ranges)
def test_the_plan_depends_on_nothing_but_the_range(vpc: IPv4Network) -> None:
    assert plan_subnets(vpc) == plan_subnets(IPv4Network(str(vpc)))


@given(st.integers(21, 32))
def test_a_vpc_too_small_for_its_tiers_is_refused(prefix: int) -> None:
    with pytest.raises(ValueError, match=r"too small for three tiers.*choose a wider range"):
        plan_subnets(IPv4Network(("10.0.0.0", prefix)))
