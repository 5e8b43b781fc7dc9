"""The ledger's promises: one owner a name, no overlap, never more than allowed, nothing comes back while it leaves."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Network
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from command_line.exits import Stop
from operations.environments.addresses import PREFIX_LENGTH, free_range
from operations.environments.ledger import LONGEST_LIFE, Ledger, Request, from_text, to_text

AT = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
POOL = IPv4Network("10.64.0.0/12")
DEV = IPv4Network("10.20.0.0/16")
ACCOUNT = "444455556666"


def ask(name: str = "ana", owner: str = "ana", hours: float = 8, **others: str) -> Request:
    given_ = {"purpose": "test", "source": "dev", "account": ACCOUNT, "image": "", **others}
    return Request(name=name, owner=owner, lifetime=timedelta(hours=hours), **given_)


def claim(ledger: Ledger, request: Request, at: datetime = AT, limit: int = 4, pool: IPv4Network = POOL) -> Ledger:
    return ledger.claim(request, at, limit=limit, pool=pool, taken=[DEV])


def test_the_time_to_live_counts_from_the_last_up() -> None:
    ledger = claim(Ledger(), ask(hours=8))
    assert ledger.get("ana").until == AT + timedelta(hours=8)
    later = AT + timedelta(hours=6)
    ledger = claim(ledger, ask(hours=2), at=later)
    assert ledger.get("ana").until == later + timedelta(hours=2)


def test_the_time_to_live_counts_from_the_last_extend() -> None:
    ledger = claim(Ledger(), ask()).extend("ana", "ana", AT + timedelta(hours=30))
    assert ledger.get("ana").until == AT + timedelta(hours=30)


def test_no_environment_lives_longer_than_two_weeks_however_often_it_is_extended() -> None:
    ledger = claim(Ledger(), ask(hours=72))
    for day in (2, 5, 8, 11):
        ledger = ledger.extend("ana", "ana", AT + timedelta(days=day, hours=72))
    assert ledger.get("ana").until == ledger.get("ana").end == AT + LONGEST_LIFE
    with pytest.raises(Stop, match="allowed: 14 days, until 2026-12-07T09:00:00Z; take it down"):
        ledger.extend("ana", "ana", AT + timedelta(days=14, minutes=1))
    late = claim(ledger, ask(hours=72), at=AT + timedelta(days=13))
    assert late.get("ana").until == AT + LONGEST_LIFE
    with pytest.raises(Stop, match="allowed: 14 days"):
        claim(ledger, ask(hours=1), at=AT + LONGEST_LIFE)


def test_a_claim_is_given_back_only_while_nobody_claimed_it_again() -> None:
    first = claim(Ledger(), ask())
    assert first.give_back(first.get("ana")).environments == {}
    second = claim(first, ask())
    assert second.give_back(first.get("ana")) == second
    assert Ledger().give_back(first.get("ana")).environments == {}


def test_a_ledger_of_before_has_one_claim_each() -> None:
    text = to_text(claim(Ledger(), ask())).replace(',\n   "claims": 1', "")
    assert "claims" not in text
    assert from_text(text).get("ana").claims == 1


def test_a_second_up_keeps_address_image_and_birthday() -> None:
    first = claim(Ledger(), ask(image="registry/softpos@sha256:1"))
    again = claim(first, ask(), at=AT + timedelta(hours=1))
    for kept in ("cidr", "image", "created"):
        assert getattr(again.get("ana"), kept) == getattr(first.get("ana"), kept)


def test_two_developers_cannot_have_one_name() -> None:
    ledger = claim(Ledger(), ask(owner="ana"))
    for step in (
        lambda: claim(ledger, ask(owner="ben")),
        lambda: ledger.extend("ana", "ben", AT),
        lambda: ledger.theirs("ana", "ben"),
    ):
        with pytest.raises(Stop, match="ana belongs to ana until 2026-11-23T17:00:00Z, not to ben"):
            step()


def test_the_account_is_never_overfilled_and_the_refusal_says_who_leaves_first() -> None:
    ledger = claim(claim(Ledger(), ask("one", hours=9)), ask("two", hours=3))
    with pytest.raises(Stop, match="2 environments exist, allowed: 2; two of ana expires first"):
        claim(ledger, ask("three"), limit=2)
    assert claim(ledger, ask("one"), limit=2).get("one")


def test_what_is_leaving_cannot_come_back() -> None:
    ledger = claim(Ledger(), ask()).leave("ana")
    for step in (lambda: claim(ledger, ask()), lambda: ledger.extend("ana", "ana", AT + timedelta(days=1))):
        with pytest.raises(Stop, match="ana is being destroyed"):
            step()


def test_an_environment_does_not_change_its_source() -> None:
    with pytest.raises(Stop, match="was made from dev, not qa"):
        claim(claim(Ledger(), ask()), ask(source="qa"))


def test_only_what_is_due_or_leaving_is_expired_and_the_oldest_comes_first() -> None:
    ledger = Ledger()
    for name, hours in (("soon", 2), ("late", 1), ("fresh", 9), ("going", 9)):
        ledger = claim(ledger, ask(name, hours=hours))
    ledger = ledger.leave("going")
    due = ledger.expired(AT + timedelta(hours=2))
    assert [one.name for one in due] == ["late", "soon", "going"]
    assert [one.name for one in ledger.expired(AT + timedelta(hours=1, minutes=59))] == ["late", "going"]


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["claim", "extend", "leave", "forget"]),
            st.sampled_from(["aa", "bb", "cc", "dd", "ee", "ff"]),
            st.sampled_from(["ana", "ben"]),
        ),
        max_size=40,
    ),
    st.integers(0, 5),
)
def test_no_sequence_of_changes_breaks_a_promise(steps: list[tuple[str, str, str]], limit: int) -> None:
    pool = IPv4Network("10.64.0.0/18")
    ledger = Ledger()
    for hour, (verb, name, owner) in enumerate(steps):
        before = ledger
        try:
            match verb:
                case "claim":
                    ledger = claim(ledger, ask(name, owner), at=AT + timedelta(hours=hour), limit=limit, pool=pool)
                case "extend":
                    ledger = ledger.extend(name, owner, AT + timedelta(hours=hour + 8))
                case "leave":
                    ledger = ledger.leave(name)
                case "forget":
                    ledger = ledger.forget(name)
        except Stop:
            assert ledger is before
        found = ledger.environments
        assert len(found) <= limit
        assert all(not one.cidr.overlaps(other.cidr) for one, other in combinations(found.values(), 2))
        assert all(one.cidr.subnet_of(pool) for one in found.values())
        for kept in found.keys() & before.environments.keys():
            assert found[kept].owner == before.environments[kept].owner
            assert found[kept].cidr == before.environments[kept].cidr
            assert before.environments[kept].state == "live" or found[kept].state == "leaving"
        assert from_text(to_text(ledger)) == ledger


NETWORKS = st.builds(
    lambda base, length: IPv4Network((base, length), strict=False), st.integers(0, 2**32 - 1), st.integers(9, 28)
)


@given(NETWORKS.filter(lambda pool: pool.prefixlen <= PREFIX_LENGTH), st.lists(NETWORKS, max_size=8))
def test_a_range_is_inside_the_pool_and_apart_from_everything(pool: IPv4Network, taken: list[IPv4Network]) -> None:
    try:
        found = free_range(pool, taken)
    except Stop:
        assert all(
            any(candidate.overlaps(other) for other in taken) for candidate in pool.subnets(new_prefix=PREFIX_LENGTH)
        )
        return
    assert found.subnet_of(pool)
    assert found.prefixlen == PREFIX_LENGTH
    assert not any(found.overlaps(other) for other in taken)


def test_a_full_pool_is_refused_in_one_sentence() -> None:
    with pytest.raises(Stop, match=r"10\.64\.0\.0/20 has no free /20 left"):
        free_range(IPv4Network("10.64.0.0/20"), [IPv4Network("10.64.8.0/24")])


@pytest.mark.parametrize(
    "text", ["{", "[]", "7", "{}", '{"version": 2, "environments": {}}', '{"version": 1, "environments": {"a": {}}}']
)
def test_a_document_that_is_no_ledger_is_refused_not_taken_for_empty(text: str) -> None:
    with pytest.raises(Stop, match=r"environments\.json"):
        from_text(text)


def test_nothing_stored_is_an_empty_ledger() -> None:
    expected: Mapping[str, object] = {}
    assert from_text("").environments == expected
