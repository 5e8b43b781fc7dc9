"""A name is refused before anything is claimed when DNS, AWS or a person could take it for something else."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from command_line.exits import Stop
from operations.environments.names import LONGEST, environment_name, is_environment, stack_of


@pytest.mark.parametrize("name", ["ana", "a1", "pr-12345", "ana-3ds", "x" * LONGEST])
def test_a_short_lower_case_name_is_accepted(name: str) -> None:
    assert environment_name(name) == name


@pytest.mark.parametrize(
    "name", ["", "a", "-a", "a-", "a--b", "1a", "Ana", "ana_1", "ana.x", "ana b", "ä1", "x" * (LONGEST + 1), "ana\n"]
)
def test_a_name_that_dns_or_aws_would_refuse_is_refused(name: str) -> None:
    with pytest.raises(Stop, match="allowed: 2 to 10 lower-case letters"):
        environment_name(name)


@pytest.mark.parametrize("name", ["prod", "dev", "pay", "www"])
def test_a_name_that_reads_permanent_is_reserved(name: str) -> None:
    with pytest.raises(Stop, match="is reserved"):
        environment_name(name)


def test_the_source_stacks_own_host_label_is_taken() -> None:
    with pytest.raises(Stop, match="is reserved"):
        environment_name("shop", taken_labels={"shop"})


@pytest.mark.parametrize("stack", ["prod", "dev", "env-", "env-prod", "env-Ana", "environment", "xenv-ana", "env-a.b"])
def test_no_other_stack_counts_as_an_environment(stack: str) -> None:
    assert not is_environment(stack)


@given(st.from_regex(r"[a-z](-?[a-z0-9]){1,9}", fullmatch=True))
def test_every_accepted_name_makes_a_dns_label_and_an_environments_stack(name: str) -> None:
    try:
        environment_name(name)
    except Stop:
        return
    assert len(name) <= LONGEST
    assert re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", name)
    assert is_environment(stack_of(name))
