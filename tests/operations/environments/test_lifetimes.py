"""Time to live: what people write, its bounds, and moments that survive being stored."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from command_line.exits import Stop
from operations.environments import lifetimes

MOMENTS = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))


@pytest.mark.parametrize(("text", "hours"), [("90m", 1.5), ("8h", 8), ("2d", 48), ("30m", 0.5), ("72h", 72)])
def test_minutes_hours_and_days_are_understood(text: str, hours: float) -> None:
    assert lifetimes.ttl(text, 72) == timedelta(hours=hours)


@pytest.mark.parametrize("text", ["", "8", "h", "-1h", "8 h", "8h30m", "1.5h", "29m", "0h", "73h", "4d", "999999h"])
def test_no_other_time_to_live_is_accepted(text: str) -> None:
    with pytest.raises(Stop, match="allowed: 30m to 72h, written as"):
        lifetimes.ttl(text, 72)


@given(st.integers(0, 99999), st.sampled_from("mhd"), st.integers(1, 336))
def test_a_time_to_live_never_exceeds_the_setting(number: int, unit: str, hours_max: int) -> None:
    try:
        found = lifetimes.ttl(f"{number}{unit}", hours_max)
    except Stop:
        return
    assert lifetimes.SHORTEST <= found <= timedelta(hours=hours_max)


@given(MOMENTS)
def test_a_moment_survives_being_stored(moment: datetime) -> None:
    assert lifetimes.as_moment(lifetimes.as_text(moment)) == moment.replace(microsecond=0)


@given(MOMENTS, MOMENTS)
def test_stored_moments_sort_as_time_does(one: datetime, other: datetime) -> None:
    one, other = one.replace(microsecond=0), other.replace(microsecond=0)
    assert (lifetimes.as_text(one) < lifetimes.as_text(other)) == (one < other)


def test_the_time_left_is_said_in_hours_and_minutes() -> None:
    at = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
    assert lifetimes.left(at + timedelta(hours=7, minutes=5), at) == "7 h 05 min"
    assert lifetimes.left(at + timedelta(minutes=59), at) == "59 min"
    assert lifetimes.left(at - timedelta(hours=3), at) == "expired 3 h 00 min ago"
