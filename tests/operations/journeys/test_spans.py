from hypothesis import given
from hypothesis import strategies as st

from operations.journeys.spans import Spans, over_each

NUMBERS = st.integers(0, 60)
SPANS = st.lists(st.tuples(NUMBERS, NUMBERS), max_size=5).map(Spans.of)


def members(spans: Spans) -> set[int]:
    return {number for first, last in spans.spans for number in range(first, last + 1)}


@given(SPANS, SPANS)
def test_spans_are_sets_of_numbers(one: Spans, other: Spans) -> None:
    assert members(one | other) == members(one) | members(other)
    assert members(one & other) == members(one) & members(other)
    assert members(one - other) == members(one) - members(other)
    assert one.within(other) == (members(one) <= members(other))
    assert bool(one) == bool(members(one))


@given(SPANS, SPANS)
def test_equal_sets_are_equal(one: Spans, other: Spans) -> None:
    assert (one == other) == (members(one) == members(other))


@given(SPANS, st.lists(SPANS, max_size=4))
def test_what_is_asked_of_each_part_is_what_holds_for_its_members(addresses: Spans, ranges: list[Spans]) -> None:
    def answer(part: Spans) -> Spans:
        return Spans.of((number, number) for number, one in enumerate(ranges) if part.within(one))

    each = [{number for number, one in enumerate(ranges) if member in members(one)} for member in members(addresses)]
    surely = over_each(addresses, ranges, answer, surely=True)
    anywhere = over_each(addresses, ranges, answer, surely=False)
    assert members(surely) == (set.intersection(*each) if each else set())
    assert members(anywhere) == set().union(*each)


def test_ports_and_addresses_are_told_as_people_write_them() -> None:
    assert Spans.of([(443, 443), (1024, 3388)]).as_ports() == "443, 1024-3388"
    assert Spans.addresses(["10.80.16.10/32", "10.80.0.0/30"]).as_addresses() == "10.80.0.0-10.80.0.3, 10.80.16.10"
